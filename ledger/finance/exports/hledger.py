"""The journal for hledger: every commodity and account declared, transactions by date, balances asserted exactly."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from uuid import UUID

from ledger.accounts.chart import Account, unit_name
from ledger.clock import show
from ledger.finance.exports.legs import Entry
from ledger.finance.exports.names import account_name, amount_text
from ledger.finance.exports.plain_text import Balances, Book


class Hledger:
    """Writes hledger's journal format, for ``hledger check --strict`` and ``ordereddates``."""

    def head(self, book: Book, sub_accounts: Iterable[tuple[Account, UUID]]) -> Iterator[str]:
        """Declarations, without which a strict check takes no commodity and no account."""
        yield f"; {book.described()}\n\n"
        for unit in dict.fromkeys(book.units.values()):
            shown = amount_text(unit, 1_000)
            # The mark of decimals tells how many digits there are, none included.
            yield f"commodity {shown}{'' if '.' in shown else '.'} {_commodity(unit)}\n"
        yield "\n"
        for account in book.units:
            yield f"account {account_name(account)}\n"
        for account, holder in sub_accounts:
            yield f"account {account_name(account, holder)}\n"

    def opening(self, book: Book, day: date, balances: Balances) -> Iterator[str]:
        """One transaction with what stood on every account."""
        yield f"\n{day} * opening balances\n"
        for account, amount in balances.items():
            if amount:
                yield _leg(account_name(account), amount, book.units[account])

    def transaction(self, book: Book, day: date, entry: Entry) -> Iterator[str]:
        """An entry with its times, its place in the holder's chain and its hash as tags."""
        yield f"\n{day} * {entry.kind} {entry.shown_id}\n"
        yield f"    ; member:{entry.holder}, version:{entry.version}\n"
        if entry.reference is not None:
            yield f"    ; reference:{entry.reference}\n"
        yield f"    ; effective:{show(entry.effective_at)}, recorded:{show(entry.recorded_at)}\n"
        if entry.parent_entry_id is not None:
            yield f"    ; parent:{entry.shown_parent}\n"
        yield f"    ; hash:{entry.hash.hex()}\n"
        for move in entry.moves:
            for account, amount in book.legs(entry, move):
                yield _leg(account, amount, move.unit)

    def closing(self, book: Book, next_day: date, balances: Balances) -> Iterator[str]:
        """An assertion holds where it stands, so these are the last of their day; parts of an account included."""
        yield f"\n{next_day - timedelta(days=1)} * balances at the end of the day\n"
        for account, amount in balances.items():
            unit = book.units[account]
            nothing, asserted = (f"{amount_text(unit, each)} {_commodity(unit)}" for each in (0, amount))
            yield f"    {account_name(account)}  {nothing} =* {asserted}\n"


def _leg(account: str, amount: int, unit: int) -> str:
    return f"    {account}  {amount_text(unit, amount)} {_commodity(unit)}\n"


def _commodity(unit: int) -> str:
    """A symbol that is not letters alone stands in quotes."""
    name = unit_name(unit)
    return name if name.isalpha() else f'"{name}"'
