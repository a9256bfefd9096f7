"""What may be paid with points against a price: the fewest, the most, and a slider's worth of choices between.

Value is floored and points for a value are ceiled, so what a member pays in points is never worth less than what
he is given for them, by less than one minor unit. Value and cash are the price, exactly.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from ledger.errors import InsufficientPoints, PointsNotOffered
from ledger.fx.convert import points_for, points_within, value_of
from ledger.fx.limits import Limits
from ledger.money import MAX_AMOUNT, Rounding, scale


class Option(NamedTuple):
    """Points against a price. Money in minor units."""

    points: int
    points_value: int
    cash: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A price in minor units, what a point is worth, and the limits that hold."""

    price: int
    rate: Decimal
    currency: str
    limits: Limits

    @property
    def least(self) -> int:
        """The fewest points that are taken: on a step, and worth at least one minor unit."""
        share = scale(self.price, self.limits.min_percent, 100, Rounding.CEILING)
        points = max(self.limits.minimum_points, points_for(max(share, 1), self.rate, self.currency))
        return -(-points // self.limits.step) * self.limits.step

    @property
    def most(self) -> int:
        """The most points that are taken, whoever has them; below ``least`` where none are."""
        share = scale(self.price, self.limits.max_percent, 100)
        points = points_for(share, self.rate, self.currency)
        if self._value(points) > share:
            # A whole point more would be worth a minor unit more than is to pay.
            points = points_within(share, self.rate, self.currency)
        return min(points, MAX_AMOUNT) // self.limits.step * self.limits.step

    def option(self, points: int) -> Option:
        """What so many points are against the price."""
        value = self._value(points)
        return Option(points, value, self.price - value)

    def choose(self, wanted: int | None, available: int) -> Option:
        """What is wanted, or the most there is; refuses what is not offered and what the member has not.

        ``points_not_offered`` and ``insufficient_points``, which tells what the least is.
        """
        least, most = self.least, self.most
        if wanted is None:
            wanted = max(least, min(most, available // self.limits.step * self.limits.step))
        if not least <= wanted <= most or wanted % self.limits.step:
            raise PointsNotOffered(
                f"from {least} to {most} points in steps of {self.limits.step} are taken against this price"
                if least <= most
                else "the price is too low to be paid with points",
                requested=wanted,
                minimum=least,
                maximum=max(most, 0),
                step=self.limits.step,
            )
        if wanted > available:
            raise InsufficientPoints(
                f"{wanted} points are needed and {available} are available",
                available=available,
                requested=wanted,
            )
        return self.option(wanted)

    def options(self, count: int, available: int) -> list[Option]:
        """At most ``count`` choices on steps, evenly spread from the least to the most that the member has."""
        step = self.limits.step
        first, last = self.least // step, min(self.most, available) // step
        if last < first:
            return []
        count = min(count, last - first + 1)
        places = {first + (last - first) * place // max(count - 1, 1) for place in range(count)}
        return [self.option(place * step) for place in sorted(places | {last})]

    def _value(self, points: int) -> int:
        return value_of(points, self.rate, self.currency).amount
