"""The trial balance: every account of the chart with its debits and credits, as of two times.

It sums the postings themselves and no balance that anybody keeps, so it stays the same for the same two
times whatever arrives later, and what the holders' rows say can be held against it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from ledger.accounts.chart import Account, unit_name, units_of
from ledger.accounts.models import holders
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.journal.history import Times
from ledger.journal.models import entries, postings


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What was posted on one account. ``balance`` stands on the account's normal side, else it is negative."""

    account: Account
    debit: int = 0
    credit: int = 0

    @property
    def balance(self) -> int:
        net = self.debit - self.credit
        return net if self.account.normal_side == "debit" else -net

    def shown(self) -> dict[str, Any]:
        """The line as the report shows it."""
        return {
            "account": self.account.name.lower(),
            "debit": self.debit,
            "credit": self.credit,
            "balance": self.balance,
        }


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of the chart, those without a posting as well."""

    times: Times
    totals: Mapping[Account, AccountTotal]
    units: Mapping[Account, int]
    """The unit that each account is kept in, money in the program's currency."""

    @property
    def points_outstanding(self) -> int:
        """What the program owes its members: points and held points, less what members owe."""
        points, held, debt = (
            self.totals[account].balance for account in (Account.POINTS, Account.HELD, Account.DEBT)
        )
        return points + held - debt

    def shown(self) -> dict[str, Any]:
        """The report, unit by unit."""
        return {
            "as_of": show(self.times.as_of),
            "known_as_of": show(self.times.known_as_of),
            # In the order of the chart: points, growth, money, and millionths of its minor unit.
            "units": [self._unit(unit) for unit in dict.fromkeys(self.units.values())],
        }

    def _unit(self, unit: int) -> dict[str, Any]:
        totals = [total for account, total in self.totals.items() if self.units[account] == unit]
        return {
            "unit": unit_name(unit),
            "accounts": [total.shown() for total in totals],
            "total_debit": sum(total.debit for total in totals),
            "total_credit": sum(total.credit for total in totals),
        }


def read_trial_balance(connection: Connection, program: Program, times: Times) -> TrialBalance:
    """The trial balance of a program; reads every posting up to then."""
    totals = {account: AccountTotal(account) for account in Account}
    for side, account, amount in _sums(connection, program, times):
        total = totals[account]
        debit, credit = (amount, 0) if side == "debit" else (0, amount)
        totals[account] = AccountTotal(account, total.debit + debit, total.credit + credit)
    return TrialBalance(times, totals, units_of(program.currency))


def select_pairs(program: Program, times: Times) -> Select[Any]:
    """What was posted up to then, summed by the pair of accounts: ``debit``, ``credit``, ``amount``."""
    return (
        select(postings.c.debit, postings.c.credit, func.sum(postings.c.amount).label("amount"))
        .join_from(
            postings,
            entries,
            and_(entries.c.entry_id == postings.c.entry_id, entries.c.holder_id == postings.c.holder_id),
        )
        .join(holders, holders.c.holder_id == entries.c.holder_id)
        .where(
            holders.c.program_id == program.program_id,
            entries.c.effective_at <= times.as_of,
            entries.c.recorded_at <= times.known_as_of,
        )
        .group_by(postings.c.debit, postings.c.credit)
    )


def _sums(connection: Connection, program: Program, times: Times) -> Iterator[tuple[str, Account, int]]:
    for row in connection.execute(select_pairs(program, times)):
        # A sum of bigints is a numeric to PostgreSQL.
        yield "debit", Account(row.debit), int(row.amount)
        yield "credit", Account(row.credit), int(row.amount)
