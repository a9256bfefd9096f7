"""The register of locks: putting one on a member and taking it off, and who has done so."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from ledger.access.principals import Principal
from ledger.accounts.listing import newest_rows
from ledger.accounts.member_locks import MemberLock
from ledger.accounts.members import Member, read_member
from ledger.accounts.models import holders, member_lock_events
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.program import Program
from ledger.accounts.queries import lock_member, require_member
from ledger.clock import show
from ledger.ids import new_entry_id
from ledger.ids import show as show_id

_LIST = b"K"


def change_lock(
    connection: Connection,
    program: Program,
    member_id: str,
    lock: MemberLock,
    *,
    is_on: bool,
    reason: str,
    by: Principal,
    now: datetime,
) -> Member:
    """Put a lock on a member or take it off; the member as he is then. What is so already changes nothing.

    Locks the holder's row until the end of the transaction: a posting is before it or after it. Refuses an unknown
    member (``member_unknown``).
    """
    key, before = lock_member(connection, program, member_id)
    after = before | lock.bit if is_on else before & ~lock.bit
    if after != before:
        connection.execute(update(holders).where(holders.c.holder_id == key).values(locks=after))
        connection.execute(
            insert(member_lock_events).values(
                holder_id=key,
                event_id=_next_event_id(connection, key),
                recorded_at=now,
                is_on=is_on,
                lock=lock.name,
                changed_by=by.key_id,
                reason=reason,
            )
        )
    return read_member(connection, program, member_id)


def _next_event_id(connection: Connection, key: UUID) -> UUID:
    """An id after those of the holder, who is locked: they tell the order, whatever the machines' clocks do."""
    events = member_lock_events
    query = select(events.c.event_id).where(events.c.holder_id == key).order_by(events.c.event_id.desc())
    last = connection.execute(query.limit(1)).scalar_one_or_none()
    fresh = UUID(bytes=new_entry_id())
    return fresh if last is None or fresh > last else UUID(int=last.int + (1 << 16))


def list_lock_events(
    connection: Connection,
    program: Program,
    member_id: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Who has locked and unlocked a member, newest first. Refuses an unknown member (``member_unknown``)."""
    key, events = require_member(connection, program, member_id), member_lock_events
    query = select(events).where(events.c.holder_id == key)
    rows, more = newest_rows(connection, query, events.c.event_id, _LIST, limit=limit, cursor=cursor)
    return Page([_shown(row) for row in rows], more)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "event_id": show_id("lke", row.event_id.bytes),
        "lock": row.lock,
        "on": row.is_on,
        "reason": row.reason,
        "changed_by": row.changed_by,
        "recorded_at": show(row.recorded_at),
    }
