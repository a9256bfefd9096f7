"""What the books say after a replay, and whether it ties: the figures that the demo prints.

The movements come from the postings, as finance reads them; the balances from the members' rows and from the
lots, which nobody summed up from the postings. What is left between them is a difference, and must be 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select, text

from ledger.accounts.chart import Account, Unit
from ledger.accounts.models import holders, lots
from ledger.accounts.program import Program
from ledger.finance.roll_forward import Movements, movements_of
from ledger.finance.trial_balance import TrialBalance, read_trial_balance, select_pairs
from ledger.ids import FUND_PREFIX
from ledger.journal.history import Times
from ledger.journal.models import entries, postings

# What is left of a budget stands in the same column as a member's points.
_IS_MEMBER: Final = ~holders.c.member_id.startswith(FUND_PREFIX)


@dataclass(frozen=True, slots=True)
class Balances:
    """What the members have, summed over their rows. ``points`` and ``growth`` in whole units."""

    points: int
    held: int
    debt: int
    growth: int

    @property
    def outstanding(self) -> int:
        """What the program owes its members, less what they owe."""
        return self.points + self.held - self.debt


@dataclass(frozen=True, slots=True)
class Figures:
    """The books of one program in numbers."""

    entries: Mapping[str, int]
    """How many of each kind."""
    postings: int
    movements: Movements
    trial_balance: TrialBalance
    balances: Balances
    lots: Mapping[int, int]
    """What remains in the lots, by unit."""
    richest_member: str | None
    awarded: Mapping[tuple[str, str], int]
    """What each rule has given, by unit and rule."""
    tiers: Mapping[str, int]
    """How many members stand on each level."""

    @property
    def differences(self) -> dict[str, int]:
        """What does not tie, by name; sound books have only noughts."""
        shown = self.trial_balance.shown()["units"]
        balances, growth = self.balances, self.trial_balance.totals[Account.GROWTH]
        return {
            "roll-forward to balances": self.movements.net - balances.outstanding,
            "points in lots to balances": self.lots.get(Unit.POINT, 0) - balances.points,
            "growth in lots to balances": self.lots.get(Unit.GROWTH, 0) - balances.growth,
            "growth posted to balances": growth.balance - balances.growth,
            "trial balance": sum(abs(unit["total_debit"] - unit["total_credit"]) for unit in shown),
        }


def read_figures(connection: Connection, program: Program, now: datetime) -> Figures:
    """The figures of a program at ``now``, its present; reads all its postings."""
    times = Times(now, now)
    pairs = connection.execute(select_pairs(program, times)).all()
    return Figures(
        entries=_count_entries(connection, program),
        postings=_count_postings(connection, program),
        movements=movements_of((Account(row.debit), Account(row.credit), int(row.amount)) for row in pairs),
        trial_balance=read_trial_balance(connection, program, times),
        balances=_sum_balances(connection, program),
        lots=_sum_lots(connection, program),
        richest_member=_find_richest(connection, program),
        awarded=_sum_awards(connection, program),
        tiers=_count_tiers(connection, program),
    )


def _count_entries(connection: Connection, program: Program) -> dict[str, int]:
    rows = connection.execute(
        select(entries.c.kind, func.count().label("entries"))
        .join_from(entries, holders, holders.c.holder_id == entries.c.holder_id)
        .where(holders.c.program_id == program.program_id)
        .group_by(entries.c.kind)
        .order_by(entries.c.kind)
    )
    return {row.kind: row.entries for row in rows}


def _count_postings(connection: Connection, program: Program) -> int:
    return connection.execute(
        select(func.count())
        .join_from(postings, holders, holders.c.holder_id == postings.c.holder_id)
        .where(holders.c.program_id == program.program_id)
    ).scalar_one()


def _sum_balances(connection: Connection, program: Program) -> Balances:
    columns = (holders.c.points, holders.c.held, holders.c.debt, holders.c.growth)
    row = connection.execute(
        select(*(func.coalesce(func.sum(column), 0) for column in columns)).where(
            holders.c.program_id == program.program_id, _IS_MEMBER
        )
    ).one()
    # A sum of bigints is a numeric to PostgreSQL.
    return Balances(*map(int, row))


def _sum_lots(connection: Connection, program: Program) -> dict[int, int]:
    rows = connection.execute(
        select(lots.c.unit, func.sum(lots.c.remaining))
        .where(lots.c.program_id == program.program_id)
        .group_by(lots.c.unit)
    )
    return {unit: int(remaining) for unit, remaining in rows}


_AWARDS = text("""
SELECT award->>'unit' AS unit, award->>'rule' AS rule, sum((award->>'amount')::bigint)::bigint AS given
  FROM entries e JOIN holders h USING (holder_id) CROSS JOIN LATERAL json_array_elements(e.details->'awards') AS award
 WHERE h.program_id = :program AND e.kind IN ('earn', 'activity', 'referral')
 GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2
""")


def _sum_awards(connection: Connection, program: Program) -> dict[tuple[str, str], int]:
    rows = connection.execute(_AWARDS, {"program": program.program_id})
    return {(row.unit, row.rule): row.given for row in rows}


def _count_tiers(connection: Connection, program: Program) -> dict[str, int]:
    """Members by the tier that is booked; the last sweep has judged all that was due."""
    rows = connection.execute(
        select(holders.c.tier, func.count().label("members"))
        .where(holders.c.program_id == program.program_id, holders.c.tier.is_not(None))
        .group_by(holders.c.tier)
        .order_by(func.count().desc(), holders.c.tier)
    )
    return {row.tier: row.members for row in rows}


def _find_richest(connection: Connection, program: Program) -> str | None:
    """The member with the most points, the first by name among equals: one worth looking at."""
    return connection.execute(
        select(holders.c.member_id)
        .where(holders.c.program_id == program.program_id, _IS_MEMBER)
        .order_by(holders.c.points.desc(), holders.c.member_id)
        .limit(1)
    ).scalar_one_or_none()
