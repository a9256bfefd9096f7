"""The sweep: book, batch by batch, what the clock has already decided.

A batch is one unit of work: the next lots that are due, read in order of expiry from the index of open lots,
and one ``ExpireLots`` for each member they belong to. So a sweep costs what is due, however much is kept; one
that is killed leaves whole batches behind, and the next one goes on with what is still open.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, func, select, tuple_

from ledger.accounts.models import holders, holds, lots
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.db import Database
from ledger.expiry.commands import ExpireLots, JudgeTier, LapseHolds
from ledger.journal import Outcome, Request, post
from ledger.limits.reviews import tell_of_lapsed

BATCH_LOTS: Final = 1_000
"""Due lots of one unit of work: enough to share its fixed cost, few enough that nobody waits long."""


class AheadOfClockError(ValueError):
    """Expiry cannot be booked before the clock of the program has reached it."""


class Due(NamedTuple):
    """Lots of one member that are due at one instant."""

    expires_at: datetime
    holder_id: Any
    member_id: str
    lots: int


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep has booked so far. ``points`` and ``growth`` in whole units, ``tiers`` judged, ``holds`` lapsed."""

    program: str
    until: datetime
    batches: int = 0
    lots: int = 0
    points: int = 0
    growth: int = 0
    tiers: int = 0
    holds: int = 0


Progress = Callable[[SweepReport], object]


def sweep(
    database: Database,
    program: Program,
    until: datetime,
    *,
    now: datetime,
    batch_lots: int = BATCH_LOTS,
    progress: Progress | None = None,
) -> SweepReport:
    """Book every lapse and expiry and judge every tier that is due by ``until``; return when nothing is left due.

    Of reviews that have lapsed undecided, somebody is told.

    ``now`` is the program's present; an ``until`` beyond it raises AheadOfClockError. Each batch locks its
    members and commits on its own; ``progress`` is called after each with the report so far. May be killed
    and run again, or run twice at once: each lot expires once.
    """
    check_reached(program, until, now)
    book = partial(_book, program=program, until=until, now=now, limit=batch_lots)
    # The holds first: what comes back from them may be due itself.
    lapse = partial(_lapse, program=program, until=until, now=now, limit=batch_lots)
    report, after, is_new_pass = SweepReport(program.name, until), None, True
    while lapsed := database.run(lapse):
        report = replace(report, batches=report.batches + 1, holds=report.holds + lapsed)
        if progress is not None:
            progress(report)
    database.run(partial(tell_of_lapsed, program=program, now=now))
    while True:
        due, outcomes = database.run(partial(book, after=after))
        if not due and is_new_pass:
            return _judge_all(database, report, program, until, now, batch_lots, progress)
        if due:
            report = _added(report, outcomes)
            if progress is not None:
                progress(report)
        # Lots that fell due behind the last key are found by one more pass. Going on from it, instead of
        # from the start each time, spares every batch the index entries of all the batches before it.
        is_new_pass = sum(each.lots for each in due) < batch_lots
        after = None if is_new_pass else due[-1]


def check_reached(program: Program, until: datetime, now: datetime) -> None:
    """Refuse to book what the clock has not decided: raises AheadOfClockError."""
    if until > now:
        raise AheadOfClockError(
            f"the clock of {program.name} stands at {show(now)}; what ends by {show(until)} has not all ended"
        )


def select_due(program_id: int, until: datetime, limit: int, after: Due | None = None) -> Select[Any]:
    """The first ``limit`` lots due by ``until``, in order of expiry and after a key, by instant and member."""
    found = (
        select(lots.c.expires_at, lots.c.holder_id)
        .where(lots.c.program_id == program_id, lots.c.is_open, lots.c.expires_at <= until)
        .order_by(lots.c.expires_at, lots.c.holder_id)
        .limit(limit)
    )
    if after is not None:
        found = found.where(tuple_(lots.c.expires_at, lots.c.holder_id) > (after.expires_at, after.holder_id))
    due = found.subquery("due")
    # Looked up for each member that is found, and not joined: no plan can come to read every holder for it.
    member = select(holders.c.member_id).where(holders.c.holder_id == due.c.holder_id).scalar_subquery()
    return (
        select(due.c.expires_at, due.c.holder_id, member, func.count())
        .group_by(due.c.expires_at, due.c.holder_id)
        .order_by(due.c.expires_at, due.c.holder_id)
    )


def _book(
    connection: Connection, program: Program, until: datetime, now: datetime, limit: int, after: Due | None
) -> tuple[Sequence[Due], list[Outcome]]:
    # Read unlocked: what another posting closes meanwhile is not open any more once its member is locked.
    due = [Due(*row) for row in connection.execute(select_due(program.program_id, until, limit, after))]
    if not due:
        return due, []
    # Up to the last instant found, not up to ``until``: a member who has not been swept for years has many
    # more lots due, and they would all be booked in this one unit of work.
    reached = due[-1].expires_at
    members = dict.fromkeys(each.member_id for each in due)
    requests = [Request(ExpireLots(member, reached)) for member in members]
    return due, post(connection, program, requests, now=now)


def _judge_all(
    database: Database,
    report: SweepReport,
    program: Program,
    until: datetime,
    now: datetime,
    limit: int,
    progress: Progress | None,
) -> SweepReport:
    """Judge every tier whose period ends by ``until``, after the lots: what the clock took is in the books then."""
    judge = partial(_judge, program=program, until=until, now=now, limit=limit)
    # Each that is judged ends later, or not at all: so the first that are left are always others.
    while judged := database.run(judge):
        report = replace(report, batches=report.batches + 1, tiers=report.tiers + judged)
        if progress is not None:
            progress(report)
    return report


def _judge(connection: Connection, program: Program, until: datetime, now: datetime, limit: int) -> int:
    members = connection.execute(select_ended(program.program_id, until, limit)).scalars().all()
    if members:
        post(connection, program, [Request(JudgeTier(member, until)) for member in members], now=now)
    return len(members)


def _lapse(connection: Connection, program: Program, until: datetime, now: datetime, limit: int) -> int:
    due = connection.execute(select_lapsed(program.program_id, until, limit)).scalars().all()
    if due:
        members = dict.fromkeys(due)
        post(connection, program, [Request(LapseHolds(member)) for member in members], now=now)
    return len(due)


def select_lapsed(program_id: int, until: datetime, limit: int) -> Select[Any]:
    """The members of the first ``limit`` holds that are due by ``until``."""
    # Looked up for each hold that is found, as for lots.
    member = select(holders.c.member_id).where(holders.c.holder_id == holds.c.holder_id).scalar_subquery()
    return (
        select(member)
        .where(holds.c.program_id == program_id, holds.c.status == "open", holds.c.expires_at <= until)
        .order_by(holds.c.expires_at, holds.c.holder_id)
        .limit(limit)
    )


def select_ended(program_id: int, until: datetime, limit: int) -> Select[Any]:
    """The first ``limit`` members whose tier is to be judged by ``until``."""
    return (
        select(holders.c.member_id)
        .where(
            holders.c.program_id == program_id,
            holders.c.tier_ends_at <= until,
            # Of one who was merged, the survivor's tier is judged.
            holders.c.merged_into.is_(None),
        )
        .order_by(holders.c.tier_ends_at, holders.c.holder_id)
        .limit(limit)
    )


def _added(report: SweepReport, outcomes: Sequence[Outcome]) -> SweepReport:
    answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
    assert len(answers) == len(outcomes), "a refusal would leave its lots due, and the sweep without an end"
    return replace(
        report,
        batches=report.batches + 1,
        lots=report.lots + sum(answer["lots"] for answer in answers),
        points=report.points + sum(answer["points"] for answer in answers),
        growth=report.growth + sum(answer["growth"] for answer in answers),
    )
