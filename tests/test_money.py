"""Amounts: one rounding function, splits that sum exactly, integers all the way."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import MAX_AMOUNT, Rounding, exponent, scale, show_major, split
from tests.profiles import examples

FLOOR, CEILING, HALF_UP, HALF_EVEN = Rounding

amounts = st.integers(0, MAX_AMOUNT)
parts = st.integers(0, 10**6)
wholes = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "floor", "ceiling", "half_up", "half_even"),
    [
        (0, 1, 3, 0, 0, 0, 0),
        (1, 1, 3, 0, 1, 0, 0),
        (2, 1, 3, 0, 1, 1, 1),
        (3, 1, 3, 1, 1, 1, 1),
        (1, 1, 2, 0, 1, 1, 0),
        (3, 1, 2, 1, 2, 2, 2),
        (5, 1, 2, 2, 3, 3, 2),
        (3_000, 9, 1_000, 27, 27, 27, 27),
        (199, 1, 100, 1, 2, 2, 2),
        (MAX_AMOUNT, 1, 2, 2**52 - 1, 2**52, 2**52, 2**52),
        (MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT),
    ],
)
def test_scale_rounds_once_and_as_it_is_told(
    amount: int,
    numerator: int,
    denominator: int,
    floor: int,
    ceiling: int,
    half_up: int,
    half_even: int,
) -> None:
    got = [scale(amount, numerator, denominator, how) for how in (FLOOR, CEILING, HALF_UP, HALF_EVEN)]
    assert got == [floor, ceiling, half_up, half_even]


def test_scale_floors_unless_it_is_told_otherwise() -> None:
    assert scale(199, 1, 100) == 1


@examples(300)
@given(amounts, parts, wholes, st.sampled_from(list(Rounding)))
def test_scale_is_less_than_one_away_from_the_exact_value(a: int, n: int, d: int, how: Rounding) -> None:
    exact, got = Fraction(a * n, d), scale(a, n, d, how)
    assert isinstance(got, int)
    assert abs(got - exact) < 1
    if how is FLOOR:
        assert got <= exact
    elif how is CEILING:
        assert got >= exact
    else:
        assert abs(got - exact) <= Fraction(1, 2)


@examples(200)
@given(amounts, amounts, parts, wholes)
def test_value_given_out_in_pieces_is_never_more_than_at_once(a: int, b: int, n: int, d: int) -> None:
    assert scale(a, n, d) + scale(b, n, d) <= scale(a + b, n, d)
    assert scale(a, n, d, CEILING) + scale(b, n, d, CEILING) >= scale(a + b, n, d, CEILING)


@examples(200)
@given(amounts, st.integers(1, 10**6), wholes)
def test_a_round_trip_never_gains(amount: int, n: int, d: int) -> None:
    assert scale(scale(amount, n, d), d, n) <= amount


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator"), [(-1, 1, 1), (1, -1, 1), (1, 1, 0), (1, 1, -1)]
)
def test_scale_takes_no_negatives(amount: int, numerator: int, denominator: int) -> None:
    with pytest.raises(AssertionError):
        scale(amount, numerator, denominator)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (0, [1, 2], [0, 0]),
        (1, [1, 1], [1, 0]),  # a tie goes to the earlier
        (10, [1, 1, 1], [4, 3, 3]),
        (100, [1, 1, 1], [34, 33, 33]),
        (10, [0, 5, 0], [0, 10, 0]),
        (7, [3, 3, 1], [3, 3, 1]),
        (5, [1, 2, 3], [1, 2, 2]),  # 0.83, 1.67, 2.5: the fractions decide
        (101, [3_900, 100, 1], [98, 3, 0]),
        (MAX_AMOUNT, [1, 1], [2**52, 2**52 - 1]),
    ],
)
def test_split_gives_the_rest_to_the_largest_fractions(
    total: int, weights: list[int], shares: list[int]
) -> None:
    assert split(total, weights) == shares


weight_lists = st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any)


@examples(300)
@given(amounts, weight_lists)
def test_split_sums_to_the_total_and_keeps_every_share_within_one(total: int, weights: list[int]) -> None:
    shares, whole = split(total, weights), sum(weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight, whole)) < 1
        assert weight or not share


@examples(200)
@given(amounts, weight_lists, st.randoms(use_true_random=False))
def test_order_decides_a_split_only_between_equals(total: int, weights: list[int], random: object) -> None:
    shuffled = list(weights)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    pairs = sorted(zip(weights, split(total, weights), strict=True))
    assert sorted(zip(shuffled, split(total, shuffled), strict=True)) == pairs
    # A heavier one never gets less.
    assert [share for _, share in pairs] == sorted(share for _, share in pairs)


def test_split_needs_a_weight() -> None:
    with pytest.raises(AssertionError):
        split(5, [0, 0])


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1250, "CNY", "12.50"),
        (5, "CNY", "0.05"),
        (0, "EUR", "0.00"),
        (1250, "JPY", "1250"),
        (1250, "KWD", "1.250"),
        (MAX_AMOUNT, "CNY", "90071992547409.91"),
    ],
)
def test_money_is_shown_in_major_units(amount: int, currency: str, shown: str) -> None:
    assert show_major(amount, currency) == shown


@pytest.mark.parametrize("code", ["", "cny", "CNYX", "ZZZ", "XAU"])
def test_what_is_no_currency_has_no_exponent(code: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        exponent(code)
