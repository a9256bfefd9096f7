"""Shares of issued points: exact fractions inside, six decimal places outside, and the bounds that no estimate leaves.

Estimates are fractions, so neither the order of cohorts nor a scale changes a digit of them. Variances are decimals of
34 digits, for they need square roots and no one reads them to the last digit.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Final, NamedTuple

ARITHMETIC: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""The same digits on every machine: roots and quotients of decimals are rounded correctly."""

PLACES: Final = 6
"""Digits after the point of a share that is reported: a millionth of what was issued."""

WIDTH: Final = 2
"""Standard errors between an estimate and each end of its range: about 95 in 100, were errors normal."""

NOTHING: Final = Fraction(0)
ALL: Final = Fraction(1)


class Range(NamedTuple):
    """An estimate between its two ends, in shares of what was issued: ``low <= value <= high``."""

    value: Fraction
    low: Fraction
    high: Fraction


class Bounds(NamedTuple):
    """What is certain: no less than is redeemed already, no more than that and all that is still there."""

    low: Fraction
    high: Fraction

    def hold(self, value: Fraction) -> Fraction:
        """The value, moved to the nearer bound if it lies beyond one."""
        return max(self.low, min(value, self.high))

    def around(self, value: Fraction, low: Fraction, high: Fraction) -> Range:
        """All three within the bounds, and the value between its ends."""
        held = self.hold(value)
        return Range(held, min(held, self.hold(low)), max(held, self.hold(high)))

    def unknown(self, value: Fraction) -> Range:
        """An estimate of which nothing tells how far it may be off: its range is all that is possible."""
        return Range(self.hold(value), self.low, self.high)


def spread(bounds: Bounds, value: Fraction, variance: Decimal | None) -> Range:
    """The range of ``WIDTH`` standard errors either way; all that is possible where there is no variance."""
    if variance is None:
        return bounds.unknown(value)
    distance = reach(NOTHING, variance)
    return bounds.around(value, value - distance, value + distance)


def reach(known: Fraction, variance: Decimal) -> Fraction:
    """How far an end lies from the estimate: a distance that is given, joined by squares with ``WIDTH`` errors."""
    square = ARITHMETIC.fma(Decimal(WIDTH**2), max(variance, Decimal(0)), as_decimal(known**2))
    return Fraction(ARITHMETIC.sqrt(square))


def as_decimal(value: Fraction) -> Decimal:
    """The fraction in 34 digits, rounded once."""
    return ARITHMETIC.divide(Decimal(value.numerator), Decimal(value.denominator))


def nearest(value: Fraction) -> Decimal:
    """Six places, half to even: for the estimate itself."""
    return _in_places(round(value * 10**PLACES))


def below(value: Fraction) -> Decimal:
    """Six places, down: for the low end of a range, which rounding never narrows."""
    return _in_places(floor(value * 10**PLACES))


def above(value: Fraction) -> Decimal:
    """Six places, up: for the high end of a range."""
    return _in_places(ceil(value * 10**PLACES))


def _in_places(steps: int) -> Decimal:
    return Decimal(steps).scaleb(-PLACES, ARITHMETIC)
