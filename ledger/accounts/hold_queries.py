"""Reads of holds that are open in the books, with what each has drawn: for batches, and for balances by the clock."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import Connection

from ledger.accounts.holder import Hold, Holder
from ledger.accounts.holds import follow_clock
from ledger.accounts.lots import Lot
from ledger.accounts.models import lots
from ledger.accounts.queries_of_lots import lot_of, select_lots

OPEN_HOLDS: LiteralString = """
SELECT uuid_send(h.holder_id), uuid_send(h.hold_id), h.points, h.expires_at, uuid_send(h.quote_id),
       uuid_send(p.lot_id), p.amount
  FROM holds h JOIN postings p ON p.entry_id = h.hold_id AND p.holder_id = h.holder_id
 WHERE h.holder_id = ANY(%b) AND h.status = 'open' AND p.credit = 2
 ORDER BY h.holder_id, h.hold_id, p.ordinal
"""


def holds_in(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[bytes, Hold]]:
    """The holds in rows of ``OPEN_HOLDS``, each with its holder."""
    for (holder, hold_id), group in groupby(rows, key=lambda row: (bytes(row[0]), bytes(row[1]))):
        found = list(group)
        points, expires_at, quote_id = found[0][2:5]
        draws = tuple((bytes(row[5]), row[6]) for row in found)
        yield holder, Hold(hold_id, points, expires_at, draws, quote_id and bytes(quote_id))


def let_holds_lapse(connection: Connection, holder: Holder, now: datetime) -> None:
    """Let a holder whose open lots are known be as the clock has it at ``now``; nothing is booked."""
    assert holder.lots is not None
    if not holder.held:
        holder.refresh(now)
        return
    key = UUID(bytes=holder.holder_id)
    rows = connection.exec_driver_sql(OPEN_HOLDS, ([key],))
    holder.holds = {hold.hold_id: hold for _, hold in holds_in(tuple(row) for row in rows)}
    drawn = {UUID(bytes=lot_id) for hold in holder.holds.values() for lot_id, _ in hold.draws}
    missing = drawn - {UUID(bytes=lot_id) for lot_id in holder.lots}
    found: list[Lot] = []
    if missing:
        query = select_lots().where(lots.c.holder_id == key, lots.c.lot_id.in_(missing))
        found = [lot_of(row) for row in connection.execute(query)]
    holder.lots |= {lot.lot_id: lot for lot in found}
    holder.refresh(now)
    follow_clock(holder, now)
