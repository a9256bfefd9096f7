"""Aalen–Johansen: how many points are redeemed by an age, where expiry takes others out of the running.

Each point is at risk from its month of issue until it is redeemed, expires, or is still open when the figures end
(censored). Of those at risk at an age, one share is redeemed and another expires; shares of what survived so far add up
to the cumulative incidence of each (O. O. Aalen and S. Johansen, Scandinavian Journal of Statistics 5, 1978). To count
expiry as censoring instead would let expired points be redeemed later, and overstate. Time is discrete: both events of
a month meet the same points at risk.

The variance is the delta method's (E. Marubini and M. G. Valsecchi, "Analysing Survival Data from Clinical Trials and
Observational Studies", 1995), as if each point were redeemed on its own. Points are not: a member spends hundreds at
once. So it is multiplied by the dispersion that cohorts show among themselves at the same age: Pearson's statistic
over its degrees of freedom, and never less than 1 (P. McCullagh and J. A. Nelder, "Generalized Linear Models", 1989).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from ledger.finance.breakage.shares import ALL, ARITHMETIC, NOTHING, Range, as_decimal, spread
from ledger.finance.breakage.triangles import Cohort, Triangle


class Month(NamedTuple):
    """Points of all cohorts in the month in which they are of this age."""

    age: int
    at_risk: int
    redeemed: int
    expired: int


class Incidence(NamedTuple):
    """What has become of a point by the end of some age; the three sum to 1 exactly."""

    redeemed: Fraction
    expired: Fraction
    open: Fraction


class Outlook(NamedTuple):
    """The chance that a point still open after some age is redeemed in the end, and the chance's variance."""

    chance: Fraction
    variance: Decimal | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The hazards of a triangle by age, and how much more than by chance cohorts differ in them."""

    months: tuple[Month, ...]
    dispersion: Decimal | None
    """At least 1; None where no two cohorts can be compared."""

    @property
    def path(self) -> tuple[Incidence, ...]:
        """The incidence at the end of each age, of points that were all issued at its beginning."""
        return tuple(accumulate(self.months, _next, initial=Incidence(NOTHING, NOTHING, ALL)))[1:]

    @property
    def ultimate(self) -> Incidence:
        """At the horizon: ``redeemed`` is the ultimate redemption rate of all cohorts together."""
        return (Incidence(NOTHING, NOTHING, ALL), *self.path)[-1]

    def outlook(self, age: int) -> Outlook:
        """Of points that are open at the end of ``age``; -1 for points just issued."""
        months = [month for month in self.months if month.age > age]
        path = list(accumulate(months, _next, initial=Incidence(NOTHING, NOTHING, ALL)))
        variance = _variance(months, path)
        scaled = None if self.dispersion is None else ARITHMETIC.multiply(variance, self.dispersion)
        return Outlook(path[-1].redeemed, scaled)


def curve_of(triangle: Triangle, horizon: int | None = None) -> Curve:
    """The curve of whole months, up to the age ``horizon`` after which nothing is redeemed, or to the last age seen."""
    cohorts = triangle.whole_months().cohorts
    ages = triangle.ages if horizon is None else min(triangle.ages, horizon + 1)
    cells = [cell for cohort in cohorts for cell in _months_of(cohort) if cell.age < ages]
    months = tuple(_pooled(age, [cell for cell in cells if cell.age == age]) for age in range(ages))
    seen = tuple(month for month in months if month.at_risk > 0)
    return Curve(seen, _dispersion(cells, seen))


def expect(cohort: Cohort, curve: Curve, known: Cohort | None = None) -> Range:
    """The cohort's ultimate as a share of what was issued: redeemed, and of what is open the share that will be.

    The range has the error of the chance, and what the cohort's own open points may differ from it. ``known`` is the
    same cohort with the running month in it, which bounds the estimate but does not enter it.
    """
    outlook, open_points = curve.outlook(cohort.age), max(cohort.outstanding, 0)
    open_share = Fraction(open_points, cohort.issued)
    value = Fraction(cohort.redeemed_points, cohort.issued) + open_share * outlook.chance
    return spread(
        (known or cohort).bounds, value, _prediction_variance(cohort.issued, open_share, outlook, curve)
    )


def _months_of(cohort: Cohort) -> Iterator[Month]:
    """A cohort's own months. Refunds and claw-backs of later months may leave less at risk than was taken: then all."""
    at_risk = cohort.issued
    for age, (redeemed, expired) in enumerate(zip(cohort.redeemed, cohort.expired, strict=True)):
        yield Month(age, max(at_risk, redeemed + expired, 0), redeemed, expired)
        at_risk -= redeemed + expired


def _pooled(age: int, cells: Sequence[Month]) -> Month:
    return Month(
        age,
        sum(cell.at_risk for cell in cells),
        sum(cell.redeemed for cell in cells),
        sum(cell.expired for cell in cells),
    )


def _next(before: Incidence, month: Month) -> Incidence:
    redeemed = before.open * Fraction(month.redeemed, month.at_risk)
    expired = before.open * Fraction(month.expired, month.at_risk)
    return Incidence(before.redeemed + redeemed, before.expired + expired, before.open - redeemed - expired)


def _variance(months: Sequence[Month], path: Sequence[Incidence]) -> Decimal:
    """Of the incidence of redemption at the end of the path, were points independent; months and path side by side."""
    end = path[-1].redeemed
    with localcontext(ARITHMETIC):
        terms = (
            _term(month, before, end - after.redeemed)
            for month, (before, after) in zip(months, pairwise(path), strict=True)
        )
        return max(sum(terms, Decimal(0)), Decimal(0))


def _term(month: Month, before: Incidence, ahead: Fraction) -> Decimal:
    """One month's part in the variance; ``ahead`` is the incidence that still comes after it. Under ``ARITHMETIC``."""
    later, surviving = as_decimal(ahead), as_decimal(before.open)
    at_risk, redeemed = Decimal(month.at_risk), Decimal(max(month.redeemed, 0))
    gone = redeemed + max(month.expired, 0)
    own = surviving**2 * redeemed * (at_risk - redeemed) / at_risk**3
    shared = 2 * later * surviving * redeemed / at_risk**2
    # Where all are gone nothing lies ahead, and the quotient would be of nothing by nothing.
    rest = later**2 * gone / (at_risk * (at_risk - gone)) if at_risk > gone else 0
    return own + rest - shared


def _dispersion(cells: Iterable[Month], pooled: Sequence[Month]) -> Decimal | None:
    """Pearson's statistic of the hazards of redemption, over cohorts and ages, to its degrees of freedom."""
    hazards = {month.age: Fraction(month.redeemed, month.at_risk) for month in pooled}
    compared = [cell for cell in cells if cell.at_risk > 0 and 0 < hazards[cell.age] < 1]
    freedom = len(compared) - len({cell.age for cell in compared})
    if freedom <= 0:
        return None
    total = Decimal(0)
    for cell in compared:
        hazard = hazards[cell.age]
        square = (cell.redeemed - cell.at_risk * hazard) ** 2
        total = ARITHMETIC.add(total, as_decimal(square / (cell.at_risk * hazard * (1 - hazard))))
    return max(ARITHMETIC.divide(total, Decimal(freedom)), Decimal(1))


def _prediction_variance(issued: int, open_share: Fraction, outlook: Outlook, curve: Curve) -> Decimal | None:
    """In shares of what was issued: the error of the chance, and the chance of the cohort's own open points."""
    if outlook.variance is None or curve.dispersion is None:
        return None
    own = own_variance(issued, open_share, outlook.chance, curve.dispersion)
    return ARITHMETIC.add(ARITHMETIC.multiply(as_decimal(open_share**2), outlook.variance), own)


def own_variance(issued: int, open_share: Fraction, chance: Fraction, dispersion: Decimal) -> Decimal:
    """What a cohort's own open points may differ from a chance that is known: binomial, times the dispersion."""
    certain = max(NOTHING, min(chance, ALL))
    return ARITHMETIC.multiply(as_decimal(open_share * certain * (1 - certain) / issued), dispersion)
