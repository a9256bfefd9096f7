"""A tier explained: what it is and why, what comes next, what keeps it, what will be lost and when.

Pure. What is to come is what the same fold says that settles tiers, run over the growth at hand as if
nothing were ever added.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.accounts.growth import Timeline
from ledger.accounts.ladders import Ladders, Level
from ledger.accounts.outlook import Outlook, Step
from ledger.accounts.program import Program
from ledger.accounts.tiers import Entitlement, TierEvent, TierState, settle
from ledger.clock import FAR_FUTURE, local_date, show
from ledger.ids import show as show_id
from ledger.rules.names import Names
from ledger.rules.phrases import amount_of, day_of, last_day_of
from ledger.rules.words import Text, say

_KEPT: Final = {
    "terms_changed": "tier.terms_kept",
    "late_event": "tier.late_kept",
    "merged": "tier.merged_kept",
    "unmerged": "tier.unmerged_kept",
}
"""What is said of an event that leaves the tier as it was, by its reason."""

_STEPS: Final = 2_000
"""So many ends of periods are looked ahead to."""


class Recorded(NamedTuple):
    """A tier event as it is kept; not recorded: only the clock knows it yet."""

    event: TierEvent
    recorded_at: datetime | None = None
    entry_id: bytes | None = None


class TierStanding(NamedTuple):
    """A member's tier at ``now``, with what explains it."""

    now: datetime
    growth: int
    outlook: Outlook | None
    """The tier and what lies ahead; None where no ladder is in force."""
    coming: Sequence[TierEvent]
    """What the clock will decide if nothing is added."""
    history: Sequence[Recorded]
    """The latest events, newest first."""
    issued: Sequence[Entitlement]
    """The latest benefits, newest first."""


def tier_explained(
    program: Program, ladders: Ladders, member_id: str, standing: TierStanding
) -> dict[str, Any]:
    """The tier of a member with all that explains it; null where the program has no tiers, with the growth value."""
    teller = _Teller(Names(program), ladders)
    return {
        "member_id": member_id,
        "as_of": show(standing.now),
        "growth": {"value": standing.growth},
        **(teller.present(standing.outlook) if standing.outlook else _NOTHING),
        "outlook": [teller.coming(event) for event in standing.coming],
        "entitlements": [teller.issued(each) for each in standing.issued],
        "history": [teller.recorded(each) for each in standing.history],
    }


def history_explained(
    program: Program, ladders: Ladders, history: Sequence[Recorded]
) -> list[dict[str, Any]]:
    """Events with their reasons in words."""
    teller = _Teller(Names(program), ladders)
    return [teller.recorded(each) for each in history]


_NOTHING: Final[dict[str, Any]] = {"tier": None, "next": None, "keeps": None, "pending": []}


def decline(state: TierState, timeline: Timeline, ladders: Ladders) -> list[TierEvent]:
    """What the clock will decide of a settled tier if nothing is added, until it can decide nothing new.

    Of periods one after the other for which the tier is kept, the first is told.
    """
    events: list[TierEvent] = []
    for _ in range(_STEPS):
        if state.ends_at is None:
            break
        state, more = settle(state, timeline, ladders, state.ends_at)
        for event in more:
            if not (events and event.reason == events[-1].reason == "kept"):
                events.append(event)
        if more and more[-1].reason == "kept" and _lasts(timeline, more[-1].effective_at):
            break
    return events


def _lasts(timeline: Timeline, at: datetime) -> bool:
    """Whether all growth that is there at an instant is there for ever."""
    return timeline.left(at) == timeline.last_moment(FAR_FUTURE)


class _Teller:
    """Tells of tiers by their names."""

    def __init__(self, names: Names, ladders: Ladders) -> None:
        self.names = names
        self.ladders = ladders

    def present(self, ahead: Outlook) -> dict[str, Any]:
        """The tier, the next one, what keeps it, what growth that counts later will change."""
        state, level = ahead.state, ahead.level
        return {
            "tier": {
                "code": level.code,
                "name": self.name(level.code),
                "threshold": level.threshold,
                "since": state.since and show(state.since),
                "ends_at": state.ends_at and show(state.ends_at),
                "in_grace": state.in_grace,
            },
            "next": self.next(ahead.next_level, ahead.missing) if ahead.next_level else None,
            "keeps": self.keeps(ahead),
            "pending": [self.pending(step, level) for step in ahead.coming],
        }

    def next(self, level: Level, missing: int) -> dict[str, Any]:
        """The level above, and how much growth is missing to it."""
        tier, threshold = self.name(level.code), level.threshold
        told = say("next.missing", missing=amount_of("GROWTH", missing), tier=tier, threshold=threshold)
        return {
            "code": level.code,
            "name": tier,
            "threshold": threshold,
            "missing": missing,
            "explanation": told,
        }

    def keeps(self, ahead: Outlook) -> dict[str, Any]:
        """How much growth keeps the tier, by when, and how much of the present growth will count then."""
        tier, judged = self.name(ahead.level.code), ahead.judgement
        if judged is None:
            told = say("keeps.never_ends", tier=tier)
            return {"until": None, "growth_needed": 0, "growth_then": None, "missing": 0, "explanation": told}
        counted, missing, key = judged.counted, judged.missing, "keeps.enough"
        if ahead.state.in_grace:
            # It is kept as soon as growth reaches the threshold, whatever leaves after that.
            counted, key = ahead.growth, "keeps.grace"
            missing = max(judged.threshold - counted, 0)
        elif missing:
            key = "keeps.missing"
        day, threshold = self.last_day(judged.at), judged.threshold
        return {
            "until": show(judged.at),
            "growth_needed": threshold,
            "growth_then": counted,
            "missing": missing,
            "explanation": say(key, tier=tier, day=day, threshold=threshold, number=counted, missing=missing),
        }

    def pending(self, step: Step, level: Level) -> dict[str, Any]:
        """Growth that counts only from a later time on, and the tier that it will make."""
        key = "pending.counts" if step.tier == level.code else "pending.raises"
        growth = amount_of("GROWTH", step.amount)
        told = say(key, growth=growth, day=self.day(step.at), tier=self.name(step.tier))
        return {
            "effective_at": show(step.at),
            "growth": step.amount,
            "tier": step.tier,
            "explanation": told,
        }

    def coming(self, event: TierEvent) -> dict[str, Any]:
        """An event that the clock will bring."""
        day = self.day(event.effective_at)
        told = self.event(event)
        return told | {"explanation": say("outlook.day", day=day, told=told["explanation"])}

    def recorded(self, recorded: Recorded) -> dict[str, Any]:
        """An event that has happened."""
        entry_id = recorded.entry_id
        return {
            **self.event(recorded.event),
            "recorded_at": recorded.recorded_at and show(recorded.recorded_at),
            "entry_id": entry_id and show_id("ent", entry_id),
        }

    def event(self, event: TierEvent) -> dict[str, Any]:
        """An event with its reason in words."""
        return {
            "effective_at": show(event.effective_at),
            "date": local_date(event.effective_at, self.ladders.timezone).isoformat(),
            "from": event.from_tier,
            "to": event.to_tier,
            "reason": event.reason,
            "growth": event.growth,
            "ends_at": event.ends_at and show(event.ends_at),
            "terms_version": event.terms_version,
            "explanation": self.reason(event),
        }

    def reason(self, event: TierEvent) -> Text:
        """Why a tier was entered, kept or changed."""
        before, key = event.from_tier, f"tier.{event.reason}"
        if before in (None, event.to_tier):
            key = _KEPT.get(event.reason, key)
        judged = before if before and event.reason in ("downgraded", "returned") else event.to_tier
        return say(
            key,
            tier=self.name(event.to_tier, event.terms_version),
            before=self.name(before or event.to_tier, event.terms_version),
            number=event.growth,
            threshold=self.threshold(judged, event.terms_version),
            day=self.last_day(event.ends_at or event.effective_at),
        )

    def issued(self, issued: Entitlement) -> dict[str, Any]:
        """A benefit by its name."""
        return {
            "code": issued.code,
            "name": self.names.benefit(issued.code),
            "period": issued.period,
            "tier": issued.tier,
            "issued_at": show(issued.issued_at),
        }

    def threshold(self, code: str, terms_version: int) -> int:
        """The growth from which a level was reached under that version of the terms."""
        for reign in self.ladders.reigns:
            if reign.version == terms_version and reign.ladder is not None:
                levels = (level for level in reign.ladder.levels if level.code == code)
                return next((level.threshold for level in levels), 0)
        return 0

    def name(self, code: str, terms_version: int | None = None) -> Text:
        """The name of a tier."""
        return self.names.tier(code, terms_version)

    def day(self, at: datetime) -> Text:
        """The local day of an instant."""
        return day_of(at, self.ladders.timezone)

    def last_day(self, end: datetime) -> Text:
        """The last local day before an end."""
        return last_day_of(end, self.ladders.timezone)
