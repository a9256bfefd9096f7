"""Aalen–Johansen: hazards, what survives, and what it would say if expiry were taken for censoring."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.finance.breakage.aalen_johansen import Incidence, Month, curve_of, expect
from ledger.finance.breakage.triangles import Triangle
from tests.finance.breakage.cohorts import TOY, cohort, month, month_end, square

PAIR = Triangle.of((cohort(0, 1_000, [200, 160], [0, 480]), cohort(1, 1_000, [200])), month_end(1))
"""400 of 2,000 in the first month; of the 800 of which the second month tells, 160 and 480."""


def kaplan_meier(triangle: Triangle) -> Fraction:
    """The negative control: redemption as the only event, and expired points as if they had merely left the study."""
    surviving = Fraction(1)
    for each in curve_of(triangle).months:
        surviving *= 1 - Fraction(each.redeemed, each.at_risk)
    return 1 - surviving


def test_hazards_are_of_points_at_risk() -> None:
    assert curve_of(PAIR).months == (Month(0, 2_000, 400, 0), Month(1, 800, 160, 480))


def test_the_running_month_is_left_out() -> None:
    running = Triangle.of(PAIR.cohorts, month(1))
    assert curve_of(running).months == (Month(0, 1_000, 200, 0),)


def test_incidences_by_hand() -> None:
    """0.2, then of the 0.8 that are left a fifth and three fifths."""
    assert curve_of(PAIR).path == (
        Incidence(Fraction("0.2"), Fraction(0), Fraction("0.8")),
        Incidence(Fraction("0.36"), Fraction("0.48"), Fraction("0.16")),
    )


def test_a_cohort_keeps_what_it_has_redeemed_and_follows_the_curve_from_its_own_age() -> None:
    curve = curve_of(PAIR)
    assert curve.outlook(0).chance == Fraction(1, 5)
    assert expect(PAIR.cohorts[1], curve).value == Fraction("0.2") + Fraction("0.8") / 5
    assert expect(PAIR.cohorts[0], curve).value == Fraction("0.36")
    fast = cohort(1, 1_000, [600])
    assert expect(fast, curve).value == Fraction("0.6") + Fraction("0.4") / 5


def test_expiry_taken_for_censoring_overstates() -> None:
    """A year of redeeming 2 in 100 of what is left, while 10 in 100 expire each month."""
    left, redeemed, expired = 1_000_000, [], []
    for _ in range(12):
        redeemed.append(left * 2 // 100)
        expired.append(left * 10 // 100)
        left -= redeemed[-1] + expired[-1]
    triangle = Triangle.of([cohort(0, 1_000_000, redeemed, expired)], month_end(11))
    actual = Fraction(sum(redeemed), 1_000_000)
    assert curve_of(triangle).ultimate.redeemed == actual
    assert kaplan_meier(triangle) > Fraction(3, 2) * actual


def test_the_horizon_ends_the_curve() -> None:
    assert curve_of(PAIR, 0).ultimate == Incidence(Fraction("0.2"), Fraction(0), Fraction("0.8"))
    assert curve_of(PAIR, 7) == curve_of(PAIR)


def test_a_cohort_beyond_the_horizon_expects_nothing_more() -> None:
    assert expect(cohort(0, 100, [10, 20, 0]), curve_of(PAIR)).value == Fraction("0.3")


def test_a_month_of_refunds_puts_points_back_at_risk() -> None:
    triangle = Triangle.of([cohort(0, 100, [60, -20, 10])], month_end(2))
    assert curve_of(triangle).months == (Month(0, 100, 60, 0), Month(1, 40, -20, 0), Month(2, 60, 10, 0))
    assert curve_of(triangle).ultimate == Incidence(Fraction("0.5"), Fraction(0), Fraction("0.5"))


def test_no_more_is_redeemed_than_is_at_risk_where_spent_points_were_clawed_back() -> None:
    triangle = Triangle.of([cohort(0, 80, [100, 5])], month_end(1))
    assert curve_of(triangle).months == (Month(0, 100, 100, 0), Month(1, 5, 5, 0))
    assert curve_of(triangle).ultimate.redeemed == 1


def test_one_cohort_does_not_tell_how_cohorts_differ() -> None:
    only = Triangle.of([cohort(0, 1_000, [100, 50], [0, 10])], month_end(1))
    curve = curve_of(only)
    assert curve.dispersion is None
    assert expect(cohort(1, 1_000, [100]), curve)[1:] == (Fraction(1, 10), Fraction(1))


def test_cohorts_that_differ_by_more_than_chance_widen_the_range() -> None:
    """Pearson by hand: (100 − 200)² / 160 and (300 − 200)² / 160, over 2 − 1."""
    uneven = Triangle.of((cohort(0, 1_000, [100]), cohort(1, 1_000, [300])), month_end(1))
    assert curve_of(uneven).dispersion == Decimal(125)
    even = Triangle.of((cohort(0, 1_000, [200]), cohort(1, 1_000, [200])), month_end(1))
    assert curve_of(even).dispersion == 1
    young = cohort(2, 1_000, [])
    narrow, wide = expect(young, curve_of(even)), expect(young, curve_of(uneven))
    assert narrow.value == wide.value == Fraction(1, 5)
    assert wide.low < narrow.low < Fraction(1, 5) < narrow.high < wide.high


def test_the_variance_of_one_month_is_that_of_a_share() -> None:
    """One event and no other: p (1 − p) / n, times the dispersion."""
    curve = curve_of(Triangle.of((cohort(0, 1_000, [200]), cohort(1, 1_000, [200])), month_end(1)))
    variance = curve.outlook(-1).variance
    assert variance is not None
    assert abs(variance - Decimal("0.2") * Decimal("0.8") / 2_000) < Decimal("1e-20")


def test_with_every_point_followed_to_the_end_the_incidence_is_the_share() -> None:
    triangle = square(3, months=6, expire_at=5)
    oldest = Triangle.of(triangle.cohorts[:1], triangle.through)
    first = oldest.cohorts[0]
    assert curve_of(oldest).ultimate == Incidence(
        Fraction(first.redeemed_points, first.issued),
        Fraction(first.expired_points, first.issued),
        Fraction(0),
    )


@pytest.mark.parametrize("age", range(-1, 3))
def test_an_outlook_continues_the_path(age: int) -> None:
    curve = curve_of(TOY)
    before = curve.path[age] if age >= 0 else Incidence(Fraction(0), Fraction(0), Fraction(1))
    assert before.redeemed + before.open * curve.outlook(age).chance == curve.ultimate.redeemed
