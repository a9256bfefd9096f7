"""Books kept in PostgreSQL: the journal as the service runs it, one unit of work for each batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.accounts.programs import change_terms, create_program
from ledger.db import Database
from ledger.journal import Request, post
from ledger.journal.asking import driver_cursor
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS
from tests.model.driver import Answer, answer_of
from tests.model.snapshot import EntryRow, HolderRow, HoldRow, LotRow, PostingRow, QuoteRow, Snapshot

_IDS = {
    "entry_id",
    "holder_id",
    "lot_id",
    "parent_entry_id",
    "peer_holder_id",
    "hold_id",
    "quote_id",
    "closed_entry_id",
    "used_entry_id",
}
_LOTS = [name for name in LotRow._fields if name != "lot_id"]
_COLUMNS = ", ".join(HolderRow._fields[3:-1])
_HOLDER = f"uuid_send(holder_id), version, head_hash, {_COLUMNS}, uuid_send(merged_into)"


class PostgresDriver:
    """A program's books in a database."""

    clock_may_go_back = True
    takes_expiry = True
    takes_adjustments = True
    may_change_terms = True

    def __init__(self, database: Database, program: Program) -> None:
        self.database = database
        self.program = program

    @classmethod
    def create(
        cls, database: Database, name: str, now: datetime, *, timezone: str, terms: dict[str, Any]
    ) -> "PostgresDriver":
        """The driver of a new program."""
        program = database.run(
            lambda c: create_program(c, name, currency="CNY", timezone=timezone, terms=terms, now=now)
        )
        return cls(database, program)

    def post(
        self, requests: Sequence[Request], *, now: datetime, atomic: bool = False, dry_run: bool = False
    ) -> list[Answer]:
        outcomes = self.database.run(
            lambda c: post(c, self.program, requests, now=now, atomic=atomic, dry_run=dry_run)
        )
        return [answer_of(outcome) for outcome in outcomes]

    def change_terms(self, terms: dict[str, Any], now: datetime) -> None:
        self.program = self.database.run(lambda c: change_terms(c, self.program, terms, now))

    def snapshot(self) -> Snapshot:
        with self.database.read() as connection:
            return read_snapshot(connection, self.program.program_id)


def read_snapshot(connection: Connection, program_id: int) -> Snapshot:
    """All rows of a program."""
    cursor = driver_cursor(connection)

    def rows(statement: str) -> list[tuple[Any, ...]]:
        cursor.execute(statement.encode(), (program_id,))
        return cursor.fetchall()

    members: dict[bytes, str] = {}
    holders: dict[str, HolderRow] = {}
    for member, *row in rows(f"SELECT member_id, {_HOLDER} FROM holders WHERE program_id = %s"):
        members[row[0]] = member
        holders[member] = HolderRow(*row)
    lots: dict[str, list[LotRow]] = {}
    for holder, *row in rows(
        f"SELECT uuid_send(holder_id), uuid_send(lot_id), {', '.join(_LOTS)}"
        " FROM lots WHERE program_id = %s ORDER BY lots.lot_id"
    ):
        lots.setdefault(members[holder], []).append(LotRow(*row))
    postings: dict[bytes, list[PostingRow]] = {}
    for values in rows(_of_program("postings", POSTING_COLUMNS, "p.entry_id, p.ordinal")):
        postings.setdefault(values[0], []).append(PostingRow(*values))
    entries: dict[str, list[EntryRow]] = {member: [] for member in holders}
    for values in rows(_of_program("entries", [*ENTRY_COLUMNS, "hash"], "p.version")):
        entries[members[values[1]]].append(EntryRow._make((*values, tuple(postings.get(values[0], ())))))
    names = rows("SELECT kind, reference, uuid_send(entry_id) FROM business_references WHERE program_id = %s")
    keys = rows("SELECT key, uuid_send(entry_id) FROM outcomes WHERE program_id = %s")
    holds: dict[str, list[HoldRow]] = {}
    for holder, *row in rows(_of_program("holds", ("holder_id", *HoldRow._fields), "p.hold_id")):
        holds.setdefault(members[holder], []).append(HoldRow(*row))
    quotes: dict[str, list[QuoteRow]] = {}
    for holder, *row in rows(_of_program("quotes", ("holder_id", *QuoteRow._fields), "p.quote_id")):
        quotes.setdefault(members[holder], []).append(QuoteRow(*row))
    references = {(kind, name): entry for kind, name, entry in names}
    return Snapshot(holders, lots, entries, references, dict(keys), holds, quotes)


def _of_program(table: str, columns: Any, order: str) -> str:
    wanted = ", ".join(map(_column, columns))
    return f"SELECT {wanted} FROM {table} p JOIN holders h USING (holder_id) WHERE h.program_id = %s ORDER BY {order}"


def _column(name: str) -> str:
    if name in _IDS:
        # holder_id is the joined column, so it goes without a table.
        return f"uuid_send({name})" if name == "holder_id" else f"uuid_send(p.{name})"
    # The bytes of the JSON text, as the hash covers them.
    return "convert_to(p.details::text, 'UTF8')" if name == "details" else f"p.{name}"
