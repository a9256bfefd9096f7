"""What has become of accounting months: a function of the events on them. Pure.

Months close one after another. A month that is *soft-closed* takes no more events; only what is posted by hand, and
what finance decides, still reaches it. A *locked* month takes nothing. So all months before some month are closed, and
that month, the first open one, is where late events go. The last month that was closed may be opened again.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

from ledger.finance.months import next_month

Status = Literal["open", "soft_closed", "locked"]
OPEN: Final = "open"
SOFT_CLOSED: Final = "soft_closed"
LOCKED: Final = "locked"


class PeriodEvent(NamedTuple):
    """A change of a month's status."""

    event_id: bytes
    period: date
    status: str
    recorded_at: datetime
    changed_by: str
    approved_by: str | None
    reason: str | None
    pack_hash: bytes | None


def status_of(events: Sequence[PeriodEvent], period: date) -> str:
    """The status of a month. Events stand in their order."""
    if not events:
        return OPEN
    last = events[-1]
    if period == last.period:
        return last.status
    # Whatever was closed before the last one stayed so; nothing after it was ever closed.
    return LOCKED if period < last.period else OPEN


def first_open(events: Sequence[PeriodEvent]) -> date | None:
    """The first month that takes events; None where none was ever closed."""
    if not events:
        return None
    last = events[-1]
    return last.period if last.status == OPEN else next_month(last.period)


def first_unlocked(events: Sequence[PeriodEvent]) -> date | None:
    """The first month that takes decisions of finance; None where none was ever locked."""
    if not events:
        return None
    last = events[-1]
    return next_month(last.period) if last.status == LOCKED else last.period
