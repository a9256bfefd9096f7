"""Local weeks: Monday to Monday where the program is, whatever its clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from ledger.fx.weeks import start_of_week, starts_of_weeks

TICK = timedelta(microseconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("timezone", "monday"),
    [
        ("UTC", utc(2026, 11, 2)),
        ("Asia/Shanghai", utc(2026, 11, 1, 16)),
        ("America/New_York", utc(2026, 11, 2, 5)),
        ("Asia/Kathmandu", utc(2026, 11, 1, 18, 15)),
    ],
)
def test_a_week_begins_at_midnight_of_its_local_monday(timezone: str, monday: datetime) -> None:
    assert start_of_week(monday, timezone) == monday
    assert start_of_week(monday + timedelta(days=6, hours=23), timezone) == monday
    assert start_of_week(monday - TICK, timezone) < monday


def test_whole_weeks_are_listed_with_the_beginning_of_the_present_one() -> None:
    starts = starts_of_weeks(utc(2026, 11, 4), "Asia/Shanghai", 3)
    assert starts == [
        utc(2026, 10, 11, 16),
        utc(2026, 10, 18, 16),
        utc(2026, 10, 25, 16),
        utc(2026, 11, 1, 16),
    ]


def test_a_week_in_which_the_clock_changes_is_an_hour_longer_or_shorter() -> None:
    starts = starts_of_weeks(utc(2026, 12, 1), "America/New_York", 60)
    lengths = {after - before for before, after in pairwise(starts)}
    assert lengths == {timedelta(hours=hours) for hours in (167, 168, 169)}
