"""The whole history of a member's growth, as the postings have it: what a replay of the tier is made of."""

from collections.abc import Iterable
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import Connection

from ledger.accounts.growth import Change

# What the clock took is left out: a lot ends when it ends, booked or not. Nothing is taken before it is there,
# though the clock of a terminal may say so.
CHANGES: LiteralString = """
SELECT uuid_send(e.holder_id), greatest(e.effective_at, l.earned_at),
       CASE WHEN p.credit = 4 THEN p.amount ELSE -p.amount END, l.expires_at
  FROM entries e
  JOIN postings p ON p.entry_id = e.entry_id AND p.holder_id = e.holder_id
  JOIN lots l ON l.holder_id = p.holder_id AND l.lot_id = p.lot_id
 WHERE e.holder_id = ANY(%b) AND p.unit = 2 AND p.credit <> 61
"""


def changes_by_holder(rows: Iterable[tuple[Any, ...]]) -> dict[bytes, list[Change]]:
    """The changes of each holder, in no order; a holder without growth is left out."""
    found: dict[bytes, list[Change]] = {}
    for holder, at, amount, ends_at in rows:
        found.setdefault(bytes(holder), []).append(Change(at, amount, ends_at))
    return found


def read_changes(connection: Connection, key: UUID) -> list[Change]:
    """All changes of one holder's growth, in no order."""
    rows = connection.exec_driver_sql(CHANGES, ([key],))
    return changes_by_holder(tuple(row) for row in rows).get(key.bytes, [])
