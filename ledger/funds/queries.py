"""Reads of funds: what each was granted, what it spent and has left, and its entries.

What was granted is a usage of the fund's holder, written with every grant: no sum over the postings is needed,
however many awards a fund has paid for.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, func, literal_column, select

from ledger.accounts.chart import Account
from ledger.accounts.models import holders
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, refused, write_cursor
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.funds.commands import GRANTED, unknown_fund
from ledger.ids import FUND_PREFIX, fund_name, holder_id
from ledger.ids import show as show_id
from ledger.journal.models import entries, postings, usages

_FUNDS = b"F"
_ENTRIES = b"G"
_HOLDER_BYTES = 16
_VERSION_BYTES = 8

# Written out, not a parameter: the planner must see that the index of the funds has these rows.
_IS_FUND = holders.c.member_id.like(literal_column("'fund/%'"))


def list_funds(
    connection: Connection, program: Program, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """The program's funds by code. Refuses a cursor of another list."""
    query = _select_funds().where(holders.c.program_id == program.program_id, _IS_FUND)
    if cursor is not None:
        query = query.where(holders.c.member_id > _last_seen(connection, program, cursor))
    # One more than asked for tells whether there are more.
    rows = connection.execute(query.order_by(holders.c.member_id).limit(limit + 1)).all()
    more = write_cursor(_FUNDS, rows[limit - 1].holder_id.bytes) if len(rows) > limit else None
    return Page([_shown(row) for row in rows[:limit]], more)


def read_fund(connection: Connection, program: Program, fund: str) -> dict[str, Any]:
    """A fund, or ``fund_unknown``."""
    query = _select_funds().where(holders.c.holder_id == _key(program, fund))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise unknown_fund(fund)
    return _shown(row)


def read_fund_entries(
    connection: Connection,
    program: Program,
    fund: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """A fund's entries, newest first. Refuses an unknown fund (``fund_unknown``) and a cursor of another list."""
    read_fund(connection, program, fund)
    query = _select_entries().where(entries.c.holder_id == _key(program, fund))
    if cursor is not None:
        before = int.from_bytes(read_cursor(_ENTRIES, cursor, _VERSION_BYTES), "big", signed=True)
        query = query.where(entries.c.version < before)
    rows = connection.execute(query.order_by(entries.c.version.desc()).limit(limit + 1)).all()
    more = None
    if len(rows) > limit:
        more = write_cursor(_ENTRIES, rows[limit - 1].version.to_bytes(_VERSION_BYTES, "big", signed=True))
    return Page([_shown_entry(row) for row in rows[:limit]], more)


def _last_seen(connection: Connection, program: Program, cursor: str) -> str:
    """The name of the fund in a cursor, which may be another program's: then nothing of it is told."""
    key = UUID(bytes=read_cursor(_FUNDS, cursor, _HOLDER_BYTES))
    name: str | None = connection.execute(
        select(holders.c.member_id).where(
            holders.c.program_id == program.program_id, holders.c.holder_id == key
        )
    ).scalar_one_or_none()
    if name is None:
        raise refused("cursor", "was not given by this list")
    return name


def _key(program: Program, fund: str) -> UUID:
    return UUID(bytes=holder_id(program.program_id, fund_name(fund)))


def _select_funds() -> Select[Any]:
    granted = and_(usages.c.holder_id == holders.c.holder_id, usages.c.subject == GRANTED)
    return select(
        holders.c.holder_id,
        holders.c.member_id,
        holders.c.version,
        holders.c.points,
        func.coalesce(usages.c.amount, 0).label("granted"),
    ).join_from(holders, usages, granted, isouter=True)


def _select_entries() -> Select[Any]:
    member = select(holders.c.member_id).where(holders.c.holder_id == entries.c.peer_holder_id)
    return select(
        entries.c.entry_id,
        entries.c.version,
        entries.c.kind,
        entries.c.recorded_at,
        entries.c.points_after,
        entries.c.reference,
        entries.c.parent_entry_id,
        entries.c.details,
        postings.c.debit,
        postings.c.amount,
        member.scalar_subquery().label("member_id"),
    ).join_from(
        entries,
        postings,
        and_(postings.c.entry_id == entries.c.entry_id, postings.c.holder_id == entries.c.holder_id),
    )


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "fund": row.member_id.removeprefix(FUND_PREFIX),
        "granted": row.granted,
        "spent": row.granted - row.points,
        "available": row.points,
        "account_version": row.version,
    }


def _shown_entry(row: Row[Any]) -> dict[str, Any]:
    parent = row.parent_entry_id
    return {
        "entry_id": show_id("ent", row.entry_id.bytes),
        "version": row.version,
        "kind": row.kind,
        "recorded_at": show(row.recorded_at),
        "points": -row.amount if row.debit == Account.FUND else row.amount,
        "available_after": row.points_after,
        "reference": row.reference,
        "award_entry_id": parent and show_id("ent", parent.bytes),
        "member_id": row.member_id,
        "details": row.details,
    }
