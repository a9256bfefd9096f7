"""Issuance by fund: what each budget was granted, has spent and has left, and what was issued outside of any.

A fund pays for an award when the award is recorded; the points are issued when the purchase happened. A purchase that
came late may lie in another period than its payment. What is left after the payments is told as outside of funds.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.roll_forward import BEGINNING, after, movements_of, require_period
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut, Sum, read_sums

AMOUNTS: Final = ("opening", "granted", "withdrawn", "spent", "left")


def issuance_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    known_as_of: datetime | None = None,
) -> Report:
    """The report for a period, from the beginning and to the present where they are left out.

    ``difference`` is what the funds lack to be the trial balance's accounts of budgets, and what the points of awards
    that funds paid for, and all others, lack to be the points issued by the roll-forward.
    """
    start, end = start or BEGINNING, end or now
    known = require_period(start, end, known_as_of, now)
    cut, steps = Cut(end, known), (after(start),)
    by_fund: defaultdict[str, list[Sum]] = defaultdict(list)
    for each in read_sums(connection, program, "fund", cut, steps=steps):
        by_fund[each.key].append(each)
    amounts = {fund: _moved(by_fund[fund]) for fund in sorted(by_fund)}
    total = {name: sum(each[name] for each in amounts.values()) for name in AMOUNTS}
    funds = [{"fund": fund, **each} for fund, each in amounts.items()]
    books = read_sums(connection, program, "all", cut, steps=steps)
    moved = [(each.debit, each.credit, each.amount) for each in books if each.step > 0]
    issued = movements_of(moved).issued
    outside = issued - total["spent"]
    body = {
        "from": show(start),
        "to": show(end),
        "known_as_of": show(known),
        "funds": funds,
        "total": total,
        "issued": {"paid_by_funds": total["spent"], "outside_of_funds": outside, "total": issued},
        "difference": sum(abs(total[name] - amount) for name, amount in _moved(books).items()),
    }
    return Report(body, Table("funds", ("fund", *AMOUNTS), funds))


def _moved(sums: Sequence[Sum]) -> dict[str, int]:
    moved = [each for each in sums if each.step > 0]
    return {
        "opening": _posted(Account.FUND, sums) - _posted(Account.FUND, moved),
        "granted": _between(Account.FUND_GRANTED, Account.FUND, moved),
        "withdrawn": _between(Account.FUND, Account.FUND_GRANTED, moved),
        "spent": _between(Account.FUND, Account.FUND_SPENT, moved),
        "left": _posted(Account.FUND, sums),
    }


def _between(debit: Account, credit: Account, sums: Iterable[Sum]) -> int:
    return sum(each.amount for each in sums if each.debit is debit and each.credit is credit)


def _posted(account: Account, sums: Iterable[Sum]) -> int:
    """The balance of an account, credits positive."""
    return sum(each.amount * ((each.credit is account) - (each.debit is account)) for each in sums)
