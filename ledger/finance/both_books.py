"""The trial balance with the deferral book beside it: what was posted, and what follows from it in money."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.finance.deferral.report import balances_of, read_book
from ledger.finance.tables import Report, Table
from ledger.finance.trial_balance import read_trial_balance
from ledger.journal.history import times_of


def trial_balance_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    as_of: datetime | None = None,
    known_as_of: datetime | None = None,
) -> Report:
    """The trial balance as a report; the present for a time that is left out."""
    times = times_of(as_of, known_as_of, now)
    body = read_trial_balance(connection, program, times).shown()
    accounts = [line | {"unit": unit["unit"]} for unit in body["units"] for line in unit["accounts"]]
    deferred = balances_of(read_book(connection, program, *times))
    totals = {f"total_{side}": sum(line[side] for line in deferred) for side in ("debit", "credit")}
    body["deferral_book"] = {
        "unit": program.currency,
        "accounts": deferred,
        **totals,
        "difference": totals["total_debit"] - totals["total_credit"],
    }
    return Report(
        body,
        Table("accounts", ("unit", "account", "debit", "credit", "balance"), accounts),
        Table("deferral_book", ("account", "debit", "credit", "balance"), deferred),
        Table("units", ("unit", "total_debit", "total_credit", "difference"), body["units"]),
    )
