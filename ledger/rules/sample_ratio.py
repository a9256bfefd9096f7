"""The sample-ratio check: whether members fell into the arms of an experiment as they should have.

If not, something other than chance has sorted them (a till that sends no member, an arm that drives people
away), and no figure of the experiment means what it seems to. Computed in decimals: nothing here is a float.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial
from typing import Final, NamedTuple

ALARM: Final = Decimal("0.001")
"""Below this probability the check fails: once in a thousand sound experiments."""

_PI: Final = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
_DIGITS: Final = 60
_BEYOND: Final = 400
"""A statistic from which on the probability is 0 in all digits that are shown."""


class RatioCheck(NamedTuple):
    """The chi-square statistic, its degrees of freedom, and how likely chance is to do that or more."""

    statistic: Decimal
    degrees: int
    p_value: Decimal

    @property
    def is_suspicious(self) -> bool:
        """Whether the arms are not to be compared."""
        return self.p_value < ALARM


def check_ratio(members: Sequence[int], weights: Sequence[int]) -> RatioCheck | None:
    """The check for so many members in arms of these weights; None where nobody is in any."""
    total, whole = sum(members), sum(weights)
    if not total:
        return None
    statistic = sum(
        (
            Fraction((found * whole - total * weight) ** 2, total * weight * whole)
            for found, weight in zip(members, weights, strict=True)
        ),
        Fraction(),
    )
    degrees = len(weights) - 1
    p_value = chi_square_survival(statistic, degrees)
    return RatioCheck(_decimal(statistic), degrees, p_value)


def chi_square_survival(statistic: Fraction, degrees: int) -> Decimal:
    """The probability of a chi-square variable of so many degrees of freedom to exceed ``statistic``.

    That is 1 - P(a, x), the regularised incomplete gamma function with a = degrees ÷ 2 and x = statistic ÷ 2.
    The series of P has no negative term, and 60 digits bear its subtraction from 1.
    """
    if statistic >= _BEYOND:
        return Decimal(0)
    with localcontext() as context:
        context.prec = _DIGITS
        a, x = Decimal(degrees) / 2, _decimal(statistic) / 2
        if not x:
            return Decimal(1)
        term = total = 1 / a
        while term > total.scaleb(-_DIGITS):
            a += 1
            term *= x / a
            total += term
        below = total * (-x).exp() * _power(x, degrees) / _gamma(degrees)
        return max(1 - below, Decimal(0))


def _power(x: Decimal, degrees: int) -> Decimal:
    """x to the power of degrees ÷ 2."""
    whole = Decimal(1)
    for _ in range(degrees // 2):
        whole *= x
    return whole * x.sqrt() if degrees % 2 else whole


def _gamma(degrees: int) -> Decimal:
    """The gamma function of degrees ÷ 2."""
    half = degrees // 2
    if degrees % 2 == 0:
        return Decimal(factorial(half - 1))
    return _PI.sqrt() * factorial(2 * half) / ((1 << 2 * half) * factorial(half))


def _decimal(exact: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = _DIGITS
        return Decimal(exact.numerator) / exact.denominator
