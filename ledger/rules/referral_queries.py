"""Whom a member has brought, and what it has given."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, ScalarSelect, Select, and_, case, func, select, tuple_

from ledger.accounts.chart import Account
from ledger.accounts.models import holders
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.clock import FAR_FUTURE, show
from ledger.journal.models import entries, postings, referrals

_REFERRALS = b"R"
_MOMENT_BYTES, _HOLDER_BYTES = 8, 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_referrals(
    connection: Connection,
    program: Program,
    member_id: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The members whom a member has brought, newest first; ``member_unknown`` where there is no such member."""
    query = _select(require_member(connection, program, member_id))
    if cursor is not None:
        query = query.where(tuple_(referrals.c.recorded_at, referrals.c.holder_id) < tuple_(*_place(cursor)))
    rows = connection.execute(query.limit(limit + 1)).all()
    return Page([_shown(row) for row in rows[:limit]], _next_cursor(rows, limit))


def _select(referrer: UUID) -> Select[Any]:
    return (
        select(
            referrals,
            holders.c.member_id,
            _given(Account.ISSUED).label("points"),
            _given(Account.GROWTH_ISSUED).label("growth"),
        )
        .join_from(referrals, holders, holders.c.holder_id == referrals.c.holder_id)
        .where(referrals.c.referrer_holder_id == referrer)
        .order_by(referrals.c.recorded_at.desc(), referrals.c.holder_id.desc())
    )


def _given(issued: Account) -> ScalarSelect[Any]:
    """What came out of this account for the purchase that settled, less what its returns took back."""
    amount = postings.c.amount
    net = case((postings.c.debit == issued, amount), (postings.c.credit == issued, -amount), else_=0)
    return (
        select(func.coalesce(func.sum(net), 0))
        .join_from(
            entries,
            postings,
            and_(entries.c.entry_id == postings.c.entry_id, entries.c.holder_id == postings.c.holder_id),
        )
        .where(
            entries.c.parent_entry_id == referrals.c.settled_entry_id,
            entries.c.holder_id == referrals.c.referrer_holder_id,
        )
        .scalar_subquery()
    )


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "member_id": row.member_id,
        "status": "settled" if row.settled_entry_id else "pending",
        "recorded_at": show(row.recorded_at),
        "points": int(row.points),
        "growth": int(row.growth),
    }


def _next_cursor(rows: Any, limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    microseconds = (last.recorded_at - _EPOCH) // timedelta(microseconds=1)
    return write_cursor(_REFERRALS, microseconds.to_bytes(_MOMENT_BYTES, "big") + last.holder_id.bytes)


def _place(cursor: str) -> tuple[datetime, UUID]:
    key = read_cursor(_REFERRALS, cursor, _MOMENT_BYTES + _HOLDER_BYTES)
    # Whatever a forged cursor holds, it names a moment of the calendar.
    last = (FAR_FUTURE - _EPOCH) // timedelta(microseconds=1)
    microseconds = min(int.from_bytes(key[:_MOMENT_BYTES], "big"), last)
    return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=key[_MOMENT_BYTES:])
