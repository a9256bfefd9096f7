"""The share of a region: which fund, of which period, and how much."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.funds.share import Period, allowed, is_share, period_of, share_fund
from ledger.money import MAX_AMOUNT
from ledger.rules.terms import RegionShare, terms_of
from tests.builders import moment, program

Kind = Literal["month", "quarter", "year"]


def share(period: Kind = "month", percent: int = 20) -> RegionShare:
    return RegionShare(percent, "headquarters", period)


@pytest.mark.parametrize(
    ("at", "period", "fund"),
    [
        ("2026-11-30 23:59:59", "month", "share:east:2026-11"),
        ("2026-12-01", "month", "share:east:2026-12"),
        ("2026-03-31 23:59:59", "quarter", "share:east:2026-Q1"),
        ("2026-04-01", "quarter", "share:east:2026-Q2"),
        ("2026-12-31", "quarter", "share:east:2026-Q4"),
        ("2026-12-31 23:59:59", "year", "share:east:2026"),
        ("2027-01-01", "year", "share:east:2027"),
    ],
)
def test_the_fund_is_that_of_the_local_period(at: str, period: Kind, fund: str) -> None:
    terms = terms_of(program(region_share={"percent": 20, "of": "headquarters", "period": period}))
    assert share_fund("east", moment(at), terms, "Asia/Shanghai") == fund
    assert is_share(fund)


def test_headquarters_and_programs_without_a_share_have_no_such_fund() -> None:
    limited = terms_of(program(region_share={"percent": 20, "of": "total", "period": "year"}))
    assert share_fund("", moment("2026-11-01"), limited, "Asia/Shanghai") is None
    assert share_fund("east", moment("2026-11-01"), terms_of(program()), "Asia/Shanghai") is None
    assert not is_share("spring")


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("month", Period("2026-12", moment("2026-12-01"), moment("2027-01-01"))),
        ("quarter", Period("2026-Q4", moment("2026-10-01"), moment("2027-01-01"))),
        ("year", Period("2026", moment("2026-01-01"), moment("2027-01-01"))),
    ],
)
def test_a_period_runs_from_its_first_instant_to_the_next_ones(period: Kind, expected: Period) -> None:
    assert period_of(moment("2026-12-31 23:59:59"), share(period), "Asia/Shanghai") == expected
    assert period_of(expected.begins_at, share(period), "Asia/Shanghai") == expected
    assert period_of(expected.ends_at, share(period), "Asia/Shanghai").begins_at == expected.ends_at


@given(
    st.integers(86_400, 246_000_000_000),
    st.sampled_from(["month", "quarter", "year"]),
    st.sampled_from(["Asia/Shanghai", "UTC", "America/Santiago", "Pacific/Apia"]),
)
def test_every_instant_lies_in_its_period_and_periods_join(second: int, period: Kind, zone: str) -> None:
    instant = datetime.fromtimestamp(second, UTC)
    found = period_of(instant, share(period), zone)
    assert found.begins_at <= instant < found.ends_at
    before = period_of(found.begins_at - timedelta(microseconds=1), share(period), zone)
    assert before.ends_at == found.begins_at
    assert before.key < found.key


def test_of_headquarters_the_share_is_a_part_of_what_it_issued() -> None:
    assert allowed(RegionShare(20, "headquarters", "month"), 80_000) == 16_000
    assert allowed(RegionShare(20, "headquarters", "month"), 4) == 0


def test_of_the_total_the_share_is_a_part_of_both_together() -> None:
    assert allowed(RegionShare(20, "total", "month"), 80_000) == 20_000
    assert allowed(RegionShare(99, "total", "month"), 10) == 990
    assert allowed(RegionShare(100, "total", "month"), 0) == MAX_AMOUNT


@given(st.integers(0, 10**12), st.integers(0, 99))
def test_the_next_point_would_exceed_the_share(issued: int, percent: int) -> None:
    given_out = allowed(RegionShare(percent, "total", "month"), issued)
    if issued:
        assert Fraction(given_out, issued + given_out) <= Fraction(percent, 100)
    assert Fraction(given_out + 1, issued + given_out + 1) > Fraction(percent, 100)
    of_headquarters = allowed(RegionShare(percent, "headquarters", "month"), issued)
    assert of_headquarters * 100 <= issued * percent < (of_headquarters + 1) * 100
