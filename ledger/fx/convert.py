"""Points to money and back at an exact rate, each rounded once and never in the caller's favour.

A rate is the money of one point, an exact decimal in major units. All arithmetic is on integers: points, minor
units, and millionths of a minor unit, in which the exact value of any points is a whole number. Value given out is
floored, points asked for are ceiled, points sold are floored; so a round trip at one rate never gains, and neither
does one that sells at the ask and spends at the bid, whatever the two are (ask >= bid). The directions are those of
tokenised vaults (ERC-4626), where the same round trips must not gain.
"""

from decimal import Decimal
from typing import NamedTuple

from ledger.money import Rounding, exponent, scale

MICRO = 1_000_000
"""Millionths of a minor unit in one minor unit."""


class Value(NamedTuple):
    """What points are worth: whole minor units, and the residue of less than one, in millionths of a minor unit."""

    amount: int
    residue: int


def micros_per_point(rate: Decimal, currency: str) -> int:
    """The rate as millionths of a minor unit for one point. ValueError where it is finer than that."""
    micros = rate.scaleb(exponent(currency)) * MICRO
    if micros != int(micros):
        raise ValueError("a rate has at most six digits after the point of a minor unit")
    return int(micros)


def value_of(points: int, rate: Decimal, currency: str) -> Value:
    """What ``points`` are worth when they are spent, floored; the residue is the house's."""
    return Value(*divmod(points * micros_per_point(rate, currency), MICRO))


def points_for(value: int, rate: Decimal, currency: str) -> int:
    """The fewest points that are worth at least ``value`` minor units when they are spent: ceiled."""
    return scale(value, MICRO, micros_per_point(rate, currency), Rounding.CEILING)


def points_within(value: int, rate: Decimal, currency: str) -> int:
    """The most points that are worth no more than ``value`` minor units, exactly: floored."""
    return scale(value, MICRO, micros_per_point(rate, currency))


def cost_of(points: int, ask: Decimal, currency: str) -> Value:
    """What ``points`` cost when they are sold, ceiled; the residue is what is paid beyond the exact price."""
    exact = points * micros_per_point(ask, currency)
    amount = scale(exact, 1, MICRO, Rounding.CEILING)
    return Value(amount, amount * MICRO - exact)


def points_bought(money: int, ask: Decimal, currency: str) -> int:
    """The points that ``money`` in minor units buys: floored."""
    return scale(money, MICRO, micros_per_point(ask, currency))
