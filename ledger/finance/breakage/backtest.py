"""Earlier estimates against what came of them.

Only a cohort of which nothing can be redeemed any more settles what its estimate was worth. Of the others it is told
whether the estimate is still possible: one below what is redeemed already, or above what has not yet expired, has
failed whatever comes.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ledger.finance.breakage.estimation import DEFAULT_ASSUMPTIONS, Assumptions, Method, estimate
from ledger.finance.breakage.shares import NOTHING, nearest
from ledger.finance.breakage.triangles import Cohort, Triangle


class Earlier(NamedTuple):
    """An estimate as it was made: the share of a cohort's points that were expected to be redeemed in the end."""

    cohort: date
    made_at: date
    """The data cut-off that it was made with."""
    expected_redemption: Decimal


class Outcome(NamedTuple):
    """One estimate and its cohort as it is now. Points issued are net of what was clawed back until now."""

    earlier: Earlier
    issued: int
    actual: int
    """Redeemed to date, in points."""
    ratio: Decimal | None
    """Actual to expected: above 1, more was redeemed than expected. None where something came of nothing expected."""
    error: Decimal
    """Expected less actual, as a share of what was issued: above 0, too much redemption was expected."""
    is_final: bool
    is_possible: bool


class Backtest(NamedTuple):
    """All outcomes, and totals over the final ones alone; None where none is final."""

    outcomes: tuple[Outcome, ...]
    ratio: Decimal | None
    """Actual points to expected points."""
    bias: Decimal | None
    """Expected less actual points, as a share of what was issued: above 0, revenue was deferred for too long."""
    worst: Outcome | None
    """The largest error either way; of equals, the first."""
    unmatched: tuple[Earlier, ...]
    """Estimates of cohorts that the triangle does not have, or that have issued nothing."""


def backtest(
    earlier: Iterable[Earlier], triangle: Triangle, last_redemption_age: int | None = None
) -> Backtest:
    """Judge estimates by the present triangle, in the order in which they are given.

    A cohort is final once nothing of it is outstanding, or its whole months are past the last age of redemption.
    """
    cohorts = {cohort.month: cohort for cohort in triangle.cohorts if cohort.issued > 0}
    ages = {cohort.month: cohort.age for cohort in triangle.whole_months().cohorts}
    given = tuple(earlier)
    outcomes = tuple(
        _outcome(each, cohorts[each.cohort], ages[each.cohort], last_redemption_age)
        for each in given
        if each.cohort in cohorts
    )
    final = [outcome for outcome in outcomes if outcome.is_final]
    return Backtest(
        outcomes,
        _ratio(sum(each.actual for each in final), _expected(final)) if final else None,
        _bias(final) if final else None,
        max(final, key=lambda outcome: abs(outcome.error), default=None),
        tuple(each for each in given if each.cohort not in cohorts),
    )


def hindsight(
    triangle: Triangle,
    month_ends: Iterable[date],
    method: Method | None = None,
    assumptions: Assumptions = DEFAULT_ASSUMPTIONS,
) -> list[Earlier]:
    """What a method would have said at the ends of earlier months, to be judged by what came since."""
    return [
        Earlier(each.cohort, month_end, each.expected_redemption)
        for month_end in month_ends
        for each in estimate(triangle.known_at(month_end), method, assumptions)
    ]


def _outcome(earlier: Earlier, cohort: Cohort, age: int, last_redemption_age: int | None) -> Outcome:
    actual, expected = cohort.redeemed_points, Fraction(earlier.expected_redemption) * cohort.issued
    possible = cohort.bounds
    is_over = last_redemption_age is not None and age >= last_redemption_age
    return Outcome(
        earlier,
        cohort.issued,
        actual,
        _ratio(actual, expected),
        nearest((expected - actual) / cohort.issued),
        cohort.outstanding <= 0 or is_over,
        nearest(possible.low) <= earlier.expected_redemption <= nearest(possible.high),
    )


def _expected(outcomes: Sequence[Outcome]) -> Fraction:
    return sum((Fraction(each.earlier.expected_redemption) * each.issued for each in outcomes), NOTHING)


def _ratio(actual: int, expected: Fraction) -> Decimal | None:
    if expected:
        return nearest(actual / expected)
    return None if actual else Decimal(1)


def _bias(outcomes: Sequence[Outcome]) -> Decimal:
    issued, actual = sum(each.issued for each in outcomes), sum(each.actual for each in outcomes)
    return nearest((_expected(outcomes) - actual) / issued)
