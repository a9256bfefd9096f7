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

_FIELD_COUNT_BYTES = 2

# Where the first columns of an entry and of a posting stand, each behind a length of 4 bytes.
_ENTRY_ID = slice(4, 20)
_HOLDER_ID = slice(24, 40)
_VERSION = slice(44, 52)

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


class RawEntry(NamedTuple):
    """An entry as the server sends it: the elements of its columns, its hash, and the elements of its postings."""

    columns: bytes
    hash: bytes
    postings: list[bytes]

    @property
    def entry_id(self) -> bytes:
        return self.columns[_ENTRY_ID]

    @property
    def place(self) -> Place:
        return Place(self.columns[_HOLDER_ID], int.from_bytes(self.columns[_VERSION], "big", signed=True))


def raw_entries(rows: Rows) -> Iterator[RawEntry]:
    """Every entry by holder and version, with its postings by ordinal; some thousand of them in memory at a time."""
    place = Place(bytes(16), -1)
    while True:
        page = [
            RawEntry(row[: -_HASH_BYTES - 4], row[-_HASH_BYTES:], [])
            for row in _rows(rows, _page_statement(place))
        ]
        if not page:
            return
        last = page[-1].place
        postings: dict[bytes, list[bytes]] = defaultdict(list)
        for row in _rows(rows, _postings_statement(place, last)):
            postings[row[_ENTRY_ID]].append(row)
        for entry in page:
            yield entry._replace(postings=postings[entry.entry_id])
        place = last


def broken_links(rows: Rows) -> Iterator[Fault]:
    """Every entry whose hash is not the hash of its columns, its postings' and the hash before it."""
    holder, previous = b"", GENESIS
    for entry in raw_entries(rows):
        if entry.place.holder != holder:
            holder, previous = entry.place.holder, GENESIS
        computed = link(previous, [entry.columns], ([posting] for posting in entry.postings))
        if computed != entry.hash:
            yield _fault(entry, computed)
        previous = entry.hash


def _fault(entry: RawEntry, computed: bytes) -> Fault:
    key = {
        "holder_id": UUID(bytes=entry.place.holder),
        "version": entry.place.version,
        "entry_id": UUID(bytes=entry.entry_id),
    }
    return Fault("entries", key, "hash", computed.hex(), entry.hash.hex())


def _rows(rows: Rows, statement: sql.Composed) -> Iterator[bytes]:
    """The elements of each row, without its field count and the header and the trailer around all of them."""
    for block in rows.copy(statement):
        row = block[_HEADER_BYTES:] if block.startswith(_SIGNATURE) else block
        if row and row != _TRAILER:
            yield row[_FIELD_COUNT_BYTES:]


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
