"""The reads behind the explanation of a tier: the state by the clock, what lies ahead, the events, the benefits."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from ledger.accounts.chart import Unit
from ledger.accounts.growth import Timeline, changes_of_lots
from ledger.accounts.ladders import NO_LADDERS, Ladders
from ledger.accounts.models import holders, tier_events
from ledger.accounts.outlook import outlook
from ledger.accounts.paging import DEFAULT_LIMIT, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.accounts.queries import holder_uuid, unknown_member
from ledger.accounts.queries_of_lots import open_lots
from ledger.accounts.tier_queries import TIER, read_entitlements, stored_tier, tier_by_clock
from ledger.accounts.tiers import NO_TIER, Entitlement, TierEvent, TierState, holds, settle
from ledger.rules.tier_explanation import Recorded, TierStanding, decline

_HISTORY = b"T"
_ORDINAL_BYTES = 8
_BENEFITS_TOLD = 200
_EVENTS_TOLD = 20


def read_tier_standing(
    connection: Connection, program: Program, ladders: Ladders, member_id: str, now: datetime
) -> TierStanding:
    """A member's tier at ``now``, whether or not a job has booked what the clock has decided, and its latest events.

    Refuses an unknown member (``member_unknown``).
    """
    row = _row(connection, program, member_id)
    now = max(now, row.recorded_at or now)
    if row.merged_into is not None:
        ladders = NO_LADDERS
    lots = open_lots(connection, row.holder_id)
    changes = changes_of_lots(lots)
    timeline, stored, state = Timeline(changes), stored_tier(row), NO_TIER
    if ladders.any:
        state = tier_by_clock(connection, row.holder_id, stored, ladders, now, lambda: lots)
    history, _ = _recorded_events(connection, row.holder_id, _EVENTS_TOLD, None)
    return TierStanding(
        now,
        # As in the balance: all that is live, even of an event that a fast clock has put ahead.
        sum(lot.remaining for lot in lots if lot.unit == Unit.GROWTH and lot.is_live(now)),
        outlook(state, changes, ladders, now),
        decline(state, timeline, ladders),
        [*_unrecorded(stored, timeline, ladders, now), *history],
        [
            Entitlement(*each)
            for each in read_entitlements(connection, row.holder_id)[: -_BENEFITS_TOLD - 1 : -1]
        ],
    )


def read_tier_history(
    connection: Connection,
    program: Program,
    ladders: Ladders,
    member_id: str,
    now: datetime,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> tuple[list[Recorded], str | None]:
    """A page of the events of a member's tier, newest first by recording, and the way to the next page.

    What only the clock has decided yet stands on the first page, beyond its limit. Refuses an unknown member
    (``member_unknown``) and a cursor of another list.
    """
    row = _row(connection, program, member_id)
    if row.merged_into is not None:
        ladders = NO_LADDERS
    history, next_cursor = _recorded_events(connection, row.holder_id, limit, cursor)
    if cursor is None:
        timeline = Timeline(changes_of_lots(open_lots(connection, row.holder_id)))
        unrecorded = _unrecorded(stored_tier(row), timeline, ladders, max(now, row.recorded_at or now))
        history = [*unrecorded, *history]
    return history, next_cursor


def _row(connection: Connection, program: Program, member_id: str) -> Row[Any]:
    query: Select[Any] = select(holders.c.holder_id, holders.c.recorded_at, holders.c.merged_into, *TIER)
    row = connection.execute(
        query.where(holders.c.holder_id == holder_uuid(program, member_id))
    ).one_or_none()
    if row is None:
        raise unknown_member(member_id)
    return row


def _unrecorded(stored: TierState, timeline: Timeline, ladders: Ladders, now: datetime) -> list[Recorded]:
    """The events that only the clock knows yet, newest first. A job records them."""
    if not holds(stored, ladders):
        return []
    _, events = settle(stored, timeline, ladders, now)
    return [Recorded(event) for event in reversed(events)]


def _recorded_events(
    connection: Connection, key: UUID, limit: int, cursor: str | None
) -> tuple[list[Recorded], str | None]:
    query = select(tier_events).where(tier_events.c.holder_id == key)
    if cursor is not None:
        before = int.from_bytes(read_cursor(_HISTORY, cursor, _ORDINAL_BYTES), "big", signed=True)
        query = query.where(tier_events.c.ordinal < before)
    rows = connection.execute(query.order_by(tier_events.c.ordinal.desc()).limit(limit + 1)).all()
    found = [_recorded(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return found, None
    last = rows[limit - 1].ordinal.to_bytes(_ORDINAL_BYTES, "big", signed=True)
    return found, write_cursor(_HISTORY, last)


def _recorded(row: Row[Any]) -> Recorded:
    event = TierEvent(
        row.effective_at, row.from_tier, row.to_tier, row.reason, row.growth, row.ends_at, row.terms_version
    )
    return Recorded(event, row.recorded_at, row.entry_id and row.entry_id.bytes)
