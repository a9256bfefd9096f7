"""Growth over time: what a member's growth was at any instant, by when things happened.

A lot counts from when it was earned until it expires, booked or not, less what was taken from it. When the
postings arrived does not matter. At one instant growth that ends goes first, then all gains come together,
then what is taken; so there are several answers about one instant, each with its name.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from ledger.accounts.chart import Unit
from ledger.accounts.ladders import BEGINNING
from ledger.accounts.lots import Lot


class Change(NamedTuple):
    """Growth gained (above zero) or taken back (below) at an instant, out of a lot that ends at ``ends_at``.

    Nothing is taken before it is there: ``at`` is never earlier than the lot's own beginning.
    """

    at: datetime
    amount: int
    ends_at: datetime | None = None


class Timeline:
    """The growth of one member at every instant, made of its changes in any order."""

    __slots__ = ("_endings", "_gains", "_takings")

    def __init__(self, changes: Iterable[Change]) -> None:
        # What is taken from a lot that has ended changes nothing.
        lasting = [change for change in changes if change.ends_at is None or change.at < change.ends_at]
        self._gains = _Sums((at, amount) for at, amount, _ in lasting if amount > 0)
        self._takings = _Sums((at, -amount) for at, amount, _ in lasting if amount < 0)
        self._endings = _Sums((ends_at, amount) for _, amount, ends_at in lasting if ends_at is not None)

    def last_moment(self, instant: datetime) -> int:
        """Growth just before: what ends at the instant still counts."""
        return self._gains.before(instant) - self._takings.before(instant) - self._endings.before(instant)

    def opening(self, instant: datetime) -> int:
        """Growth once what ends at the instant has gone."""
        return self._gains.before(instant) - self._takings.before(instant) - self._endings.through(instant)

    def gained(self, instant: datetime) -> int:
        """Growth with all gains of the instant."""
        return self._gains.through(instant) - self._takings.before(instant) - self._endings.through(instant)

    def left(self, instant: datetime) -> int:
        """Growth after what is taken at the instant."""
        return self._gains.through(instant) - self._takings.through(instant) - self._endings.through(instant)

    def gains_within(self, first: datetime, last: datetime) -> list[datetime]:
        """The instants of gains from ``first`` to ``last``, both included."""
        return self._gains.instants(first, last)

    def takings_within(self, first: datetime, last: datetime) -> list[datetime]:
        """The instants from ``first`` to ``last``, both included, at which growth was taken."""
        return self._takings.instants(first, last)


class _Sums:
    """Amounts by instant, summed up."""

    __slots__ = ("_instants", "_totals")

    def __init__(self, amounts: Iterable[tuple[datetime, int]]) -> None:
        ordered = sorted(amounts)
        self._instants = [instant for instant, _ in ordered]
        self._totals = list(accumulate((amount for _, amount in ordered), initial=0))

    def before(self, instant: datetime) -> int:
        return self._totals[bisect_left(self._instants, instant)]

    def through(self, instant: datetime) -> int:
        return self._totals[bisect_right(self._instants, instant)]

    def instants(self, first: datetime, last: datetime) -> list[datetime]:
        return self._instants[bisect_left(self._instants, first) : bisect_right(self._instants, last)]


def changes_of_lots(lots: Iterable[Lot], unseen: int = 0) -> list[Change]:
    """What open lots make of growth from the latest posting on; ``unseen`` is growth that never expires.

    They do not tell what was taken when, so they are no history.
    """
    changes = [
        Change(lot.earned_at, lot.remaining, lot.expires_at)
        for lot in lots
        if lot.unit == Unit.GROWTH and lot.remaining
    ]
    return [*changes, Change(BEGINNING, unseen)] if unseen else changes
