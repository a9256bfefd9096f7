"""What the books in memory tell: rows, growth, and what has gone from one member's books into another's."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ledger.accounts.chart import Account
from ledger.accounts.growth import Change
from ledger.accounts.growth_history import LotChange
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Lot
from ledger.clock import FAR_FUTURE
from ledger.journal.commands import Recorded
from ledger.journal.merging import CHANGING_BOOKS
from tests.model.snapshot import HolderRow, LotRow

_NO_EVENTS = frozenset({Account.GROWTH_LAPSED, Account.GROWTH_TRANSFER})


def growth_in(entries: Iterable[Recorded], holder: bytes, lots: Mapping[bytes, Lot]) -> list[LotChange]:
    """The changes of growth in one holder's own books."""
    return [
        LotChange(
            Change(
                max(entry.effective_at, lots[posting.lot_id].earned_at),
                posting.amount if posting.credit is Account.GROWTH else -posting.amount,
                lots[posting.lot_id].expires_at,
            ),
            posting.lot_id,
        )
        for entry in entries
        if entry.holder_id == holder
        for posting in entry.postings
        if Account.GROWTH in posting[:2] and not {*posting[:2]} & _NO_EVENTS
        if posting.lot_id is not None
    ]


def moves_in(entries: Iterable[Recorded]) -> Iterator[tuple[Any, ...]]:
    """The postings by which something has changed books, as ``ledger.journal.families`` reads them."""
    for entry in entries:
        if entry.kind not in CHANGING_BOOKS:
            continue
        for ordinal, (debit, credit, amount, lot, _) in enumerate(entry.postings, 1):
            if {debit, credit} != {Account.POINTS, Account.DEBT}:
                names = (
                    entry.kind,
                    entry.holder_id,
                    entry.peer_holder_id,
                    entry.entry_id,
                    entry.parent_entry_id,
                )
                yield (*names, ordinal, debit, credit, amount, lot)


def holder_row(holder: Holder) -> HolderRow:
    """A holder's row as the database would have it."""
    standing = holder.standing
    return HolderRow(
        holder.holder_id,
        holder.version,
        holder.head,
        holder.recorded_at,
        holder.points,
        holder.held,
        holder.debt,
        holder.growth,
        standing.available,
        standing.pending,
        standing.growth,
        standing.next_expiry_at,
        standing.next_expiry_points,
        None if standing.fresh_until == FAR_FUTURE else standing.fresh_until,
        holder.merged_into,
    )


def lot_row(lot: Lot) -> LotRow:
    """A lot's row as the database would have it."""
    return LotRow(
        lot.lot_id,
        lot.unit,
        lot.original,
        lot.remaining,
        lot.expired,
        lot.earned_at,
        lot.available_at,
        lot.expires_at,
        lot.rolling,
    )
