"""A position of several currencies is worth what the rates make of it, and moves nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fx.trading import position_value

SELINGER = {"EUR": 100_00, "USD": -157_23}


@pytest.mark.parametrize(("rate", "gain"), [("1.70", 12_77), ("1.50", -7_23), ("1.5723", 0)])
def test_selingers_position_gains_and_loses_as_the_rate_moves(rate: str, gain: int) -> None:
    assert position_value(SELINGER, {"EUR": Decimal(rate)}, "USD") == gain


def test_halves_go_to_the_even_neighbour_and_are_rounded_once() -> None:
    assert position_value({"EUR": 1}, {"EUR": Decimal("0.5")}, "USD") == 0
    assert position_value({"EUR": 3}, {"EUR": Decimal("0.5")}, "USD") == 2
    assert position_value({"EUR": -1}, {"EUR": Decimal("0.5")}, "USD") == 0
    halves = {"EUR": Decimal("0.5"), "GBP": Decimal("0.5")}
    assert position_value({"EUR": 1, "GBP": 1}, halves, "USD") == 1


def test_minor_units_are_those_of_each_currency() -> None:
    assert position_value({"JPY": 1_000}, {"JPY": Decimal("0.048")}, "CNY") == 48_00
    assert position_value({"CNY": 48_00}, {"CNY": Decimal("20")}, "JPY") == 960
    assert position_value({"KWD": 1_000}, {"KWD": Decimal("23.4")}, "CNY") == 23_40


def test_a_currency_without_a_rate_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        position_value({"EUR": 1}, {}, "USD")
    assert position_value({}, {}, "USD") == 0
    assert position_value({"USD": 7}, {}, "USD") == 7


@given(
    st.integers(-(10**9), 10**9),
    st.integers(1, 10**8).map(lambda micros: Decimal(micros).scaleb(-6)),
)
def test_what_was_exchanged_at_a_rate_is_worth_nothing_at_that_rate(amount: int, rate: Decimal) -> None:
    given_away = position_value({"EUR": amount}, {"EUR": rate}, "USD")
    assert position_value({"EUR": amount, "USD": -given_away}, {"EUR": rate}, "USD") == 0
