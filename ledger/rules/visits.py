"""What rules may ask of a member's habits: how many visits, how many days in a row, and whose month it is.

A visit is a purchase; days are days in the program's time zone. An event that comes late, of a day before
the last one counted, is a visit all the same but mends no streak: what was judged stays as it was judged.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.clock import local_date
from ledger.journal.wants import UNUSED, VISITS, Usage, UsageKey, Use

_STREAK = "streak"
_EVER = ""


class Visit(NamedTuple):
    """A member's habits with the event at hand counted in, and what it adds to the usages."""

    visits: int
    """Purchases so far, this one included where it is one."""
    streak: int
    """Days in a row up to the day of the event."""
    uses: tuple[Use, ...]


def visits_key(holder_id: bytes) -> UsageKey:
    """Where a member's purchases are counted: ``times``; ``amount`` is the last one's day, as an ordinal."""
    return holder_id, VISITS, _EVER


def streak_key(holder_id: bytes, activity: str | None = None) -> UsageKey:
    """Where days in a row are counted, of purchases or of one type of activity, in the same form."""
    return holder_id, f"{_STREAK}/{activity}" if activity else _STREAK, _EVER


def visit_keys(holder_id: bytes, activity: str | None = None) -> tuple[UsageKey, ...]:
    """All that ``purchase_visit`` or, given a type, ``activity_visit`` reads."""
    return visits_key(holder_id), streak_key(holder_id, activity)


def purchase_visit(usages: Mapping[UsageKey, Usage], holder_id: bytes, at: datetime, timezone: str) -> Visit:
    """A purchase: one visit more, and its day in the streak of days with a visit."""
    key, day = visits_key(holder_id), local_date(at, timezone).toordinal()
    seen = usages.get(key, UNUSED)
    visit = Use(key, max(day - seen.amount, 0), 1)
    streak, uses = _streak(usages, streak_key(holder_id), day)
    return Visit(seen.times + 1, streak, (visit, *uses))


def activity_visit(
    usages: Mapping[UsageKey, Usage], holder_id: bytes, activity: str, at: datetime, timezone: str
) -> Visit:
    """An activity: no visit, but its day in the streak of days with an activity of its type."""
    day = local_date(at, timezone).toordinal()
    streak, uses = _streak(usages, streak_key(holder_id, activity), day)
    return Visit(usages.get(visits_key(holder_id), UNUSED).times, streak, uses)


def _streak(usages: Mapping[UsageKey, Usage], key: UsageKey, day: int) -> tuple[int, tuple[Use, ...]]:
    """The days in a row up to ``day``, and what they change."""
    last, length = usages.get(key, UNUSED)
    if length and day <= last:
        # Before the streak began nothing is known any more: the day stands by itself.
        return max(length - (last - day), 1), ()
    grown = length + 1 if day == last + 1 else 1
    return grown, (Use(key, day - last, grown - length),)


def is_birth_month(attributes: Mapping[str, Any], at: datetime, timezone: str) -> bool:
    """Whether it is the member's month of birth: ``birth_month`` of the attributes, 1 to 12, and no more personal."""
    month = attributes.get("birth_month")
    return type(month) is int and month == local_date(at, timezone).month


def is_anniversary_month(enrolled_at: datetime | None, at: datetime, timezone: str) -> bool:
    """Whether it is the month in which the member enrolled, in a later year."""
    if enrolled_at is None:
        return False
    enrolled, today = local_date(enrolled_at, timezone), local_date(at, timezone)
    return enrolled.month == today.month and enrolled.year < today.year
