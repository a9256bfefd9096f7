"""Expiry policies: to the end of a local day, by tables a calendar can check and by one law for all."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.policies import ExpiryPolicy, add_months, parse_policy
from ledger.clock import local_date
from tests.model.calendar import end_of_life
from tests.profiles import examples
from tests.test_clock import ZONES


@pytest.mark.parametrize(
    ("policy", "earned", "last_day"),
    [
        ({"kind": "fixed_days", "days": 0}, "2026-03-10", "2026-03-10"),
        ({"kind": "fixed_days", "days": 30}, "2026-03-10", "2026-04-09"),
        ({"kind": "fixed_days", "days": 365}, "2027-03-01", "2028-02-29"),
        ({"kind": "end_of_month", "months": 0}, "2026-02-10", "2026-02-28"),
        ({"kind": "end_of_month", "months": 0}, "2028-02-10", "2028-02-29"),
        ({"kind": "end_of_month", "months": 1}, "2026-01-31", "2026-02-28"),
        ({"kind": "end_of_month", "months": 12}, "2026-12-31", "2027-12-31"),
        ({"kind": "end_of_quarter", "months": 0}, "2026-01-01", "2026-03-31"),
        ({"kind": "end_of_quarter", "months": 0}, "2026-03-31", "2026-03-31"),
        ({"kind": "end_of_quarter", "months": 0}, "2026-04-01", "2026-06-30"),
        ({"kind": "end_of_quarter", "months": 2}, "2026-11-30", "2027-03-31"),
        ({"kind": "end_of_year", "months": 0}, "2026-12-31", "2026-12-31"),
        ({"kind": "end_of_year", "months": 1}, "2026-12-01", "2027-12-31"),
        ({"kind": "end_of_year", "months": 24}, "2026-02-10", "2028-12-31"),
        ({"kind": "rolling", "months": 1}, "2026-01-31", "2026-02-28"),
        ({"kind": "rolling", "months": 1}, "2028-01-31", "2028-02-29"),
        ({"kind": "rolling", "months": 12}, "2028-02-29", "2029-02-28"),
        ({"kind": "rolling", "months": 48}, "2028-02-29", "2032-02-29"),
        ({"kind": "rolling", "months": 13}, "2026-12-31", "2028-01-31"),
    ],
)
def test_points_last_to_the_end_of_their_last_day(
    policy: dict[str, object], earned: str, last_day: str
) -> None:
    start = datetime.fromisoformat(f"{earned}T12:00:00+08:00")
    gone = parse_policy(policy).expires_at(start, "Asia/Shanghai")
    assert gone == datetime.fromisoformat(f"{last_day}T00:00:00+08:00") + timedelta(days=1)


def test_points_that_never_expire_have_no_end() -> None:
    assert ExpiryPolicy("never").expires_at(datetime.now(UTC), "UTC") is None


@pytest.mark.parametrize(
    ("earned", "timezone", "gone"),
    [
        # The same instant is another day elsewhere.
        ("2026-01-31T15:59:59Z", "Asia/Shanghai", "2026-01-31T16:00:00Z"),
        ("2026-01-31T16:00:00Z", "Asia/Shanghai", "2026-02-28T16:00:00Z"),
        ("2026-01-31T16:00:00Z", "UTC", "2026-02-01T00:00:00Z"),
        # The first of the month begins an hour late, or has two beginnings.
        ("2026-10-31T12:00:00Z", "America/Havana", "2026-11-01T04:00:00Z"),
        ("2026-03-31T12:00:00Z", "Asia/Beirut", "2026-03-31T21:00:00Z"),
    ],
)
def test_the_program_decides_where_the_month_ends(earned: str, timezone: str, gone: str) -> None:
    policy = ExpiryPolicy("end_of_month", 0)
    assert policy.expires_at(datetime.fromisoformat(earned), timezone) == datetime.fromisoformat(gone)


@pytest.mark.parametrize(
    ("day", "gone"),
    [
        ("2026-03-27", "2026-03-28T22:00:00Z"),  # to the end of the 28th; the 29th begins at 01:00
        ("2026-03-28", "2026-03-29T21:00:00Z"),  # the 29th has 23 hours
        ("2026-10-23", "2026-10-24T22:00:00Z"),  # the 24th has 25
    ],
)
def test_one_day_is_a_local_day_whatever_its_length(day: str, gone: str) -> None:
    earned = datetime.fromisoformat(f"{day}T12:00:00Z")
    assert ExpiryPolicy("fixed_days", 1).expires_at(earned, "Asia/Beirut") == datetime.fromisoformat(gone)


policies = st.one_of(
    st.builds(lambda days: {"kind": "fixed_days", "days": days}, st.integers(0, 800)),
    st.builds(
        lambda kind, months: {"kind": kind, "months": months},
        st.sampled_from(["end_of_month", "end_of_quarter", "end_of_year", "rolling"]),
        st.integers(0, 40),
    ),
)
moments = st.integers(0, 36 * 366 * 86_400).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@examples(500)
@given(policies, moments, st.sampled_from(ZONES))
def test_points_end_where_a_local_day_begins_and_after_they_were_earned(
    terms: dict[str, object], earned: datetime, timezone: str
) -> None:
    gone = parse_policy(terms).expires_at(earned, timezone)
    assert gone is not None
    assert gone > earned
    before = gone - timedelta(microseconds=1)
    assert local_date(gone, timezone) > local_date(before, timezone) >= local_date(earned, timezone)
    assert gone == end_of_life(terms, earned, timezone)


@examples(300)
@given(policies, moments, moments, st.sampled_from(ZONES))
def test_what_is_earned_later_never_ends_earlier(
    terms: dict[str, object], one: datetime, other: datetime, timezone: str
) -> None:
    policy = parse_policy(terms)
    first, second = (policy.expires_at(moment, timezone) for moment in sorted((one, other)))
    assert first is not None
    assert second is not None
    assert first <= second


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 0, "2026-01-31"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-08-31", 18, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-03-31", 3, "2026-06-30"),
    ],
)
def test_months_are_added_to_the_same_day_or_the_last(day: str, months: int, later: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(later)


@pytest.mark.parametrize("kind", ["end_of_month", "end_of_quarter", "end_of_year", "fixed_days", "never"])
def test_only_rolling_points_roll(kind: str) -> None:
    assert not parse_policy({"kind": kind}).is_rolling
    assert parse_policy({"kind": "rolling", "months": 3}).is_rolling
