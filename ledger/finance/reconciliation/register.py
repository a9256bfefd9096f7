"""Reconciliations as they are kept: what was uploaded, by whom, what came of it, and every exception.

The same file again is another reconciliation: the books have moved on meanwhile, and that is what is asked. It names
the one before it, of the same kind and days, so what has been settled since can be told.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, exists, func, insert, select

from ledger.accounts.listing import newest_rows
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, refused, write_cursor
from ledger.accounts.program import Program
from ledger.clock import local_date, show
from ledger.errors import ReconciliationUnknown
from ledger.finance.reconciliation.books import read_booked
from ledger.finance.reconciliation.matching import AGES, Result, Value, age_of, match
from ledger.finance.reconciliation.matching import Row as Said
from ledger.finance.reconciliation.models import exceptions, reconciliations
from ledger.finance.reconciliation.uploads import Upload
from ledger.ids import new_entry_id
from ledger.ids import read as read_id
from ledger.ids import show as show_id

_LIST: Final = b"R"
_EXCEPTIONS: Final = b"X"
_ORDINAL_BYTES: Final = 8
_AT_ONCE: Final = 1_000
_CLASSES: Final = ("missing", "extra", "different")


def days_of(
    upload: Upload, first: date | None, last: date | None, timezone: str, now: datetime
) -> tuple[date, date]:
    """The days that are compared: those given, or else those that the upload speaks of.

    InvalidRequest for days that cross or lie ahead, and for rows outside of them.
    """
    for day in (upload.first_day, upload.last_day):
        if day is not None and not (first or day) <= day <= (last or day):
            raise refused("csv", f"has a row of {day}, which is outside of the days")
    first, last = first or upload.first_day or last, last or upload.last_day or first
    if first is None or last is None:
        raise refused("from", "is needed with an upload that has no rows")
    if first > last:
        raise refused("from", f"must not be later than {last}")
    if last > local_date(now, timezone):
        raise refused("to", f"must not be later than today, {local_date(now, timezone)}")
    return first, last


def reconcile(
    connection: Connection,
    program: Program,
    upload: Upload,
    days: tuple[date, date],
    *,
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """Hold an upload against the books as they are known now, and keep what comes of it; returns it as shown.

    Reads either side once, in order. Writes exceptions as they are found; locks nothing.
    """
    identifier = UUID(bytes=new_entry_id())
    key = {"program_id": program.program_id, "reconciliation_id": identifier}
    counts: Counter[str] = Counter()
    ageing: Counter[tuple[str, str]] = Counter()
    today = local_date(now, program.timezone)

    def found() -> Iterator[dict[str, Any]]:
        for result in match(upload, read_booked(connection, program, upload.kind, *days, now), *days):
            counts[result.outcome] += 1
            if result.outcome != "matched":
                age = max(0, (today - result.row.day).days)
                ageing[result.outcome, age_of(age)] += 1
                ordinal = sum(counts[name] for name in _CLASSES)
                yield key | {"ordinal": ordinal, **_stored(result, age)}

    _insert_exceptions(connection, found())
    connection.execute(
        insert(reconciliations).values(
            **key,
            **{name: counts[name] for name in ("matched", *_CLASSES)},
            uploaded=upload.count,
            recorded_at=now,
            previous_id=_previous(connection, program, upload.kind, days),
            first_day=days[0],
            last_day=days[1],
            kind=upload.kind,
            digest=upload.digest,
            uploaded_by=by,
            ageing={age: {name: ageing[name, age] for name in _CLASSES} for age in AGES},
        )
    )
    return require_reconciliation(connection, program, show_id("rcn", identifier.bytes))


def list_reconciliations(
    connection: Connection, program: Program, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """The program's reconciliations without their exceptions, newest first."""
    query = select(reconciliations).where(reconciliations.c.program_id == program.program_id)
    identifier = reconciliations.c.reconciliation_id
    rows, more = newest_rows(connection, query, identifier, _LIST, limit=limit, cursor=cursor)
    return Page([_shown(row) for row in rows], more)


def require_reconciliation(
    connection: Connection,
    program: Program,
    reconciliation_id: str,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> dict[str, Any]:
    """A reconciliation with a page of its exceptions, in order of their references; ``reconciliation_unknown``.

    ``resolved`` counts the exceptions of the one before it that are none any more.
    """
    identifier = read_id("rcn", reconciliation_id)
    row = connection.execute(
        select(reconciliations).where(
            reconciliations.c.program_id == program.program_id,
            reconciliations.c.reconciliation_id == (UUID(bytes=identifier) if identifier else None),
        )
    ).one_or_none()
    if row is None:
        raise ReconciliationUnknown(
            f"there is no reconciliation {reconciliation_id}", reconciliation_id=reconciliation_id
        )
    page = _read_exceptions(connection, row, limit, cursor)
    return _shown(row) | {"resolved": _resolved(connection, row), **page.shown()}


def _read_exceptions(connection: Connection, row: Row[Any], limit: int, cursor: str | None) -> Page:
    after = int.from_bytes(read_cursor(_EXCEPTIONS, cursor, _ORDINAL_BYTES)) if cursor is not None else 0
    if after >= 1 << 63:
        raise refused("cursor", "was not given by this list")
    rows = connection.execute(
        select(exceptions)
        .where(
            exceptions.c.program_id == row.program_id,
            exceptions.c.reconciliation_id == row.reconciliation_id,
            exceptions.c.ordinal > after,
        )
        .order_by(exceptions.c.ordinal)
        .limit(limit + 1)
    ).all()
    more = rows[limit - 1].ordinal.to_bytes(_ORDINAL_BYTES) if len(rows) > limit else None
    return Page([_exception(each) for each in rows[:limit]], more and write_cursor(_EXCEPTIONS, more))


def _resolved(connection: Connection, row: Row[Any]) -> int | None:
    if row.previous_id is None:
        return None
    later = exceptions.alias("later")
    is_left = exists().where(
        later.c.program_id == row.program_id,
        later.c.reconciliation_id == row.reconciliation_id,
        later.c.type == exceptions.c.type,
        later.c.reference == exceptions.c.reference,
    )
    return connection.execute(
        select(func.count())
        .select_from(exceptions)
        .where(
            exceptions.c.program_id == row.program_id,
            exceptions.c.reconciliation_id == row.previous_id,
            ~is_left,
        )
    ).scalar_one()


def _previous(connection: Connection, program: Program, kind: str, days: tuple[date, date]) -> UUID | None:
    return connection.execute(
        select(reconciliations.c.reconciliation_id)
        .where(
            reconciliations.c.program_id == program.program_id,
            reconciliations.c.kind == kind,
            reconciliations.c.first_day == days[0],
            reconciliations.c.last_day == days[1],
        )
        .order_by(reconciliations.c.reconciliation_id.desc())
        .limit(1)
    ).scalar_one_or_none()


def _insert_exceptions(connection: Connection, rows: Iterator[dict[str, Any]]) -> None:
    while some := list(islice(rows, _AT_ONCE)):
        connection.execute(insert(exceptions), some)


def _stored(result: Result, age: int) -> dict[str, Any]:
    kind, reference = result.row.key
    details = {
        "day": result.row.day.isoformat(),
        "age_days": age,
        "line": result.uploaded.line if result.uploaded else None,
        "uploaded": _fields(result.uploaded),
        "booked": _fields(result.booked),
        "differences": [difference._asdict() for difference in result.differences],
    }
    return {"outcome": result.outcome, "type": kind, "reference": reference, "details": details}


def _fields(said: Said | None) -> dict[str, Value] | None:
    return None if said is None else {"day": said.day.isoformat(), **said.fields}


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "reconciliation_id": show_id("rcn", row.reconciliation_id.bytes),
        "kind": row.kind,
        "from": row.first_day.isoformat(),
        "to": row.last_day.isoformat(),
        "recorded_at": show(row.recorded_at),
        "uploaded_by": row.uploaded_by,
        "digest": row.digest.hex(),
        "uploaded": row.uploaded,
        "matched": row.matched,
        "missing": row.missing,
        "extra": row.extra,
        "different": row.different,
        "ageing": [{"days": age, **row.ageing[age]} for age in AGES],
        "previous_id": show_id("rcn", row.previous_id.bytes) if row.previous_id else None,
    }


def _exception(row: Row[Any]) -> dict[str, Any]:
    return {"outcome": row.outcome, "type": row.type, "reference": row.reference, **row.details}
