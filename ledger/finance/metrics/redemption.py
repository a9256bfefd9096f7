"""The redemption rate of a window by one of its definitions, read from the totals, with its band and its label."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection

from ledger.accounts.paging import refused
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.finance.metrics.definitions import (
    COHORT,
    NET,
    PARTICIPATION,
    PERIOD,
    Counts,
    Ratio,
    cohort_ratio,
    label,
    ratio_of,
)
from ledger.finance.metrics.participation import read_participation
from ledger.finance.months import TICK, month_at, show_month
from ledger.finance.roll_forward import BEGINNING, after, movements_of, outstanding_of, require_period
from ledger.finance.tables import Report
from ledger.finance.totals.reading import Cut, Sum, read_sums
from ledger.fx.band_settings import band_of
from ledger.journal.history import times_of


class Asked(NamedTuple):
    """Which rate is asked for: from the beginning and to the present, where they are left out."""

    start: datetime | None = None
    end: datetime | None = None
    definition: str = PERIOD
    basis: str = NET
    as_of: datetime | None = None
    """Up to when a cohort may have been redeemed: the present if left out, and never before the end."""
    known_as_of: datetime | None = None


def redemption_rate_report(connection: Connection, program: Program, now: datetime, **asked: Any) -> Report:
    """The rate as a report; ``asked`` are members of ``Asked``.

    The band is that of the terms as they were known. Whether the rate lies in it is told of its exact value.
    """
    wanted = Asked(**asked)
    window = _window_of(program, now, wanted)
    ratio = _ratio(connection, program, wanted, window)
    band = band_of(known_terms(program, window.known_as_of))
    return Report(
        {
            "definition": wanted.definition,
            "basis": wanted.basis,
            "window": {"from": show(window.start), "to": show(window.end)},
            "as_of": show(window.as_of),
            "known_as_of": show(window.known_as_of),
            "numerator": ratio.numerator,
            "denominator": round(ratio.denominator),
            "rate": ratio.shown,
            "band": {"low": f"{band.low:f}", "high": f"{band.high:f}"},
            "in_band": None
            if ratio.exact is None
            else Fraction(band.low) <= ratio.exact <= Fraction(band.high),
            "label": label(
                wanted.definition,
                wanted.basis,
                start=show(window.start),
                end=show(window.end),
                as_of=show(window.as_of),
                first=show_month(window.first),
                last=show_month(window.last),
            ),
        }
    )


class _Window(NamedTuple):
    start: datetime
    end: datetime
    as_of: datetime
    known_as_of: datetime
    first: date
    last: date


def _window_of(program: Program, now: datetime, asked: Asked) -> _Window:
    start, end = asked.start or BEGINNING, asked.end or now
    known = require_period(start, end, asked.known_as_of, now)
    as_of = times_of(asked.as_of, None, now).as_of
    if asked.definition != COHORT:
        as_of = end
    elif as_of < end:
        raise refused("as_of", "must not be before to")
    return _Window(start, end, as_of, known, *cohorts_of(program, start, end))


def _ratio(connection: Connection, program: Program, asked: Asked, window: _Window) -> Ratio:
    if asked.definition == COHORT:
        sums = read_sums(connection, program, "cohort", Cut(window.as_of, window.known_as_of))
        first, last = show_month(window.first), show_month(window.last)
        # A key is a month and a pool; what nobody can trace has none.
        return cohort_ratio(asked.basis, _pairs(each for each in sums if first <= each.key[:7] <= last))
    if asked.definition == PARTICIPATION:
        members = read_participation(connection, program, *window[:2], window.known_as_of, asked.basis == NET)
        return Ratio(members.redeeming, Fraction(members.active))
    counts = read_counts(connection, program, window.start, Cut(window.end, window.known_as_of))
    return ratio_of(asked.definition, asked.basis, counts)


def known_terms(program: Program, known_as_of: datetime) -> Program:
    """The program with the terms that were in force at that time, or with its first."""
    versions = program.rules.terms
    known = [version.terms for version in versions if version.recorded_at <= known_as_of]
    first = versions[0].terms if versions else program.terms
    return replace(program, terms=known[-1] if known else first)


def cohorts_of(program: Program, start: datetime, end: datetime) -> tuple[date, date]:
    """The first and the last of the calendar months that a window touches."""
    first = month_at(program, after(start))
    return first, max(first, month_at(program, end - TICK))


def read_counts(connection: Connection, program: Program, start: datetime, cut: Cut) -> Counts:
    """What moved in a window that begins just after ``start``, and what was outstanding at both ends."""
    sums = read_sums(connection, program, "all", cut, steps=(after(start),))
    moved = movements_of(_pairs(each for each in sums if each.step > 0))
    return Counts(
        moved.issued,
        moved.clawed_back,
        moved.redeemed,
        moved.redemption_refunds,
        moved.expired,
        outstanding_of(_pairs(each for each in sums if each.step == 0)),
        outstanding_of(_pairs(sums)),
    )


def _pairs(sums: Iterable[Sum]) -> list[tuple[Any, Any, int]]:
    return [(each.debit, each.credit, each.amount) for each in sums]
