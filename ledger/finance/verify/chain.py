"""The hash chains, recomputed from the stored columns of every entry and its postings.

A row of a binary COPY is a field count and then, field by field, a length and the value in PostgreSQL's
binary form: the very elements that an entry's hash covers. So the bytes are hashed as the server sends
them, and nothing of the code that wrote them takes part.

The rows come in pages by (holder, version), so that memory stays flat however long a chain is. After a
link that does not hold, the walk goes on from the stored hash: each fault is found where it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg import sql

from ledger.accounts.holder import GENESIS
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS, link

PAGE_ENTRIES = 20_000

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER_BYTES = len(_SIGNATURE) + 8
_TRAILER = b"\xff\xff"
_HASH_BYTES = 32

# Where the fixed columns of a row stand: after the field count of 2 bytes, and each after a length of 4.
_ENTRY_ID = slice(6, 22)
_HOLDER_ID = slice(26, 42)
_VERSION = slice(46, 54)

_PAGE: LiteralString = """
SELECT {columns}, e.hash FROM entries e WHERE (e.holder_id, e.version) > ({holder}, {version})
 ORDER BY e.holder_id, e.version LIMIT {limit}
"""
_POSTINGS: LiteralString = """
SELECT {columns} FROM entries e JOIN postings p USING (entry_id, holder_id)
 WHERE (e.holder_id, e.version) > ({holder}, {version})
   AND (e.holder_id, e.version) <= ({last_holder}, {last_version})
 ORDER BY e.holder_id, e.version, p.ordinal
"""


class Place(NamedTuple):
    """A place in the order of the walk."""

    holder: bytes
    version: int


def broken_links(rows: Rows) -> Iterator[Fault]:
    """Every entry whose hash is not the hash of its columns, its postings' and the hash before it."""
    place, previous = Place(bytes(16), -1), GENESIS
    while True:
        page = list(_rows(rows, _page_statement(place)))
        if not page:
            return
        last = _place(page[-1])
        postings: dict[bytes, list[list[bytes]]] = defaultdict(list)
        for row in _rows(rows, _postings_statement(place, last)):
            postings[row[_ENTRY_ID]].append([row[2:]])
        for row in page:
            holder, version = _place(row)
            if holder != place.holder:
                previous = GENESIS
            covered, stored = row[2 : -_HASH_BYTES - 4], row[-_HASH_BYTES:]
            computed = link(previous, [covered], postings[row[_ENTRY_ID]])
            if computed != stored:
                yield _fault(row, computed, stored)
            place, previous = Place(holder, version), stored


def _fault(row: bytes, computed: bytes, stored: bytes) -> Fault:
    key = {
        "holder_id": UUID(bytes=row[_HOLDER_ID]),
        "version": _place(row).version,
        "entry_id": UUID(bytes=row[_ENTRY_ID]),
    }
    return Fault("entries", key, "hash", computed.hex(), stored.hex())


def _place(row: bytes) -> Place:
    return Place(row[_HOLDER_ID], int.from_bytes(row[_VERSION], "big", signed=True))


def _rows(rows: Rows, statement: sql.Composed) -> Iterator[bytes]:
    """The rows alone, without the header and the trailer around them."""
    for block in rows.copy(statement):
        row = block[_HEADER_BYTES:] if block.startswith(_SIGNATURE) else block
        if row and row != _TRAILER:
            yield row


def _page_statement(after: Place) -> sql.Composed:
    return sql.SQL(_PAGE).format(
        columns=_names("e", ENTRY_COLUMNS), limit=sql.Literal(PAGE_ENTRIES), **_literals("", after)
    )


def _postings_statement(after: Place, last: Place) -> sql.Composed:
    return sql.SQL(_POSTINGS).format(
        columns=_names("p", POSTING_COLUMNS), **_literals("", after), **_literals("last_", last)
    )


def _literals(prefix: str, place: Place) -> dict[str, sql.Literal]:
    return {
        f"{prefix}holder": sql.Literal(UUID(bytes=place.holder)),
        f"{prefix}version": sql.Literal(place.version),
    }


def _names(table: str, columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) for name in columns)
