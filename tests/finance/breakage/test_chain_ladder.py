"""The chain ladder: the worked example, where its factors end, and what it does not claim to know."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.finance.breakage.chain_ladder import Projection, pattern_of, project
from ledger.finance.breakage.triangles import Triangle
from tests.finance.breakage.cohorts import TOY, cohort, month_end

CLOSE = Decimal("1e-20")


def projected(triangle: Triangle, number: int) -> Projection:
    projection = project(triangle.cohorts[number], pattern_of(triangle))
    assert projection is not None
    return projection


def test_the_toy_triangle_comes_to_its_ultimates() -> None:
    assert [factor.value for factor in pattern_of(TOY).factors] == [2, Fraction(5, 4)]
    ultimates = [projected(TOY, number).ultimate for number in range(3)]
    assert ultimates == [250, 300, 275]
    outstanding = sum(each.outstanding for each in TOY.cohorts)
    assert (sum(ultimates), outstanding) == (825, 2_400)
    assert (sum(ultimates) - 600) / outstanding == Fraction("0.09375")


def test_a_tail_multiplies_what_lies_ahead_of_every_cohort() -> None:
    pattern = pattern_of(TOY, Decimal("1.1"))
    assert [pattern.to_ultimate(age) for age in range(3)] == [
        Fraction("2.75"),
        Fraction("1.375"),
        Fraction("1.1"),
    ]
    with pytest.raises(ValueError, match="at least 1"):
        pattern_of(TOY, Decimal("0.99"))


def test_factors_leave_the_running_month_out() -> None:
    running = Triangle.of(TOY.cohorts, date(2025, 3, 30))
    assert [factor.value for factor in pattern_of(running).factors] == [2]


def test_a_cohort_of_the_running_month_has_no_factor_yet() -> None:
    pattern = pattern_of(TOY)
    assert pattern.to_ultimate(-1) is None
    assert pattern.developed(-1) == 0
    assert project(cohort(3, 1_000, []), pattern) is None


def test_more_than_is_still_there_is_not_expected() -> None:
    greedy = (cohort(0, 1_000, [100, 500]), cohort(1, 1_000, [300]))
    capped = projected(Triangle.of(greedy, month_end(1)), 1)
    assert capped.ultimate == 1_800
    assert capped.share == (Fraction(1), Fraction(3, 10), Fraction(1))
    assert capped.is_bounded
    expiring = (cohort(0, 1_000, [100, 500]), cohort(1, 1_000, [300], [600]))
    assert projected(Triangle.of(expiring, month_end(1)), 1).share.value == Fraction(4, 10)


def test_refunds_that_outweigh_redemptions_lower_a_factor_but_no_estimate_below_what_is_redeemed() -> None:
    triangle = Triangle.of((cohort(0, 1_000, [400, -100]), cohort(1, 1_000, [200])), month_end(1))
    assert pattern_of(triangle).factors[0].value == Fraction(3, 4)
    assert pattern_of(triangle).developed(0) == 1
    second = projected(triangle, 1)
    assert (second.ultimate, second.share.value) == (Fraction(150), Fraction(2, 10))
    assert second.is_bounded


def test_growth_from_nothing_is_not_a_factor() -> None:
    triangle = Triangle.of(
        (cohort(0, 100, [0, 40, 10]), cohort(1, 100, [0, 30]), cohort(2, 100, [5])), month_end(2)
    )
    pattern = pattern_of(triangle)
    assert [factor.value for factor in pattern.factors] == [None, Fraction(5, 4)]
    assert project(triangle.cohorts[2], pattern) is None
    assert [pattern.developed(age) for age in range(3)] == [0, Fraction(4, 5), 1]


def test_where_nothing_was_ever_redeemed_nothing_is_expected() -> None:
    triangle = Triangle.of((cohort(0, 100, [0, 0]), cohort(1, 100, [0])), month_end(1))
    second = projected(triangle, 1)
    assert second.share.value == 0
    assert second.standard_error is None
    assert second.share.high == 1


def test_one_cohort_is_all_there_is() -> None:
    only = Triangle.of([cohort(0, 100, [10, 20])], month_end(1))
    assert projected(only, 0).share == (Fraction(3, 10),) * 3
    assert [factor.variance for factor in pattern_of(only).factors] == [None]


def test_without_a_variance_the_range_is_all_that_is_possible() -> None:
    two = Triangle.of((cohort(0, 100, [10, 20]), cohort(1, 100, [12], [8])), month_end(1))
    assert projected(two, 1).share == (Fraction(36, 100), Fraction(12, 100), Fraction(92, 100))


def test_cohorts_without_the_ages_of_others_are_ragged_and_count_where_they_have_any() -> None:
    ragged = Triangle(
        (cohort(0, 100, [10, 10, 10]), cohort(1, 100, [20]), cohort(2, 100, [30, 60])), month_end(3)
    )
    assert [factor.value for factor in pattern_of(ragged).factors] == [Fraction(110, 40), Fraction(30, 20)]


def test_an_error_is_that_of_the_factors_and_of_the_process() -> None:
    """By hand: f = 120/40; sigma squared = (40 − 30)²/10 + (80 − 90)²/30; then 60² × 40/3 ÷ 9 × (1/20 + 1/40)."""
    triangle = Triangle.of(
        (cohort(0, 1_000, [10, 30]), cohort(1, 1_000, [30, 50]), cohort(2, 1_000, [20])), month_end(2)
    )
    factor = pattern_of(triangle).factors[0]
    assert factor.value == 3
    assert factor.variance is not None and abs(factor.variance - Decimal(40) / 3) < CLOSE
    third = projected(triangle, 2)
    assert third.standard_error is not None and abs(third.standard_error - Decimal(400).sqrt()) < CLOSE
    assert third.share == (Fraction(60, 1_000), Fraction(20, 1_000), Fraction(100, 1_000))


def test_the_variance_of_the_last_factor_goes_on_falling() -> None:
    first, second, last = variances([100, 100, 100, 50], [100, 140, 90], [100, 60], [100])
    assert first > second > last > 0
    assert abs(last - second**2 / first) < CLOSE


def test_the_variance_of_the_last_factor_never_rises() -> None:
    first, second, last = variances([100, 100, 100, 50], [100, 110, 10], [100, 90], [100])
    assert 0 < first < second
    assert last == first


def test_one_lucky_age_does_not_make_the_next_certain() -> None:
    first, second, last = variances([100, 100, 100, 50], [100, 100, 10], [100, 100], [100])
    assert first == 0 < second
    assert last == second


def test_cohorts_that_grew_exactly_alike_tell_no_error_and_ages_without_growth_have_none() -> None:
    assert projected(TOY, 1).standard_error is None
    still = Triangle.of(
        (cohort(0, 100, [10, 0, 0]), cohort(1, 100, [12, 0]), cohort(2, 100, [9])), month_end(2)
    )
    assert projected(still, 2).standard_error == 0
    assert projected(still, 2).share == (Fraction(9, 100),) * 3


def variances(*redeemed: list[int]) -> list[Decimal]:
    """Of the factors of such cohorts, one a month."""
    cohorts = [cohort(number, 10_000, points) for number, points in enumerate(redeemed)]
    found = [
        factor.variance for factor in pattern_of(Triangle.of(cohorts, month_end(len(redeemed) - 1))).factors
    ]
    return [variance for variance in found if variance is not None]
