"""Ladders: the levels of a program's tiers, and which ladder was in force when.

A ladder stands in the terms (``tiers``) and is in force as they are: a version of the terms rules from its
recording on, the first from the beginning of time. A program without ``tiers`` has no ladder.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from ledger.accounts.policies import ExpiryPolicy, parse_policy
from ledger.accounts.program import Program, Rules, TermsVersion

Per = Literal["year", "quarter", "month"]

BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
"""Before everything that is ever recorded; a day from where the calendar itself begins, in no time zone before it."""


class Benefit(NamedTuple):
    """Something that a level entitles to, once in each period of its kind."""

    code: str
    per: Per
    name: Mapping[str, str]


class Level(NamedTuple):
    """A rung: its code, the growth from which it is reached, its texts by language, its benefits."""

    code: str
    threshold: int
    name: Mapping[str, str]
    benefits: tuple[Benefit, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """The levels, lowest first, and how they are kept and lost. A rank is a level's place, from 0."""

    levels: tuple[Level, ...]
    period: ExpiryPolicy
    """How long a tier that is reached is kept."""
    lands_softly: bool = True
    """Whether one falls by one level at a time, or at once to what growth reaches."""
    grace_days: int = 0
    floor: int = 0
    """The rank below which nobody falls."""
    protection_days: int = 0
    """For so many days after a tier is entered, no return takes it."""
    crosses_first: bool = False
    """Whether the purchase that reaches a tier is already rated by it."""
    falls_at_once: bool = True
    """Whether a return that goes below the threshold takes the tier at once, or at the end of its period."""

    def reached(self, growth: int) -> int:
        """The rank of the highest level that this growth reaches."""
        return max(bisect_right(self.levels, growth, key=_threshold) - 1, 0)

    def rank_of(self, code: str) -> int | None:
        """The rank of a level; None where the ladder has no such level."""
        for rank, level in enumerate(self.levels):
            if level.code == code:
                return rank
        return None

    def end_of(self, rank: int, since: datetime, at: datetime, timezone: str) -> datetime | None:
        """When a tier held since ``since`` is judged, if its period begins at ``at``; None if it never is."""
        period_end = self.period.expires_at(at, timezone)
        if rank <= self.floor or period_end is None:
            return None
        return max(period_end, self.protected_until(since, timezone))

    def protected_until(self, since: datetime, timezone: str) -> datetime:
        """The first instant at which a return may take a tier entered at ``since``."""
        return _days_on(since, self.protection_days, timezone) if self.protection_days else since

    def grace_until(self, ended_at: datetime, timezone: str) -> datetime:
        """The end of the grace after a period; both ends are beginnings of local days."""
        return _days_on(ended_at, self.grace_days - 1, timezone)


def _threshold(level: Level) -> int:
    return level.threshold


def _days_on(instant: datetime, days: int, timezone: str) -> datetime:
    end = ExpiryPolicy("fixed_days", days).expires_at(instant, timezone)
    assert end is not None
    return end


class Reign(NamedTuple):
    """A version of the terms and its ladder, in force from ``begins`` on."""

    begins: datetime
    version: int
    ladder: Ladder | None


@dataclass(frozen=True, slots=True)
class Ladders:
    """Which ladder was in force when. Reigns stand in the order of their beginning, the first without one."""

    timezone: str
    reigns: tuple[Reign, ...]
    any: bool = False
    """Whether the program has tiers, or ever had, be it within an instant: members are settled by them since."""

    def __post_init__(self) -> None:
        # Once: every posting asks.
        found = self.any or any(reign.ladder is not None for reign in self.reigns)
        object.__setattr__(self, "any", found)

    def at(self, instant: datetime) -> Reign:
        """What was in force at an instant."""
        latest = self.reigns[-1]
        if instant >= latest.begins:
            return latest
        return self.reigns[bisect_right(self.reigns, instant, key=_begins) - 1]

    def known_at(self, instant: datetime) -> "Ladders":
        """The ladders as far as they had been recorded by then."""
        later = tuple(reign for reign in self.reigns[1:] if reign.begins <= instant)
        return Ladders(self.timezone, (self.reigns[0], *later), self.any)

    def up_to(self, version: int) -> "Ladders":
        """The ladders as far as that version of the terms."""
        later = tuple(reign for reign in self.reigns[1:] if reign.version <= version)
        return Ladders(self.timezone, (self.reigns[0], *later), self.any)

    def changes(self, after: datetime, until: datetime) -> list[datetime]:
        """The instants later than ``after``, up to ``until``, at which the ladder became another."""
        if after >= self.reigns[-1].begins:
            return []
        pairs = zip(self.reigns, self.reigns[1:], strict=False)
        return [new.begins for old, new in pairs if after < new.begins <= until and new.ladder != old.ladder]


NO_LADDERS: Final = Ladders("UTC", (Reign(BEGINNING, 0, None),))
"""What rules the tier of somebody who has none of his own: of a member who was merged."""


def _begins(reign: Reign) -> datetime:
    return reign.begins


def ladders_of(program: Program) -> Ladders:
    """The ladders of a program. Where no versions of its terms are known, those in force always were."""
    if program.rules.terms:
        return _ladders(program.rules, program.timezone)
    return _ladder_for_ever(program.terms, program.terms_version, program.timezone)


@lru_cache(maxsize=256)
def _ladders(rules: Rules, timezone: str) -> Ladders:
    return ladders_from(rules.terms, timezone)


def ladders_from(versions: Iterable[TermsVersion], timezone: str) -> Ladders:
    """The ladders in versions of the terms, oldest first; at least one."""
    reigns: list[Reign] = []
    has_any = False
    for version, recorded_at, text in versions:
        begins = recorded_at if reigns else BEGINNING
        # The clock of a test program may first be set back: a later version rules all the same.
        while len(reigns) > 1 and reigns[-1].begins >= begins:
            reigns.pop()
        reigns.append(Reign(begins, version, ladder_of(text)))
        has_any = has_any or reigns[-1].ladder is not None
    return Ladders(timezone, tuple(reigns), has_any)


@lru_cache(maxsize=256)
def _ladder_for_ever(text: str, version: int, timezone: str) -> Ladders:
    return Ladders(timezone, (Reign(BEGINNING, version, ladder_of(text)),))


@lru_cache(maxsize=256)
def ladder_of(terms: str) -> Ladder | None:
    """The ladder in the JSON text of a version of the terms."""
    stored: Mapping[str, Any] | None = json.loads(terms).get("tiers")
    if stored is None:
        return None
    levels = tuple(_level(level) for level in stored["levels"])
    codes = [level.code for level in levels]
    return Ladder(
        levels=levels,
        period=parse_policy(stored["period"]),
        lands_softly=stored.get("landing", "soft") == "soft",
        grace_days=stored.get("grace_days", 0),
        floor=codes.index(stored.get("floor", codes[0])),
        protection_days=stored.get("protection_days", 0),
        crosses_first=stored.get("crossing_rate", "before") == "after",
        falls_at_once=stored.get("return_policy", "immediate") == "immediate",
    )


def _level(stored: Mapping[str, Any]) -> Level:
    return Level(
        stored["code"],
        stored["threshold"],
        stored.get("name", {}),
        tuple(_benefits(stored.get("entitlements", ()))),
    )


def _benefits(stored: Iterable[Mapping[str, Any]]) -> Iterable[Benefit]:
    return (Benefit(benefit["code"], benefit["per"], benefit.get("name", {})) for benefit in stored)
