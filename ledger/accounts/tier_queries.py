"""Reads of tiers: a member's tier by the clock, what lies ahead of it, its history, and what it has issued.

The row holds the tier as far as it is settled. Whoever reads lets the clock go on from there, by the open
lots; where that is not enough, by the whole history of the member's growth. Nothing is written.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.accounts.growth import Timeline, changes_of_lots
from ledger.accounts.growth_history import read_changes
from ledger.accounts.ladders import Ladders, ladders_of
from ledger.accounts.lots import Lot
from ledger.accounts.models import entitlements, holders, tier_events
from ledger.accounts.outlook import Outlook, outlook
from ledger.accounts.program import Program
from ledger.accounts.queries_of_lots import open_lots
from ledger.accounts.tiers import NO_TIER, TierState, holds, settle
from ledger.accounts.tracking import is_overtaken

TIER = (
    holders.c.tier,
    holders.c.tier_since,
    holders.c.tier_ends_at,
    holders.c.tier_in_grace,
    holders.c.tier_terms_version,
    holders.c.tier_settled_at,
)
"""The columns of a settled tier."""


class PastTierEvent(NamedTuple):
    """A tier event as it was recorded; the times aware, the growth that decided."""

    ordinal: int
    effective_at: datetime
    recorded_at: datetime
    from_tier: str | None
    to_tier: str
    reason: str
    growth: int
    ends_at: datetime | None
    terms_version: int
    entry_id: bytes | None


class IssuedEntitlement(NamedTuple):
    """A benefit that was issued."""

    code: str
    period: str
    tier: str
    issued_at: datetime


def stored_tier(row: Any) -> TierState:
    """The settled tier in a row that has the columns ``TIER``."""
    if row.tier_settled_at is None:
        return NO_TIER
    return TierState(
        row.tier or "",
        row.tier_since,
        row.tier_ends_at,
        row.tier_in_grace,
        row.tier_terms_version,
        row.tier_settled_at,
    )


def tier_by_clock(
    connection: Connection,
    key: UUID,
    state: TierState,
    ladders: Ladders,
    now: datetime,
    read_lots: Callable[[], Sequence[Lot]],
) -> TierState:
    """The tier at ``now``, gone on from a stored state; reads no more than that needs."""
    if not holds(state, ladders):
        until = max(now, state.settled_at or now)
        return settle(NO_TIER, Timeline(read_changes(connection, key)), ladders, until)[0]
    if is_overtaken(state, ladders, now):
        return settle(state, Timeline(changes_of_lots(read_lots())), ladders, now)[0]
    return state


def read_outlook(connection: Connection, program: Program, key: UUID, now: datetime) -> Outlook | None:
    """A known member's tier at ``now`` and what lies ahead of it; None where no ladder is in force."""
    ladders = ladders_of(program)
    if not ladders.any:
        return None
    row = connection.execute(select(*TIER, holders.c.recorded_at).where(holders.c.holder_id == key)).one()
    now = max(now, row.recorded_at or now)
    found = open_lots(connection, key)
    state = tier_by_clock(connection, key, stored_tier(row), ladders, now, lambda: found)
    return outlook(state, changes_of_lots(found), ladders, now)


def read_tier_history(connection: Connection, key: UUID) -> list[PastTierEvent]:
    """Every recorded event of a member's tier, in the order of recording."""
    rows = connection.execute(
        select(
            tier_events.c.ordinal,
            tier_events.c.effective_at,
            tier_events.c.recorded_at,
            tier_events.c.from_tier,
            tier_events.c.to_tier,
            tier_events.c.reason,
            tier_events.c.growth,
            tier_events.c.ends_at,
            tier_events.c.terms_version,
            tier_events.c.entry_id,
        )
        .where(tier_events.c.holder_id == key)
        .order_by(tier_events.c.ordinal)
    )
    return [PastTierEvent._make((*row[:-1], row.entry_id and row.entry_id.bytes)) for row in rows]


def read_entitlements(connection: Connection, key: UUID) -> list[IssuedEntitlement]:
    """Every benefit that a member's tiers have issued, oldest first."""
    rows = connection.execute(
        select(entitlements.c.code, entitlements.c.period, entitlements.c.tier, entitlements.c.issued_at)
        .where(entitlements.c.holder_id == key)
        .order_by(entitlements.c.issued_at, entitlements.c.code, entitlements.c.period)
    )
    return [IssuedEntitlement(*row) for row in rows]
