"""A journal in plain text: opening, transactions by date, and what every balance must be at the end of each month.

The balances come from a source of their own, which has not seen the transactions: so the program that checks the
journal finds whatever the two do not agree on. What one form or the other looks like is its dialect's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from ledger.accounts.chart import Account, units_of
from ledger.clock import show
from ledger.finance.exports.legs import TICK, Days, Entry, Move
from ledger.finance.exports.names import account_name

Balances = Mapping[Account, int]
"""What stands on each account, debits positive; all of the chart."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the books: after ``start`` (from the beginning without it) up to and including ``end``."""

    start: datetime | None
    end: datetime
    known_as_of: datetime


@dataclass(frozen=True, slots=True)
class Book:
    """What is exported: whose books, which part, and whether each member has accounts of his own."""

    program: str
    currency: str
    timezone: str
    window: Window
    by_member: bool = False

    @property
    def units(self) -> Mapping[Account, int]:
        return units_of(self.currency)

    def account(self, account: int, holder_id: UUID) -> str:
        """The name of the account of a leg."""
        chosen = Account(account)
        return account_name(chosen, holder_id if self.by_member and chosen.is_members else None)

    def legs(self, entry: Entry, move: Move) -> tuple[tuple[str, int], tuple[str, int]]:
        """Both legs of a posting, signed."""
        return (
            (self.account(move.debit, entry.holder_id), move.amount),
            (self.account(move.credit, entry.holder_id), -move.amount),
        )

    def described(self) -> str:
        """What a reader must know before anything else."""
        start = show(self.window.start) if self.window.start else "the beginning"
        return (
            f"Program {self.program}, after {start} up to {show(self.window.end)},"
            f" as known at {show(self.window.known_as_of)}"
        )


class Dialect(Protocol):
    """How a program wants to read it. Each function yields whole lines of text."""

    def head(self, book: Book, sub_accounts: Iterable[tuple[Account, UUID]]) -> Iterator[str]:
        """Declarations: commodities and accounts."""

    def opening(self, book: Book, day: date, balances: Balances) -> Iterator[str]:
        """One transaction that carries everything forward."""

    def transaction(self, book: Book, day: date, entry: Entry) -> Iterator[str]:
        """An entry."""

    def closing(self, book: Book, next_day: date, balances: Balances) -> Iterator[str]:
        """What stands on every account before ``next_day`` begins."""


def render(
    dialect: Dialect,
    book: Book,
    entries: Iterable[Entry],
    sub_accounts: Iterable[tuple[Account, UUID]],
    balances_at: Callable[[datetime], Balances],
) -> Iterator[str]:
    """The journal in pieces. ``entries`` come in the order in which they happened; few are kept in memory."""
    days, window = Days(book.timezone), book.window
    yield from dialect.head(book, sub_accounts)
    if window.start is not None:
        yield from dialect.opening(book, days.day_of(window.start + TICK), balances_at(window.start))
    last: date | None = None
    for entry in entries:
        day = days.day_of(entry.effective_at)
        if last is not None and (day.year, day.month) != (last.year, last.month):
            month_end = _next_month(last)
            yield from dialect.closing(book, month_end, balances_at(days.before(month_end)))
        yield from dialect.transaction(book, day, entry)
        last = day
    yield from dialect.closing(book, days.day_of(window.end) + timedelta(days=1), balances_at(window.end))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
