"""Triangles: how daily totals become cohorts by age, and which months they count."""

from datetime import date
from fractions import Fraction

import pytest

from ledger.finance.breakage.triangles import Cohort, Row, Triangle, triangle_of
from tests.finance.breakage.cohorts import TOY, cohort, month, month_end

JANUARY, FEBRUARY, MARCH = month(0), month(1), month(2)


def test_totals_become_cohorts_by_age() -> None:
    rows: list[Row] = [
        (JANUARY, date(2025, 1, 3), "issued", 700),
        (JANUARY, date(2025, 1, 30), "issued", 300),
        (JANUARY, date(2025, 1, 31), "redeemed", 100),
        (JANUARY, date(2025, 2, 1), "redeemed", 120),
        (JANUARY, date(2025, 2, 28), "redemption_refunds", 20),
        (JANUARY, date(2025, 3, 31), "expired", 40),
        (JANUARY, date(2025, 3, 31), "forfeited", 10),
        (MARCH, date(2025, 3, 5), "issued", 500),
    ]
    triangle = triangle_of(reversed(rows), date(2025, 3, 31))
    assert triangle.cohorts == (
        Cohort(JANUARY, 1_000, (100, 100, 0), (0, 0, 50)),
        Cohort(MARCH, 500, (0,), (0,)),
    )
    assert not triangle.is_running


def test_what_is_taken_back_later_counts_as_never_issued() -> None:
    rows: list[Row] = [
        (JANUARY, JANUARY, "issued", 1_000),
        (JANUARY, MARCH, "clawed_back", 200),
        (JANUARY, MARCH, "adjusted", -50),
        (JANUARY, MARCH, "transferred", 30),
        (JANUARY, MARCH, "transferred", -30),
    ]
    assert triangle_of(rows, date(2025, 3, 31)).cohorts == (Cohort(JANUARY, 750, (0, 0, 0), (0, 0, 0)),)


def test_rows_after_the_cut_off_are_left_out() -> None:
    rows: list[Row] = [
        (JANUARY, JANUARY, "issued", 10),
        (JANUARY, date(2025, 2, 2), "redeemed", 4),
        (FEBRUARY, date(2025, 2, 2), "issued", 9),
    ]
    assert triangle_of(rows, date(2025, 2, 1)).cohorts == (Cohort(JANUARY, 10, (0, 0), (0, 0)),)


def test_a_movement_without_a_name_here_is_refused() -> None:
    with pytest.raises(KeyError, match="lost"):
        triangle_of([(JANUARY, JANUARY, "lost", 1)], MARCH)


def test_points_that_move_before_their_month_are_refused() -> None:
    with pytest.raises(ValueError, match="before they were issued"):
        triangle_of([(FEBRUARY, JANUARY, "redeemed", 1)], MARCH)


@pytest.mark.parametrize(
    ("day", "redeemed", "expired"), [(2, (1,), (0,)), (1, (1, 2), (0,))], ids=["day", "lengths"]
)
def test_a_cohort_that_is_none_is_refused(
    day: int, redeemed: tuple[int, ...], expired: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="cohort"):
        Cohort(date(2025, 1, day), 10, redeemed, expired)


def test_a_cohort_stands_once_and_in_order() -> None:
    first, second = cohort(0, 10, [1, 1]), cohort(1, 10, [1])
    with pytest.raises(ValueError, match="oldest first"):
        Triangle((second, first), month_end(1))
    with pytest.raises(ValueError, match="oldest first"):
        Triangle.of((first, first), month_end(1))


def test_the_diagonals_are_cumulated() -> None:
    assert TOY.cumulative(0) == {JANUARY: 100, FEBRUARY: 120, MARCH: 110}
    assert TOY.cumulative(1) == {JANUARY: 200, FEBRUARY: 240}
    assert TOY.latest == {JANUARY: 250, FEBRUARY: 240, MARCH: 110}
    assert TOY.ages == 3


def test_a_month_that_is_not_over_is_told_and_can_be_left_out() -> None:
    running = Triangle.of(TOY.cohorts, date(2025, 3, 30))
    assert running.is_running
    whole = running.whole_months()
    assert [each.redeemed for each in whole.cohorts] == [(100, 100), (120,), ()]
    assert (whole.through, whole.is_running) == (date(2025, 2, 28), False)
    assert TOY.whole_months() is TOY


def test_an_earlier_month_end_shows_what_was_known_then() -> None:
    earlier = TOY.known_at(month_end(1))
    assert [each.redeemed for each in earlier.cohorts] == [(100, 100), (120,)]
    assert earlier.through == date(2025, 2, 28)
    assert TOY.known_at(month_end(2)) == TOY


def test_bounds_are_what_is_gone_for_good() -> None:
    assert cohort(0, 100, [30, 10], [0, 20]).bounds == (Fraction(4, 10), Fraction(8, 10))
    assert cohort(0, 100, [30], [70]).bounds == (Fraction(3, 10), Fraction(3, 10))


def test_spent_points_that_were_clawed_back_bound_at_all() -> None:
    assert cohort(0, 80, [100]).bounds == (Fraction(1), Fraction(1))
