"""What the deferral book is made from, read as of two times: facts of every cohort, step by step; policies; estimates.

A step is a stretch of an accounting month during which the bid stood still. Points are sorted by the accounts between
which they moved (``POINTS_MOVED``), prices by the measures of the contracts.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.accounts.chart import Account
from ledger.accounts.models import deferral_policies, rates
from ledger.accounts.program import Program, RateVersion
from ledger.finance.deferral.book import CohortKey, Facts, Step
from ledger.finance.deferral.policy import Estimate, Policy
from ledger.finance.models import estimates
from ledger.finance.months import month_at, months_between, read_month
from ledger.finance.totals.reading import Cut, Sum, read_contracts, read_sums
from ledger.fx.rates import rate_at
from ledger.money import exponent

POINTS_MOVED: Final[dict[tuple[Account, Account], tuple[tuple[str, int], ...]]] = {
    (Account.ISSUED, Account.POINTS): (("issued", 1),),
    (Account.ADJUSTED, Account.POINTS): (("issued", 1),),
    (Account.POINTS, Account.ISSUED): (("clawed", 1),),
    (Account.POINTS, Account.ADJUSTED): (("clawed", 1),),
    (Account.POINTS, Account.REDEEMED): (("redeemed", 1),),
    (Account.HELD, Account.REDEEMED): (("redeemed", 1),),
    (Account.REDEEMED, Account.POINTS): (("redeemed", -1),),
    # Owed, because the points of the cohort were spent before they were taken back: their redemption is a debt's now,
    # until other points repay it, which are redeemed by that. Unless the member buys them.
    (Account.DEBT, Account.ISSUED): (("clawed", 1), ("redeemed", -1)),
    (Account.DEBT, Account.ADJUSTED): (("clawed", 1), ("redeemed", -1)),
    (Account.ISSUED, Account.DEBT): (("clawed", -1), ("redeemed", 1)),
    (Account.POINTS, Account.DEBT): (("redeemed", 1),),
}
"""Which of a cohort's facts a movement of its points is, and with which sign. Others only change what is left.

Whatever happens, points issued less those clawed back, redeemed and gone are those in lots.
"""

MEASURES: Final = {
    "price": "price",
    "allocated": "allocated",
    "reversed": "reversed",
    "price_changed": "price_changed",
}


def read_policies(connection: Connection, program: Program, known_as_of: datetime) -> list[Policy]:
    """The versions of the policy that were known, in their order."""
    rows = connection.execute(
        select(*(deferral_policies.c[name] for name in Policy._fields))
        .where(
            deferral_policies.c.program_id == program.program_id,
            (deferral_policies.c.recorded_at <= known_as_of) | (deferral_policies.c.version == 1),
        )
        .order_by(deferral_policies.c.version)
    )
    return [Policy(*row) for row in rows]


def read_estimates(connection: Connection, program: Program, known_as_of: datetime) -> list[Estimate]:
    """The estimates that were known, in the order of their versions."""
    rows = connection.execute(
        select(*(estimates.c[name] for name in Estimate._fields))
        .where(estimates.c.program_id == program.program_id, estimates.c.recorded_at <= known_as_of)
        .order_by(estimates.c.version)
    )
    return [Estimate(*row)._replace(estimate_id=row.estimate_id.bytes) for row in rows]


class Change(NamedTuple):
    """The bid, in major units for a point, from a moment on."""

    at: datetime
    bid: Decimal
    made: UUID


def read_changes(connection: Connection, program: Program, cut: Cut) -> list[Change]:
    """The changes of the bid up to a cut, as far as they were known, in order."""
    known = (rates.c.recorded_at <= cut.known_as_of) | (rates.c.version == 1)
    rows = connection.execute(
        select(rates.c.valid_from, rates.c.bid, rates.c.rate_id)
        .where(rates.c.program_id == program.program_id, rates.c.valid_from <= cut.until, known)
        .order_by(rates.c.valid_from, rates.c.version)
    )
    return [Change(*row) for row in rows]


def read_steps(connection: Connection, program: Program, cut: Cut) -> list[Step]:
    """The steps up to a cut by booked months; none where nothing was ever issued."""
    changes = read_changes(connection, program, cut)
    at, made = [change.at for change in changes], [change.made for change in changes]
    facts = _sorted(read_sums(connection, program, "cohort", cut, monthly=True, steps=at, made=made))
    changed = [month_at(program, change.at) for change in changes]
    for row in read_contracts(connection, program, cut):
        if (name := MEASURES.get(row.measure)) is None:
            continue
        # Prices do not depend on the bid of the moment: the last step of the month will do.
        found = facts[row.month, bisect_right(changed, row.month)][CohortKey(row.cohort, "sale")]
        setattr(found, name, getattr(found, name) + row.amount)
    if not facts:
        return []
    last = max(month_at(program, cut.until), *(month for month, _ in facts))
    bids = [Fraction(0), *(Fraction(change.bid) * minor_of(program) for change in changes)]
    return list(_steps(facts, changed, bids, last))


def minor_of(program: Program) -> int:
    """Minor units of one major unit of the program's currency."""
    return int(10 ** exponent(program.currency))


def bid_at(rates: Sequence[RateVersion], at: datetime, minor: int) -> Fraction:
    """What a point is worth, in minor units."""
    rate = rate_at(rates, at)
    return Fraction(rate.bid if rate else Decimal(0)) * minor


_Found = defaultdict[tuple[date, int], defaultdict[CohortKey, Facts]]


def _sorted(sums: Iterable[Sum]) -> _Found:
    found: _Found = defaultdict(lambda: defaultdict(Facts))
    for row in sums:
        assert row.month is not None
        if not row.key:
            # What is redeemed beyond every lot is of no cohort, until a debt is repaid.
            continue
        month, pool = row.key.split("/")
        facts = found[row.month, row.step][CohortKey(read_month(month), pool)]
        facts.left += row.into_lots
        for name, sign in POINTS_MOVED.get((row.debit, row.credit), ()):
            setattr(facts, name, getattr(facts, name) + sign * row.amount)
    return found


def _steps(facts: _Found, changed: Sequence[date], bids: Sequence[Fraction], last: date) -> Iterable[Step]:
    """Every month's steps in order; a change of the bid begins one, whether or not anything happened then.

    ``changed`` are the months of the changes, ``bids`` what held before the first one and after each.
    """
    for month in months_between(min(month for month, _ in facts), last):
        for step in range(bisect_left(changed, month), bisect_right(changed, month) + 1):
            yield Step(month, bids[step], facts.get((month, step), {}))
