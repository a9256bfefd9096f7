"""Reports as the tests ask for them: the JSON and the CSV of each, by the name that the catalogue has for it."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import orjson

from ledger import clock
from ledger.accounts.programs import find_program
from ledger.finance.catalogue import REPORTS
from ledger.finance.rendering import rendered
from ledger.finance.totals.refresh import rebuild, refresh
from tests.till import Till


def report_of(till: Till, name: str, **asked: Any) -> dict[str, Any]:
    """The JSON of a report, at the till's present."""
    shown: dict[str, Any] = orjson.loads(bytes_of(till, name, "json", **asked))
    return shown


def bytes_of(till: Till, name: str, form: str = "json", **asked: Any) -> bytes:
    """What is sent."""
    with till.reading() as connection:
        program = find_program(connection, till.program.name)
        assert program is not None
        return rendered(REPORTS[name].read(connection, program, till.now, **asked), form)


def table_of(till: Till, name: str, table: str, **asked: Any) -> list[dict[str, str]]:
    """The rows of one table of the CSV."""
    text = bytes_of(till, name, "csv", **asked).decode()
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    return [row for row in rows if row["table"] == table]


def total_up(till: Till) -> None:
    """Let the totals have every entry that is a millisecond old: nobody else posts."""
    refresh(till.database, till.program, clock.system_now(), settled_after=timedelta())


def total_anew(till: Till) -> None:
    """Throw the totals away and make them again."""
    rebuild(till.database, till.program, clock.system_now(), settled_after=timedelta())
