"""The points liability at a time: what is outstanding, what it would cost, what the books carry, and how sure that is.

Face value is the outstanding points at the bid: the most that could be asked. The book liability is the deferral
book's. The economic value is what is still expected to be redeemed, at the bid. Money in minor units.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.deferral.book import Measured
from ledger.finance.deferral.facts import bid_at, minor_of
from ledger.finance.deferral.policy import expected
from ledger.finance.deferral.report import read_book, show_share
from ledger.finance.months import TICK, show_month
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut, Sum, read_sums
from ledger.fx.rates import known_rates, rate_at, show_rate
from ledger.journal.history import times_of

TRAILING: Final = timedelta(days=365)
"""Over which the cost of a redeemed point is averaged."""

REDEMPTION_CHANGES: Final = (Fraction(-5, 100), Fraction(-1, 100), Fraction(1, 100), Fraction(5, 100))
BREAKAGE_CHANGES: Final = (Fraction(-10, 100), Fraction(10, 100))
RATE_CHANGES: Final = (Fraction(-10, 100), Fraction(10, 100))


def liability_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    as_of: datetime | None = None,
    known_as_of: datetime | None = None,
) -> Report:
    """The report as JSON and as CSV; the present for a time that is left out."""
    body = show_liability(connection, program, *times_of(as_of, known_as_of, now))
    return Report(
        body,
        Table("by_method", ("method", "outstanding", "book_liability", "passed_on"), body["by_method"]),
        Table(
            "by_cohort",
            (
                "cohort",
                "pool",
                "outstanding",
                "expected_redemption",
                "points_to_come",
                "face_value",
                "book_liability",
            ),
            body["by_cohort"],
        ),
        Table(
            "sensitivity", ("what", "by", "book_liability", "change", "economic_value"), body["sensitivity"]
        ),
    )


def show_liability(
    connection: Connection, program: Program, as_of: datetime, known_as_of: datetime
) -> dict[str, Any]:
    """The report as of two times. Points come from the cohorts, and are held against the trial balance's."""
    book = read_book(connection, program, as_of, known_as_of)
    since = as_of - TRAILING
    cut = Cut(as_of, known_as_of, booked=True)
    sums = read_sums(connection, program, "all", cut, steps=(since + TICK,))
    owed, outstanding = _outstanding(sums)
    known = known_rates(program.rules.rates, known_as_of)
    rate, bid = rate_at(known, as_of), bid_at(known, as_of, minor_of(program))
    to_come = sum((each.points_to_come for each in book), Fraction(0))
    in_lots, carried = sum(each.facts.left for each in book), sum(each.rows.liability for each in book)
    return {
        "as_of": show(as_of),
        "known_as_of": show(known_as_of),
        "currency": program.currency,
        "bid": show_rate(rate.bid) if rate else None,
        "rate_version": rate.version if rate else None,
        "outstanding": outstanding,
        "owed_by_members": owed,
        "face_value": int(outstanding * bid),
        "book_liability": carried,
        "points_to_come": show_share(to_come),
        "breakage_points": show_share(in_lots - to_come),
        "net_redemption_rate": show_share(to_come / in_lots) if in_lots else None,
        "economic_value": round(to_come * bid),
        "cost_per_point": _cost_per_point(program, since, (row for row in sums if row.step)),
        "by_method": _by_method(book),
        "by_cohort": [_cohort(each, bid) for each in book],
        "sensitivity": list(_sensitivity(book, carried, to_come, bid)),
        "difference": in_lots - owed - outstanding,
    }


def _outstanding(sums: Iterable[Sum]) -> tuple[int, int]:
    """What members owe, and what they have less that, by the trial balance."""
    balance = dict.fromkeys(Account, 0)
    for row in sums:
        balance[row.credit] += row.amount
        balance[row.debit] -= row.amount
    owed = -balance[Account.DEBT]
    return owed, balance[Account.POINTS] + balance[Account.HELD] - owed


def _cost_per_point(program: Program, since: datetime, sums: Iterable[Sum]) -> dict[str, Any]:
    """What points that were redeemed at a rate since then were worth on average; null where there were none."""
    value = points = 0
    for row in sums:
        if Account.POINTS_DISCOUNT in (row.debit, row.credit):
            value += row.amount * (1 if row.debit is Account.POINTS_DISCOUNT else -1)
        elif Account.TRADING_POINTS in (row.debit, row.credit):
            points += row.amount * (1 if row.debit is Account.TRADING_POINTS else -1)
    share = show_share(Fraction(value, points * minor_of(program))) if points > 0 else None
    return {"from": show(since), "points": points, "value": value, "per_point": share}


def _by_method(book: Sequence[Measured]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in book:
        row = found.setdefault(
            each.method, {"method": each.method, "outstanding": 0, "book_liability": 0, "passed_on": 0}
        )
        row["outstanding"] += each.facts.left
        row["book_liability"] += each.rows.liability
        row["passed_on"] += each.rows.passed_on
    return [found[method] for method in sorted(found)]


def _cohort(measured: Measured, bid: Fraction) -> dict[str, Any]:
    return {
        "cohort": show_month(measured.key.month),
        "pool": measured.key.pool,
        "outstanding": measured.facts.left,
        "expected_redemption": show_share(expected(measured.estimate)),
        "points_to_come": show_share(measured.points_to_come),
        "face_value": int(measured.facts.left * bid),
        "book_liability": measured.rows.liability,
    }


def _sensitivity(book: Sequence[Measured], carried: int, to_come: Fraction, bid: Fraction) -> Any:
    """What the book liability would be under other expectations, and the economic value at other rates."""

    def carried_if(change: Callable[[Fraction], Fraction]) -> int:
        return sum(each.liability_if(_bounded(change(expected(each.estimate)))) for each in book)

    changes: list[tuple[str, Fraction, Callable[[Fraction], Fraction]]] = [
        *(("redemption", by, lambda share, by=by: share + by) for by in REDEMPTION_CHANGES),
        *(("breakage", by, lambda share, by=by: 1 - (1 - share) * (1 + by)) for by in BREAKAGE_CHANGES),
    ]
    for what, by, change in changes:
        amount = carried_if(change)
        yield {"what": what, "by": show_share(by), "book_liability": amount, "change": amount - carried}
    provisions = [each for each in book if each.kind == "provision" and each.policy.unit_cost is None]
    for by in RATE_CHANGES:
        moved = sum(
            round(each.points_to_come * each.cost * (1 + by)) - each.rows.liability for each in provisions
        )
        yield {
            "what": "rate",
            "by": show_share(by),
            "book_liability": carried + moved,
            "change": moved,
            "economic_value": round(to_come * bid * (1 + by)),
        }


def _bounded(share: Fraction) -> Fraction:
    return min(max(share, Fraction(0)), Fraction(1))
