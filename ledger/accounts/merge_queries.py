"""Reads of merges: who was merged into whom, now and at two times."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, or_, select

from ledger.accounts.merges import Merged
from ledger.accounts.models import merges

MERGES: LiteralString = """
SELECT uuid_send(merge_id), uuid_send(holder_id), uuid_send(duplicate_id),
       ARRAY(SELECT uuid_send(lot) FROM unnest(uncounted) AS lot)
  FROM merges WHERE holder_id = ANY(%b) AND undone_at IS NULL
"""
"""Who is merged into these members at present."""


class Duplicate(NamedTuple):
    """A member who is merged into another, and the lots of growth that do not count there."""

    duplicate: UUID
    uncounted: frozenset[UUID]


class Merges(NamedTuple):
    """What a member is to others."""

    duplicates: list[Duplicate]
    is_duplicate: bool


def merges_in(rows: Iterable[tuple[Any, ...]]) -> list[Merged]:
    """The merges that ``MERGES`` has found, without what has gone over."""
    return [
        Merged(merge, survivor, duplicate, frozenset(map(bytes, lots)))
        for merge, survivor, duplicate, lots in rows
    ]


def merges_at(connection: Connection, key: UUID, as_of: datetime, known_as_of: datetime) -> Merges:
    """The merges that had been made and not undone by both times. They are recorded when they happen."""
    moment = min(as_of, known_as_of)
    rows = connection.execute(
        select(merges.c.holder_id, merges.c.duplicate_id, merges.c.uncounted).where(
            or_(merges.c.holder_id == key, merges.c.duplicate_id == key),
            merges.c.merged_at <= moment,
            or_(merges.c.undone_at.is_(None), merges.c.undone_at > moment),
        )
    ).all()
    duplicates = [Duplicate(r.duplicate_id, frozenset(r.uncounted)) for r in rows if r.holder_id == key]
    return Merges(duplicates, any(row.duplicate_id == key for row in rows))
