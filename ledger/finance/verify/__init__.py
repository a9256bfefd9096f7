"""``ledger verify``: every invariant of the books, computed anew from the rows alone.

Each check makes its own way from the stored rows to what must be true of them; none of them runs the code
that wrote the rows. They read one snapshot, so postings may go on meanwhile.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.finance.verify import (
    adjustments,
    awards,
    balances,
    budgets,
    chain,
    checkpoints,
    closes,
    decisions,
    events,
    holds,
    links,
    locks,
    merges,
    payments,
    quotes,
    rates,
    reviews,
    rolling,
    structure,
    texts,
    tiers,
    totals,
)
from ledger.finance.verify.findings import Fault, Finding
from ledger.finance.verify.reading import Check, Rows, by_walk

__all__ = ["CHECKS", "Fault", "Finding", "verify"]

CHAIN = by_walk(
    "chain",
    "each entry's hash covers its columns, its postings' and the hash before it",
    ("entries", "postings"),
    chain.broken_links,
)

CHECKS: tuple[Check, ...] = (
    *structure.CHECKS,
    CHAIN,
    *balances.CHECKS,
    *rolling.CHECKS,
    *holds.CHECKS,
    *quotes.CHECKS,
    *payments.CHECKS,
    *links.CHECKS,
    *events.CHECKS,
    *awards.CHECKS,
    *budgets.CHECKS,
    *tiers.CHECKS,
    *decisions.CHECKS,
    *adjustments.CHECKS,
    *locks.CHECKS,
    *merges.CHECKS,
    *reviews.CHECKS,
    *texts.CHECKS,
    *rates.CHECKS,
    *checkpoints.CHECKS,
    *totals.CHECKS,
    *closes.CHECKS,
)


def verify(
    connection: Connection, program: Program | None = None, checks: Sequence[Check] = CHECKS
) -> Iterator[Finding]:
    """The findings of the checks over all programs, or over one; a check that finds something ends nothing.

    The connection brings the snapshot: use ``Database.read``. Reads every row, and keeps few in memory.
    """
    rows = Rows(connection, program)
    rows.prepare()
    counts = rows.count()
    for check in checks:
        yield check.run(rows, counts)
