"""A toy market for the band controller: lots that live a year, members who redeem more when a point is worth more.

It shows that the controller does what it is meant to do in a market of this kind, with the noise and the delays of
one. It is no evidence of how members behave: the elasticity is put in, not measured.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.accounts.program import RateVersion
from ledger.fx.band import SERIES_WEEKS, WINDOW_WEEKS, Move, Week, last_reading, log_step_of, moved
from ledger.fx.band_settings import DEFAULT_BAND, BandSettings

ISSUED: Final = 1_000_000
LOT_WEEKS: Final = 52
NOISE: Final = 0.06
YEARS_BEFORE: Final = 1
WEEKS: Final = 208
DIGITS: Final = 8

SETTINGS: Final = BandSettings(
    Decimal("0.30"),
    Decimal("0.28"),
    Decimal("0.32"),
    DEFAULT_BAND["minimum_volume"],
    DEFAULT_BAND["lag_hours_max"],
    "recommend",
)
START: Final = RateVersion(
    version=1,
    valid_from=datetime(1970, 1, 1, tzinfo=UTC),
    recorded_at=datetime(1970, 1, 1, tzinfo=UTC),
    bid=Decimal("0.01"),
    ask=Decimal("0.02"),
    floor=Decimal("0.005"),
    ceiling=Decimal("0.02"),
    max_step=Decimal("1"),
)

Controller = Callable[[RateVersion, Sequence[Week]], Move]
"""Where the rate goes after these weeks, the last ``SERIES_WEEKS`` of them."""


class Market(NamedTuple):
    """What the members are like: ``log_needed`` is how far the rate starts from where the target would be met."""

    elasticity: float
    log_needed: float
    seed: int
    noise: float = NOISE


class Point(NamedTuple):
    """One week of a run, and the rate that was in force."""

    share: float
    """What members would redeem of what is issued, but for the noise."""
    seen: float
    """What the controller sees of it: the last four weeks, noise and all."""
    bid: Decimal


class Books:
    """Lots of points, the oldest redeemed first, each gone after a year."""

    def __init__(self) -> None:
        self.lots: deque[int] = deque(maxlen=LOT_WEEKS)

    def week(self, demand: float) -> Week:
        """Issue the points of a week and redeem as many as are wanted and there."""
        # What falls off at the other end has expired.
        self.lots.append(ISSUED)
        wanted = left = min(round(demand), sum(self.lots))
        for number, lot in enumerate(self.lots):
            taken = min(lot, left)
            self.lots[number] -= taken
            left -= taken
        return Week(ISSUED, wanted)


def controlled(rate: RateVersion, weeks: Sequence[Week]) -> Move:
    """The controller itself."""
    return moved(rate, log_step_of(last_reading(weeks, SETTINGS)), DIGITS)


def simulate(market: Market, controller: Controller = controlled, weeks: int = WEEKS) -> list[Point]:
    """A run from the first week in which the controller acts. Before it, the rate stood still for a year."""
    chance, books, rate = random.Random(market.seed), Books(), START
    series: list[Week] = []
    points: list[Point] = []
    for number in range(-LOT_WEEKS * YEARS_BEFORE, weeks):
        worth = market.elasticity * (math.log(rate.bid / START.bid) - market.log_needed)
        share = float(SETTINGS.target) * math.exp(worth)
        series.append(books.week(ISSUED * share * math.exp(chance.gauss(0, market.noise))))
        if number < 0:
            continue
        window = series[-WINDOW_WEEKS:]
        seen = sum(week.redeemed for week in window) / sum(week.issued for week in window)
        points.append(Point(share, seen, rate.bid))
        rate = rate._replace(bid=controller(rate, series[-SERIES_WEEKS:]).bid)
    return points


def is_in_band(share: float) -> bool:
    """Whether a redemption rate lies in the band."""
    return SETTINGS.low <= share <= SETTINGS.high


def in_band(points: Sequence[Point]) -> float:
    """In how many of these weeks, as a share of them, the redemption rate lay in the band."""
    return sum(is_in_band(point.share) for point in points) / len(points)


def seen_in_band(points: Sequence[Point]) -> float:
    """The same of what the controller saw."""
    return sum(is_in_band(point.seen) for point in points) / len(points)


def first_entry(points: Sequence[Point]) -> int | None:
    """The first week in which it lay in the band."""
    return next((number for number, point in enumerate(points) if is_in_band(point.share)), None)


def changes(points: Sequence[Point]) -> int:
    """How often the rate was changed."""
    return sum(before.bid != after.bid for before, after in pairwise(points))


def sleepless(rate: RateVersion, weeks: Sequence[Week]) -> Move:
    """A controller without the gap between waking and sleeping."""
    awake = last_reading(weeks, SETTINGS)._replace(is_awake=True)
    return moved(rate, log_step_of(awake), DIGITS)


def leaking(leak: str) -> Controller:
    """A controller that forgets: each week the rate falls back towards where it started, by a share of the way."""

    def forgetful(rate: RateVersion, weeks: Sequence[Week]) -> Move:
        kept = Decimal(leak) * (rate.bid / START.bid).ln()
        log_step = log_step_of(last_reading(weeks, SETTINGS))
        return moved(rate._replace(bid=START.bid), kept + log_step, DIGITS)

    return forgetful
