"""What lies ahead of a member's tier if nothing else happens: the next level, what keeps it, what leaves when."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import Ladders, Level
from ledger.accounts.tiers import TierState, settle, tier_after


class Step(NamedTuple):
    """Growth that comes or goes at an instant, and the tier and the growth after it."""

    at: datetime
    amount: int
    growth: int
    tier: str


class Judgement(NamedTuple):
    """The end of the period that is under way, as it would go by what the member has now."""

    at: datetime
    threshold: int
    counted: int
    """How much of the present growth will still count in its last moment."""
    missing: int
    tier: str
    """The tier after it: the same, a lower one, or the same in grace."""
    grace_until: datetime | None


class Outlook(NamedTuple):
    """A member's tier at ``now``, and what lies ahead."""

    state: TierState
    level: Level
    growth: int
    next_level: Level | None
    missing: int
    """Growth that the next level still needs; 0 on the highest."""
    judgement: Judgement | None
    """None where the tier has no end."""
    leaving: list[Step]
    """Growth that leaves the window, by the instant at which it does."""
    coming: list[Step]
    """Growth that is booked already and begins to count later."""


def outlook(state: TierState, changes: Sequence[Change], ladders: Ladders, now: datetime) -> Outlook | None:
    """What lies ahead by growth as it is known now; None where no ladder is in force.

    ``state`` is settled by the clock at ``now``; ``changes`` are the member's open lots of growth.
    """
    ladder = ladders.at(now).ladder
    if ladder is None:
        return None
    timeline = Timeline(changes)
    growth = timeline.left(now)
    rank = (ladder.rank_of(state.code) or 0) if state.code else 0
    above = ladder.levels[rank + 1] if rank + 1 < len(ladder.levels) else None
    return Outlook(
        state,
        ladder.levels[rank],
        growth,
        above,
        max(above.threshold - growth, 0) if above else 0,
        _judgement(state, timeline, ladders, ladder.levels[rank]),
        list(_steps(state, changes, ladders, _leaving(changes, now))),
        list(_steps(state, changes, ladders, _coming(changes, now))),
    )


def _judgement(state: TierState, timeline: Timeline, ladders: Ladders, level: Level) -> Judgement | None:
    at = state.ends_at
    if at is None:
        return None
    counted = timeline.last_moment(at)
    after, _ = settle(state, timeline, ladders, at)
    missing = max(level.threshold - counted, 0)
    return Judgement(
        at, level.threshold, counted, missing, after.code, after.ends_at if after.in_grace else None
    )


def _leaving(changes: Iterable[Change], now: datetime) -> Iterable[tuple[datetime, int]]:
    return ((change.ends_at, -change.amount) for change in changes if change.ends_at and change.ends_at > now)


def _coming(changes: Iterable[Change], now: datetime) -> Iterable[tuple[datetime, int]]:
    return ((change.at, change.amount) for change in changes if change.at > now)


def _steps(
    state: TierState, changes: Sequence[Change], ladders: Ladders, moves: Iterable[tuple[datetime, int]]
) -> Iterable[Step]:
    """One step for each instant, with what the tier will be by then."""
    timeline = Timeline(changes)
    for at, group in groupby(sorted(moves), key=lambda move: move[0]):
        amount = sum(amount for _, amount in group)
        yield Step(at, amount, timeline.left(at), tier_after(state, changes, ladders, at))
