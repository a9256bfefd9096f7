"""The journal for beancount. Balances are asserted with a tolerance of nothing: they hold to the last unit.

Left to itself, beancount lets a balance of two digits be off by one in the last.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from uuid import UUID

from ledger.accounts.chart import Account, unit_name
from ledger.clock import show
from ledger.finance.exports.legs import Entry
from ledger.finance.exports.names import account_name, amount_text
from ledger.finance.exports.plain_text import Balances, Book

_SINCE = "1900-01-01"


class Beancount:
    """Writes the syntax of beancount 2 and 3."""

    def head(self, book: Book, sub_accounts: Iterable[tuple[Account, UUID]]) -> Iterator[str]:
        """Titles, commodities, and an ``open`` for every account."""
        yield f"; {book.described()}\n"
        yield f'option "title" {_quoted(f"Loyalty ledger: {book.program}")}\n'
        yield f'option "operating_currency" "{book.currency}"\n\n'
        for unit in dict.fromkeys(book.units.values()):
            yield f"{_SINCE} commodity {unit_name(unit)}\n"
        yield "\n"
        for account, unit in book.units.items():
            yield f"{_SINCE} open {account_name(account)} {unit_name(unit)}\n"
        for account, holder in sub_accounts:
            yield f"{_SINCE} open {account_name(account, holder)} {unit_name(book.units[account])}\n"

    def opening(self, book: Book, day: date, balances: Balances) -> Iterator[str]:
        """One transaction with what stood on every account."""
        yield f'\n{day} * "opening balances"\n'
        for account, amount in balances.items():
            if amount:
                yield _leg(account_name(account), amount, book.units[account])

    def transaction(self, book: Book, day: date, entry: Entry) -> Iterator[str]:
        """An entry with its times, its place in the holder's chain and its hash as metadata."""
        yield f'\n{day} * "{entry.kind} {entry.shown_id}"\n'
        for name, value in _metadata(entry).items():
            if value is not None:
                yield f"  {name}: {_quoted(value)}\n"
        for move in entry.moves:
            for account, amount in book.legs(entry, move):
                yield _leg(account, amount, move.unit)

    def closing(self, book: Book, next_day: date, balances: Balances) -> Iterator[str]:
        """A balance holds at the beginning of its day, so these stand on the day after."""
        yield "\n"
        for account, amount in balances.items():
            unit = book.units[account]
            yield (
                f"{next_day} balance {account_name(account)}  {amount_text(unit, amount)} ~ 0 {unit_name(unit)}\n"
            )


def _leg(account: str, amount: int, unit: int) -> str:
    return f"  {account}  {amount_text(unit, amount)} {unit_name(unit)}\n"


def _metadata(entry: Entry) -> Mapping[str, str | None]:
    return {
        "member": entry.holder,
        "version": str(entry.version),
        "reference": entry.reference,
        "effective": show(entry.effective_at),
        "recorded": show(entry.recorded_at),
        "parent": entry.shown_parent,
        "hash": entry.hash.hex(),
    }


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
