"""The chain ladder: older cohorts show how redemption goes on, and younger ones are expected to follow.

From one age to the next, cumulated redemptions grow by a factor: the sum of what cohorts had redeemed by the later age,
to the sum of what the same cohorts had by the earlier. The factors still ahead of a cohort, multiplied, take what it
has redeemed to its ultimate. Standard errors are Mack's (T. Mack, "Distribution-free calculation of the standard error
of chain ladder reserve estimates", ASTIN Bulletin 23, 1993), with his rule for the last age, where one cohort tells no
variance. They hold if cohorts are independent and the factors do not drift; a tail adds nothing to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ledger.finance.breakage.shares import ALL, ARITHMETIC, NOTHING, Range, as_decimal, spread
from ledger.finance.breakage.triangles import Cohort, Triangle

MINIMUM_COHORTS = 2
"""Cohorts from which a factor's variance can be told."""


class Factor(NamedTuple):
    """How redemptions grow from the end of ``age`` to the end of the next, over the cohorts that have seen both."""

    age: int
    before: int
    after: int
    cohorts: int
    """Those that had redeemed anything by ``age``."""
    variance: Decimal | None
    """Mack's sigma squared: of the growth of one point redeemed. None where neither data nor extrapolation tell."""

    @property
    def value(self) -> Fraction | None:
        """The factor; 1 where nothing was ever redeemed, None where growth began from nothing."""
        if self.before > 0:
            return Fraction(max(self.after, 0), self.before)
        return ALL if self.after <= 0 else None

    @property
    def is_still(self) -> bool:
        """Whether no cohort redeemed anything more: nothing grows, and nothing can vary."""
        return self.value == 1 and self.variance == 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """The factors of a triangle, youngest age first, and the factor from the last age to the ultimate."""

    factors: tuple[Factor, ...]
    tail: Fraction

    def to_ultimate(self, age: int) -> Fraction | None:
        """What redemptions at the end of an age are multiplied by; None where a factor ahead is not known."""
        product = self.tail
        for factor in self.factors[max(age, 0) :]:
            if factor.value is None:
                return None
            product *= factor.value
        return None if age < 0 else product

    def developed(self, age: int) -> Fraction:
        """The share of its ultimate that a cohort has redeemed by the end of an age; nothing before the first."""
        multiple = self.to_ultimate(age)
        if multiple is None:
            return NOTHING
        return ALL if multiple <= 1 else 1 / multiple


class Projection(NamedTuple):
    """A cohort at its ultimate, in points before any bound, and in shares of what was issued within them."""

    cohort: Cohort
    ultimate: Fraction
    standard_error: Decimal | None
    """In points; None where too few cohorts tell."""
    share: Range
    is_bounded: bool
    """Whether the factors led beyond what is possible: more than was issued, or less than is redeemed."""


def pattern_of(triangle: Triangle, tail: Decimal = Decimal(1)) -> Pattern:
    """The volume-weighted factors of whole months. ``tail`` is 1 where the last age is that of expiry by contract.

    ValueError for a tail below 1.
    """
    if tail < 1:
        raise ValueError("a tail is a factor of at least 1")
    cohorts = triangle.whole_months().cohorts
    ages = max((cohort.months for cohort in cohorts), default=0)
    paths = [cohort.cumulative for cohort in cohorts]
    measured = [_factor(age, [path[age : age + 2] for path in paths]) for age in range(ages - 1)]
    return Pattern(_with_variances(measured), Fraction(tail))


def _factor(age: int, steps: Sequence[Sequence[int]]) -> Factor:
    seen = [(step[0], step[1]) for step in steps if len(step) == 2]
    before, after = sum(start for start, _ in seen), sum(end for _, end in seen)
    grown = [(start, end) for start, end in seen if start > 0]
    factor = Factor(age, before, after, len(grown), None)
    if factor.value is None or len(grown) < MINIMUM_COHORTS:
        return factor
    squares = (Fraction((end - factor.value * start) ** 2) / start for start, end in grown)
    return factor._replace(variance=as_decimal(sum(squares, NOTHING) / (len(grown) - 1)))


def _with_variances(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Where one cohort is left: the variance goes on falling as it fell before, and never rises (Mack 1993)."""
    filled: list[Factor] = []
    for factor in factors:
        known = [each.variance for each in filled[-2:]]
        filled.append(
            factor if factor.variance is not None else factor._replace(variance=_extrapolated(known))
        )
    return tuple(filled)


def _extrapolated(known: Sequence[Decimal | None]) -> Decimal | None:
    """Of the variances of the two ages before, as far as there are any.

    After one that is 0 the last stands: Mack's rule would make it 0, and claim certainty of one lucky age.
    """
    if not known or known[-1] is None:
        return None
    earlier, last = known[0], known[-1]
    if earlier is None or earlier == 0:
        return last
    return min(ARITHMETIC.divide(ARITHMETIC.multiply(last, last), earlier), earlier, last)


def project(cohort: Cohort, pattern: Pattern, known: Cohort | None = None) -> Projection | None:
    """The cohort's ultimate; None where its age has no pattern.

    ``known`` is the same cohort with the running month in it, which bounds the estimate but does not enter it.
    """
    multiple = pattern.to_ultimate(cohort.age)
    if multiple is None:
        return None
    bounds = (known or cohort).bounds
    ultimate = cohort.redeemed_points * multiple
    error = standard_error(cohort, pattern)
    variance = (
        None if error is None else ARITHMETIC.power(ARITHMETIC.divide(error, Decimal(cohort.issued)), 2)
    )
    value = ultimate / cohort.issued
    return Projection(cohort, ultimate, error, spread(bounds, value, variance), bounds.hold(value) != value)


def standard_error(cohort: Cohort, pattern: Pattern) -> Decimal | None:
    """The root of Mack's mean squared error of prediction, in points: of the process and of the factors together.

    None where a factor ahead has no variance, or one of 0 though redemptions grow: that cohorts grew exactly alike is
    no evidence that the next one will.
    """
    ahead = (factor for factor in pattern.factors[cohort.age :] if not factor.is_still)
    redeemed, relative = Fraction(cohort.redeemed_points), Decimal(0)
    for factor in ahead:
        if factor.before <= 0 or not factor.value or not factor.variance or redeemed <= 0:
            return None
        weight = as_decimal((1 / redeemed + Fraction(1, factor.before)) / factor.value**2)
        relative = ARITHMETIC.add(relative, ARITHMETIC.multiply(factor.variance, weight))
        redeemed *= factor.value
    return ARITHMETIC.multiply(as_decimal(redeemed * pattern.tail), ARITHMETIC.sqrt(relative))
