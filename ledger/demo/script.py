"""What the data set does not tell and the demo makes up: who redeems, returns goods, brings a reward back.

Everything is derived from a hash of the seed, the household and the basket, so that it is the same on every
machine and in every release of Python, and the same for a basket whichever others are replayed.
"""

from datetime import timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from ledger.demo.baskets import Basket
from ledger.rules.commands import Line

REWARDS: Final = (50, 50, 50, 100, 100, 200, 200, 500)
"""The rewards on offer, in points; a reward named more often is chosen more often."""

REDEEMS_PER_MILLE: Final = 120
RETURNS_PER_MILLE: Final = 20
REFUNDS_PER_MILLE: Final = 50
"""Of a thousand baskets, those after which a reward is asked for, and those of which a line goes back; of a
thousand rewards, those that are brought back."""

REFUND_DAYS_MAX: Final = 10
RETURN_DAYS_MAX: Final = 14


class Refunded(NamedTuple):
    """A reward that is brought back: after how long, and how many of its points."""

    after: timedelta
    points: int


class Reward(NamedTuple):
    """A reward asked for at the till, right after the purchase, whether or not there are points for it."""

    points: int
    refunded: Refunded | None


class ReturnedGoods(NamedTuple):
    """A line that goes back whole, and after how long."""

    after: timedelta
    line: Line


class Sequel(NamedTuple):
    """What follows a basket."""

    reward: Reward | None
    returned: ReturnedGoods | None


def sequel_of(seed: int, basket: Basket) -> Sequel:
    """What the household does after this basket. Pure: one seed, one basket, one sequel."""
    chance = _Chance(f"{seed}/{basket.household_id}/{basket.basket_id}")
    # Every choice is drawn, needed or not, so that none of them shifts the others.
    redeems, points, refunds, refund_day, is_whole = (
        chance.of(1_000),
        REWARDS[chance.of(len(REWARDS))],
        chance.of(1_000),
        chance.of(REFUND_DAYS_MAX),
        chance.of(2),
    )
    returns, return_day, position = chance.of(1_000), chance.of(RETURN_DAYS_MAX), chance.of(1 << 16)
    refunded = Refunded(timedelta(days=1 + refund_day), points if is_whole else points // 2)
    line = _line_to_return(basket, position) if returns < RETURNS_PER_MILLE else None
    return Sequel(
        Reward(points, refunded if refunds < REFUNDS_PER_MILLE else None)
        if redeems < REDEEMS_PER_MILLE
        else None,
        ReturnedGoods(timedelta(days=1 + return_day), line) if line else None,
    )


def _line_to_return(basket: Basket, position: int) -> Line | None:
    # What was given away, or weighed out as no piece at all, does not come back for money.
    returnable = [line for line in basket.lines if line.amount and line.quantity]
    return returnable[position % len(returnable)] if returnable else None


class _Chance:
    """A row of numbers drawn from a name, always the same from the same name."""

    def __init__(self, name: str) -> None:
        self._rest = int.from_bytes(blake2b(name.encode(), digest_size=32).digest())

    def of(self, number: int) -> int:
        """The next one, below ``number``."""
        self._rest, drawn = divmod(self._rest, number)
        return drawn
