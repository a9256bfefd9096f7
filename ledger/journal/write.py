"""Write: seal what was decided into the holders' chains, and insert it. The only writer of entries and postings.

One statement a table, whatever the size of the batch, with the rows as binary arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from psycopg import Cursor, sql
from psycopg.adapt import PyFormat
from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Lot
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.clock import FAR_FUTURE
from ledger.journal import wire
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS, link
from ledger.journal.commands import Claim, Draft, Outcome, Request
from ledger.journal.load import Loaded, driver_cursor
from ledger.journal.outcomes import stored_form


@dataclass(slots=True)
class Written:
    """The rows that a batch adds, as elements in column order."""

    entries: list[tuple[bytes, ...]] = field(default_factory=list)
    postings: list[tuple[bytes, ...]] = field(default_factory=list)
    claims: list[tuple[Claim, Draft]] = field(default_factory=list)
    outcomes: list[tuple[Request, Outcome]] = field(default_factory=list)


_UNITS = {account: wire.int2(account.unit) for account in Account}
_CODES = {account: wire.int2(account) for account in Account}
_NO_OPENING = (wire.NULL, wire.NULL, wire.NULL)


def seal(written: Written, holder: Holder, draft: Draft, terms_version: int, now: datetime) -> None:
    """Give an applied draft its place in the holder's chain: version, balances after it, hash."""
    holder.version += 1
    holder.recorded_at = now
    entry_id, holder_id = wire.uuid(draft.entry_id), wire.uuid(draft.holder_id)
    entry = (
        entry_id,
        holder_id,
        wire.int8(holder.version),
        wire.moment(draft.effective_at),
        wire.moment(now),
        wire.int8(holder.points),
        wire.int8(holder.held),
        wire.int8(holder.debt),
        wire.int8(holder.growth),
        wire.int4(terms_version),
        wire.text(draft.kind),
        wire.uuid(draft.parent_entry_id),
        wire.uuid(draft.peer_holder_id),
        wire.moment(draft.extends_to),
        wire.text(draft.reference),
        *map(wire.text, draft.source),
        wire.raw(orjson.dumps(draft.details) if draft.details else None),
    )
    postings = [_posting(entry_id, holder_id, n, p) for n, p in enumerate(draft.postings, 1)]
    holder.head = link(holder.head, entry, postings)
    written.entries.append((*entry, wire.raw(holder.head)))
    written.postings.extend(postings)


def _posting(entry_id: bytes, holder_id: bytes, ordinal: int, posting: Posting) -> tuple[bytes, ...]:
    debit, credit, amount, lot_id, opens = posting
    opening = _NO_OPENING
    if opens is not None:
        opening = (
            wire.moment(opens.available_at),
            wire.moment(opens.expires_at),
            wire.boolean(opens.rolling),
        )
    return (
        entry_id,
        holder_id,
        wire.int8(amount),
        wire.int2(ordinal),
        _CODES[debit],
        _CODES[credit],
        _UNITS[debit],
        wire.uuid(lot_id),
        *opening,
    )


def write(connection: Connection, program: Program, loaded: Loaded, written: Written) -> None:
    """Insert and update the rows of a decided batch. A unique violation means a lost race: the unit runs again."""
    cursor = driver_cursor(connection)
    changed = [holder for holder in loaded.holders.values() if holder.is_changed]
    # In id order: two batches that enrol the same members wait for each other one way only.
    new = sorted((holder for holder in changed if holder.is_new), key=lambda holder: holder.holder_id)
    _write(cursor, _INSERT_HOLDERS, HOLDER_COLUMNS, [_new_holder(h, loaded.now) for h in new])
    _write(cursor, _UPDATE_HOLDERS, BALANCE_COLUMNS, [_balances(h) for h in changed if not h.is_new])
    _write(cursor, _INSERT_ENTRIES, _ENTRY_ARRAYS, written.entries)
    _write(cursor, _INSERT_POSTINGS, _POSTING_ARRAYS, written.postings)
    _write(cursor, _INSERT_LOTS, LOT_COLUMNS, [_lot(h, lot) for h in changed for lot in h.opened])
    _write(cursor, _UPDATE_LOTS, TOUCHED_COLUMNS, [_touched(h, lot) for h in changed for lot in _earlier(h)])
    number = wire.int4(program.program_id)
    _write(cursor, _INSERT_CLAIMS, CLAIM_COLUMNS, [_claim(number, *row) for row in written.claims])
    _write(
        cursor,
        _INSERT_OUTCOMES,
        OUTCOME_COLUMNS,
        [_outcome(number, loaded.now, *r) for r in written.outcomes],
    )


def _write(
    cursor: Cursor[Any],
    statement: Any,
    columns: Mapping[str, type[wire.Array]],
    rows: Sequence[tuple[bytes, ...]],
) -> None:
    if rows:
        arrays = zip(columns.values(), zip(*rows, strict=True), strict=True)
        cursor.execute(statement, [array.of(elements) for array, elements in arrays])


def _insert(table: str, columns: Mapping[str, type[wire.Array]]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
        sql.Identifier(table), _names(columns), _placeholders(columns)
    )


def _update(table: str, columns: Mapping[str, type[wire.Array]], key: Sequence[str]) -> sql.Composed:
    """An update of rows found by ``key``. OFFSET 0 keeps the arrays a plain list to join from."""
    changes = [sql.SQL("{0} = n.{0}").format(sql.Identifier(name)) for name in columns if name not in key]
    found = [sql.SQL("t.{0} = n.{0}").format(sql.Identifier(name)) for name in key]
    return sql.SQL("UPDATE {} t SET {} FROM (SELECT * FROM unnest({}) u ({}) OFFSET 0) n WHERE {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(changes),
        _placeholders(columns),
        _names(columns),
        sql.SQL(" AND ").join(found),
    )


def _names(columns: Mapping[str, type[wire.Array]]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _placeholders(columns: Mapping[str, type[wire.Array]]) -> sql.Composed:
    return sql.SQL(", ").join([sql.Placeholder(format=PyFormat.BINARY)] * len(columns))


def _new_holder(holder: Holder, now: datetime) -> tuple[bytes, ...]:
    return (
        *_balances(holder),
        wire.int4(holder.program_id),
        wire.text(holder.member_id),
        wire.moment(now),
    )


def _balances(holder: Holder) -> tuple[bytes, ...]:
    standing = holder.standing
    fresh_until = standing.fresh_until
    return (
        wire.uuid(holder.holder_id),
        wire.int8(holder.version),
        wire.raw(holder.head),
        wire.moment(holder.recorded_at),
        wire.int8(holder.points),
        wire.int8(holder.held),
        wire.int8(holder.debt),
        wire.int8(holder.growth),
        wire.int8(standing.available),
        wire.int8(standing.pending),
        wire.int8(standing.growth),
        wire.moment(standing.next_expiry_at),
        wire.int8(standing.next_expiry_points),
        wire.moment(None if fresh_until == FAR_FUTURE else fresh_until),
    )


def _lot(holder: Holder, lot: Lot) -> tuple[bytes, ...]:
    return (
        *_touched(holder, lot),
        wire.int8(lot.original),
        wire.moment(lot.earned_at),
        wire.moment(lot.available_at),
        wire.int4(holder.program_id),
        wire.int2(lot.unit),
        wire.boolean(lot.rolling),
    )


def _touched(holder: Holder, lot: Lot) -> tuple[bytes, ...]:
    return (
        wire.uuid(holder.holder_id),
        wire.uuid(lot.lot_id),
        wire.int8(lot.remaining),
        wire.int8(lot.expired),
        wire.moment(lot.expires_at),
        wire.boolean(lot.remaining > 0),
    )


def _earlier(holder: Holder) -> list[Lot]:
    """Lots touched that the batch did not open itself."""
    opened = {lot.lot_id for lot in holder.opened}
    return [lot for identifier, lot in holder.touched.items() if identifier not in opened]


def _claim(program_id: bytes, claim: Claim, draft: Draft) -> tuple[bytes, ...]:
    return (
        program_id,
        wire.text(claim.kind),
        wire.text(claim.reference),
        wire.uuid(draft.holder_id),
        wire.uuid(draft.entry_id),
    )


def _outcome(program_id: bytes, now: datetime, request: Request, outcome: Outcome) -> tuple[bytes, ...]:
    code, answer = stored_form(outcome)
    return (
        program_id,
        wire.text(request.key),
        wire.raw(request.fingerprint),
        wire.moment(now),
        wire.uuid(outcome.entry_id),
        wire.text(request.request_id),
        wire.text(code),
        wire.raw(answer),
    )


BALANCE_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "version": wire.Int8s,
    "head_hash": wire.Bytes,
    "recorded_at": wire.Moments,
    "points": wire.Int8s,
    "held": wire.Int8s,
    "debt": wire.Int8s,
    "growth": wire.Int8s,
    "available": wire.Int8s,
    "pending": wire.Int8s,
    "growth_value": wire.Int8s,
    "next_expiry_at": wire.Moments,
    "next_expiry_points": wire.Int8s,
    "fresh_until": wire.Moments,
}
HOLDER_COLUMNS = BALANCE_COLUMNS | {
    "program_id": wire.Int4s,
    "member_id": wire.Texts,
    "enrolled_at": wire.Moments,
}
TOUCHED_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "lot_id": wire.Uuids,
    "remaining": wire.Int8s,
    "expired": wire.Int8s,
    "expires_at": wire.Moments,
    "is_open": wire.Booleans,
}
LOT_COLUMNS = TOUCHED_COLUMNS | {
    "original": wire.Int8s,
    "earned_at": wire.Moments,
    "available_at": wire.Moments,
    "program_id": wire.Int4s,
    "unit": wire.Int2s,
    "rolling": wire.Booleans,
}
CLAIM_COLUMNS: dict[str, type[wire.Array]] = {
    "program_id": wire.Int4s,
    "kind": wire.Texts,
    "reference": wire.Texts,
    "holder_id": wire.Uuids,
    "entry_id": wire.Uuids,
}
OUTCOME_COLUMNS: dict[str, type[wire.Array]] = {
    "program_id": wire.Int4s,
    "key": wire.Texts,
    "fingerprint": wire.Bytes,
    "recorded_at": wire.Moments,
    "entry_id": wire.Uuids,
    "request_id": wire.Texts,
    "code": wire.Texts,
    "answer": wire.Bytes,
}
_ENTRY_ARRAYS = {name: kind for name, (kind, _) in ENTRY_COLUMNS.items()} | {"hash": wire.Bytes}
_POSTING_ARRAYS = {name: kind for name, (kind, _) in POSTING_COLUMNS.items()}

_INSERT_HOLDERS = _insert("holders", HOLDER_COLUMNS)
_UPDATE_HOLDERS = _update("holders", BALANCE_COLUMNS, ["holder_id"])
_INSERT_ENTRIES = _insert("entries", _ENTRY_ARRAYS)
_INSERT_POSTINGS = _insert("postings", _POSTING_ARRAYS)
_INSERT_LOTS = _insert("lots", LOT_COLUMNS)
_UPDATE_LOTS = _update("lots", TOUCHED_COLUMNS, ["holder_id", "lot_id"])
_INSERT_CLAIMS = _insert("business_references", CLAIM_COLUMNS)
_INSERT_OUTCOMES = _insert("outcomes", OUTCOME_COLUMNS)
