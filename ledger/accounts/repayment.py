"""Points that reach a member in debt repay it first, lot by lot, as far as they go."""

from collections.abc import Iterable
from datetime import datetime

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.postings import Posting


def repay(holder: Holder, arriving: Iterable[Posting], now: datetime, more: int = 0) -> list[Posting]:
    """The postings by which points that arrive repay the holder's debt, and ``more`` that the same entry has made.

    Points that the clock has taken already (of a sale that comes late, of a lot that lapsed) repay nothing.
    """
    owed, postings = holder.debt + more, []
    for posting in arriving:
        if owed and posting.credit is Account.POINTS and not has_lapsed(holder, posting, now):
            amount = min(owed, posting.amount)
            postings.append(Posting(Account.POINTS, Account.DEBT, amount, posting.lot_id))
            owed -= amount
    return postings


def has_lapsed(holder: Holder, posting: Posting, now: datetime) -> bool:
    """Whether the lot in which points arrive has ended by then."""
    lot = posting.opens or holder.require_lot(posting.lot_id or b"")
    return lot.expires_at is not None and lot.expires_at <= now
