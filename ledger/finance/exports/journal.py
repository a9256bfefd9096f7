"""The export of the journal: which part of the books, in which form, from one snapshot."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.paging import refused
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.exports.beancount import Beancount
from ledger.finance.exports.hledger import Hledger
from ledger.finance.exports.legs import Days, legs_of
from ledger.finance.exports.plain_text import Book, Dialect, Window, render
from ledger.finance.exports.reading import read_entries, read_sub_accounts
from ledger.finance.exports.tables import csv_lines, write_parquet
from ledger.finance.trial_balance import read_trial_balance
from ledger.journal.history import Times, times_of

DIALECTS: Final[Mapping[str, Dialect]] = {"beancount": Beancount(), "hledger": Hledger()}
FORMS: Final = ("csv", "parquet", *DIALECTS)


def window_of(
    start: datetime | None, end: datetime | None, known_as_of: datetime | None, now: datetime
) -> Window:
    """The part after ``start`` up to and including ``end``; InvalidRequest for times that lie ahead or cross."""
    times = times_of(end, known_as_of, now)
    if start is not None and start >= times.as_of:
        raise refused("from", f"must be earlier than the end, {show(times.as_of)}")
    return Window(start, times.as_of, times.known_as_of)


def window_of_day(day: date, timezone: str, known_as_of: datetime | None, now: datetime) -> Window:
    """A whole day of the program; InvalidRequest for one that is not over."""
    days = Days(timezone)
    end = days.before(day + timedelta(days=1))
    if end >= now:
        raise refused("day", f"{day} is not over")
    return window_of(days.before(day), end, known_as_of, now)


def journal_text(
    connection: Connection, program: Program, window: Window, form: str, *, by_member: bool = False
) -> Iterator[str]:
    """The journal in pieces of text, as CSV or in a dialect. The same window gives the same bytes."""
    if form == "csv":
        return csv_lines(_rows(connection, program, window))
    book = Book(program.name, program.currency, program.timezone, window, by_member)
    times = Times(window.end, window.known_as_of)
    return render(
        DIALECTS[form],
        book,
        read_entries(connection, program, window.start, times),
        read_sub_accounts(connection, program, window.start, times) if by_member else (),
        lambda instant: balances_at(connection, program, Times(instant, window.known_as_of)),
    )


def write_journal_parquet(connection: Connection, program: Program, window: Window, path: Path) -> None:
    """The rows of the CSV as a Parquet file; ParquetMissingError without its library."""
    write_parquet(_rows(connection, program, window), path)


def balances_at(connection: Connection, program: Program, times: Times) -> dict[Account, int]:
    """What the trial balance says, debits positive."""
    totals = read_trial_balance(connection, program, times).totals
    return {account: total.debit - total.credit for account, total in totals.items()}


def _rows(connection: Connection, program: Program, window: Window) -> Iterator[tuple[Any, ...]]:
    days = Days(program.timezone)
    for entry in read_entries(connection, program, window.start, Times(window.end, window.known_as_of)):
        yield from legs_of(entry, days.day_of(entry.effective_at))
