"""A member's growth and tier on the way through a replay: what ``ledger.accounts.tiers`` says, without asking
it at every purchase.

Between two purchases a tier seldom changes. So the fold over the whole history is done only where something
may have changed it: a threshold reached or lost, a period that ends, another ladder, an event that comes late.
"""

from datetime import datetime
from heapq import heappop, heappush
from typing import Self

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import BEGINNING, Ladders
from ledger.accounts.tiers import NO_TIER, TierEvent, TierState, lowest, settle

_NEVER = 1 << 62


class Standing:
    """The growth and the tier of one member in one world. Instants come mostly in order, and need not."""

    __slots__ = (
        "_changes",
        "_counted_at",
        "_endings",
        "_has_tiers",
        "_is_settled",
        "_ladders",
        "_latest",
        "_live",
        "_lower",
        "_next_ladder_at",
        "_state",
        "_taken_at",
        "_upper",
        "events",
    )

    def __init__(self, ladders: Ladders) -> None:
        self._ladders = ladders
        self._has_tiers = ladders.any
        self._changes: list[Change] = []
        self._endings: list[tuple[datetime, int]] = []
        self._live = 0
        self._counted_at = self._latest = self._taken_at = BEGINNING
        self.events: list[TierEvent] = []
        """All that has happened to the tier, as far as it is settled."""
        self._forget()

    def under(self, ladders: Ladders) -> Self:
        """The same history under other ladders, to go on by itself."""
        twin = type(self)(ladders)
        twin._changes = self._changes.copy()
        twin._endings = self._endings.copy()
        twin._live = self._live
        twin._counted_at, twin._latest, twin._taken_at = self._counted_at, self._latest, self._taken_at
        return twin

    def growth(self, at: datetime) -> int:
        """The growth that counts at ``at``; of a time before the last one asked about, the growth at that."""
        while self._endings and self._endings[0][0] <= at:
            self._counted_at, amount = heappop(self._endings)
            self._live -= amount
        return self._live

    def tier(self, at: datetime, gain: int = 0) -> str:
        """The code of the tier at ``at``, with ``gain`` more growth at that very instant; empty without a ladder."""
        if not self._has_tiers:
            return ""
        if at < self._latest:
            return self._tier_then(at, gain)
        self._settle(at)
        if gain and self._may_rise(at, gain):
            return self._tier_then(at, gain)
        return self._state.code or lowest(self._ladders, at)

    def gain(self, at: datetime, amount: int, ends_at: datetime | None) -> None:
        """Growth earned at ``at``, gone at ``ends_at``."""
        self._change(Change(at, amount, ends_at))
        if self._may_rise(at, 0):
            self._is_settled = False

    def take(self, at: datetime, amount: int, earned_at: datetime, ends_at: datetime | None) -> None:
        """Growth taken back at ``at``, of what was earned at ``earned_at``."""
        at = max(at, earned_at)
        self._change(Change(at, -amount, ends_at))
        if at < self._counted_at or self.growth(at) < self._lower:
            self._taken_at = max(self._taken_at, at)
            self._is_settled = False

    def _change(self, change: Change) -> None:
        if change.at < self._latest:
            self._forget()
        self._changes.append(change)
        self._live += change.amount
        if change.ends_at is not None:
            heappush(self._endings, (change.ends_at, change.amount))

    def _may_rise(self, at: datetime, gain: int) -> bool:
        is_bound = bool(self._state.code) and not self._state.in_grace and at >= self._counted_at
        return not is_bound or self.growth(at) + gain >= self._upper

    def _forget(self) -> None:
        """Begin the fold anew: something has come of a time that was settled."""
        self._state: TierState = NO_TIER
        self._next_ladder_at: datetime | None = BEGINNING
        self._lower, self._upper = 0, _NEVER
        self._is_settled = False
        self.events.clear()

    def _settle(self, at: datetime) -> None:
        self._latest = at
        ends_at, next_at = self._state.ends_at, self._next_ladder_at
        if self._is_settled and (ends_at is None or at < ends_at) and (next_at is None or at < next_at):
            return
        self._state, events = settle(self._state, Timeline(self._changes), self._ladders, at)
        self.events += events
        # What is taken at an instant is settled only after it.
        self._is_settled = at > self._taken_at
        self._next_ladder_at = next((r.begins for r in self._ladders.reigns if r.begins > at), None)
        self._lower, self._upper = self._bounds(at)

    def _bounds(self, at: datetime) -> tuple[int, int]:
        """Below which growth, and from which on, the tier may become another."""
        ladder = self._ladders.at(at).ladder
        rank = ladder.rank_of(self._state.code) if ladder else None
        if ladder is None or rank is None:
            return 0, _NEVER
        levels = ladder.levels
        return levels[rank].threshold, levels[rank + 1].threshold if rank + 1 < len(levels) else _NEVER

    def _tier_then(self, at: datetime, gain: int) -> str:
        """The tier by a fold over all that is known, which changes nothing here."""
        changes = [*self._changes, Change(at, gain)] if gain else self._changes
        state, _ = settle(NO_TIER, Timeline(changes), self._ladders, at)
        return state.code or lowest(self._ladders, at)
