"""The trial balance: every account of the chart with its debits and credits, as of two times.

It is summed from the postings, by way of their daily totals, and from no balance that anybody keeps. So it stays the
same for the same two times whatever arrives later, and what the holders' rows say can be held against it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, select

from ledger.accounts.chart import Account, unit_name, units_of
from ledger.accounts.models import holders
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.totals.reading import Cut, read_sums
from ledger.journal.history import Times
from ledger.journal.models import entries, postings

SIDES: Final = ("debit", "credit")


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
    def difference(self) -> int:
        """What debits and credits lack to be equal, over all units: 0 in sound books."""
        return sum(abs(unit["difference"]) for unit in self._shown_units())

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
            "units": self._shown_units(),
            "difference": self.difference,
        }

    def _shown_units(self) -> list[dict[str, Any]]:
        # In the order of the chart: points, growth, money, and millionths of its minor unit.
        return [self._unit(unit) for unit in dict.fromkeys(self.units.values())]

    def _unit(self, unit: int) -> dict[str, Any]:
        totals = [total for account, total in self.totals.items() if self.units[account] == unit]
        total_debit, total_credit = (sum(getattr(total, side) for total in totals) for side in SIDES)
        return {
            "unit": unit_name(unit),
            "accounts": [total.shown() for total in totals],
            "total_debit": total_debit,
            "total_credit": total_credit,
            "difference": total_debit - total_credit,
        }


def read_trial_balance(connection: Connection, program: Program, times: Times) -> TrialBalance:
    """The trial balance of a program; reads its totals, and the postings that no total has or that a time cuts off."""
    debit: Counter[Account] = Counter()
    credit: Counter[Account] = Counter()
    for each in read_sums(connection, program, "all", Cut(*times)):
        debit[each.debit] += each.amount
        credit[each.credit] += each.amount
    totals = {account: AccountTotal(account, debit[account], credit[account]) for account in Account}
    return TrialBalance(times, totals, units_of(program.currency))


def select_pairs(program: Program, times: Times) -> Select[Any]:
    """What was posted up to then, summed by the pair of accounts: ``debit``, ``credit``, ``amount``.

    From the postings alone: for one member, who has no totals, and for whoever does not want to rely on them.
    """
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
