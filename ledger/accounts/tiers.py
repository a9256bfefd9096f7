"""Tiers: a member's tier as a function of growth over time and of the ladders in force.

``settle`` is the single fold. It goes over the instants at which something happens: first the end of a
period, judged by the growth of its last moment; then another ladder; then all gains together; then what is
taken. It depends on when things happened and never on when they arrived, so a state that is settled step by
step is the state that a replay from nothing gives; what arrives late makes a replay necessary.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import BEGINNING, Ladder, Ladders, Level, Per, Reign
from ledger.clock import local_date

Reason = Literal[
    "entered",
    "upgraded",
    "kept",
    "grace",
    "downgraded",
    "returned",
    "terms_changed",
    "late_event",
    "merged",
    "unmerged",
]

TICK: Final = timedelta(microseconds=1)
"""The finest step of time. What is taken at an instant is settled one tick later, when no gain can join it."""

_ENTITLING = frozenset({"entered", "upgraded", "kept"})


class TierState(NamedTuple):
    """A member's tier, settled: up to ``settled_at`` with its gains, but before what is taken at that very instant.

    ``code`` is empty until growth is first gained under a ladder; such a member stands on the lowest level.
    """

    code: str = ""
    since: datetime | None = None
    ends_at: datetime | None = None
    """When the tier is judged next; None where nothing can take it by time."""
    in_grace: bool = False
    terms_version: int = 0
    """The version of the terms that was in force, as far as was known, at ``settled_at``."""
    settled_at: datetime | None = None


NO_TIER: Final = TierState()


class TierEvent(NamedTuple):
    """A tier entered, kept or changed, with its reason and the growth that decided."""

    effective_at: datetime
    from_tier: str | None
    to_tier: str
    reason: Reason
    growth: int
    ends_at: datetime | None
    terms_version: int


class Entitlement(NamedTuple):
    """A benefit that a tier event issues; with its holder, code and period name it for ever."""

    code: str
    period: str
    tier: str
    issued_at: datetime


class Settled(NamedTuple):
    """A state, and what has led to it since the state before: what to record and what to issue."""

    state: TierState
    events: list[TierEvent]
    entitlements: list[Entitlement]


def settle(
    state: TierState, timeline: Timeline, ladders: Ladders, until: datetime
) -> tuple[TierState, list[TierEvent]]:
    """The state at ``until``, and the events since ``state``. What is settled already is left as it is.

    From ``NO_TIER`` it is a replay. From any other state the timeline need be true only from
    ``state.settled_at`` on, and the state must still hold (``holds``).
    """
    if state.settled_at is not None and until < state.settled_at:
        return state, []
    fold = _Fold(state, timeline, ladders)
    fold.run(until)
    return fold.state._replace(terms_version=ladders.at(until).version, settled_at=until), fold.events


def holds(state: TierState, ladders: Ladders) -> bool:
    """Whether a settled state can be gone on from: nothing was learned since of the terms that ruled then."""
    return state.settled_at is not None and ladders.at(state.settled_at).version == state.terms_version


def is_late(state: TierState, ladders: Ladders, at: datetime) -> bool:
    """Whether something of ``at`` makes a replay necessary, instead of going on from a settled state."""
    return state.settled_at is None or at < state.settled_at or not holds(state, ladders)


def advance(state: TierState, timeline: Timeline, ladders: Ladders, until: datetime) -> Settled:
    """Go on from a settled state: see ``settle``."""
    reached, events = settle(state, timeline, ladders, until)
    return Settled(reached, events, entitlements_of(events, ladders))


def revise(
    state: TierState,
    timeline: Timeline,
    ladders: Ladders,
    until: datetime,
    late: datetime,
    reason: Reason = "late_event",
) -> Settled:
    """Replay a whole history because something of ``late`` has come after ``state`` was settled.

    Where that changes what was settled, one event says so, with the ``reason``, beside what has happened since.
    """
    settled_at = state.settled_at or BEGINNING
    then, lived = settle(NO_TIER, timeline, ladders, settled_at) if state.settled_at else (NO_TIER, [])
    reached, events = settle(then, timeline, ladders, max(until, settled_at))
    # Before what came late, everything was as it had been known.
    entitlements = entitlements_of([e for e in lived if e.effective_at >= late] + events, ladders)
    if state.settled_at and then.code and then[:4] != state[:4]:
        growth, version = timeline.gained(settled_at), then.terms_version
        event = TierEvent(late, state.code or None, then.code, reason, growth, then.ends_at, version)
        events = [event, *events]
    return Settled(reached, events, entitlements)


def tier_after(
    state: TierState, changes: Iterable[Change], ladders: Ladders, at: datetime, gain: int = 0
) -> str:
    """The code of the tier at ``at`` with ``gain`` more growth; the lowest level's where none is entered.

    Empty where no ladder is in force. ``state`` must lie before ``at``.
    """
    more = [Change(at, gain)] if gain else []
    reached, _ = settle(state, Timeline([*changes, *more]), ladders, at)
    return reached.code or lowest(ladders, at)


def lowest(ladders: Ladders, at: datetime) -> str:
    """The code of the lowest level in force; empty where there is no ladder."""
    ladder = ladders.at(at).ladder
    return ladder.levels[0].code if ladder else ""


def entitlements_of(events: Iterable[TierEvent], ladders: Ladders) -> list[Entitlement]:
    """What the events issue: each benefit of the level, for the period in which the event happened."""
    return [
        Entitlement(
            benefit.code, period_of(event.effective_at, benefit.per, ladders.timezone), level.code, at
        )
        for event in events
        if event.reason in _ENTITLING
        for at, level in [(event.effective_at, _level(ladders, event))]
        for benefit in level.benefits
    ]


def period_of(instant: datetime, per: Per, timezone: str) -> str:
    """The name of the local year, quarter or month: ``2026``, ``2026-Q1``, ``2026-03``."""
    day: date = local_date(instant, timezone)
    if per == "year":
        return f"{day.year:04}"
    if per == "quarter":
        return f"{day.year:04}-Q{(day.month + 2) // 3}"
    return f"{day.year:04}-{day.month:02}"


def _level(ladders: Ladders, event: TierEvent) -> Level:
    # At a change of ladder the end of a period is still judged by the old one: so by version, not by time.
    ladder = next(reign.ladder for reign in ladders.reigns if reign.version == event.terms_version)
    assert ladder is not None
    rank = ladder.rank_of(event.to_tier)
    assert rank is not None
    return ladder.levels[rank]


class _Fold:
    """The state on its way through time."""

    def __init__(self, state: TierState, timeline: Timeline, ladders: Ladders) -> None:
        self.state = state
        self.timeline = timeline
        self.ladders = ladders
        self.begin = state.settled_at or BEGINNING
        self.reign: Reign = ladders.at(self.begin)
        self.events: list[TierEvent] = []

    def run(self, until: datetime) -> None:
        """Through every instant up to ``until``, and there up to the gains."""
        # The gains of the first instant may have grown in number since; what is taken there is yet to come.
        gains = frozenset(self.timeline.gains_within(self.begin, until))
        takings = frozenset(self.timeline.takings_within(self.begin, until - TICK))
        changes = frozenset(self.ladders.changes(self.begin, until))
        for instant in sorted({*gains, *takings, *changes, until}):
            self._pass_ends(instant)
            self._succeed(instant, instant in changes)
            if self.reign.ladder is None:
                continue
            if instant in gains:
                self._rise(self.reign.ladder, instant, self.timeline.gained(instant), "upgraded")
            if instant in takings:
                self._take(self.reign.ladder, instant)

    def _pass_ends(self, instant: datetime) -> None:
        while (ends_at := self.state.ends_at) is not None and ends_at <= instant:
            # Versions of the terms that left the ladder alone may have begun within the period.
            self._succeed(ends_at - TICK, ladder_changes=False)
            assert self.reign.ladder is not None
            self._judge(self.reign.ladder, ends_at)

    def _judge(self, ladder: Ladder, at: datetime) -> None:
        """The end of a period: keep the tier, grant grace once, or fall."""
        rank, growth = self._rank(ladder), self.timeline.last_moment(at)
        if growth >= ladder.levels[rank].threshold:
            self._keep(ladder, at, growth)
        elif ladder.grace_days and not self.state.in_grace:
            grace_until = ladder.grace_until(at, self.ladders.timezone)
            self.state = self.state._replace(in_grace=True, ends_at=grace_until)
            self._tell(at, self.state.code, "grace", growth)
        else:
            lower = rank - 1 if ladder.lands_softly else ladder.reached(growth)
            self._move(ladder, max(lower, ladder.floor), at, "downgraded", growth)

    def _succeed(self, at: datetime, ladder_changes: bool) -> None:
        """Let the version of the terms that is in force at ``at`` rule; its ladder may be another."""
        old, self.reign = self.reign.ladder, self.ladders.at(at)
        if not ladder_changes:
            return
        ladder, growth = self.reign.ladder, self.timeline.opening(at)
        if ladder is None:
            # No tiers any more. Should they come back, everybody enters anew.
            self.state = NO_TIER
        elif not self.state.code:
            self._rise(ladder, at, growth, "terms_changed")
        else:
            assert old is not None
            self._translate(old, ladder, at, growth)

    def _translate(self, old: Ladder, new: Ladder, at: datetime, growth: int) -> None:
        """Keep the tier under a new ladder, or what comes nearest below it; rise where growth reaches more."""
        kept = new.rank_of(self.state.code)
        if kept is None:
            kept = new.reached(old.levels[self._rank(old)].threshold)
        rank = max(kept, new.reached(growth))
        if new.levels[rank].code != self.state.code:
            self._move(new, rank, at, "terms_changed", growth)
            return
        ends_at = self._end(new, rank, at)
        if ends_at is not None and self.state.ends_at is not None:
            # A period that has begun is not cut short and not drawn out.
            ends_at = self.state.ends_at
        if ends_at != self.state.ends_at:
            self.state = self.state._replace(ends_at=ends_at, in_grace=False)
            self._tell(at, self.state.code, "terms_changed", growth)
        self._rise(new, at, growth, "terms_changed")

    def _rise(self, ladder: Ladder, at: datetime, growth: int, reason: Reason) -> None:
        """Enter, rise at once to what growth reaches, or come out of grace."""
        reached = ladder.reached(growth)
        if not self.state.code:
            if growth > 0:
                self._move(ladder, reached, at, "entered", growth)
            return
        rank = self._rank(ladder)
        if reached > rank:
            self._move(ladder, reached, at, reason, growth)
        elif reached == rank and self.state.in_grace:
            self._keep(ladder, at, growth)

    def _take(self, ladder: Ladder, at: datetime) -> None:
        """Fall at once where the policy says so and what is taken crosses the threshold."""
        if not self.state.code or not ladder.falls_at_once:
            return
        rank, since = self._rank(ladder), self.state.since
        before, after = self.timeline.gained(at), self.timeline.left(at)
        assert since is not None
        is_crossed = after < ladder.levels[rank].threshold <= before
        if is_crossed and rank > ladder.floor and at >= ladder.protected_until(since, self.ladders.timezone):
            self._move(ladder, max(ladder.reached(after), ladder.floor), at, "returned", after)

    def _keep(self, ladder: Ladder, at: datetime, growth: int) -> None:
        self.state = self.state._replace(in_grace=False, ends_at=self._end(ladder, self._rank(ladder), at))
        self._tell(at, self.state.code, "kept", growth)

    def _move(self, ladder: Ladder, rank: int, at: datetime, reason: Reason, growth: int) -> None:
        before = self.state.code or None
        ends_at = ladder.end_of(rank, at, at, self.ladders.timezone)
        self.state = self.state._replace(
            code=ladder.levels[rank].code, since=at, ends_at=ends_at, in_grace=False
        )
        self._tell(at, before, reason, growth)

    def _end(self, ladder: Ladder, rank: int, at: datetime) -> datetime | None:
        assert self.state.since is not None
        return ladder.end_of(rank, self.state.since, at, self.ladders.timezone)

    def _rank(self, ladder: Ladder) -> int:
        rank = ladder.rank_of(self.state.code)
        assert rank is not None, "the state does not hold under this ladder"
        return rank

    def _tell(self, at: datetime, before: str | None, reason: Reason, growth: int) -> None:
        code, ends_at, version = self.state.code, self.state.ends_at, self.reign.version
        self.events.append(TierEvent(at, before, code, reason, growth, ends_at, version))
