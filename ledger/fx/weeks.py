"""Weeks of a program's local calendar: from Monday, midnight, to the next, however many hours that takes."""

from datetime import datetime, timedelta

from ledger.clock import local_date, start_of_day


def start_of_week(at: datetime, timezone: str) -> datetime:
    """The first instant of the local week that an instant lies in."""
    day = local_date(at, timezone)
    return start_of_day(day - timedelta(days=day.weekday()), timezone)


def starts_of_weeks(until: datetime, timezone: str, weeks: int) -> list[datetime]:
    """Where the last so many whole weeks begin, oldest first, and last of all the present week's beginning."""
    monday = local_date(start_of_week(until, timezone), timezone)
    return [start_of_day(monday - timedelta(weeks=back), timezone) for back in range(weeks, -1, -1)]
