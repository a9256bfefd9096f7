"""Late and manual entries: what an auditor looks at one by one.

Both lists are of a period on the axis of recording: what was written after ``from`` and by ``to``, whenever it was
effective. So ``to`` is also as of when the books are known, and the same period gives the same list for ever.

**Late** is what was recorded after the end of the day that followed its own, or was booked in a later month because
its own was closed; what the clock takes by itself is never late. **Manual** are adjustments, reversals, grants and
withdrawals of budgets, and awards that an operator gave. Every point of the roll-forward's ``adjusted`` must be in the
list of manual entries: what it lacks is the ``difference``.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Row, Uuid, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from ledger.accounts.chart import Account, Unit
from ledger.accounts.models import holders
from ledger.accounts.paging import read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.clock import FAR_FUTURE, show
from ledger.finance.roll_forward import BEGINNING, movements_of, require_period
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut, Flagged, read_flagged, read_sums
from ledger.ids import show as show_id
from ledger.journal.models import entries, entry_texts, postings

DEFAULT_ROWS: Final = 1_000
MAX_ROWS: Final = 10_000

COLUMNS: Final = (
    "entry_id",
    "member_id",
    "kind",
    "effective_at",
    "recorded_at",
    "booked_on",
    "points",
    "reason",
    "maker",
    "checker",
)

_LISTS: Final = {"late": b"L", "manual": b"M"}
_ID_BYTES: Final = 16
_HOLDERS_POINTS: Final = (Account.POINTS, Account.HELD, Account.DEBT, Account.FUND)


class Asked(NamedTuple):
    """Which part of a list is asked for."""

    start: datetime
    end: datetime
    limit: int
    cursor: str | None


def late_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = DEFAULT_ROWS,
    cursor: str | None = None,
) -> Report:
    """The late entries of a period, newest first; from the beginning and to the present if left out."""
    asked = Asked(start or BEGINNING, end or now, limit, cursor)
    return _report(connection, "late", asked, _flagged(connection, program, "late", asked, now), {})


def manual_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = DEFAULT_ROWS,
    cursor: str | None = None,
) -> Report:
    """The manual entries of a period, newest first; from the beginning and to the present if left out."""
    asked = Asked(start or BEGINNING, end or now, limit, cursor)
    found = _flagged(connection, program, "manual", asked, now)
    listed = _adjusted_by(connection, found)
    until_end, until_start = (
        movements_of(
            (each.debit, each.credit, each.amount)
            for each in read_sums(connection, program, "all", Cut(FAR_FUTURE, known))
        ).adjusted
        for known in (asked.end, asked.start)
    )
    booked = until_end - until_start
    told = {"adjusted": {"listed": listed, "roll_forward": booked}, "difference": listed - booked}
    return _report(connection, "manual", asked, found, told)


def _flagged(
    connection: Connection, program: Program, flag: str, asked: Asked, now: datetime
) -> list[Flagged]:
    """All of the period, newest first."""
    require_period(asked.start, asked.end, None, now)
    known = read_flagged(connection, program, flag, Cut(FAR_FUTURE, asked.end))
    before: set[Flagged] = set()
    if asked.start > BEGINNING:
        before = set(read_flagged(connection, program, flag, Cut(FAR_FUTURE, asked.start)))
    return [each for each in reversed(known) if each not in before]


def _report(
    connection: Connection, flag: str, asked: Asked, found: Sequence[Flagged], told: dict[str, Any]
) -> Report:
    rest = found
    if asked.cursor is not None:
        last = UUID(bytes=read_cursor(_LISTS[flag], asked.cursor, _ID_BYTES))
        rest = [each for each in found if each.entry_id < last]
    page = rest[: asked.limit]
    rows = _with_reasons(connection, page, show_entries(connection, page))
    body = {
        "from": show(asked.start),
        "to": show(asked.end),
        "entries": len(found),
        **told,
        "data": rows,
        "next_cursor": write_cursor(_LISTS[flag], page[-1].entry_id.bytes) if len(rest) > len(page) else None,
    }
    return Report(body, Table("data", COLUMNS, rows))


def show_entries(connection: Connection, page: Sequence[Flagged]) -> list[dict[str, Any]]:
    """The entries as what is kept for ever shows them: without the words that lie beside them.

    Looked up by their ids alone, so that no join may read a whole table.
    """
    ids = _array([each.entry_id for each in page])
    found = {
        (row.entry_id, row.holder_id): row
        for row in connection.execute(select(entries).where(entries.c.entry_id == any_(ids)))
    }
    points: Counter[tuple[UUID, UUID]] = Counter()
    for row in connection.execute(select(postings).where(postings.c.entry_id == any_(ids))):
        if row.unit == Unit.POINT:
            sign = (row.credit in _HOLDERS_POINTS) - (row.debit in _HOLDERS_POINTS)
            points[row.entry_id, row.holder_id] += row.amount * sign
    of_holders = _array([each.holder_id for each in page])
    named = select(holders.c.holder_id, holders.c.member_id).where(holders.c.holder_id == any_(of_holders))
    names = {row.holder_id: row.member_id for row in connection.execute(named)}
    return [
        _shown(found[each.entry_id, each.holder_id], each, names[each.holder_id])
        | {"points": points[each.entry_id, each.holder_id]}
        for each in page
    ]


def _with_reasons(
    connection: Connection, page: Sequence[Flagged], rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The entries with why they were made, as long as it has not been erased."""
    said = select(entry_texts).where(
        entry_texts.c.holder_id == any_(_array([each.holder_id for each in page])),
        entry_texts.c.entry_id == any_(_array([each.entry_id for each in page])),
    )
    texts = {(row.entry_id, row.holder_id): row.texts or {} for row in connection.execute(said)}
    return [
        row | {"reason": texts.get((each.entry_id, each.holder_id), {}).get("reason", row["reason"])}
        for each, row in zip(page, rows, strict=True)
    ]


def _shown(entry: Row[Any], flagged: Flagged, name: str) -> dict[str, Any]:
    details = entry.details or {}
    return {
        "entry_id": show_id("ent", entry.entry_id.bytes),
        "member_id": name,
        "kind": entry.kind,
        "effective_at": show(entry.effective_at),
        "recorded_at": show(entry.recorded_at),
        "booked_on": flagged.booked_on.isoformat(),
        "reason": details.get("reason"),
        # Who has proposed it, and otherwise who stood at the till.
        "maker": details.get("proposed_by", entry.operator),
        "checker": details.get("approved_by"),
    }


def _adjusted_by(connection: Connection, found: Sequence[Flagged]) -> int:
    """What these entries have added to the points of members by hand, less what they have taken."""
    ids = _array([each.entry_id for each in found])
    rows = connection.execute(
        select(postings.c.debit, postings.c.credit, postings.c.amount).where(
            postings.c.entry_id == any_(ids),
            or_(postings.c.debit == Account.ADJUSTED, postings.c.credit == Account.ADJUSTED),
        )
    )
    return movements_of((Account(row.debit), Account(row.credit), row.amount) for row in rows).adjusted


def _array(ids: list[UUID]) -> BindParameter[Any]:
    return bindparam(None, ids, ARRAY(Uuid))
