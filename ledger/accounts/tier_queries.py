"""Reads of tiers: a member's tier by the clock, and the benefits that its tiers have issued.

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
from ledger.accounts.ladders import Ladders
from ledger.accounts.lots import Lot
from ledger.accounts.models import entitlements, holders
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


def read_entitlements(connection: Connection, key: UUID) -> list[IssuedEntitlement]:
    """Every benefit that a member's tiers have issued, oldest first."""
    rows = connection.execute(
        select(entitlements.c.code, entitlements.c.period, entitlements.c.tier, entitlements.c.issued_at)
        .where(entitlements.c.holder_id == key)
        .order_by(entitlements.c.issued_at, entitlements.c.code, entitlements.c.period)
    )
    return [IssuedEntitlement(*row) for row in rows]
