"""Tiers once more, as slowly and plainly as can be: instant by instant, growth added up anew from every change.

Written from the words of ``docs/tiers.md``, without the ledger's timeline and its fold. The calendar is the
ledger's own: it has tests of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.growth import Change
from ledger.accounts.policies import ExpiryPolicy, parse_policy


class Ruling(NamedTuple):
    """A ladder as the terms hold it, and from when on; None for none."""

    begins: datetime
    tiers: dict[str, Any] | None


class Member:
    """One member's way through time."""

    def __init__(self, changes: Sequence[Change], rulings: Sequence[Ruling], timezone: str) -> None:
        self.changes = changes
        self.rulings = rulings
        self.timezone = timezone
        self.level: int | None = None
        self.since: datetime | None = None
        self.ends: datetime | None = None
        self.in_grace = False

    def live(self, until: datetime) -> tuple[str, datetime | None, datetime | None, bool]:
        """Code, since, end and grace at ``until``, with its gains and without what is taken there."""
        done: set[datetime] = set()
        while (instant := self.next_instant(done, until)) is not None:
            done.add(instant)
            if self.ends == instant:
                self.end(instant)
            self.follow_terms(instant)
            if any(c.at == instant and c.amount > 0 for c in self.changes):
                self.gain(instant)
            if instant < until and any(c.at == instant and c.amount < 0 for c in self.changes):
                self.lose(instant)
        code = "" if self.level is None else self.levels(until)[self.level]["code"]
        return code, self.since, self.ends, self.in_grace

    def next_instant(self, done: set[datetime], until: datetime) -> datetime | None:
        instants = {c.at for c in self.changes} | {r.begins for r in self.rulings}
        coming = (instants | ({self.ends} if self.ends else set())) - done
        last = max(done, default=None)
        coming = {instant for instant in coming if instant <= until and (last is None or instant > last)}
        return min(coming, default=None)

    # --- growth, by adding up ---------------------------------------------------------------------

    def growth(self, which: Iterable[Change], at: datetime, *, ending_counts: bool = False) -> int:
        def counts(change: Change) -> bool:
            if change.ends_at is None:
                return True
            return change.at < change.ends_at and (
                change.ends_at > at or (ending_counts and change.ends_at == at)
            )

        return sum(change.amount for change in which if counts(change))

    def before(self, at: datetime) -> list[Change]:
        return [change for change in self.changes if change.at < at]

    def gained(self, at: datetime) -> list[Change]:
        return self.before(at) + [c for c in self.changes if c.at == at and c.amount > 0]

    # --- what may happen --------------------------------------------------------------------------

    def end(self, at: datetime) -> None:
        ruling, level = self.tiers_before(at), self.level
        assert ruling is not None and level is not None
        growth = self.growth(self.before(at), at, ending_counts=True)
        if growth >= ruling["levels"][level]["threshold"]:
            self.in_grace, self.ends = False, self.period_end(ruling, level, at)
        elif ruling["grace_days"] and not self.in_grace:
            self.in_grace = True
            self.ends = self.days_on(at, ruling["grace_days"] - 1)
        else:
            down = level - 1 if ruling["landing"] == "soft" else self.reached(ruling, growth)
            self.move(ruling, max(down, self.floor(ruling)), at)

    def follow_terms(self, at: datetime) -> None:
        old, new = self.tiers_before(at), self.tiers(at)
        if old == new:
            return
        if new is None:
            self.level, self.since, self.ends, self.in_grace = None, None, None, False
            return
        growth = self.growth(self.before(at), at)
        if self.level is None or old is None:
            if growth > 0:
                self.move(new, self.reached(new, growth), at)
            return
        code, threshold = old["levels"][self.level]["code"], old["levels"][self.level]["threshold"]
        codes = [level["code"] for level in new["levels"]]
        kept = codes.index(code) if code in codes else self.reached(new, threshold)
        level = max(kept, self.reached(new, growth))
        if codes[level] != code:
            self.move(new, level, at)
            return
        self.level = level
        if self.period_end(new, level, at) is None:
            self.ends, self.in_grace = None, False
        elif self.ends is None:
            self.ends = self.period_end(new, level, at)
        if self.in_grace and growth >= new["levels"][level]["threshold"]:
            self.in_grace, self.ends = False, self.period_end(new, level, at)

    def gain(self, at: datetime) -> None:
        ruling = self.tiers(at)
        if ruling is None:
            return
        level = self.reached(ruling, self.growth(self.gained(at), at))
        if self.level is None:
            if self.growth(self.gained(at), at) > 0:
                self.move(ruling, level, at)
        elif level > self.level:
            self.move(ruling, level, at)
        elif level == self.level and self.in_grace:
            self.in_grace, self.ends = False, self.period_end(ruling, level, at)

    def lose(self, at: datetime) -> None:
        ruling = self.tiers(at)
        if ruling is None or self.level is None or ruling["return_policy"] != "immediate":
            return
        assert self.since is not None
        threshold = ruling["levels"][self.level]["threshold"]
        left = self.growth([c for c in self.changes if c.at <= at], at)
        if not left < threshold <= self.growth(self.gained(at), at) or self.level <= self.floor(ruling):
            return
        protection = ruling["protection_days"]
        if not protection or at >= self.days_on(self.since, protection):
            self.move(ruling, max(self.reached(ruling, left), self.floor(ruling)), at)

    def move(self, ruling: dict[str, Any], level: int, at: datetime) -> None:
        self.level, self.since, self.in_grace = level, at, False
        self.ends = self.period_end(ruling, level, at)

    # --- what the terms say -----------------------------------------------------------------------

    def tiers(self, at: datetime) -> dict[str, Any] | None:
        return [ruling.tiers for ruling in self.rulings if ruling.begins <= at][-1]

    def tiers_before(self, at: datetime) -> dict[str, Any] | None:
        earlier = [ruling.tiers for ruling in self.rulings if ruling.begins < at]
        return earlier[-1] if earlier else self.tiers(at)

    def levels(self, at: datetime) -> list[dict[str, Any]]:
        ruling = self.tiers(at)
        assert ruling is not None
        levels: list[dict[str, Any]] = ruling["levels"]
        return levels

    def reached(self, ruling: dict[str, Any], growth: int) -> int:
        return max([n for n, level in enumerate(ruling["levels"]) if level["threshold"] <= growth], default=0)

    def floor(self, ruling: dict[str, Any]) -> int:
        return [level["code"] for level in ruling["levels"]].index(ruling["floor"])

    def period_end(self, ruling: dict[str, Any], level: int, at: datetime) -> datetime | None:
        end = parse_policy(ruling["period"]).expires_at(at, self.timezone)
        if level <= self.floor(ruling) or end is None:
            return None
        assert self.since is not None
        protection = ruling["protection_days"]
        return max(end, self.days_on(self.since, protection)) if protection else end

    def days_on(self, at: datetime, days: int) -> datetime:
        end = ExpiryPolicy("fixed_days", days).expires_at(at, self.timezone)
        assert end is not None
        return end
