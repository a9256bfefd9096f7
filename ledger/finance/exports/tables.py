"""The journal as a table, one row per leg: CSV, and Parquet in row groups. The rows are the same in both."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from importlib import import_module
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ledger.clock import show
from ledger.finance.exports.legs import COLUMNS

ROWS_OF_A_GROUP: Final = 20_000


class ParquetMissingError(RuntimeError):
    """Parquet needs a library that is not installed."""


def csv_lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """The head and the rows, in UTF-8 with LF; nothing stands for what is not there, times are RFC 3339 in UTC."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        if text.tell() > 1 << 16:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def cell(value: Any) -> str:
    """A value as CSV says it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return show(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def write_parquet(rows: Iterator[tuple[Any, ...]], path: Path) -> None:
    """Write the rows; ParquetMissingError without pyarrow. One row group is in memory at a time."""
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ParquetMissingError(
            "Parquet needs pyarrow: install it with `pip install 'loyalty-ledger[parquet]'`."
        ) from error
    kinds = {
        str: pyarrow.string(),
        int: pyarrow.int64(),
        date: pyarrow.date32(),
        datetime: pyarrow.timestamp("us", tz="UTC"),
    }
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(rows, ROWS_OF_A_GROUP)):
            columns = [
                pyarrow.array(values, field.type)
                for values, field in zip(zip(*group, strict=True), schema, strict=True)
            ]
            writer.write_table(pyarrow.table(columns, schema=schema))
