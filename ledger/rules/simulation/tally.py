"""What a replay counts, in both worlds side by side: sums that can be added up in any order.

Processes count for themselves; their tallies travel as JSON and are added. An amount pair is the active
world's and the draft's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from heapq import nlargest
from typing import Any, NamedTuple, Self

MOST_CHANGED = 20

Table = dict[tuple[str, ...], list[int]]
"""Rows of numbers by their key."""


class Changed(NamedTuple):
    """A member in both worlds: net points and growth, and the tier at the end."""

    member_id: str
    points: tuple[int, int]
    growth: tuple[int, int]
    tiers: tuple[str, str]

    @property
    def difference(self) -> int:
        """Points more (or, below zero, less) than in the active world."""
        return self.points[1] - self.points[0]


def _row(length: int) -> Callable[[], list[int]]:
    return lambda: [0] * length


class Tally:
    """The sums of one replay, or of several together."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        """Members, purchases and the like."""
        self.totals: Table = defaultdict(_row(4))
        """By (unit): issued in both worlds, taken back in both."""
        self.books: Table = defaultdict(_row(2))
        """By (unit): what the books say was issued, and taken back."""
        self.rules: Table = defaultdict(_row(4))
        """By (owner, rule, unit): amounts in both worlds, then awards in both."""
        self.fences: Table = defaultdict(_row(4))
        """By (rule, unit, fence): amounts kept back in both worlds, then how often in both."""
        self.funds: Table = defaultdict(_row(2))
        """By (fund): points paid in both worlds."""
        self.places: Table = defaultdict(_row(4))
        """By ("store" | "region" | "tier", code): points issued in both worlds, then growth in both."""
        self.tiers: Table = defaultdict(_row(1))
        """By (tier in the active world, tier in the draft's) at the end: members."""
        self.moves: Table = defaultdict(_row(2))
        """By (reason): events of tiers in both worlds."""
        self.changed: list[Changed] = []
        """The members whose points change most, some of both directions."""

    def note(self, changed: Changed) -> None:
        """Keep a member in mind, as long as not too many others have changed more."""
        self.changed.append(changed)
        if len(self.changed) > 8 * MOST_CHANGED:
            self.changed = most_changed(self.changed)

    def add(self, other: Self) -> None:
        """Count in what another process has counted."""
        for name, count in other.counts.items():
            self.counts[name] += count
        for name in _TABLES:
            mine = getattr(self, name)
            for key, numbers in getattr(other, name).items():
                mine[key] = [a + b for a, b in zip(mine[key], numbers, strict=True)]
        self.changed = most_changed([*self.changed, *other.changed])

    def stored(self) -> dict[str, Any]:
        """In the form that travels."""
        kept = {name: [[*key, numbers] for key, numbers in getattr(self, name).items()] for name in _TABLES}
        changed = [list(member) for member in most_changed(self.changed)]
        return {"counts": self.counts, "changed": changed, **kept}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Self:
        """What has travelled."""
        tally = cls()
        tally.counts.update(stored["counts"])
        for name in _TABLES:
            getattr(tally, name).update({tuple(key): numbers for *key, numbers in stored[name]})
        tally.changed = [
            Changed(member, tuple(points), tuple(growth), tuple(tiers))
            for member, points, growth, tiers in stored["changed"]
        ]
        return tally


_TABLES = ("totals", "books", "rules", "fences", "funds", "places", "tiers", "moves")


def most_changed(members: Iterable[Changed]) -> list[Changed]:
    """The members who gain most, then those who lose most; neither without a difference."""
    gaining = [member for member in members if member.difference > 0]
    losing = [member for member in members if member.difference < 0]
    return [
        *nlargest(MOST_CHANGED, gaining, key=lambda member: (member.difference, member.member_id)),
        *nlargest(MOST_CHANGED, losing, key=lambda member: (-member.difference, member.member_id)),
    ]
