"""When points end, worked out the long way: by looking for the instant at which the local day changes."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo


def end_of_life(policy: dict[str, Any], start: datetime, timezone: str) -> datetime | None:
    """The first instant at which points of that start are gone: the end of their last local day."""
    kind = policy["kind"]
    day = start.astimezone(ZoneInfo(timezone)).date()
    if kind == "never":
        return None
    if kind == "fixed_days":
        last = day + timedelta(days=policy["days"])
    else:
        last = same_day_later(day, policy["months"])
        if kind != "rolling":
            last = last_day_of_period(last, {"end_of_month": 1, "end_of_quarter": 3, "end_of_year": 12}[kind])
    return first_instant_after(last, timezone)


def same_day_later(day: date, months: int) -> date:
    """The same day of the month, months later; where that month is too short, its last day."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return min(
        date(year, month, 1) + timedelta(days=day.day - 1), last_day_of_period(date(year, month, 1), 1)
    )


def last_day_of_period(day: date, months: int) -> date:
    """The last day of the month, quarter or year in which the day lies."""
    while True:
        following = day + timedelta(days=1)
        if following.day == 1 and (following.month - 1) % months == 0:
            return day
        day = following


@cache
def first_instant_after(day: date, timezone: str) -> datetime:
    """The first second at which the local calendar shows a later day, found by halving."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    low, high = int((noon - timedelta(days=2)).timestamp()), int((noon + timedelta(days=2)).timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        is_later = datetime.fromtimestamp(middle, ZoneInfo(timezone)).date() > day
        low, high = (low, middle) if is_later else (middle, high)
    return datetime.fromtimestamp(high, UTC)
