"""Which member comes next: each as often as every other, or a few most of the time."""

import random
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate

Draw = Callable[[], int]

ZIPF_EXPONENT = 1.1


def uniform(members: int, seed: str) -> Draw:
    """Each of so many members equally often."""
    chance = random.Random(seed)
    return lambda: chance.randrange(members)


def zipf(members: int, seed: str, exponent: float = ZIPF_EXPONENT) -> Draw:
    """The n-th member with a weight of ``n ** -exponent``, the first being member 0."""
    chance = random.Random(seed)
    weights = list(accumulate(rank**-exponent for rank in range(1, members + 1)))
    last, total = members - 1, weights[-1]
    return lambda: min(bisect(weights, chance.random() * total), last)
