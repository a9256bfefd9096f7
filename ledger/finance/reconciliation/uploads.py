"""Reads the CSV of another system, strictly: a row that cannot be meant is refused by its line and column.

UTF-8, with or without a byte order mark; columns in any order; amounts of money in minor units, as everywhere in this
service. Rows are sorted by their key, in runs on disk when there are many, so a file of any length can be matched.
"""

import csv
import heapq
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, NoReturn, Self

from marshmallow import ValidationError

from ledger.clock import local_date
from ledger.errors import InvalidRequest
from ledger.finance.reconciliation.matching import Key, Row
from ledger.http.fields import CallerId, Choice, Currency, Instant, Text
from ledger.money import MAX_AMOUNT

ROWS_AT_ONCE: Final = 50_000

TYPES: Final = ("purchase", "return", "redemption", "capture", "refund")
"""What a payment may be."""

_DIGITS: Final = re.compile("0|[1-9][0-9]{0,15}")


def _whole(text: str) -> int:
    if not _DIGITS.fullmatch(text) or int(text) > MAX_AMOUNT:
        raise ValidationError("must be a whole number of minor units or points, such as 1250 for 12.50")
    return int(text)


class Form(NamedTuple):
    """The columns of a kind of upload: how each is read, and which must be there."""

    columns: Mapping[str, Callable[[str], Any]]
    required: tuple[str, ...]
    key: Callable[[dict[str, Any]], Key]
    compared: tuple[str, ...]
    """The columns that the books are asked about, besides the key and the day."""


_COMMON: Final[Mapping[str, Callable[[str], Any]]] = {
    "occurred_at": Instant().read,
    "amount": _whole,
    "currency": Currency().read,
    "member_id": CallerId().read,
}

FORMS: Final[Mapping[str, Form]] = {
    "orders": Form(
        {"purchase_id": CallerId().read, **_COMMON, "store": Text(64).read, "returned": _whole},
        ("purchase_id", "occurred_at", "amount"),
        lambda row: ("purchase", row["purchase_id"]),
        ("amount", "currency", "member_id", "store", "returned"),
    ),
    "payments": Form(
        {"type": Choice(TYPES).read, "reference": CallerId().read, **_COMMON, "points": _whole},
        ("type", "reference", "occurred_at", "points", "amount"),
        lambda row: (row["type"], row["reference"]),
        ("points", "amount", "currency", "member_id"),
    ),
}
KINDS: Final = tuple(FORMS)


def refuse_line(line: int, message: str, column: str | None = None) -> NoReturn:
    """Refuse an upload for what stands on a line."""
    where = f"line {line}, column {column}" if column else f"line {line}"
    told = f"{where}: {message}"
    raise InvalidRequest(f"csv: {told}", errors=[{"field": "csv", "message": told}])


class Upload:
    """The rows of a file in order of their keys, as often as they are asked for. Close it after use.

    InvalidRequest by line and column for what cannot be read, and for a key that stands twice.
    """

    def __init__(self, kind: str, lines: Iterable[bytes], timezone: str) -> None:
        self.kind = kind
        self.count = 0
        self.first_day: date | None = None
        self.last_day: date | None = None
        self._digest = sha256()
        self._runs: list[IO[bytes]] = []
        self._held = ExitStack()
        try:
            self._read(_rows(FORMS[kind], self._digested(lines), timezone))
        except BaseException:
            self.close()
            raise

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the file as it came."""
        return self._digest.digest()

    def __iter__(self) -> Iterator[Row]:
        earlier: Row | None = None
        for row in heapq.merge(*map(_unpickled, self._runs), key=lambda row: (row.key, row.line)):
            if earlier is not None and earlier.key == row.key:
                refuse_line(row.line, f"{' '.join(row.key)} stands on line {earlier.line} already")
            yield row
            earlier = row

    def close(self) -> None:
        """Let the runs go."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _digested(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self._digest.update(line)
            yield line

    def _read(self, rows: Iterator[Row]) -> None:
        while run := sorted(islice(rows, ROWS_AT_ONCE), key=lambda row: (row.key, row.line)):
            self.count += len(run)
            days = [row.day for row in run]
            self.first_day = min([*days, self.first_day or days[0]])
            self.last_day = max([*days, self.last_day or days[0]])
            file = TemporaryFile()  # noqa: SIM115 -- closed with all the others
            self._held.callback(file.close)
            for row in run:
                pickle.dump(row, file)
            self._runs.append(file)


def _unpickled(file: IO[bytes]) -> Iterator[Row]:
    file.seek(0)
    while True:
        try:
            yield pickle.load(file)  # noqa: S301 -- our own rows, from a file that has no name
        except EOFError:
            return


def _rows(form: Form, lines: Iterator[bytes], timezone: str) -> Iterator[Row]:
    reader = csv.reader(_decoded(lines), strict=True)
    names = _head(form, reader)
    for cells in _read_by(reader):
        if not cells:
            continue
        line = reader.line_num
        if len(cells) != len(names):
            refuse_line(line, f"has {len(cells)} values, and there are {len(names)} columns")
        row = {name: _value(form, name, cell, line) for name, cell in zip(names, cells, strict=True)}
        fields = {name: row[name] for name in form.compared if name in row}
        occurred_at: datetime = row["occurred_at"]
        yield Row(form.key(row), local_date(occurred_at, timezone), fields, line)


def _decoded(lines: Iterator[bytes]) -> Iterator[str]:
    for number, raw in enumerate(lines, 1):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            refuse_line(number, "is not UTF-8")
        if "\0" in text:
            refuse_line(number, "must not contain the character NUL")
        yield text


def _head(form: Form, reader: Any) -> list[str]:
    names = next(_read_by(reader), [])
    for name in names:
        if name not in form.columns:
            refuse_line(1, f"is not known; the columns are {', '.join(form.columns)}", _printable(name))
        if names.count(name) > 1:
            refuse_line(1, "stands there twice", name)
    for name in form.required:
        if name not in names:
            refuse_line(1, "is required", name)
    return names


def _read_by(reader: Any) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refuse_line(reader.line_num, f"is not CSV: {error}")


def _value(form: Form, name: str, cell: str, line: int) -> Any:
    if not cell and name not in form.required:
        return None
    try:
        return form.columns[name](cell)
    except ValidationError as error:
        refuse_line(line, str(error.messages[0]), name)


def _printable(name: str) -> str:
    return name[:64].encode("unicode_escape").decode("ascii")
