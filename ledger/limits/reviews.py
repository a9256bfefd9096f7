"""The queue of reviews: awards that are held, who has sent them and why they are held, and what was decided on them.

A review is known by its hold, and takes its id. All that is told of it stands in the entries; the rows of ``reviews``
let it be found, and keep whoever has sent an award from deciding on it.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, not_, or_, select

from ledger.access.principals import Principal
from ledger.accounts.holder import Verdict
from ledger.accounts.listing import newest_rows
from ledger.accounts.models import holders, holds, reviews
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.alerts.register import raise_alert
from ledger.clock import show
from ledger.errors import SelfReview
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal import Outcome, Request, post
from ledger.journal.commands import Alert, Command
from ledger.journal.models import alerts, entries, entry_texts
from ledger.limits.verdicts import VERDICTS, Judge, unknown

OPEN, LAPSED = "open", "lapsed"
STATUSES: Final = (OPEN, *VERDICTS, LAPSED)

_LIST = b"V"
_TOLD_AT_ONCE = 1_000

made, closing = entries.alias("made"), entries.alias("closing")


class Ruling(NamedTuple):
    """What is to be decided, and why in words."""

    decision: str
    reason: str


class Found(NamedTuple):
    """A review, as far as a decision on it must know it: nothing of this ever changes."""

    hold_id: bytes
    award_id: bytes
    undone_id: bytes
    opened_by: str
    region: str | None


def judge_review(
    connection: Connection,
    program: Program,
    review_id: str,
    ruling: Ruling,
    posting: Callable[[Command], Request],
    *,
    by: Principal,
    now: datetime,
    dry_run: bool = False,
) -> Outcome:
    """Decide on a review; the outcome that ``posting`` remembers under its key.

    Refuses one that is not there (``review_unknown``), another region's (``other_region``), and the key that has sent
    the award (``self_review``); else as ``Judge`` does. Locks the member, and whoever the award goes back with.
    """
    found = _require(connection, program, review_id)
    by.require_region(found.region)
    if found.opened_by == by.key_id:
        raise SelfReview(
            "the key that has sent the award may not decide on it",
            review_id=review_id,
            opened_by=found.opened_by,
        )
    verdict = Verdict(ruling.decision, by.key_id)
    command = Judge(review_id, found.hold_id, found.award_id, found.undone_id, verdict, ruling.reason)
    (outcome,) = post(connection, program, [posting(command)], now=now, dry_run=dry_run)
    return outcome


def read_review(connection: Connection, program: Program, review_id: str, now: datetime) -> dict[str, Any]:
    """A review as it stands by the clock, or ``review_unknown``."""
    return _shown(_row(connection, program, review_id), now)


def list_reviews(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    status: str | None = None,
    member_id: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The program's reviews, newest first; of one status or member where it is given (``member_unknown``)."""
    query = _select(program)
    if member_id is not None:
        query = query.where(reviews.c.holder_id == require_member(connection, program, member_id))
    if status in VERDICTS:
        query = query.where(reviews.c.decision == status)
    elif status is not None:
        is_due = _is_due(now)
        query = query.where(reviews.c.decision.is_(None), is_due if status == LAPSED else not_(is_due))
    rows, more = newest_rows(connection, query, reviews.c.hold_id, _LIST, limit=limit, cursor=cursor)
    return Page([_shown(row, now) for row in rows], more)


def tell_of_lapsed(connection: Connection, program: Program, now: datetime) -> int:
    """Raise an alert for each review on which nobody has decided in time; how many were not told of before."""
    told = select(alerts.c.subject).where(
        alerts.c.program_id == program.program_id, alerts.c.code == "review_lapsed"
    )
    known = set(connection.execute(told).scalars())
    query = _select(program).where(reviews.c.decision.is_(None), _is_due(now))
    rows = connection.execute(query.order_by(reviews.c.hold_id))
    lapsed = list(islice((row for row in rows if _id(row) not in known), _TOLD_AT_ONCE))
    for row in lapsed:
        details = {"review_id": _id(row), "member_id": row.member_id, "points": row.points}
        raise_alert(connection, program, Alert("review_lapsed", _id(row), details), now)
    return len(lapsed)


def _is_due(now: datetime) -> Any:
    return or_(holds.c.status == LAPSED, and_(holds.c.status == OPEN, holds.c.expires_at <= now))


def _require(connection: Connection, program: Program, review_id: str) -> Found:
    row = _row(connection, program, review_id)
    return Found(row.hold_id.bytes, row.entry_id.bytes, row.parent_entry_id.bytes, row.opened_by, row.region)


def _row(connection: Connection, program: Program, review_id: str) -> Row[Any]:
    key = read_id("hld", review_id)
    row = None
    if key is not None:
        query = _select(program).where(reviews.c.hold_id == UUID(bytes=key))
        row = connection.execute(query).one_or_none()
    if row is None:
        raise unknown(review_id)
    return row


def _select(program: Program) -> Select[Any]:
    words = (
        select(entry_texts.c.texts)
        .where(
            entry_texts.c.holder_id == holds.c.holder_id, entry_texts.c.entry_id == holds.c.closed_entry_id
        )
        .scalar_subquery()
    )
    return (
        select(
            reviews,
            holders.c.member_id,
            holds.c.points,
            holds.c.status,
            holds.c.expires_at,
            holds.c.closed_entry_id,
            made.c.recorded_at,
            made.c.parent_entry_id,
            made.c.region,
            made.c.details,
            closing.c.recorded_at.label("closed_at"),
            words.label("texts"),
        )
        .join_from(reviews, holds, _same(reviews, holds, holds.c.hold_id == reviews.c.hold_id))
        .join(holders, holders.c.holder_id == reviews.c.holder_id)
        .join(made, _same(reviews, made, made.c.entry_id == reviews.c.hold_id))
        .join(closing, _same(holds, closing, closing.c.entry_id == holds.c.closed_entry_id), isouter=True)
        .where(reviews.c.program_id == program.program_id)
    )


def _same(one: Any, other: Any, condition: Any) -> Any:
    return and_(one.c.holder_id == other.c.holder_id, condition)


def _id(row: Row[Any]) -> str:
    return show_id("hld", row.hold_id.bytes)


def _shown(row: Row[Any], now: datetime) -> dict[str, Any]:
    status = row.decision or (LAPSED if row.status == LAPSED or row.expires_at <= now else OPEN)
    is_decided = row.decision is not None
    return {
        "review_id": _id(row),
        "member_id": row.member_id,
        "entry_id": show_id("ent", row.entry_id.bytes),
        "points": row.points,
        "status": status,
        "why": row.details["review"]["why"],
        "opened_by": row.opened_by,
        "opened_at": show(row.recorded_at),
        "expires_at": show(row.expires_at),
        "decided_by": row.decided_by,
        "decided_at": show(row.closed_at) if is_decided else None,
        "reason": (row.texts or {}).get("reason") if is_decided else None,
    }
