"""Breakage as reports show it: the triangle of the program's own cohorts, estimates with ranges, and their backtest.

All points of a month are one cohort, whether purchases or anything else issued them. What repays a debt counts as
redeemed, as it does in the deferral book. Points and shares; a share is of what was issued and not taken back.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.chart import POINT_LOT_ACCOUNTS, Account
from ledger.accounts.program import Program
from ledger.clock import local_date, show, start_of_day
from ledger.finance.breakage.backtest import Earlier, Outcome, backtest, hindsight
from ledger.finance.breakage.estimation import Assumptions, CohortEstimate, Method, estimate
from ledger.finance.breakage.triangles import Row, Triangle, months_between, triangle_of
from ledger.finance.deferral.facts import POINTS_MOVED, read_estimates
from ledger.finance.deferral.policy import Estimate, estimate_for, plain
from ledger.finance.metrics.redemption import known_terms
from ledger.finance.months import next_month, previous_month, read_month, show_month
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut, Sum, read_sums
from ledger.journal.history import times_of
from ledger.rules.terms import terms_of

ASKED: Final = tuple(method.value for method in Method if method is not Method.OBSERVED)
"""Methods that may be asked for; nothing is observed because somebody asks for it."""

MATURE_AFTER: Final = 12
MAX_MONTHS: Final = 120
HINDSIGHT_MONTHS: Final = 12
"""At the ends of so many earlier months a method is asked what it would have said."""

_NAMES: Final = {"issued": "issued", "clawed": "clawed_back", "redeemed": "redeemed"}
_GONE: Final = frozenset({Account.EXPIRED, Account.FORFEITED})
_ESTIMATE_COLUMNS: Final = (
    "cohort",
    "issued",
    "redeemed",
    "expired",
    "method",
    "expected_redemption",
    "low",
    "high",
    "expected_points",
    "cross_check",
    "in_force",
    "in_force_version",
    "why",
    "flags",
)
_OUTCOME_COLUMNS: Final = (
    "source",
    "cohort",
    "made_at",
    "expected_redemption",
    "actual_redeemed",
    "ratio",
    "error",
    "is_final",
    "is_possible",
)


def breakage_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    as_of: datetime | None = None,
    known_as_of: datetime | None = None,
    method: str | None = None,
    mature_after: int = MATURE_AFTER,
) -> Report:
    """The report as JSON and as CSV. ``method`` is one of ``Method`` but ``observed``, or the default rule's.

    ``difference`` is what the points left of the cohorts lack to be those in lots by the trial balance.
    """
    times = times_of(as_of, known_as_of, now)
    cut = Cut(*times)
    through = local_date(times.as_of, program.timezone)
    if times.as_of == start_of_day(through, program.timezone):
        # A midnight ends the day before.
        through -= timedelta(days=1)
    sums = read_sums(connection, program, "cohort", cut, monthly=True)
    triangle = triangle_of(_rows(sums), through)
    assumptions = Assumptions(
        mature_after=mature_after,
        last_redemption_age=last_redemption_age(known_terms(program, times.known_as_of), through),
    )
    chosen = Method(method) if method else None
    found = estimate(triangle, chosen, assumptions)
    register = read_estimates(connection, program, times.known_as_of)
    ends = [end for end in _month_ends(through) if end < through]
    past = hindsight(triangle, ends, chosen, assumptions)
    tested = backtest(_registered(register, triangle), triangle, assumptions.last_redemption_age)
    in_hindsight = backtest(past, triangle, assumptions.last_redemption_age)
    issued, expected = sum(each.issued for each in found), sum(each.expected_points for each in found)
    body: dict[str, Any] = {
        "as_of": show(times.as_of),
        "known_as_of": show(times.known_as_of),
        "through": through.isoformat(),
        "mature_after": mature_after,
        "last_redemption_age": assumptions.last_redemption_age,
        "issued": issued,
        "redeemed": sum(each.redeemed for each in found),
        "expired": sum(each.expired for each in found),
        "expected_points": expected,
        "breakage_points": issued - expected,
        "estimates": [_shown(each, register, through) for each in found],
        "triangle": list(_cells(triangle)),
        "backtest": [
            *_outcomes("register", tested.outcomes),
            *_outcomes("hindsight", in_hindsight.outcomes),
        ],
        "bias": {
            "register": plain(tested.bias),
            "hindsight": plain(in_hindsight.bias),
        },
        "difference": _left(triangle) - _in_lots(connection, program, cut),
    }
    return Report(
        body,
        Table("estimates", _ESTIMATE_COLUMNS, body["estimates"]),
        Table("triangle", ("cohort", "age", "redeemed", "expired"), body["triangle"]),
        Table("backtest", _OUTCOME_COLUMNS, body["backtest"]),
    )


def last_redemption_age(program: Program, through: date) -> int | None:
    """The age in months after which the terms in force let nothing be redeemed; None where points may live on."""
    terms = terms_of(program)
    earned = start_of_day(next_month(through.replace(day=1)), program.timezone) - timedelta(microseconds=1)
    ends = terms.points_expiry.expires_at(earned + timedelta(days=terms.pending_days), program.timezone)
    if ends is None or terms.points_expiry.is_rolling:
        return None
    return months_between(through, local_date(ends - timedelta(microseconds=1), program.timezone))


def _rows(sums: Iterable[Sum]) -> Iterator[Row]:
    for row in sums:
        assert row.month is not None
        if not row.key:
            continue
        cohort = read_month(row.key.split("/")[0])
        # A return that came late may have taken points that were issued only after it.
        month = max(row.month, cohort)
        for name, sign in POINTS_MOVED.get((row.debit, row.credit), ()):
            yield cohort, month, _NAMES[name], sign * row.amount
        if row.credit in _GONE and row.debit in POINT_LOT_ACCOUNTS:
            yield cohort, month, "expired", row.amount
        elif row.debit in _GONE and row.credit in POINT_LOT_ACCOUNTS:
            yield cohort, month, "expired", -row.amount


def _registered(register: Sequence[Estimate], triangle: Triangle) -> Iterator[Earlier]:
    """Every version of the register, for each cohort that it was of when it was made."""
    for version in register:
        for cohort in triangle.cohorts:
            is_of = version.cohort == cohort.month or version.cohort is None
            if is_of and cohort.month <= version.applies_from:
                end = next_month(version.applies_from) - timedelta(days=1)
                yield Earlier(cohort.month, end, version.expected_redemption)


def _month_ends(through: date) -> list[date]:
    ends, month = [], through.replace(day=1)
    for _ in range(HINDSIGHT_MONTHS):
        ends.append(month - timedelta(days=1))
        month = previous_month(month)
    return ends[::-1]


def _shown(each: CohortEstimate, register: Sequence[Estimate], through: date) -> dict[str, Any]:
    in_force = estimate_for(register, each.cohort, through.replace(day=1))
    return {
        "cohort": show_month(each.cohort),
        "issued": each.issued,
        "redeemed": each.redeemed,
        "expired": each.expired,
        "method": each.method.value,
        "expected_redemption": f"{each.expected_redemption:f}",
        "low": f"{each.low:f}",
        "high": f"{each.high:f}",
        "expected_points": each.expected_points,
        "cross_check": None if each.cross_check is None else f"{each.cross_check:f}",
        "in_force": in_force and plain(in_force.expected_redemption),
        "in_force_version": in_force and in_force.version,
        "why": each.why,
        "flags": " ".join(each.flags),
    }


def _cells(triangle: Triangle) -> Iterator[dict[str, Any]]:
    for cohort in triangle.cohorts:
        for age, (redeemed, expired) in enumerate(zip(cohort.redeemed, cohort.expired, strict=True)):
            yield {"cohort": show_month(cohort.month), "age": age, "redeemed": redeemed, "expired": expired}


def _outcomes(source: str, outcomes: Iterable[Outcome]) -> Iterator[dict[str, Any]]:
    for each in outcomes:
        yield {
            "source": source,
            "cohort": show_month(each.earlier.cohort),
            "made_at": each.earlier.made_at.isoformat(),
            "expected_redemption": plain(each.earlier.expected_redemption),
            "actual_redeemed": each.actual,
            "ratio": plain(each.ratio),
            "error": plain(each.error),
            "is_final": each.is_final,
            "is_possible": each.is_possible,
        }


def _left(triangle: Triangle) -> int:
    return sum(each.issued - each.redeemed_points - each.expired_points for each in triangle.cohorts)


def _in_lots(connection: Connection, program: Program, cut: Cut) -> int:
    """Points and held points of the trial balance."""
    return sum(row.into_lots for row in read_sums(connection, program, "all", cut))
