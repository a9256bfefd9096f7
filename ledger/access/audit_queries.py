"""Reading the audit log: what is written into it, and the postings that tell themselves, as one list, newest first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, Row, Select, func, literal, select, tuple_

from ledger.access.audit_log import NOBODY
from ledger.access.models import api_keys, audit_events
from ledger.accounts.models import Moment
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, refused, write_cursor
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal.models import entries, outcomes

DONE: Final = "done"
REFUSED: Final = "refused"
DENIED: Final = "denied"
OUTCOMES: Final = (DONE, REFUSED, DENIED)

ENTRY: Final = "/v1/entries/"
"""Where the address of an entry begins, which is the subject of the posting that has made it."""

_PREFIX: Final = "aud"
_LIST: Final = b"U"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Wanted(NamedTuple):
    """Which rows are wanted; whatever is None leaves all."""

    principal: str | None = None
    subject: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """Where a row stands in the list. The id is the event's, or begins the SHA-256 of the posting's key."""

    recorded_at: datetime
    identifier: bytes


class Forms(NamedTuple):
    """What the log says of postings beside their rows, which know nothing of HTTP."""

    posted: Mapping[str, tuple[str, int]]
    """By action: the path that it is sent to, and the status of its success."""
    status_of: Callable[[str], int]
    """The status of a refusal, by its code."""


def list_audit(
    connection: Connection,
    program: Program,
    wanted: Wanted,
    forms: Forms,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """A page of what was done and denied in a program, and what was denied to whoever has not said who he is."""
    before = _read_place(cursor) if cursor is not None else None
    rows = merge(
        _events(connection, program.program_id, wanted, before, limit),
        _events(connection, NOBODY, wanted, before, limit),
        _postings(connection, program, wanted, forms, before, limit),
        key=lambda found: found[0],
        reverse=True,
    )
    found = list(islice(rows, limit + 1))
    more = _write_place(found[limit - 1][0]) if len(found) > limit else None
    return Page([told for _, told in found[:limit]], more)


def _events(
    connection: Connection, program_id: int, wanted: Wanted, before: Place | None, limit: int
) -> Iterable[tuple[Place, dict[str, Any]]]:
    if wanted.outcome == REFUSED:
        return ()
    table = audit_events.c
    query = select(audit_events).where(table.program_id == program_id)
    for column, value in (
        (table.principal, wanted.principal),
        (table.subject, wanted.subject),
        (table.action, wanted.action),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.outcome is not None:
        query = query.where(table.code.is_(None) if wanted.outcome == DONE else table.code.is_not(None))
    identifier = func.uuid_send(table.event_id, type_=LargeBinary)
    rows = connection.execute(_page(query, table.recorded_at, identifier, wanted, before, limit))
    return [(Place(row.recorded_at, row.event_id.bytes), _event(row)) for row in rows]


def _postings(
    connection: Connection, program: Program, wanted: Wanted, forms: Forms, before: Place | None, limit: int
) -> Iterable[tuple[Place, dict[str, Any]]]:
    if wanted.outcome == DENIED:
        return ()
    table = outcomes.c
    digest = func.sha256(func.convert_to(table.key, "UTF8"), type_=LargeBinary)
    identifier = func.substring(digest, 1, 16, type_=LargeBinary)
    query = select(
        table.recorded_at,
        table.caller,
        table.action,
        table.code,
        table.entry_id,
        table.request_id,
        identifier.label("identifier"),
    ).where(table.program_id == program.program_id, table.action.is_not(None))
    if wanted.subject is not None:
        query = query.where(*_about(connection, wanted.subject, forms))
    if wanted.principal is not None:
        query = query.where(table.caller == wanted.principal)
    if wanted.action is not None:
        query = query.where(table.action == wanted.action)
    if wanted.outcome is not None:
        query = query.where(table.code.is_(None) if wanted.outcome == DONE else table.code.is_not(None))
    rows = connection.execute(_page(query, table.recorded_at, identifier, wanted, before, limit)).all()
    roles = _roles(connection, {row.caller for row in rows})
    hashes = _hashes(connection, [row.entry_id for row in rows if row.entry_id is not None])
    return [(Place(row.recorded_at, row.identifier), _posting(row, forms, roles, hashes)) for row in rows]


def _page(
    query: Select[Any],
    recorded_at: Any,
    identifier: Any,
    wanted: Wanted,
    before: Place | None,
    limit: int,
) -> Select[Any]:
    """The newest rows of a query; one more than asked for tells whether there are more."""
    if wanted.since is not None:
        query = query.where(recorded_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(recorded_at < wanted.until)
    if before is not None:
        place = tuple_(literal(before.recorded_at, Moment), literal(before.identifier, LargeBinary))
        # The first condition is what the index is read by.
        query = query.where(recorded_at <= before.recorded_at, tuple_(recorded_at, identifier) < place)
    return query.order_by(recorded_at.desc(), identifier.desc()).limit(limit + 1)


def _about(connection: Connection, subject: str, forms: Forms) -> list[Any]:
    """What tells the postings whose subject it is. An entry is found by when it was made, as its outcome was."""
    entry_id = read_id("ent", subject.removeprefix(ENTRY)) if subject.startswith(ENTRY) else None
    if entry_id is not None:
        key = UUID(bytes=entry_id)
        made = connection.execute(select(entries.c.recorded_at).where(entries.c.entry_id == key))
        return [outcomes.c.entry_id == key, outcomes.c.recorded_at == made.scalar()]
    actions = [action for action, (path, _) in forms.posted.items() if path == subject]
    return [outcomes.c.entry_id.is_(None), outcomes.c.action.in_(actions)]


def _roles(connection: Connection, callers: set[str]) -> dict[str, str]:
    query = select(api_keys.c.key_id, api_keys.c.role).where(api_keys.c.key_id.in_(callers))
    return {row.key_id: row.role for row in connection.execute(query)}


def _hashes(connection: Connection, entry_ids: Sequence[UUID]) -> dict[UUID, tuple[bytes | None, bytes]]:
    """Of each entry, where its holder's chain ended before it and where it ends with it."""
    columns = (entries.c.entry_id, entries.c.holder_id, entries.c.version, entries.c.hash)
    made = connection.execute(select(*columns).where(entries.c.entry_id.in_(entry_ids))).all()
    places = [(row.holder_id, row.version - 1) for row in made if row.version > 1]
    query = select(*columns).where(tuple_(entries.c.holder_id, entries.c.version).in_(places))
    earlier = {(row.holder_id, row.version): row.hash for row in connection.execute(query)}
    return {row.entry_id: (earlier.get((row.holder_id, row.version - 1)), row.hash) for row in made}


def _event(row: Row[Any]) -> dict[str, Any]:
    return {
        "audit_id": show_id(_PREFIX, row.event_id.bytes),
        "recorded_at": show(row.recorded_at),
        "outcome": DONE if row.code is None else DENIED,
        "principal": row.principal,
        "role": row.role,
        "member_id": row.member_id,
        "address": row.address,
        "action": row.action,
        "subject": row.subject,
        "status": row.status,
        "code": row.code,
        "request_id": row.request_id,
        "times": row.times,
        "before_hash": row.before_hash and row.before_hash.hex(),
        "after_hash": row.after_hash and row.after_hash.hex(),
    }


def _posting(
    row: Row[Any],
    forms: Forms,
    roles: Mapping[str, str],
    hashes: Mapping[UUID, tuple[bytes | None, bytes]],
) -> dict[str, Any]:
    # An action of another release has a name and nothing else here.
    path, status = forms.posted.get(row.action, (row.action, 201))
    before, after = hashes.get(row.entry_id, (None, None))
    return {
        "audit_id": show_id(_PREFIX, row.identifier),
        "recorded_at": show(row.recorded_at),
        "outcome": DONE if row.code is None else REFUSED,
        "principal": row.caller,
        "role": roles.get(row.caller),
        "member_id": None,
        "address": None,
        "action": row.action,
        "subject": path if row.entry_id is None else ENTRY + show_id("ent", row.entry_id.bytes),
        "status": status if row.code is None else forms.status_of(row.code),
        "code": row.code,
        "request_id": row.request_id,
        "times": 1,
        "before_hash": before and before.hex(),
        "after_hash": after and after.hex(),
    }


def _write_place(place: Place) -> str:
    microseconds = (place.recorded_at - _EPOCH) // _MICROSECOND
    return write_cursor(_LIST, microseconds.to_bytes(8, "big") + place.identifier)


def _read_place(cursor: str) -> Place:
    key = read_cursor(_LIST, cursor, 24)
    microseconds = int.from_bytes(key[:8], "big")
    try:
        return Place(_EPOCH + microseconds * _MICROSECOND, key[8:])
    except OverflowError:
        raise refused("cursor", "was not given by this list") from None
