"""Amounts: integers in a unit's smallest step, exact decimal rates, one rounding function.

A float near an amount is a bug. Value given out is floored, points asked for are ceiled, splits use
the largest remainder. Amounts stay within 2^53-1, so that every JSON reader keeps them exact.
"""

from collections.abc import Sequence
from enum import Enum
from functools import cache

from iso4217 import Currency

MAX_AMOUNT = 2**53 - 1


class Rounding(Enum):
    """How a fraction becomes an integer. ``HALF_EVEN`` is for valuation only."""

    FLOOR = "floor"
    CEILING = "ceiling"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


def scale(amount: int, numerator: int, denominator: int, rounding: Rounding = Rounding.FLOOR) -> int:
    """``amount × numerator ÷ denominator``, rounded once, for non-negative arguments."""
    assert amount >= 0 and numerator >= 0 and denominator > 0
    quotient, rest = divmod(amount * numerator, denominator)
    return quotient + _step(quotient, rest, denominator, rounding)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide ``total`` in proportion to ``weights``; the parts sum to it exactly.

    Largest remainder (Hamilton): floor every part, then give one more to the largest fractions, ties to
    the earlier. The order of equal weights is the only thing that order decides.
    """
    whole = sum(weights)
    assert total >= 0 and whole > 0
    parts = [total * weight // whole for weight in weights]
    by_fraction = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_fraction[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _step(quotient: int, rest: int, denominator: int, rounding: Rounding) -> int:
    if rest == 0 or rounding is Rounding.FLOOR:
        return 0
    if rounding is Rounding.CEILING:
        return 1
    twice = 2 * rest
    if twice != denominator:
        return int(twice > denominator)
    return 1 if rounding is Rounding.HALF_UP else quotient % 2


@cache
def exponent(currency: str) -> int:
    """The digits after the point of a currency: 2 for CNY, 0 for JPY. ValueError for what is not one."""
    digits = Currency(currency).exponent
    if digits is None:
        raise ValueError(f"{currency} has no minor unit")
    return int(digits)


def show_major(amount: int, currency: str) -> str:
    """Minor units as people read them: 1250 CNY is ``12.50``."""
    digits = exponent(currency)
    if digits == 0:
        return str(amount)
    whole, rest = divmod(amount, 10**digits)
    return f"{whole}.{rest:0{digits}d}"
