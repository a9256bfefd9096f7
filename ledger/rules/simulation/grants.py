"""What an entry gave in both worlds, and what goes back of it: pro rata, as ``ledger.rules.debt`` takes back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.program import Program
from ledger.rules.simulation.events import Event, recorded
from ledger.rules.terms import terms_of


class Granted:
    """What an entry gave in one world, and how much of it was taken back since."""

    __slots__ = ("growth", "growth_ends_at", "growth_taken", "points", "points_taken", "program")

    def __init__(self, program: Program, points: int, growth: int, growth_ends_at: datetime | None) -> None:
        self.program = program
        self.points, self.growth = points, growth
        self.growth_ends_at = growth_ends_at
        self.points_taken = self.growth_taken = 0

    def has_lapsed(self, earned_at: datetime, at: datetime) -> bool:
        """Whether the points have come to their end; what activity keeps alive is taken as alive."""
        policy = terms_of(self.program).points_expiry
        ends_at = None if policy.is_rolling else policy.expires_at(earned_at, self.program.timezone)
        return ends_at is not None and ends_at <= at


class Grant(NamedTuple):
    """An entry that gave something: in the books, and in both worlds."""

    at: datetime
    details: Mapping[str, Any]
    is_counted: bool
    worlds: tuple[Granted, Granted]
    returned: dict[str, int]
    """Minor units returned, by line."""


def granted(program: Program, at: datetime, points: int, growth: int) -> Granted:
    """What was given at an instant, under a program's terms."""
    ends_at = terms_of(program).growth_expiry.expires_at(at, program.timezone) if growth else None
    return Granted(program, points, growth, ends_at)


def due(grant: Grant, event: Event) -> list[tuple[int, int]]:
    """Points and growth that go back now in each world; notes what was returned in all."""
    if event.kind == "return" and "lines" not in event.details:
        # In the books of who referred the customer: they tell how much went back, and not of how much.
        return [_as_recorded(each, grant, event) for each in grant.worlds]
    kept, total = _kept(grant, event)
    return [_pro_rata(each, grant, event, kept, total) for each in grant.worlds]


def _kept(grant: Grant, event: Event) -> tuple[int, int]:
    """How much of what was bought stays bought, and what was bought in all; a reversal keeps nothing."""
    if event.kind == "reversal":
        return 0, 1
    for line in event.details["lines"]:
        grant.returned[line["line_id"]] = grant.returned.get(line["line_id"], 0) + line["amount"]
    total = sum([line["amount"] for line in grant.details["lines"]])
    return total - sum(grant.returned.values()), total


def _pro_rata(granted: Granted, grant: Grant, event: Event, kept: int, total: int) -> tuple[int, int]:
    points = granted.points - (granted.points * kept // total if total else 0) - granted.points_taken
    growth = granted.growth - (granted.growth * kept // total if total else 0) - granted.growth_taken
    if granted.has_lapsed(grant.at, event.recorded_at):
        # What had lapsed unused is forgiven. How much that was is known of the books alone.
        points = min(points, _as_recorded(granted, grant, event)[0])
    if granted.growth_ends_at is not None and granted.growth_ends_at <= event.recorded_at:
        growth = 0
    return max(points, 0), max(growth, 0)


def _as_recorded(granted: Granted, grant: Grant, event: Event) -> tuple[int, int]:
    """The part that the books say went back."""
    points, growth = recorded(grant.details, "POINT"), recorded(grant.details, "GROWTH")
    return (
        granted.points * event.points_taken // points if points else 0,
        granted.growth * event.growth_taken // growth if growth else 0,
    )
