"""Conversions: exact to the millionth of a minor unit, rounded once, and never in the favour of who asks."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fx.convert import (
    MICRO,
    cost_of,
    micros_per_point,
    points_bought,
    points_for,
    points_within,
    value_of,
)

CURRENCIES = st.sampled_from(["CNY", "JPY", "KWD"])
AMOUNTS = st.integers(0, 10**12)
MICROS = st.integers(1, 10**9)
"""Of a minor unit for one point: from next to nothing to a thousand minor units."""

DIGITS = {"CNY": 2, "JPY": 0, "KWD": 3}


def rate(micros: int, currency: str) -> Decimal:
    """So many millionths of a minor unit for one point, in major units."""
    return Decimal(micros).scaleb(-6 - DIGITS[currency])


@st.composite
def rates(draw: st.DrawFn) -> tuple[Decimal, Decimal, str]:
    """A bid, an ask that is no less, and their currency."""
    low, high = sorted((draw(MICROS), draw(MICROS)))
    currency = draw(CURRENCIES)
    return rate(low, currency), rate(high, currency), currency


@pytest.mark.parametrize(
    ("bid", "currency", "micros"),
    [
        ("0.01", "CNY", 1_000_000),
        ("0.00000001", "CNY", 1),
        ("0.009", "CNY", 900_000),
        ("1", "JPY", 1_000_000),
        ("0.000001", "JPY", 1),
        ("0.000000001", "KWD", 1),
    ],
)
def test_a_rate_is_a_whole_number_of_millionths(bid: str, currency: str, micros: int) -> None:
    assert micros_per_point(Decimal(bid), currency) == micros


@pytest.mark.parametrize(("bid", "currency"), [("0.000000001", "CNY"), ("0.0000001", "JPY")])
def test_a_finer_rate_is_no_rate(bid: str, currency: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        micros_per_point(Decimal(bid), currency)


@given(AMOUNTS, MICROS, CURRENCIES)
def test_value_and_residue_are_the_exact_value(points: int, micros: int, currency: str) -> None:
    value = value_of(points, rate(micros, currency), currency)
    assert value.amount * MICRO + value.residue == points * micros
    assert 0 <= value.residue < MICRO


@given(AMOUNTS, MICROS, CURRENCIES)
def test_cost_less_its_residue_is_the_exact_price(points: int, micros: int, currency: str) -> None:
    cost = cost_of(points, rate(micros, currency), currency)
    assert cost.amount * MICRO - cost.residue == points * micros
    assert 0 <= cost.residue < MICRO


@given(st.integers(1, 10**12), MICROS, CURRENCIES)
def test_the_points_asked_for_are_the_fewest_that_are_worth_it(
    value: int, micros: int, currency: str
) -> None:
    bid = rate(micros, currency)
    points = points_for(value, bid, currency)
    assert value_of(points, bid, currency).amount >= value
    assert value_of(points - 1, bid, currency).amount < value


@given(AMOUNTS, MICROS, CURRENCIES)
def test_the_points_within_a_value_are_the_most_that_are_worth_no_more(
    value: int, micros: int, currency: str
) -> None:
    bid = rate(micros, currency)
    points = points_within(value, bid, currency)
    assert Fraction(points * micros, MICRO) <= value < Fraction((points + 1) * micros, MICRO)


@given(AMOUNTS, rates())
def test_points_to_money_to_points_never_gains(points: int, at: tuple[Decimal, Decimal, str]) -> None:
    bid, ask, currency = at
    assert points_bought(value_of(points, bid, currency).amount, ask, currency) <= points


@given(AMOUNTS, rates())
def test_money_to_points_to_money_never_gains(money: int, at: tuple[Decimal, Decimal, str]) -> None:
    bid, ask, currency = at
    assert value_of(points_bought(money, ask, currency), bid, currency).amount <= money


@given(AMOUNTS, rates())
def test_buying_points_by_number_and_spending_them_never_gains(
    points: int, at: tuple[Decimal, Decimal, str]
) -> None:
    bid, ask, currency = at
    assert value_of(points, bid, currency).amount <= cost_of(points, ask, currency).amount


@given(AMOUNTS, rates())
def test_points_given_for_a_value_buy_back_no_more_than_they_were(
    value: int, at: tuple[Decimal, Decimal, str]
) -> None:
    bid, ask, currency = at
    assert points_bought(value, ask, currency) <= points_for(value, bid, currency)


@given(st.lists(AMOUNTS, min_size=2, max_size=5), MICROS, CURRENCIES)
def test_splitting_a_conversion_never_gains(parts: list[int], micros: int, currency: str) -> None:
    bid = rate(micros, currency)
    together = value_of(sum(parts), bid, currency).amount
    assert sum(value_of(part, bid, currency).amount for part in parts) <= together
    assert (
        sum(cost_of(part, bid, currency).amount for part in parts)
        >= cost_of(sum(parts), bid, currency).amount
    )


@given(AMOUNTS, AMOUNTS, MICROS, CURRENCIES)
def test_more_points_are_worth_no_less(one: int, other: int, micros: int, currency: str) -> None:
    few, many = sorted((one, other))
    bid = rate(micros, currency)
    assert value_of(few, bid, currency).amount <= value_of(many, bid, currency).amount
    assert points_for(few, bid, currency) <= points_for(many, bid, currency)


def test_half_even_both_ways_would_gain() -> None:
    # The negative control: one point at 0.006 yuan, rounded to the nearest fen, would buy back 1.67 points.
    bid = Decimal("0.006")
    rounded = round(Fraction(bid) * 100)
    assert round(Fraction(rounded, 100) / Fraction(bid)) == 2
    assert value_of(1, bid, "CNY").amount == 0
    assert points_for(1, bid, "CNY") == 2
