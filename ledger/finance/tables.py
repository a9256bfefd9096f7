"""Reports as JSON and as CSV: one mechanism for all of them.

A report is a ``Report``: the object that JSON shows, and those of its lists that are tables::

    Report(
        {"as_of": "…", "units": [{"unit": "POINT", "difference": 0}], "difference": 0},
        Table("units", ("unit", "difference"), rows),
    )

A route answers with ``rendering.answered(report, form)``; the command line prints the same bytes. A row is a mapping,
as JSON has it; a column named ``face_value.amount`` looks inside. Columns are named by the code, so that a table
without rows has the same head. Every member of the object that is no list of rows stands at the end, in the table
``report``, as a name and a value: the times, the totals, the differences; a list of values has a line for each.

The CSV is one rectangle after RFC 4180: a head, CRLF, quotes where they are needed. Its first column says which table
a row is of; cells of the columns that this table has not are empty. Numbers stand as they are, exact and without
separators; ``true``, ``false`` and nothing for what JSON calls ``null``. A text that a spreadsheet might take for a
formula, and one that begins with an apostrophe, has an apostrophe before it: take the first apostrophe of a text away,
and it is what JSON says.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Any, Final

TABLE: Final = "table"
"""The first column: which table a row is of."""

SCALARS: Final = "report"
"""The last table: what the report says besides."""

_SCALAR_COLUMNS: Final = ("name", "value")

# What spreadsheets take for the beginning of a formula, also behind white space and in full width.
_FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n']")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Table:
    """A list of a report as rows and columns."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]


class Report:
    """What a report says: the object of its JSON, and the tables of its CSV."""

    def __init__(self, body: dict[str, Any], *tables: Table) -> None:
        self.body = body
        self.tables = tables


def csv_of(report: Report) -> bytes:
    """The report as CSV, in UTF-8."""
    tables = [*report.tables, Table(SCALARS, _SCALAR_COLUMNS, list(_scalars(report.body)))]
    columns = list(dict.fromkeys(column for table in tables for column in table.columns))
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([TABLE, *columns])
    for table in tables:
        own = [column if column in table.columns else None for column in columns]
        for row in table.rows:
            writer.writerow([table.name, *(cell(_member(row, column)) for column in own)])
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value as CSV shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    assert isinstance(value, str), f"a cell cannot hold {type(value).__name__}"
    # A text that is a number all through is one: an exact decimal, which JSON quotes.
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def _scalars(body: Mapping[str, Any], within: str = "") -> Iterator[dict[str, Any]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{within}{name}.")
        else:
            items = value if isinstance(value, list) else [value]
            values = [item for item in items if not isinstance(item, Mapping)]
            yield from ({"name": f"{within}{name}", "value": item} for item in values)


def _member(row: Mapping[str, Any], column: str | None) -> Any:
    if column is None:
        return None
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
