"""A holder's tier while a batch holds its row: settled with every change of growth, before it is applied.

Mostly the stored state is gone on from, by the open lots; nothing need be read for it. The whole history is
needed where something comes late, where a member first meets tiers, and where other terms turn out to have
ruled; whoever finds it missing raises ``HistoryMissing``, and the batch is decided anew with it.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from ledger.accounts.chart import EXPIRY_ACCOUNTS, Account
from ledger.accounts.growth import Change, Timeline, changes_of_lots
from ledger.accounts.holder import Holder
from ledger.accounts.ladders import BEGINNING, Ladders
from ledger.accounts.postings import Posting
from ledger.accounts.tiers import (
    NO_TIER,
    TICK,
    Reason,
    Settled,
    TierState,
    advance,
    holds,
    is_late,
    lowest,
    revise,
    settle,
    tier_after,
)
from ledger.clock import show

_GROWTH = Account.GROWTH

# A batch shows the same tiers again and again.
_show = lru_cache(maxsize=1_024)(show)


class HistoryMissing(Exception):
    """The history of a holder's growth is needed, and was not read."""

    def __init__(self, holder_id: bytes) -> None:
        super().__init__(holder_id.hex())
        self.holder_id = holder_id


def needs_history(holder: Holder, ladders: Ladders, at: datetime) -> bool:
    """Whether a change of growth at ``at`` cannot go on from the stored state. A new member has no history."""
    return not holder.is_new and is_late(holder.tier, ladders, at)


def needs_lots(holder: Holder, ladders: Ladders, until: datetime) -> bool:
    """Whether open lots must tell what growth was until then, or the stored balance of growth does."""
    if holder.is_new:
        return False
    return (
        not holds(holder.tier, ladders)
        or until >= holder.standing.fresh_until
        # Some of it has lapsed, and is not booked yet.
        or holder.growth != holder.standing.growth
        or is_overtaken(holder.tier, ladders, until)
    )


def is_overtaken(state: TierState, ladders: Ladders, now: datetime) -> bool:
    """Whether the clock has something to say that is not in the state: an end of its period, another ladder."""
    if state.ends_at is not None and state.ends_at <= now:
        return True
    return bool(ladders.changes(state.settled_at or BEGINNING, now))


def follow(
    holder: Holder, postings: Iterable[Posting], effective_at: datetime, ladders: Ladders
) -> list[Settled]:
    """Settle a holder's tier with an entry that is about to be applied to it; what has come of it, in order."""
    settled = []
    if not holds(holder.tier, ladders):
        settled.append(_take_up(holder, effective_at, ladders))
    changes, lapses = _changes(holder, postings, effective_at)
    gain = sum(change.amount for change in changes)
    if gain > 0 and len(changes) == 1 and _is_quiet(holder, ladders, effective_at, gain):
        version = ladders.at(effective_at).version
        holder.tier = holder.tier._replace(terms_version=version, settled_at=effective_at)
        _remember(holder, changes)
    elif changes:
        settled.append(_change(holder, changes, ladders))
    elif lapses:
        # Judged while the lots are still open: what is booked as expired is not read again.
        settled.append(_advance(holder, [], ladders, effective_at))
    return settled


def follow_merged(
    survivor: Holder, duplicate: Holder, postings: Iterable[Posting], effective_at: datetime, ladders: Ladders
) -> list[Settled]:
    """Settle a survivor's tier with an entry in the books of a member who was merged into it.

    The survivor's own lots tell nothing of what was called back meanwhile, so it is lived through anew.
    """
    changes, _ = _changes(duplicate, postings, effective_at)
    if not changes:
        return []
    first, until = _span(changes)
    history = [*history_of(survivor), *changes]
    settled = revise(survivor.tier, Timeline(history), ladders, until, first)
    survivor.tier, survivor.growth_history = settled.state, history
    return [settled]


def regrow(
    holder: Holder, history: list[Change], ladders: Ladders, now: datetime, reason: Reason
) -> list[Settled]:
    """Settle a tier by its own history up to ``now``, then by another that is the holder's from now on.

    What differs is one event, and issues nothing: whoever had the benefits of the past has them.
    """
    before = revise(holder.tier, Timeline(history_of(holder)), ladders, now, now)
    until = max(now, _span(history)[1]) if history else now
    after = revise(before.state, Timeline(history), ladders, until, now, reason)
    holder.tier, holder.growth_history = after.state, history
    return [before, after._replace(entitlements=[])]


def judge(holder: Holder, ladders: Ladders, now: datetime) -> list[Settled]:
    """Settle every end of a period that the clock has reached, and no more: what is yet to come is not late then."""
    settled = [] if holds(holder.tier, ladders) else [_take_up(holder, now, ladders)]
    while (ends_at := holder.tier.ends_at) is not None and ends_at <= now:
        settled.append(_advance(holder, [], ladders, ends_at))
    return settled


def tier_at(holder: Holder, ladders: Ladders, at: datetime, gain: int = 0) -> str:
    """The code of a holder's tier at an instant, with ``gain`` more growth; empty where no ladder is in force."""
    if _is_quiet(holder, ladders, at, gain):
        return holder.tier.code
    if is_late(holder.tier, ladders, at):
        return tier_after(NO_TIER, history_of(holder), ladders, at, gain)
    return tier_after(holder.tier, _known(holder), ladders, at, gain)


def tier_of(holder: Holder, ladders: Ladders, now: datetime) -> dict[str, Any] | None:
    """A holder's tier by the clock, as a balance shows it."""
    state = holder.tier
    if holds(state, ladders) and is_overtaken(state, ladders, now):
        state, _ = settle(state, Timeline(_known(holder)), ladders, now)
    return tier_object(state, ladders, now)


def tier_object(state: TierState, ladders: Ladders, now: datetime) -> dict[str, Any] | None:
    """The tier of the contract; null where no ladder is in force. ``since`` is null until the first growth."""
    code = state.code or lowest(ladders, now)
    return {"code": code, "since": state.since and _show(state.since)} if code else None


def _is_quiet(holder: Holder, ladders: Ladders, at: datetime, gain: int) -> bool:
    """Whether plainly nothing happens to the tier up to ``at``, with a gain there. Most purchases are like that."""
    state = holder.tier
    if not state.code or state.in_grace or is_late(state, ladders, at) or is_overtaken(state, ladders, at):
        return False
    ladder = ladders.at(at).ladder
    rank = ladder.rank_of(state.code) if ladder else None
    if ladder is None or rank is None:
        return False
    if not gain or rank + 1 == len(ladder.levels):
        return True
    # All that may count, lapsed or not: where that is too little, what does count is.
    return holder.growth + gain < ladder.levels[rank + 1].threshold


def _take_up(holder: Holder, at: datetime, ladders: Ladders) -> Settled:
    """Settle a state anew up to where it stood, or to the member's last entry if there was none."""
    history, state = history_of(holder), holder.tier
    if state.settled_at is not None:
        settled_at, late = state.settled_at, ladders.at(state.settled_at).begins
    else:
        settled_at = late = ladders.at(at).begins
        if history:
            # As late as the last of what is settled by it, and as what has lapsed and is booked.
            last = max(change.at for change in history) + TICK
            settled_at = max(settled_at, last, holder.recorded_at or last)
    settled = revise(state, Timeline(history), ladders, settled_at, late)
    holder.tier = settled.state
    return settled


def _change(holder: Holder, changes: list[Change], ladders: Ladders) -> Settled:
    first, until = _span(changes)
    if is_late(holder.tier, ladders, first):
        timeline = Timeline([*history_of(holder), *changes])
        settled = revise(holder.tier, timeline, ladders, until, first)
    else:
        settled = _advance(holder, changes, ladders, until)
    holder.tier = settled.state
    _remember(holder, changes)
    return settled


def _span(changes: list[Change]) -> tuple[datetime, datetime]:
    """From the first of some changes to when all of them are settled: what is taken, one tick later."""
    last = max(change.at if change.amount > 0 else change.at + TICK for change in changes)
    return min(change.at for change in changes), last


def _remember(holder: Holder, changes: list[Change]) -> None:
    if holder.growth_history is not None:
        holder.growth_history += changes


def _advance(holder: Holder, changes: list[Change], ladders: Ladders, until: datetime) -> Settled:
    settled = advance(holder.tier, Timeline([*_known(holder), *changes]), ladders, until)
    holder.tier = settled.state
    return settled


def _known(holder: Holder) -> list[Change]:
    """Growth as it is from the settled state on, until something new happens."""
    if holder.lots is not None:
        return changes_of_lots(holder.lots.values(), holder.growth_unseen)
    opened = changes_of_lots(holder.opened)
    return [Change(BEGINNING, holder.growth - sum(change.amount for change in opened)), *opened]


def history_of(holder: Holder) -> list[Change]:
    """Every change of a holder's growth, or HistoryMissing where it was not read."""
    if holder.growth_history is None:
        if not holder.is_new:
            raise HistoryMissing(holder.holder_id)
        holder.growth_history = []
    return holder.growth_history


def _changes(
    holder: Holder, postings: Iterable[Posting], effective_at: datetime
) -> tuple[list[Change], bool]:
    """What an entry does to growth, and whether it books growth that has lapsed."""
    changes, lapses = [], False
    for debit, credit, amount, lot_id, opens in postings:
        if opens is not None:
            if credit is _GROWTH:
                changes.append(Change(effective_at, amount, opens.expires_at))
        elif debit is _GROWTH and credit in EXPIRY_ACCOUNTS:
            lapses = True
        elif debit is _GROWTH or credit is _GROWTH:
            lot = holder.require_lot(lot_id or b"")
            at = max(effective_at, lot.earned_at)
            changes.append(Change(at, amount if credit is _GROWTH else -amount, lot.expires_at))
    return changes, lapses
