"""Write: seal what was decided into the holders' chains, and insert it. The only writer of entries and postings.

One statement a table, whatever the size of the batch, with the columns as binary arrays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor, sql
from psycopg.adapt import PyFormat
from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.merges import Joining
from ledger.accounts.program import Program
from ledger.accounts.quotes import Quote, QuoteKey
from ledger.journal import wire
from ledger.journal.asking import Driver, Row, ask, driver_of, uuids
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS, link
from ledger.journal.commands import Alert, Claim, Draft, Outcome, Referral, Request
from ledger.journal.loaded import Loaded
from ledger.journal.rows import (
    ALERT_COLUMNS,
    BALANCE_COLUMNS,
    CLAIM_COLUMNS,
    CLOSING_COLUMNS,
    HOLD_COLUMNS,
    HOLDER_COLUMNS,
    LOT_COLUMNS,
    OUTCOME_COLUMNS,
    QUOTE_COLUMNS,
    REFERRAL_COLUMNS,
    REVIEW_COLUMNS,
    TEXT_COLUMNS,
    TOUCHED_COLUMNS,
    USAGE_COLUMNS,
    USED_QUOTE_COLUMNS,
    VERDICT_COLUMNS,
    alert_row,
    claim_row,
    closing_row,
    earlier_lots,
    hold_row,
    holder_row,
    lot_row,
    new_holder_row,
    outcome_row,
    review_row,
    touched_row,
    verdict_row,
)
from ledger.journal.texts import DIGEST, seal_texts
from ledger.journal.tiering import (
    ENTITLEMENT_COLUMNS,
    TIER_COLUMNS,
    TIER_EVENT_COLUMNS,
    TierRows,
    tier_columns,
)
from ledger.journal.wants import Usage, UsageKey

Columns = Mapping[str, type[wire.Array]]


class Sealed(NamedTuple):
    """An entry with its place in the holder's chain, as values in the order of their columns."""

    holder: Holder
    entry: Row
    postings: list[Row]


@dataclass(slots=True)
class Written:
    """What a batch adds. Entries and postings are rows of elements, in column order, once they are linked."""

    sealed: list[Sealed] = field(default_factory=list)
    entries: list[tuple[bytes, ...]] = field(default_factory=list)
    postings: list[tuple[bytes, ...]] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    claims: list[tuple[Claim, Draft]] = field(default_factory=list)
    outcomes: list[tuple[Request, Outcome]] = field(default_factory=list)
    usages: dict[UsageKey, Usage] = field(default_factory=dict)
    referrals: dict[bytes, Referral] = field(default_factory=dict)
    tiers: TierRows = field(default_factory=TierRows)
    quotes: dict[QuoteKey, Quote] = field(default_factory=dict)
    """Quotes made in this batch, used in it or not."""
    alerts: list[Alert] = field(default_factory=list)
    used_quotes: dict[QuoteKey, Quote] = field(default_factory=dict)
    """Earlier ones that are used now."""
    joinings: list[Joining] = field(default_factory=list)


_NO_OPENING = (None, None, None)


def seal(
    written: Written,
    holder: Holder,
    draft: Draft,
    terms_version: int,
    now: datetime,
    units: Mapping[Account, int],
) -> None:
    """Give an applied draft its place in the holder's chain: its version, and the balances after it.

    ``units`` are what the program's accounts are kept in (``chart.units_of``).
    """
    holder.version += 1
    holder.recorded_at = now
    kind, holder_id, entry_id, effective_at, moves, details, source, *references = draft
    reference, parent_entry_id, peer_holder_id, extends_to, _, _, _ = references
    if draft.texts:
        salt, kept, digest = seal_texts(draft.texts)
        details = {**(details or {}), DIGEST: digest}
        written.texts.append((holder_id, entry_id, salt, kept))
    entry = (
        entry_id,
        holder_id,
        holder.version,
        effective_at,
        now,
        holder.points,
        holder.held,
        holder.debt,
        holder.growth,
        terms_version,
        kind,
        parent_entry_id,
        peer_holder_id,
        extends_to,
        reference,
        *source,
        orjson.dumps(details) if details else None,
    )
    postings = [
        (entry_id, holder_id, amount, ordinal, debit, credit, units[debit], lot_id)
        + (opens[1:] if opens else _NO_OPENING)
        for ordinal, (debit, credit, amount, lot_id, opens) in enumerate(moves, 1)
    ]
    written.sealed.append(Sealed(holder, entry, postings))


def link_up(written: Written) -> None:
    """Encode what was sealed, and hash it into the holders' chains."""
    entries = _rows(ENTRY_COLUMNS, [sealed.entry for sealed in written.sealed])
    written.postings = _rows(POSTING_COLUMNS, [row for sealed in written.sealed for row in sealed.postings])
    unlinked = iter(written.postings)
    for (holder, _, postings), entry in zip(written.sealed, entries, strict=True):
        holder.head = link(holder.head, entry, islice(unlinked, len(postings)))
        written.entries.append((*entry, wire.raw(holder.head)))


def _rows(columns: Mapping[str, tuple[type[wire.Array], Any]], rows: list[Row]) -> list[tuple[bytes, ...]]:
    """The rows as elements; encoded column by column."""
    if not rows:
        return []
    values = zip(columns.values(), zip(*rows, strict=True), strict=True)
    return list(zip(*(kind.column(column) for (kind, _), column in values), strict=True))


def write(connection: Connection, program: Program, loaded: Loaded, written: Written) -> None:
    """Insert and update the rows of a decided batch. A unique violation means a lost race: the unit runs again."""
    driver, now, number = driver_of(connection), loaded.now, program.program_id
    changed = [holder for holder in loaded.holders.values() if holder.is_changed]
    # In id order: two batches that enrol the same members wait for each other one way only.
    new = sorted((holder for holder in changed if holder.is_new), key=lambda holder: holder.holder_id)
    # The server works on one table while the rows of the next are put together.
    with driver.pipeline():
        cursor = driver.cursor()
        known = [holder for holder in changed if not holder.is_new]
        if ladders_of(program).any:
            tiered = [(*new_holder_row(h, now), *tier_columns(h)) for h in new]
            _write(cursor, _INSERT_TIERED, HOLDER_COLUMNS | TIER_COLUMNS, tiered)
            tiered = [(*holder_row(h), *tier_columns(h)) for h in known]
            _write(cursor, _UPDATE_TIERED, BALANCE_COLUMNS | TIER_COLUMNS, tiered)
        else:
            _write(cursor, _INSERT_HOLDERS, HOLDER_COLUMNS, [new_holder_row(h, now) for h in new])
            _write(cursor, _UPDATE_HOLDERS, BALANCE_COLUMNS, [holder_row(h) for h in known])
        _write_elements(cursor, _INSERT_ENTRIES, _ENTRY_ARRAYS, written.entries)
        _write_elements(cursor, _INSERT_POSTINGS, _POSTING_ARRAYS, written.postings)
        _write(cursor, _INSERT_TEXTS, TEXT_COLUMNS, written.texts)
        _write(cursor, _INSERT_LOTS, LOT_COLUMNS, [lot_row(h, lot) for h in changed for lot in h.opened])
        touched = [touched_row(h, lot) for h in changed for lot in earlier_lots(h)]
        _write(cursor, _UPDATE_LOTS, TOUCHED_COLUMNS, touched)
        opened = [hold_row(h, hold) for h in changed for hold in h.holds_opened]
        _write(cursor, _INSERT_HOLDS, HOLD_COLUMNS, opened)
        closed = [closing_row(h, closing) for h in changed for closing in h.holds_closed]
        _write(cursor, _UPDATE_HOLDS, CLOSING_COLUMNS, closed)
        _write_reviews(cursor, changed)
        _write(cursor, _INSERT_QUOTES, QUOTE_COLUMNS, list(written.quotes.values()))
        used = [(*quote.key, quote.used_entry_id) for quote in written.used_quotes.values()]
        _write(cursor, _UPDATE_QUOTES, USED_QUOTE_COLUMNS, used)
        _write(cursor, _INSERT_ALERTS, ALERT_COLUMNS, [alert_row(number, now, a) for a in written.alerts])
        _write(cursor, _INSERT_CLAIMS, CLAIM_COLUMNS, [claim_row(number, *row) for row in written.claims])
        _write(cursor, _UPSERT_USAGES, USAGE_COLUMNS, [(*key, *used) for key, used in written.usages.items()])
        referrals = [(referee, *referral, now) for referee, referral in written.referrals.items()]
        _write(cursor, _UPSERT_REFERRALS, REFERRAL_COLUMNS, referrals)
        _write_joinings(cursor, written.joinings, now)
        _write(cursor, _INSERT_TIER_EVENTS, TIER_EVENT_COLUMNS, _numbered(driver, written.tiers.events))
        entitlements = list(written.tiers.entitlements.values())
        _write(cursor, _INSERT_ENTITLEMENTS, ENTITLEMENT_COLUMNS, entitlements)
        outcomes = [outcome_row(number, now, *row) for row in written.outcomes]
        _write(cursor, _INSERT_OUTCOMES, OUTCOME_COLUMNS, outcomes)


def _write_reviews(cursor: Cursor[Any], changed: Sequence[Holder]) -> None:
    reviews = [review_row(h, d.hold_id, d.review) for h in changed for d in h.holds_opened if d.review]
    _write(cursor, _INSERT_REVIEWS, REVIEW_COLUMNS, reviews)
    verdicts = [verdict_row(h, c.hold_id, c.verdict) for h in changed for c in h.holds_closed if c.verdict]
    _write(cursor, _UPDATE_REVIEWS, VERDICT_COLUMNS, verdicts)


def _write_joinings(cursor: Cursor[Any], joinings: Iterable[Joining], now: datetime) -> None:
    for (merge_id, survivor, duplicate, uncounted, *_), is_undone in joinings:
        if is_undone:
            cursor.execute(_UNDO_MERGE, (now, UUID(bytes=survivor), UUID(bytes=merge_id)))
        else:
            merge = (UUID(bytes=survivor), UUID(bytes=merge_id), UUID(bytes=duplicate), now, uuids(uncounted))
            cursor.execute(_INSERT_MERGE, merge)
        cursor.execute(_MERGE_INTO, (None if is_undone else UUID(bytes=survivor), UUID(bytes=duplicate)))


def _numbered(driver: Driver, events: Sequence[Row]) -> list[Row]:
    """The events with numbers that go on from those of their holders, who are locked: nobody else numbers any."""
    if not events:
        return []
    last: dict[bytes, int] = dict(ask(driver, _LAST_TIER_EVENTS, uuids({event[0] for event in events})))
    return [(holder, last.get(holder, 0) + number, *others) for holder, number, *others in events]


def _write(cursor: Cursor[Any], statement: str, columns: Columns, rows: Sequence[Row]) -> None:
    if rows:
        arrays = zip(columns.values(), zip(*rows, strict=True), strict=True)
        cursor.execute(statement, [array.of_values(values) for array, values in arrays])


def _write_elements(
    cursor: Cursor[Any], statement: str, columns: Columns, rows: Sequence[tuple[bytes, ...]]
) -> None:
    if rows:
        arrays = zip(columns.values(), zip(*rows, strict=True), strict=True)
        cursor.execute(statement, [array.of(elements) for array, elements in arrays])


def _insert(table: str, columns: Columns) -> str:
    """An insert of the rows that the arrays make side by side.

    In the SELECT list they are unpacked row by row; FROM unnest(…) would store each column first.
    """
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([_UNNEST] * len(columns)),
    )
    return statement.as_string()


def _update(table: str, columns: Columns, key: Sequence[str]) -> str:
    """An update of rows found by ``key``. OFFSET 0 keeps the arrays a plain list to join from."""
    changes = [sql.SQL("{0} = n.{0}").format(sql.Identifier(name)) for name in columns if name not in key]
    found = [sql.SQL("t.{0} = n.{0}").format(sql.Identifier(name)) for name in key]
    statement = sql.SQL("UPDATE {} t SET {} FROM (SELECT {} OFFSET 0) n WHERE {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(changes),
        sql.SQL(", ").join([sql.SQL("{} AS {}").format(_UNNEST, sql.Identifier(name)) for name in columns]),
        sql.SQL(" AND ").join(found),
    )
    return statement.as_string()


def _upsert(table: str, columns: Columns, key: Sequence[str], changing: Sequence[str]) -> str:
    """An insert that changes some of a row where the key is there: its holder is locked, so nobody else does."""
    changes = [sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in changing]
    statement = sql.SQL("{} ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.SQL(_insert(table, columns)),
        sql.SQL(", ").join(map(sql.Identifier, key)),
        sql.SQL(", ").join(changes),
    )
    return statement.as_string()


_UNNEST = sql.SQL("unnest({})").format(sql.Placeholder(format=PyFormat.BINARY))


_ENTRY_ARRAYS = {name: kind for name, (kind, _) in ENTRY_COLUMNS.items()} | {"hash": wire.Bytes}
_POSTING_ARRAYS = {name: kind for name, (kind, _) in POSTING_COLUMNS.items()}

_INSERT_HOLDERS = _insert("holders", HOLDER_COLUMNS)
_UPDATE_HOLDERS = _update("holders", BALANCE_COLUMNS, ["holder_id"])
_INSERT_ENTRIES = _insert("entries", _ENTRY_ARRAYS)
_INSERT_POSTINGS = _insert("postings", _POSTING_ARRAYS)
_INSERT_TEXTS = _insert("entry_texts", TEXT_COLUMNS)
_INSERT_LOTS = _insert("lots", LOT_COLUMNS)
_UPDATE_LOTS = _update("lots", TOUCHED_COLUMNS, ["holder_id", "lot_id"])
_INSERT_CLAIMS = _insert("business_references", CLAIM_COLUMNS)
_INSERT_HOLDS = _insert("holds", HOLD_COLUMNS)
_UPDATE_HOLDS = _update("holds", CLOSING_COLUMNS, ["holder_id", "hold_id"])
_INSERT_REVIEWS = _insert("reviews", REVIEW_COLUMNS)
_UPDATE_REVIEWS = _update("reviews", VERDICT_COLUMNS, ["holder_id", "hold_id"])
_INSERT_QUOTES = _insert("quotes", QUOTE_COLUMNS)
_UPDATE_QUOTES = _update("quotes", USED_QUOTE_COLUMNS, ["holder_id", "quote_id"])
# Two batches that flag the same meet at the unique key, and the first is enough.
_INSERT_ALERTS = _insert("alerts", ALERT_COLUMNS) + " ON CONFLICT DO NOTHING"
_INSERT_OUTCOMES = _insert("outcomes", OUTCOME_COLUMNS)
_UPSERT_USAGES = _upsert("usages", USAGE_COLUMNS, ["holder_id", "subject", "period"], ["amount", "times"])
_UPSERT_REFERRALS = _upsert("referrals", REFERRAL_COLUMNS, ["holder_id"], ["settled_entry_id"])
_INSERT_MERGE: LiteralString = """
INSERT INTO "merges" (holder_id, merge_id, duplicate_id, merged_at, uncounted) VALUES (%b, %b, %b, %b, %b)
"""
_UNDO_MERGE: LiteralString = "UPDATE merges SET undone_at = %b WHERE holder_id = %b AND merge_id = %b"
_MERGE_INTO: LiteralString = "UPDATE holders SET merged_into = %b WHERE holder_id = %b"
_INSERT_TIERED = _insert("holders", HOLDER_COLUMNS | TIER_COLUMNS)
_UPDATE_TIERED = _update("holders", BALANCE_COLUMNS | TIER_COLUMNS, ["holder_id"])
_LAST_TIER_EVENTS: LiteralString = (
    "SELECT uuid_send(holder_id), max(ordinal) FROM tier_events WHERE holder_id = ANY(%b) GROUP BY holder_id"
)
_INSERT_TIER_EVENTS = _insert("tier_events", TIER_EVENT_COLUMNS)
# A benefit is issued once for its period, however often the event that issues it is lived through.
_INSERT_ENTITLEMENTS = _insert("entitlements", ENTITLEMENT_COLUMNS) + " ON CONFLICT DO NOTHING"
