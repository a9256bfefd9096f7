"""How checks read: on one snapshot, whole tables at a time, with memory that does not grow with the books.

A set-based check is a query for faults: its columns are ``table``, the columns of the key, and then
``field``, ``expected`` and ``found``; it runs entirely in the database and one row comes back. A check of
one program reads through common table expressions that bear the names of the tables.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import Cursor, sql
from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.finance.verify.findings import Fault, Finding

# Room for the sorts and hashes of whole tables; compiling a query takes longer than it saves here.
_SETTINGS: LiteralString = "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"

_HASH_JOINS_ALONE: LiteralString = (
    "SELECT set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true)"
)
_ANY_JOINS: LiteralString = (
    "SELECT set_config('enable_nestloop', 'on', true), set_config('enable_mergejoin', 'on', true)"
)

_OF_PROGRAM: LiteralString = """
programs AS NOT MATERIALIZED (SELECT * FROM programs WHERE program_id = {program}),
program_terms AS NOT MATERIALIZED (SELECT * FROM program_terms WHERE program_id = {program}),
rates AS NOT MATERIALIZED (SELECT * FROM rates WHERE program_id = {program}),
holders AS NOT MATERIALIZED (SELECT * FROM holders WHERE program_id = {program}),
entries AS NOT MATERIALIZED (SELECT * FROM entries WHERE holder_id IN (SELECT holder_id FROM holders)),
postings AS NOT MATERIALIZED (SELECT * FROM postings WHERE holder_id IN (SELECT holder_id FROM holders)),
legs AS NOT MATERIALIZED (SELECT * FROM legs WHERE holder_id IN (SELECT holder_id FROM holders)),
entry_texts AS NOT MATERIALIZED (SELECT * FROM entry_texts WHERE holder_id IN (SELECT holder_id FROM holders)),
erasures AS NOT MATERIALIZED (SELECT * FROM erasures WHERE holder_id IN (SELECT holder_id FROM holders)),
lots AS NOT MATERIALIZED (SELECT * FROM lots WHERE holder_id IN (SELECT holder_id FROM holders)),
merges AS NOT MATERIALIZED (SELECT * FROM merges WHERE holder_id IN (SELECT holder_id FROM holders)),
holds AS NOT MATERIALIZED (SELECT * FROM holds WHERE holder_id IN (SELECT holder_id FROM holders)),
reviews AS NOT MATERIALIZED (SELECT * FROM reviews WHERE holder_id IN (SELECT holder_id FROM holders)),
quotes AS NOT MATERIALIZED (SELECT * FROM quotes WHERE holder_id IN (SELECT holder_id FROM holders)),
usages AS NOT MATERIALIZED (SELECT * FROM usages WHERE holder_id IN (SELECT holder_id FROM holders)),
member_lock_events AS NOT MATERIALIZED (
    SELECT * FROM member_lock_events WHERE holder_id IN (SELECT holder_id FROM holders)),
member_attributes AS NOT MATERIALIZED (
    SELECT * FROM member_attributes WHERE holder_id IN (SELECT holder_id FROM holders)),
business_references AS NOT MATERIALIZED (SELECT * FROM business_references WHERE program_id = {program}),
outcomes AS NOT MATERIALIZED (SELECT * FROM outcomes WHERE program_id = {program}),
rule_sets AS NOT MATERIALIZED (SELECT * FROM rule_sets WHERE program_id = {program}),
rule_activations AS NOT MATERIALIZED (SELECT * FROM rule_activations WHERE program_id = {program}),
approvals AS NOT MATERIALIZED (SELECT * FROM approvals WHERE program_id = {program}),
checkpoints AS NOT MATERIALIZED (SELECT * FROM checkpoints WHERE program_id = {program}),
period_events AS NOT MATERIALIZED (SELECT * FROM period_events WHERE program_id = {program}),
daily_totals AS NOT MATERIALIZED (SELECT * FROM daily_totals WHERE program_id = {program}),
total_days AS NOT MATERIALIZED (SELECT * FROM total_days WHERE program_id = {program}),
contract_totals AS NOT MATERIALIZED (SELECT * FROM contract_totals WHERE program_id = {program}),
flagged_entries AS NOT MATERIALIZED (SELECT * FROM flagged_entries WHERE program_id = {program})
"""

TABLES = (
    "programs",
    "holders",
    "entries",
    "postings",
    "entry_texts",
    "lots",
    "holds",
    "merges",
    "reviews",
    "quotes",
    "rates",
    "usages",
    "business_references",
    "outcomes",
    "rule_sets",
    "rule_activations",
    "approvals",
    "checkpoints",
    "period_events",
    "daily_totals",
    "total_days",
    "contract_totals",
    "flagged_entries",
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows to be verified: all of them, or those of one program."""

    connection: Connection
    program: Program | None = None

    def prepare(self) -> None:
        """Give this transaction's queries room."""
        self._driver().execute(_SETTINGS)

    def count(self) -> dict[str, int]:
        """How many rows there are, by table."""
        return {table: self._count(table) for table in TABLES}

    def query(self, statement: sql.Composable) -> sql.Composed:
        """A query by the names of the tables, narrowed to the program."""
        if self.program is None:
            return sql.Composed([statement])
        scope = sql.SQL(_OF_PROGRAM).format(program=sql.Literal(self.program.program_id))
        return sql.SQL("WITH {} SELECT * FROM ({}) AS scoped").format(scope, statement)

    def stream(self, text: LiteralString) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, some thousand of them in memory at a time."""
        with self._whole_tables(), self._driver().cursor("verify", binary=True) as cursor:
            cursor.itersize = 5_000
            cursor.execute(self.query(sql.SQL(text)))
            yield from cursor

    def copy(self, query: sql.Composable) -> Iterator[bytes]:
        """The rows of a query in PostgreSQL's binary form, as COPY sends them: one row at a time."""
        statement = self.query(query)
        with (
            self._driver().cursor() as cursor,
            cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(statement)) as copy,
        ):
            for block in copy:
                yield bytes(block)

    def faults(self, query: sql.Composable) -> tuple[int, Fault | None]:
        """How many faults a set-based check finds, and the first."""
        statement = sql.SQL("SELECT faults.*, count(*) OVER () FROM ({}) AS faults LIMIT 1").format(
            self.query(query)
        )
        with self._whole_tables(), self._driver().cursor(binary=True) as cursor:
            row = cursor.execute(statement).fetchone()
            return (int(row[-1]), _fault(cursor, row[:-1])) if row else (0, None)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Lets a check fail on rows that no query can read, without ending the transaction."""
        with self._driver().transaction():
            yield

    @contextmanager
    def _whole_tables(self) -> Iterator[None]:
        """Hash joins alone, whose cost grows with the rows and no faster.

        The planner knows little of what a query for faults will find. Where it expects few rows it looks
        them up one by one, or joins all lots of a holder with all its postings: for ever, on long books.
        """
        self._driver().execute(_HASH_JOINS_ALONE)
        yield
        self._driver().execute(_ANY_JOINS)

    def _count(self, table: str) -> int:
        statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = self._driver().execute(self.query(statement)).fetchone()
        assert row is not None
        return int(row[0])

    def _driver(self) -> "psycopg.Connection[Any]":
        raw = self.connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        return raw


def _fault(cursor: Cursor[Any], row: tuple[Any, ...]) -> Fault:
    names = [column.name for column in cursor.description or ()]
    table, *key, field, expected, found = row
    named = dict(zip(names[1:], key, strict=False))
    return Fault(table, {n: v for n, v in named.items() if v is not None}, field, expected, found)


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the books, and how its breaches are found."""

    name: str
    promise: str
    tables: tuple[str, ...]
    find: Callable[[Rows], tuple[int, Fault | None]]

    def run(self, rows: Rows, counts: dict[str, int]) -> Finding:
        """Examine the rows; rows that cannot even be read count as a fault."""
        try:
            with rows.guarded():
                faults, first = self.find(rows)
        except psycopg.DataError as error:
            told = str(error).strip().replace("\n", " ")
            faults, first = 1, Fault(self.tables[0], {}, None, "readable", told)
        return Finding(self.name, self.promise, {t: counts[t] for t in self.tables}, faults, first)


def by_query(name: str, promise: str, tables: tuple[str, ...], text: LiteralString) -> Check:
    """A set-based check."""
    return Check(name, promise, tables, lambda rows: rows.faults(sql.SQL(text)))


def by_walk(
    name: str, promise: str, tables: tuple[str, ...], walk: Callable[[Rows], Iterator[Fault]]
) -> Check:
    """A check that reads row by row, for what follows from the order of the rows."""

    def find(rows: Rows) -> tuple[int, Fault | None]:
        number, first = 0, None
        for fault in walk(rows):
            number += 1
            first = first or fault
        return number, first

    return Check(name, promise, tables, find)
