"""Time: a day begins when the program's calendar says so, whatever daylight saving does to midnight."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.clock import local_date, show, start_of_day, system_now, zone
from tests.model.calendar import first_instant_after
from tests.profiles import examples


@pytest.mark.parametrize(
    ("day", "timezone", "starts"),
    [
        ("2026-01-01", "UTC", "2026-01-01T00:00:00Z"),
        ("2026-01-01", "Asia/Shanghai", "2025-12-31T16:00:00Z"),
        ("2028-02-29", "Asia/Shanghai", "2028-02-28T16:00:00Z"),
        ("2028-03-01", "Asia/Shanghai", "2028-02-29T16:00:00Z"),
        ("2026-01-01", "Pacific/Kiritimati", "2025-12-31T10:00:00Z"),
        ("2026-07-01", "Asia/Kathmandu", "2026-06-30T18:15:00Z"),
        # Midnight is skipped: the day begins at 01:00, the instant of the jump.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("2018-11-05", "America/Sao_Paulo", "2018-11-05T02:00:00Z"),
        ("2026-03-29", "Asia/Beirut", "2026-03-28T22:00:00Z"),
        ("2026-03-30", "Asia/Beirut", "2026-03-29T21:00:00Z"),
        ("2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z"),
        # Midnight comes twice: the first is meant, and the day has 25 hours.
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00Z"),
        ("2026-11-02", "America/Havana", "2026-11-02T05:00:00Z"),
        # The hour before midnight comes twice: the day begins after the second.
        ("2018-02-18", "America/Sao_Paulo", "2018-02-18T03:00:00Z"),
        ("2026-10-25", "Asia/Beirut", "2026-10-24T22:00:00Z"),
        # A day that is not on the calendar begins with the one after it.
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00Z"),
    ],
)
def test_a_day_begins_at_its_first_instant(day: str, timezone: str, starts: str) -> None:
    assert start_of_day(date.fromisoformat(day), timezone) == datetime.fromisoformat(starts)


ZONES = [
    "Asia/Shanghai",
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Asuncion",
    "America/Nuuk",
    "America/New_York",
    "Asia/Amman",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Europe/Lisbon",
    "Atlantic/Azores",
]


@examples(400)
@given(st.dates(date(1980, 1, 1), date(2037, 12, 30)), st.sampled_from(ZONES))
def test_the_start_of_a_day_is_where_the_calendar_turns(day: date, timezone: str) -> None:
    starts = start_of_day(day, timezone)
    assert starts == first_instant_after(day - timedelta(days=1), timezone)
    assert local_date(starts, timezone) >= day
    assert local_date(starts - timedelta(microseconds=1), timezone) < day


@pytest.mark.parametrize("timezone", ZONES)
def test_every_day_of_the_coming_years_begins_where_the_calendar_turns(timezone: str) -> None:
    day = date(2025, 12, 31)
    while day < date(2029, 1, 1):
        starts = start_of_day(day, timezone)
        assert local_date(starts, timezone) == day
        assert local_date(starts - timedelta(microseconds=1), timezone) == day - timedelta(days=1)
        day += timedelta(days=1)


def test_times_are_shown_in_utc_with_microseconds() -> None:
    assert show(datetime.fromisoformat("2026-11-22T12:00:00+08:00")) == "2026-11-22T04:00:00.000000Z"
    assert show(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"


def test_the_year_is_always_shown_with_four_digits() -> None:
    assert show(datetime(476, 9, 4, tzinfo=UTC)) == "0476-09-04T00:00:00.000000Z"


def test_the_present_is_aware() -> None:
    assert system_now().utcoffset() == timedelta(0)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        zone("Asia/Nowhere")
