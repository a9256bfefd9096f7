"""Reads of holds: a member's, newest first, as they stand by the clock."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from ledger.accounts.listing import newest_rows
from ledger.accounts.models import holds
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.clock import show
from ledger.ids import show as show_id
from ledger.journal.models import entries

_HOLDS = b"H"


def list_holds(
    connection: Connection,
    program: Program,
    member_id: str,
    now: datetime,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """A member's holds; one that is past its time has lapsed, booked or not. ``member_unknown`` for nobody."""
    key = require_member(connection, program, member_id)
    query = (
        select(holds, entries.c.reference, entries.c.effective_at)
        .join_from(
            holds,
            entries,
            and_(entries.c.entry_id == holds.c.hold_id, entries.c.holder_id == holds.c.holder_id),
        )
        .where(holds.c.holder_id == key)
    )
    rows, more = newest_rows(connection, query, holds.c.hold_id, _HOLDS, limit=limit, cursor=cursor)
    return Page([_shown(row, now) for row in rows], more)


def _shown(row: Row[Any], now: datetime) -> dict[str, Any]:
    is_due = row.status == "open" and row.expires_at <= now
    return {
        "hold_id": show_id("hld", row.hold_id.bytes),
        "reference": row.reference,
        "status": "lapsed" if is_due else row.status,
        "points": row.points,
        "captured": row.captured,
        "made_at": show(row.effective_at),
        "expires_at": show(row.expires_at),
        "quote_id": row.quote_id and show_id("quo", row.quote_id.bytes),
        "closed_entry_id": row.closed_entry_id and show_id("ent", row.closed_entry_id.bytes),
    }
