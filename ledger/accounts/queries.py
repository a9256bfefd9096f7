"""Reads of what a member has at present: the balance, and the lots that it sits in.

A balance is one look at the holder's row: its stored standing holds until ``fresh_until``, and only past
that are the open lots read, on the same snapshot. Balances of the past are the journal's to tell.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, or_, select

from ledger.accounts.balances import balance_of
from ledger.accounts.chart import Unit
from ledger.accounts.hold_queries import let_holds_lapse
from ledger.accounts.holder import Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.lots import Lot, Standing
from ledger.accounts.models import holders, lots
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.accounts.queries_of_lots import lot_of, open_lots, select_lots
from ledger.accounts.tier_queries import stored_tier, tier_by_clock
from ledger.accounts.tiers import holds
from ledger.accounts.tracking import is_overtaken, tier_object
from ledger.clock import FAR_FUTURE, show
from ledger.errors import MemberUnknown
from ledger.ids import entry_of_lot, holder_id
from ledger.ids import show as show_id

LotState = Literal["pending", "available", "expired", "spent"]

_LOTS = b"L"
_LOT_ID_BYTES = 16


class Stored(NamedTuple):
    """What a holder's row says of his balance. Amounts in whole units."""

    holder_id: UUID
    version: int
    points: int
    held: int
    debt: int
    recorded_at: datetime | None
    available: int
    pending: int
    growth: int
    growth_value: int
    next_expiry_at: datetime | None
    next_expiry_points: int
    fresh_until: datetime | None
    tier: str | None
    tier_since: datetime | None
    tier_ends_at: datetime | None
    tier_in_grace: bool
    tier_terms_version: int | None
    tier_settled_at: datetime | None
    merged_into: UUID | None


_BALANCE: Select[Any] = select(*(holders.c[name] for name in Stored._fields))


def holder_uuid(program: Program, member_id: str) -> UUID:
    """The key of a member's rows."""
    return UUID(bytes=holder_id(program.program_id, member_id))


def unknown_member(member_id: str) -> MemberUnknown:
    """The refusal to read what nobody has."""
    return MemberUnknown(f"there is no member {member_id}", member_id=member_id)


def require_member(connection: Connection, program: Program, member_id: str) -> UUID:
    """The key of a known member's rows, or ``member_unknown``."""
    key = holder_uuid(program, member_id)
    if connection.execute(select(holders.c.holder_id).where(holders.c.holder_id == key)).first() is None:
        raise unknown_member(member_id)
    return key


def lock_member(connection: Connection, program: Program, member_id: str) -> tuple[UUID, int]:
    """The key of a known member's rows and the bits of his locks, or ``member_unknown``.

    Locks the holder's row until the end of the transaction: a posting is before it or after it.
    """
    key = holder_uuid(program, member_id)
    query = select(holders.c.locks).where(holders.c.holder_id == key).with_for_update(key_share=True)
    locks = connection.execute(query).scalar_one_or_none()
    if locks is None:
        raise unknown_member(member_id)
    return key, locks


def read_balance(connection: Connection, program: Program, member_id: str, now: datetime) -> dict[str, Any]:
    """The balance object of a member at ``now``, the program's present; ``member_unknown`` when there is none."""
    row = connection.execute(
        _BALANCE.where(holders.c.holder_id == holder_uuid(program, member_id))
    ).one_or_none()
    if row is None:
        raise unknown_member(member_id)
    stored = Stored._make(row)
    return balance_stored(stored, program, member_id, now) or _balance_by_clock(
        connection, stored, program, member_id, now
    )


def balance_stored(row: Stored, program: Program, member_id: str, now: datetime) -> dict[str, Any] | None:
    """The balance object at ``now``, out of the row alone; None where the clock has overtaken what it says."""
    now = _not_before(row, now)
    standing = _stored_standing(row)
    if now >= standing.fresh_until:
        return None
    ladders, tier = ladders_of(program), None
    # Who was merged has the survivor's tier, and none of his own.
    if ladders.any and row.merged_into is None:
        state = stored_tier(row)
        if not holds(state, ladders) or is_overtaken(state, ladders, now):
            return None
        tier = tier_object(state, ladders, now)
    return balance_of(_holder(program, member_id, row, standing), now, tier)


def _balance_by_clock(
    connection: Connection, row: Stored, program: Program, member_id: str, now: datetime
) -> dict[str, Any]:
    now = _not_before(row, now)
    standing = _stored_standing(row)
    read_open_lots = cache(partial(open_lots, connection, row.holder_id))
    holder = _holder(program, member_id, row, standing)
    if now >= standing.fresh_until:
        holder.lots = {lot.lot_id: lot for lot in read_open_lots()}
        let_holds_lapse(connection, holder, now)
    ladders, tier = ladders_of(program), None
    if ladders.any and row.merged_into is None:
        state = tier_by_clock(connection, row.holder_id, stored_tier(row), ladders, now, read_open_lots)
        tier = tier_object(state, ladders, now)
    return balance_of(holder, now, tier)


def _not_before(row: Stored, now: datetime) -> datetime:
    """As for postings: a member's time never runs backwards, whatever this machine's clock does."""
    return max(now, row.recorded_at or now)


def _holder(program: Program, member_id: str, row: Stored, standing: Standing) -> Holder:
    """The holder as its row has it."""
    return Holder(
        row.holder_id.bytes,
        program.program_id,
        member_id,
        version=row.version,
        points=row.points,
        held=row.held,
        debt=row.debt,
        growth=row.growth,
        standing=standing,
    )


def read_lots(
    connection: Connection,
    program: Program,
    member_id: str,
    now: datetime,
    *,
    state: Literal["open", "all"] = "open",
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """A member's lots of every unit, newest first; with ``open``, those that are pending or available now.

    Refuses an unknown member (``member_unknown``) and a cursor of another list.
    """
    key = require_member(connection, program, member_id)
    query = select_lots().where(lots.c.holder_id == key)
    if state == "open":
        query = query.where(lots.c.is_open, or_(lots.c.expires_at.is_(None), lots.c.expires_at > now))
    if cursor is not None:
        query = query.where(lots.c.lot_id < UUID(bytes=read_cursor(_LOTS, cursor, _LOT_ID_BYTES)))
    # One more than asked for tells whether there are more.
    rows = connection.execute(query.order_by(lots.c.holder_id, lots.c.lot_id.desc()).limit(limit + 1)).all()
    found = [lot_of(row) for row in rows]
    return Page([_shown(lot, now) for lot in found[:limit]], _next_cursor(found, limit))


def state_of(lot: Lot, now: datetime) -> LotState:
    """What has become of a lot by the clock.

    A lot of which nothing remains is ``expired`` where the clock took the last of it, else ``spent``.
    """
    if not lot.remaining:
        return "expired" if lot.expired else "spent"
    if not lot.is_live(now):
        return "expired"
    return "available" if lot.is_spendable(now) else "pending"


def _stored_standing(row: Stored) -> Standing:
    return Standing(
        row.available,
        row.pending,
        row.growth_value,
        row.next_expiry_at,
        row.next_expiry_points,
        row.fresh_until or FAR_FUTURE,
    )


def _next_cursor(found: Sequence[Lot], limit: int) -> str | None:
    return write_cursor(_LOTS, found[limit - 1].lot_id) if len(found) > limit else None


def _shown(lot: Lot, now: datetime) -> dict[str, Any]:
    return {
        "lot_id": show_id("lot", lot.lot_id),
        "entry_id": show_id("ent", entry_of_lot(lot.lot_id)),
        "unit": Unit(lot.unit).name,
        "original": lot.original,
        "remaining": lot.remaining,
        "expired": lot.expired,
        "state": state_of(lot, now),
        "earned_at": show(lot.earned_at),
        "available_at": show(lot.available_at),
        "expires_at": lot.expires_at and show(lot.expires_at),
        "rolling": lot.rolling,
    }
