"""The whole history of a member's growth, as the postings have it: what a replay of the tier is made of.

Growth that has only changed books is no event of its own: a member has grown by his own orders, and by those of
everyone who was merged into him, whenever that was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from ledger.accounts.growth import Change
from ledger.accounts.merge_queries import MERGES, merges_in
from ledger.accounts.merges import Merged

# What the clock took is left out: a lot ends when it ends, booked or not. Nothing is taken before it is there,
# though the clock of a terminal may say so.
CHANGES: LiteralString = """
SELECT uuid_send(e.holder_id), greatest(e.effective_at, l.earned_at),
       CASE WHEN p.credit = 4 THEN p.amount ELSE -p.amount END, l.expires_at, uuid_send(l.lot_id)
  FROM entries e
  JOIN postings p ON p.entry_id = e.entry_id AND p.holder_id = e.holder_id
  JOIN lots l ON l.holder_id = p.holder_id AND l.lot_id = p.lot_id
 WHERE e.holder_id = ANY(%b) AND p.unit = 2 AND p.credit <> 61 AND p.debit <> 62 AND p.credit <> 62
"""


class LotChange(NamedTuple):
    """A change of growth, and the lot that it is of."""

    change: Change
    lot_id: bytes


def changes_by_holder(rows: Iterable[tuple[Any, ...]]) -> dict[bytes, list[LotChange]]:
    """The changes in each holder's own books, in no order; a holder without growth is left out."""
    found: dict[bytes, list[LotChange]] = {}
    for holder, at, amount, ends_at, lot in rows:
        found.setdefault(bytes(holder), []).append(LotChange(Change(at, amount, ends_at), bytes(lot)))
    return found


def counted(changes: Iterable[LotChange], uncounted: frozenset[bytes] = frozenset()) -> list[Change]:
    """The changes without those of some lots."""
    return [change for change, lot in changes if lot not in uncounted]


def together(own: Mapping[bytes, Sequence[LotChange]], key: bytes, merged: Iterable[Merged]) -> list[Change]:
    """The history of one holder: its own changes, and what counts of those who were merged into it."""
    changes = counted(own.get(key, ()))
    for one in merged:
        if one.survivor == key:
            changes += counted(own.get(one.duplicate, ()), one.uncounted)
    return changes


def read_changes(connection: Connection, key: UUID) -> list[Change]:
    """All changes of one member's growth, in no order."""
    merged = merges_in(tuple(row) for row in connection.exec_driver_sql(MERGES, ([key],)))
    holders = [key, *(UUID(bytes=one.duplicate) for one in merged)]
    rows = connection.exec_driver_sql(CHANGES, (holders,))
    return together(changes_by_holder(tuple(row) for row in rows), key.bytes, merged)
