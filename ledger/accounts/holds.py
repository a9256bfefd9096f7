"""Holds: points reserved for a while, still the member's, drawn from their lots when the hold is made.

A hold is open until it is captured or released, and until its time is up: past ``expires_at`` it has released
itself, by the clock, whether or not that has been booked. ``lapse`` is that release as postings, so whoever reads
a balance and whoever posts see the same points come back.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Closing, Hold, Holder
from ledger.accounts.postings import Posting
from ledger.accounts.repayment import has_lapsed, repay

LAPSED = "lapsed"


class Lapse(NamedTuple):
    """A hold that the clock has released, and the postings that book it."""

    hold: Hold
    postings: list[Posting]


def lapses(holder: Holder, now: datetime) -> Iterator[Lapse]:
    """The holds that are due, earliest first; each must be applied before the next is taken.

    Points go back to the lots they were drawn from, as of the instant at which the hold ends: of lots that have ended
    by then they expire at once, and what is alive repays a debt first.
    """
    due = [hold for hold in holder.holds.values() if hold.is_due(now)]
    for hold in sorted(due, key=lambda hold: (hold.expires_at, hold.hold_id)):
        back = [Posting(Account.HELD, Account.POINTS, amount, lot) for lot, amount in hold.draws]
        gone = [
            Posting(Account.POINTS, Account.EXPIRED, posting.amount, posting.lot_id)
            for posting in back
            if has_lapsed(holder, posting, hold.expires_at)
        ]
        yield Lapse(hold, back + gone + repay(holder, back, hold.expires_at))


def follow_clock(holder: Holder, now: datetime) -> None:
    """Let the holder be as the clock has it at ``now``, without booking anything. Needs lots and holds."""
    for hold, postings in lapses(holder, now):
        holder.apply(postings, now, closes=Closing(hold.hold_id, LAPSED, 0, b""))
