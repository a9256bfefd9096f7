"""Tiers within a batch: whose history of growth it must see, and the rows of what has come of the tiers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.accounts.holder import Holder
from ledger.accounts.ladders import Ladders
from ledger.accounts.program import Program
from ledger.accounts.tiers import TICK, Settled, holds
from ledger.accounts.tracking import needs_history, needs_lots
from ledger.ids import holder_id
from ledger.journal import wire
from ledger.journal.commands import Command, Draft

Row = tuple[Any, ...]
Claims = dict[tuple[str, str], tuple[bytes, bytes]]


@dataclass(slots=True)
class TierRows:
    """What a batch adds to the tables of tiers. Events are numbered within the batch, for each holder from 1."""

    events: list[Row] = field(default_factory=list)
    entitlements: dict[tuple[bytes, str, str], Row] = field(default_factory=dict)
    numbers: Counter[bytes] = field(default_factory=Counter)

    def add(
        self, holder: Holder, settled: Iterable[Settled], now: datetime, draft: Draft | None = None
    ) -> None:
        """Note what has come of a holder's tier with an entry, or by the clock alone.

        The entry stands beside what it has caused, not beside what the clock had decided before it.
        """
        for one in settled:
            for at, before, after, reason, growth, ends_at, version in one.events:
                self.numbers[holder.holder_id] += 1
                number = self.numbers[holder.holder_id]
                caused = draft is not None and at >= draft.effective_at and draft.kind != "expire"
                entry_id = draft.entry_id if draft is not None and caused else None
                row = (holder.holder_id, number, version, at, now, ends_at, growth, entry_id)
                self.events.append((*row, before, after, reason))
            for code, period, tier, issued_at in one.entitlements:
                key = (holder.holder_id, code, period)
                self.entitlements.setdefault(key, (*key, tier, issued_at, now))


def holders_needing_history(
    program: Program,
    ladders: Ladders,
    commands: Sequence[Command],
    holders: dict[bytes, Holder],
    claims: Claims,
    now: datetime,
) -> set[bytes]:
    """Those for whom a command comes late, as far as the commands tell; and those who meet tiers just now.

    A command's own order counts as well: what it does may make a later one of the batch late.
    """
    needing = {
        holder.holder_id
        for holder in holders.values()
        if holder.is_member and not holder.is_new and not holds(holder.tier, ladders)
    }
    reached: dict[bytes, datetime] = {}
    for command in commands:
        at = command.grows_at(now)
        if at is None:
            continue
        for identifier in _concerned(program, command, claims):
            holder = holders.get(identifier)
            if holder is None or holder.is_new:
                continue
            if at < reached.get(identifier, at) or needs_history(holder, ladders, at):
                needing.add(identifier)
            # What takes growth closes its instant.
            closed = at if command.target is None else at + TICK
            reached[identifier] = max(closed, reached.get(identifier, closed))
    return needing


def _concerned(program: Program, command: Command, claims: Claims) -> list[bytes]:
    """The holders whose growth a command changes, as far as it can be told before it is decided."""
    named = [holder_id(program.program_id, member) for member in command.members]
    target = command.target
    if target is not None and (target.kind, target.name) in claims:
        named.append(claims[target.kind, target.name][1])
    return named


def holders_needing_lots(
    ladders: Ladders, commands: Iterable[Command], holders: dict[bytes, Holder], now: datetime
) -> set[bytes]:
    """Those whose open lots must tell what growth was until the latest time that a command speaks of."""
    until = max([now, *(at for command in commands if (at := command.grows_at(now)))])
    return {h.holder_id for h in holders.values() if h.is_member and needs_lots(h, ladders, until)}


def tier_columns(holder: Holder) -> Row:
    """A holder's settled tier, as its row keeps it."""
    code, *settled = holder.tier
    return (code or None, *settled)


TIER_COLUMNS: dict[str, type[wire.Array]] = {
    "tier": wire.Texts,
    "tier_since": wire.Moments,
    "tier_ends_at": wire.Moments,
    "tier_in_grace": wire.Booleans,
    "tier_terms_version": wire.Int4s,
    "tier_settled_at": wire.Moments,
}
TIER_EVENT_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "ordinal": wire.Int4s,
    "terms_version": wire.Int4s,
    "effective_at": wire.Moments,
    "recorded_at": wire.Moments,
    "ends_at": wire.Moments,
    "growth": wire.Int8s,
    "entry_id": wire.Uuids,
    "from_tier": wire.Texts,
    "to_tier": wire.Texts,
    "reason": wire.Texts,
}
ENTITLEMENT_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "code": wire.Texts,
    "period": wire.Texts,
    "tier": wire.Texts,
    "issued_at": wire.Moments,
    "recorded_at": wire.Moments,
}
