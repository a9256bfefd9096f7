"""The top-up: grant each region's share what it has come to, measured by the books.

What headquarters issued is counted on one snapshot: all points that were awarded for events of the period, less
those that a region's share paid for; nothing that is taken back later is deducted. It only grows, so what one
top-up found is never too much for a later one, and two of them at once do no harm. It is cautious: what headquarters
issues afterwards counts at the next top-up.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, func, literal_column, select

from ledger.accounts.chart import Account
from ledger.accounts.models import holders
from ledger.accounts.program import HEADQUARTERS, Program
from ledger.db import Database
from ledger.funds.commands import TopUpShare
from ledger.funds.share import Period, allowed, fund_of, period_of
from ledger.journal import Request, post
from ledger.journal.models import entries, postings
from ledger.rules.terms import RegionShare, terms_of

_IS_SHARE: Final = holders.c.member_id.like(literal_column("'fund/share:%'"))
_IS_FUND: Final = holders.c.member_id.like(literal_column("'fund/%'"))
_MOMENT: Final = timedelta(microseconds=1)


def top_up(database: Database, program: Program, now: datetime) -> list[dict[str, Any]]:
    """Grant every region with rules of its own its share of the present period and of the one before.

    Of the one before, because its last events may arrive late. Answers what each share came to; nothing where
    the terms know no share. Reads every entry of the program, outside of any lock; then posts in one unit of work.
    """
    share = terms_of(program).region_share
    if share is None:
        return []
    with database.read() as connection:
        commands = list(_commands(connection, program, share, now))
    requests = [Request(command) for command in commands]
    outcomes = database.run(lambda connection: post(connection, program, requests, now=now))
    return [_granted(outcome.answer) for outcome in outcomes]


def issued_by_headquarters(connection: Connection, program: Program, period: Period) -> int:
    """The points of all awards for events of the period, without those that a region's share paid for."""
    return _issued(connection, program, period) - _issued_by_regions(connection, program, period)


def _commands(
    connection: Connection, program: Program, share: RegionShare, now: datetime
) -> Iterator[TopUpShare]:
    regions = sorted({activation.owner for activation in program.rules.activations} - {HEADQUARTERS})
    if not regions:
        return
    present = period_of(now, share, program.timezone)
    for period in (period_of(present.begins_at - _MOMENT, share, program.timezone), present):
        issued = issued_by_headquarters(connection, program, period)
        for region in regions:
            yield TopUpShare(fund_of(region, period.key), allowed(share, issued), issued, share)


def _issued(connection: Connection, program: Program, period: Period) -> int:
    query = (
        select(func.coalesce(func.sum(postings.c.amount), 0))
        .join_from(postings, entries, _of_entry())
        .join(holders, holders.c.holder_id == entries.c.holder_id)
        .where(
            holders.c.program_id == program.program_id,
            postings.c.debit == Account.ISSUED,
            entries.c.effective_at >= period.begins_at,
            entries.c.effective_at < period.ends_at,
        )
    )
    # A sum of bigints is a numeric to PostgreSQL.
    return int(connection.execute(query).scalar_one())


def _issued_by_regions(connection: Connection, program: Program, period: Period) -> int:
    """By the time of the award, whatever period its share was of: the terms may have changed the periods."""
    award = entries.alias("award")
    query = (
        select(func.coalesce(func.sum(postings.c.amount), 0))
        .join_from(holders, entries, entries.c.holder_id == holders.c.holder_id)
        .join(postings, _of_entry())
        .join(award, award.c.entry_id == entries.c.parent_entry_id)
        .where(
            holders.c.program_id == program.program_id,
            _IS_FUND,
            _IS_SHARE,
            entries.c.kind == "fund_spend",
            award.c.effective_at >= period.begins_at,
            award.c.effective_at < period.ends_at,
        )
    )
    return int(connection.execute(query).scalar_one())


def _of_entry() -> Any:
    return and_(postings.c.entry_id == entries.c.entry_id, postings.c.holder_id == entries.c.holder_id)


def _granted(answer: dict[str, Any] | None) -> dict[str, Any]:
    # Nothing refuses it: the sum over a fund stays below what is counted exactly.
    assert answer is not None
    return {name: answer[name] for name in ("fund", "issued", "allowed", "points")}
