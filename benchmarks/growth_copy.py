"""Rows on their way into tables by binary COPY, with checks of references, triggers and indexes left for later."""

from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from ledger.journal import wire

Columns = Mapping[str, type[wire.Array]]

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_COUNT = Struct(">h").pack

TABLES = ("holders", "entries", "postings", "lots", "business_references", "outcomes")
"""What the maker fills."""


def head_of(fields: int) -> bytes:
    """What a tuple of so many fields begins with."""
    return _COUNT(fields)


def tuples(rows: Iterable[Sequence[bytes]], columns: Columns) -> list[bytes]:
    """Rows of elements, as COPY reads them, each by itself: the number of its fields, and their elements."""
    head = _COUNT(len(columns))
    return [head + b"".join(row) for row in rows]


def encoded(rows: Sequence[tuple[Any, ...]], columns: Columns) -> list[bytes]:
    """Rows of values, as COPY reads them, each by itself."""
    if not rows:
        return []
    values = zip(columns.values(), zip(*rows, strict=True), strict=True)
    return tuples(zip(*[kind.column(column) for kind, column in values], strict=True), columns)


class Inlets:
    """What waits for each table, and the columns that it comes in."""

    def __init__(self, connection: "psycopg.Connection[Any]", columns: Mapping[str, Columns]) -> None:
        self._connection = connection
        self._columns = columns
        self._waiting: dict[str, list[bytes]] = {table: [] for table in columns}

    def add(self, table: str, rows: bytes) -> None:
        self._waiting[table].append(rows)

    def flush(self) -> None:
        """Send what waits, in one transaction."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for table, waiting in self._waiting.items():
                if not any(waiting):
                    continue
                statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, self._columns[table]))
                )
                with cursor.copy(statement) as copy:
                    copy.write(_SIGNATURE + b"".join(waiting) + _END)
                waiting.clear()


def unguarded(url: str) -> "psycopg.Connection[Any]":
    """A superuser's session in which no foreign key is looked up: whoever loads has made both ends."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET session_replication_role = replica")
    return connection


def rest_indexes(administrator: "psycopg.Connection[Any]") -> None:
    """Have no index kept up while rows come: keys stay declared, and `rebuild_indexes` checks them."""
    administrator.execute(
        "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = ANY(%s::regclass[])",
        (list(TABLES),),
    )


def rebuild_indexes(administrator: "psycopg.Connection[Any]") -> None:
    """Build every index of the tables anew, which also checks that keys are unique; then gather statistics.

    An index whose keys come in no order is as full as splits leave it when it has grown by itself. Packed full, it
    would split a page for every few rows that come next.
    """
    administrator.execute("SET maintenance_work_mem = '512MB'")
    _fill(administrator, "SET (fillfactor = 70)")
    for table in TABLES:
        administrator.execute(sql.SQL("REINDEX TABLE {}").format(sql.Identifier(table)))
        administrator.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    _fill(administrator, "RESET (fillfactor)")


def _fill(administrator: "psycopg.Connection[Any]", change: LiteralString) -> None:
    for index in ("holders_pkey", "entries_holder_id_key", "lots_pkey", "lots_holder_id_idx"):
        administrator.execute(sql.SQL("ALTER INDEX {} {}").format(sql.Identifier(index), sql.SQL(change)))
