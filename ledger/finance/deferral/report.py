"""The deferral book as reports show it: the roll-forward in money, cohort by cohort, and every journal line.

Counted from the beginning to both ends of the period and subtracted, so that periods add up whatever they are cut
into, and the same two times give the same answer for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from ledger.accounts.paging import refused
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.deferral.book import CohortKey, Measured, Rows, measure
from ledger.finance.deferral.facts import minor_of, read_estimates, read_policies, read_steps
from ledger.finance.deferral.policy import expected
from ledger.finance.months import bounds_of, show_month
from ledger.finance.roll_forward import BEGINNING, require_period
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut

SHARE_DIGITS: Final = 6

ACCOUNTS: Final = {
    "sales": "credit",
    "contract_liability": "credit",
    "points_provision": "credit",
    "marketing_expense": "debit",
    "partner_payable": "credit",
    "agent_fees": "credit",
}
"""The accounts of the deferral book, and their normal sides. Its sales are what it takes from those of the tills."""

_LINES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "deferral": {
        "deferred": ("sales", "contract_liability"),
        "released_on_redemption": ("contract_liability", "sales"),
        "released_on_expiry": ("contract_liability", "sales"),
        "estimate_trueup": ("sales", "contract_liability"),
        "issue_reversals": ("contract_liability", "sales"),
        "transaction_price_changes": ("sales", "contract_liability"),
    },
    "provision": {
        "deferred": ("marketing_expense", "points_provision"),
        "released_on_redemption": ("points_provision", "marketing_expense"),
        "released_on_expiry": ("points_provision", "marketing_expense"),
        "estimate_trueup": ("marketing_expense", "points_provision"),
        "issue_reversals": ("points_provision", "marketing_expense"),
        "revalued": ("marketing_expense", "points_provision"),
    },
    "agent": {
        "passed_on": ("sales", "partner_payable"),
        "agent_fees": ("sales", "agent_fees"),
    },
}
"""The accounts, debit and credit, between which each row of each kind of measurement moves money."""

ROWS: Final = tuple(field.name for field in fields(Rows))


class Line(NamedTuple):
    """A journal line: ``amount`` minor units from ``debit`` to ``credit``, always more than nothing."""

    row: str
    kind: str
    debit: str
    credit: str
    amount: int

    def shown(self) -> dict[str, Any]:
        """The line as reports show it."""
        return self._asdict()


_COHORT_COLUMNS: Final = (
    "cohort",
    "pool",
    "method",
    "policy_version",
    "estimate_version",
    "expected_redemption",
    "price",
    "allocated",
    "allocated_to_goods",
    "issued",
    "redeemed",
    "outstanding",
    "expected_total",
    "released_to_date",
    "opening",
    *ROWS,
    "closing",
)


def deferral_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    as_of: datetime | None = None,
    known_as_of: datetime | None = None,
    period: date | None = None,
) -> Report:
    """The report for a period as JSON and as CSV.

    ``period`` is an accounting month in place of ``start`` and ``end``; ``as_of`` is the same as ``end``, as other
    reports name it. Refuses a period that ends before it begins or lies ahead of the present (InvalidRequest).
    """
    if as_of is not None:
        if end not in (None, as_of):
            raise refused("as_of", "is the same as to: give one of them")
        end = as_of
    if period is not None:
        if start or end:
            raise refused("period", "takes the place of from, to and as_of")
        start, end = bounds_of(program, period)
        if end > now:
            raise refused("period", f"must be over at the present, {show(now)}")
    start, end = start or BEGINNING, end or now
    known = require_period(start, end, known_as_of, now)
    body = show_deferral(connection, program, start, end, known)
    return Report(
        body,
        Table("cohorts", _COHORT_COLUMNS, body["cohorts"]),
        Table("lines", Line._fields, body["lines"]),
        Table("balances", ("account", "debit", "credit", "balance"), body["balances"]),
    )


def read_book(
    connection: Connection, program: Program, until: datetime, known_as_of: datetime
) -> list[Measured]:
    """Every cohort as it stood, oldest first; by booked months."""
    steps = read_steps(connection, program, Cut(until, known_as_of, booked=True))
    if not steps:
        return []
    policies = read_policies(connection, program, known_as_of)
    return measure(steps, policies, read_estimates(connection, program, known_as_of), minor_of(program))


def lines_of(moved: Iterable[tuple[str, Rows]]) -> list[Line]:
    """The journal lines of rows, by the kind of measurement; a movement the other way swaps its accounts."""
    lines = []
    for kind in _LINES:
        total = Rows()
        for of, rows in moved:
            if of == kind:
                total.add(rows)
        for row, (debit, credit) in _LINES[kind].items():
            amount = getattr(total, row)
            sides = (debit, credit) if amount > 0 else (credit, debit)
            if amount:
                lines.append(Line(row, kind, *sides, abs(amount)))
    return lines


def show_deferral(
    connection: Connection, program: Program, start: datetime, end: datetime, known_as_of: datetime
) -> dict[str, Any]:
    """The report for a period: just after ``start`` up to and including ``end``. Amounts in minor units."""
    opening = {each.key: each for each in read_book(connection, program, start, known_as_of)}
    closing = read_book(connection, program, end, known_as_of)
    moved = [(each, each.rows.since(_rows(opening.get(each.key)))) for each in closing]
    total = Rows()
    for _, rows in moved:
        total.add(rows)
    before = sum(each.rows.liability for each in opening.values())
    after = sum(each.rows.liability for each in closing)
    return {
        "from": show(start),
        "to": show(end),
        "known_as_of": show(known_as_of),
        "currency": program.currency,
        **_rolled(before, total, after),
        "released_from_opening": sum(
            _from_opening(opening[each.key], rows) for each, rows in moved if each.key in opening
        ),
        "cohorts": [_cohort(each, rows, opening.get(each.key)) for each, rows in moved],
        "lines": [line.shown() for line in lines_of([(each.kind, rows) for each, rows in moved])],
        "balances": balances_of(closing),
        "estimates": _estimates_used(opening, closing),
        "policies": sorted({each.policy.version for each in closing}),
        # The rows against the formula, worked out without them.
        "difference": after - sum(each.liability_if(expected(each.estimate)) for each in closing),
    }


def balances_of(book: Sequence[Measured]) -> list[dict[str, Any]]:
    """The accounts of the deferral book: debits and credits since the beginning, and balances."""
    debits, credits_ = dict.fromkeys(ACCOUNTS, 0), dict.fromkeys(ACCOUNTS, 0)
    for line in lines_of([(each.kind, each.rows) for each in book]):
        debits[line.debit] += line.amount
        credits_[line.credit] += line.amount
    return [
        {
            "account": name,
            "debit": debits[name],
            "credit": credits_[name],
            "balance": (debits[name] - credits_[name]) * (1 if side == "debit" else -1),
        }
        for name, side in ACCOUNTS.items()
    ]


def show_share(share: Fraction) -> str:
    """A share with ``SHARE_DIGITS`` digits, as text."""
    millionths = round(share * 10**SHARE_DIGITS)
    sign = "-" if millionths < 0 else ""
    whole, part = divmod(abs(millionths), 10**SHARE_DIGITS)
    return f"{sign}{whole}.{part:0{SHARE_DIGITS}d}"


def _from_opening(opening: Measured, moved: Rows) -> int:
    """What a cohort released of its opening balance (IFRS 15.116): what it had is released before what it took up."""
    if opening.kind != "deferral":
        return 0
    released = moved.released_on_redemption + moved.released_on_expiry - moved.estimate_trueup
    return max(0, min(opening.rows.liability, released))


def _rows(measured: Measured | None) -> Rows:
    return measured.rows if measured else Rows()


def _rolled(before: int, moved: Rows, after: int) -> dict[str, int]:
    return {"opening": before, **{name: getattr(moved, name) for name in ROWS}, "closing": after}


def _cohort(measured: Measured, moved: Rows, opening: Measured | None) -> dict[str, Any]:
    facts = measured.facts
    return {
        "cohort": show_month(measured.key.month),
        "pool": measured.key.pool,
        "method": measured.method,
        "policy_version": measured.policy.version,
        "estimate_version": measured.estimate and measured.estimate.version,
        "expected_redemption": show_share(expected(measured.estimate)),
        "price": facts.price,
        "allocated": facts.allocation,
        "allocated_to_goods": facts.price - facts.allocation,
        "issued": facts.issued - facts.clawed,
        "redeemed": facts.redeemed,
        "outstanding": facts.left,
        "expected_total": show_share(measured.points_expected),
        "released_to_date": facts.allocation - measured.rows.liability if measured.kind == "deferral" else 0,
        **_rolled(_rows(opening).liability, moved, measured.rows.liability),
    }


def _estimates_used(opening: Mapping[CohortKey, Measured], closing: Sequence[Measured]) -> list[int]:
    """Versions: those by which the period released, and those to which it was trued up."""
    began = [each.at_issue for each in closing if each.key not in opening]
    used = [*began, *(each.estimate for each in (*opening.values(), *closing))]
    return sorted({estimate.version for estimate in used if estimate})
