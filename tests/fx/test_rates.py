"""Which version of a rate counts when, and which new one may stand among the others."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.program import Program, RateVersion, Rules
from ledger.errors import RateAskBelowBid, RateOutOfBounds, RateStepExceeded, RateUnknown
from ledger.fx.rates import (
    digits_max,
    faults_of_form,
    neighbours,
    next_change,
    rate_at,
    require_fitting,
    require_rate,
    show_rate,
    within_step,
)
from tests.fx.versions import day, version

TICK = timedelta(microseconds=1)
RATES = (version(1, 0), version(2, 10), version(4, 20), version(5, 20), version(3, 30))


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (day(0), 1),
        (day(10) - TICK, 1),
        (day(10), 2),
        (day(20) - TICK, 2),
        (day(20), 5),
        (day(29), 5),
        (day(30), 3),
        (day(999), 3),
    ],
)
def test_the_last_to_begin_counts_and_of_those_together_the_latest(at: object, number: int) -> None:
    found = rate_at(RATES, at)  # type: ignore[arg-type]
    assert found is not None and found.version == number


def test_before_the_first_there_is_none() -> None:
    assert rate_at(RATES, day(0) - TICK) is None
    assert rate_at((), day(0)) is None


def test_the_next_change_lies_strictly_ahead() -> None:
    assert next_change(RATES, day(0) - TICK) == day(0)
    assert next_change(RATES, day(0)) == day(10)
    assert next_change(RATES, day(10) - TICK) == day(10)
    assert next_change(RATES, day(20)) == day(30)
    assert next_change(RATES, day(30)) is None


def test_a_program_without_a_rate_for_that_time_says_so() -> None:
    program = Program(1, "shop", "CNY", "UTC", 1, "{}", rules=Rules(rates=RATES))
    assert require_rate(program, day(12)).version == 2
    with pytest.raises(RateUnknown) as refused:
        require_rate(program, day(-1))
    assert refused.value.details == {"at": day(-1)}
    with pytest.raises(RateUnknown):
        require_rate(replace(program, rules=Rules()), day(12))


def test_neighbours_are_those_before_and_after_and_none_that_begins_at_the_very_instant() -> None:
    def around(at: object) -> list[int]:
        return [each.version for each in neighbours(RATES, at)]  # type: ignore[arg-type]

    assert around(day(5)) == [1, 2]
    assert around(day(10)) == [1, 5]
    assert around(day(15)) == [2, 5]
    assert around(day(20)) == [2, 3]
    assert around(day(40)) == [3]
    assert around(day(-1)) == [1]


def test_a_rate_lies_within_its_own_bounds_edges_included() -> None:
    for bid in ("0.009", "0.011"):
        require_fitting(RATES[:1], version(2, 1, bid, floor="0.009", ceiling="0.011"))
    for bid in ("0.00899999", "0.01100001"):
        with pytest.raises(RateOutOfBounds) as refused:
            require_fitting(RATES[:1], version(2, 1, bid, floor="0.009", ceiling="0.011"))
        assert refused.value.details == {"rate": bid, "floor": "0.0090", "ceiling": "0.0110"}


def test_points_never_cost_less_than_they_are_worth() -> None:
    require_fitting(RATES[:1], version(2, 1, ask="0.01"))
    with pytest.raises(RateAskBelowBid) as refused:
        require_fitting(RATES[:1], version(2, 1, ask="0.00999999"))
    assert refused.value.details == {"rate": "0.0100", "ask": "0.00999999"}


@pytest.mark.parametrize("bid", ["0.009", "0.011"])
def test_a_whole_step_of_the_version_before_is_allowed(bid: str) -> None:
    require_fitting(RATES[:1], version(2, 1, bid))


@pytest.mark.parametrize("bid", ["0.00899999", "0.01100001"])
def test_more_than_a_step_of_the_version_before_is_refused(bid: str) -> None:
    with pytest.raises(RateStepExceeded) as refused:
        require_fitting(RATES[:1], version(2, 1, bid))
    assert refused.value.details == {
        "rate": bid,
        "version": 1,
        "neighbour": "0.0100",
        "max_step": "0.1000",
    }


def test_nobody_loosens_the_step_and_uses_it_at_once() -> None:
    with pytest.raises(RateStepExceeded):
        require_fitting(RATES[:1], version(2, 1, "0.012", max_step="1"))


def test_a_tightened_step_binds_from_the_next_version_on() -> None:
    tightened = version(2, 1, "0.011", max_step="0.01")
    require_fitting(RATES[:1], tightened)
    with pytest.raises(RateStepExceeded):
        require_fitting((RATES[0], tightened), version(3, 2, "0.0112"))


def test_what_is_put_before_a_scheduled_version_lies_within_its_step() -> None:
    scheduled = (version(1, 0, max_step="1"), version(2, 10, "0.01", max_step="0.05"))
    require_fitting(scheduled, version(3, 5, "0.0105"))
    with pytest.raises(RateStepExceeded) as refused:
        require_fitting(scheduled, version(3, 5, "0.0106"))
    assert refused.value.details["version"] == 2


def test_what_takes_the_place_of_a_scheduled_version_is_not_measured_by_it() -> None:
    scheduled = (version(1, 0), version(2, 10, "0.009"))
    require_fitting(scheduled, version(3, 10, "0.011"))


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, set()),
        ({"bid": "0"}, {"rate"}),
        ({"ask": "0"}, {"ask"}),
        ({"floor": "0"}, {"floor"}),
        ({"ceiling": "1000000"}, set()),
        ({"ceiling": "1000000.01"}, {"ceiling"}),
        ({"bid": "0.01234567"}, set()),
        ({"bid": "0.012345678"}, {"rate"}),
        ({"ask": "0.012345678"}, {"ask"}),
        ({"floor": "0.0000000001", "ceiling": "0.000000001"}, {"floor", "ceiling"}),
        ({"bid": "0.010000000000"}, set()),
        ({"max_step": "0"}, {"max_step"}),
        ({"max_step": "1"}, set()),
        ({"max_step": "1.000001"}, {"max_step"}),
        ({"max_step": "0.0000001"}, {"max_step"}),
    ],
)
def test_what_no_rate_may_be_is_named_by_its_field(changes: dict[str, str], fields: set[str]) -> None:
    new = version(2, 1, **changes)
    assert {field for field, _ in faults_of_form(new, "CNY")} == fields


def test_the_digits_follow_the_currency() -> None:
    assert (digits_max("CNY"), digits_max("JPY"), digits_max("KWD")) == (8, 6, 9)
    fine = version(2, 1)._replace(bid=Decimal("0.01234567"))
    assert [field for field, _ in faults_of_form(fine, "JPY")] == ["rate"]


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        ("0.01", "0.0100"),
        ("1", "1.0000"),
        ("1E+2", "100.0000"),
        ("1E-8", "0.00000001"),
        ("0.0123000", "0.0123"),
        ("0.01234567", "0.01234567"),
        ("1000000", "1000000.0000"),
    ],
)
def test_a_rate_is_shown_in_plain_notation_with_four_digits_at_least(rate: str, shown: str) -> None:
    assert show_rate(Decimal(rate)) == shown
    assert Decimal(shown) == Decimal(rate)


bids = st.integers(1, 10**6).map(lambda micros: Decimal(micros).scaleb(-8))
steps = st.integers(1, 10**6).map(lambda millionths: Decimal(millionths).scaleb(-6))


@given(st.lists(st.tuples(st.integers(0, 9), bids, steps), min_size=1, max_size=12))
def test_whatever_is_let_in_keeps_every_two_neighbours_within_a_step(
    wanted: list[tuple[int, Decimal, Decimal]],
) -> None:
    """The order in which versions count stays smooth, wherever in time each one was put."""
    rates: list[RateVersion] = [version(1, 0, "0.001", floor="0.00000001", max_step="0.5")]
    for begins, bid, step in wanted:
        new = version(len(rates) + 1, begins, floor="0.00000001")._replace(bid=bid, max_step=step)
        try:
            require_fitting(rates, new)
        except RateStepExceeded:
            continue
        rates = sorted([*rates, new], key=lambda each: (each.valid_from, each.version))
    counting = list({each.valid_from: each for each in rates}.values())
    for before, after in pairwise(counting):
        older, newer = sorted((before, after), key=lambda each: each.version)
        assert within_step(newer.bid, older)
