"""``ledger export evidence``: the journal as it was hashed, for a verifier that shares no code with the ledger.

NDJSON: a line that names the form and the program, and then a line for each entry, by holder and version. It has
every column that the hash covers, the hash, and the postings with every column of theirs. A uuid stands as hex digits,
a time in UTC with its microseconds, ``details`` as a string that holds the JSON text byte for byte.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import click
import orjson
from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.clock import show
from ledger.command_line import (
    data_option,
    open_database,
    opened,
    program_option,
    require_program,
    told_plainly,
)
from ledger.finance.checkpoints.cli import out_option, written
from ledger.finance.cli import STATEMENT_TIMEOUT_MS
from ledger.finance.verify.chain import RawEntry, raw_entries
from ledger.finance.verify.reading import Rows
from ledger.journal import wire
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS

FORMAT: Final = "ledger journal 1"
"""Names the form; a column added later comes with a new one."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@click.command("evidence")
@data_option
@program_option
@out_option
@told_plainly
def evidence(data: Path | None, program: str, out: str) -> None:
    """Write the journal with every column as it was hashed, for the stand-alone verifier.

    Make the checkpoint that it will be held against first. Reads one snapshot, so postings may go on meanwhile.
    """
    with opened(data) as place:
        database = open_database(
            place.app_url, replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        )
        try:
            chosen = require_program(database, program)
            with written(out) as file, database.read() as connection:
                file.writelines(lines_of(connection, chosen))
        finally:
            database.close()


def lines_of(connection: Connection, program: Program) -> Iterator[str]:
    """The lines of the program's journal; memory does not grow with it."""
    rows = Rows(connection, program)
    rows.prepare()
    yield _line({"format": FORMAT, "program": program.name})
    for entry in raw_entries(rows):
        yield _line(_shown(entry))


def _line(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE).decode()


def _shown(entry: RawEntry) -> dict[str, Any]:
    return {
        **_decoded(ENTRY_COLUMNS, entry.columns),
        "hash": entry.hash.hex(),
        "postings": [_decoded(POSTING_COLUMNS, posting) for posting in entry.postings],
    }


def _decoded(columns: dict[str, Any], elements: bytes) -> dict[str, Any]:
    """The values of a row's elements, by the names of its columns."""
    decoded: dict[str, Any] = {}
    place = 0
    for name, (kind, _) in columns.items():
        length = int.from_bytes(elements[place : place + 4], "big", signed=True)
        place += 4
        if length < 0:
            decoded[name] = None
            continue
        decoded[name] = _DECODERS[kind](elements[place : place + length])
        place += length
    return decoded


@lru_cache(maxsize=4_096)
def _moment(value: bytes) -> str | int:
    microseconds = _integer(value)
    try:
        return show(_EPOCH + timedelta(microseconds=microseconds))
    except OverflowError:
        # No calendar has it, so nobody has posted it: the verifier will say that it is no time.
        return microseconds


def _integer(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


_DECODERS: Final[dict[type[wire.Array], Callable[[bytes], Any]]] = {
    wire.Uuids: bytes.hex,
    wire.Moments: _moment,
    wire.Int2s: _integer,
    wire.Int4s: _integer,
    wire.Int8s: _integer,
    wire.Texts: bytes.decode,
    wire.Jsons: bytes.decode,
    wire.Booleans: lambda value: value == b"\1",
}
