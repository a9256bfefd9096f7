"""Closing accounting months, and opening the last one again.

A close has two steps. The *soft close* ends what tills and members can still post into the month; finance then decides
what is left to decide. The *lock* freezes the month: its pack is worked out, hashed together with the hash of the
month before, and kept. To open the last closed month again, one key proposes it and another approves.

Whoever closes reads the clock under the lock of ``lock_periods``: then everything that was recorded before is known.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from ledger.access.approvals import (
    PENDING,
    Approval,
    Handler,
    approvals_of,
    propose,
    require_approval,
)
from ledger.access.principals import Principal
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import Overloaded, PackUnknown, PeriodOutOfTurn
from ledger.finance.checkpoints.making import make_checkpoint
from ledger.finance.checkpoints.signing import Signer
from ledger.finance.months import month_at, previous_month, read_month, show_month
from ledger.finance.periods.events import add_event, lock_periods, read_events, read_pack
from ledger.finance.periods.pack import encoded, frozen
from ledger.finance.periods.states import (
    LOCKED,
    OPEN,
    SOFT_CLOSED,
    PeriodEvent,
    first_open,
    status_of,
)
from ledger.finance.totals.refresh import SETTLED_AFTER
from ledger.ids import made_at, new_entry_id
from ledger.ids import show as show_id
from ledger.journal.asking import driver_of

REOPENING: Final = "period_reopening"
"""The kind of the proposals that open a month again."""

_READS_AFTER: Final = timedelta(seconds=10)
"""A transaction that has written nothing for so long only reads."""

_CLOCKS_APART: Final = timedelta(seconds=1)
"""How far the database's clock may be from the one that ids are given by."""

# Whether a posting that began before is under way, and whether sessions like this one are hidden from the role that it
# has taken on.
_UNDER_WAY: Final = """
SELECT coalesce(bool_or(backend_type = 'client backend' AND xact_start <= %(closed_at)s
                        AND (backend_xid IS NOT NULL OR xact_start > %(closed_at)s - %(reads_after)s)), false),
       coalesce(bool_or(usename = session_user AND query = '<insufficient privilege>'), false)
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def soft_close(
    connection: Connection, program: Program, period: date, *, by: Principal, now: datetime
) -> dict[str, Any]:
    """End what is posted into a month. Locks the program's row.

    Refuses a month that is not the first open one, or that has not ended, and any while another is soft-closed and
    not locked (``period_out_of_turn``). Before the first close of all, any month that has ended will do; the ones
    before it are closed with it.
    """
    by.require_region(None)
    lock_periods(connection, program)
    events = read_events(connection, program)
    waiting = bool(events) and events[-1].status == SOFT_CLOSED
    due = events[-1].period if waiting else first_open(events) or period
    if waiting or period != due or month_at(program, now) <= period:
        raise _out_of_turn(events, period, due)
    add_event(connection, program, period, SOFT_CLOSED, now, by.key_id)
    return show_period(connection, program, period)


def lock(
    connection: Connection,
    program: Program,
    period: date,
    *,
    by: Principal,
    now: datetime,
    signer: Signer | None,
) -> dict[str, Any]:
    """Freeze a month that is soft-closed. Locks the program's row.

    Refuses any other (``period_out_of_turn``). While a posting that began before the soft close is under way, it may
    yet fall into the month: ``overloaded``, to be tried again. Makes a checkpoint where there is a key to sign it.
    """
    by.require_region(None)
    lock_periods(connection, program)
    events = read_events(connection, program)
    if status_of(events, period) != SOFT_CLOSED:
        raise _out_of_turn(events, period, events[-1].period if events else period)
    _require_quiet(connection, events[-1])
    before = read_pack(connection, program, previous_month(period))
    checkpoint = make_checkpoint(connection, program, signer, now) if signer else None
    pack = frozen(connection, program, period, now, orjson.loads(before[0]) if before else None) | {
        "previous_pack_hash": before[1].hex() if before else None,
        "checkpoint": checkpoint.shown() if checkpoint else None,
        "closed_by": by.key_id,
    }
    text, digest = encoded(pack)
    add_event(connection, program, period, LOCKED, now, by.key_id, pack=text, pack_hash=digest)
    return show_period(connection, program, period)


def propose_reopening(
    connection: Connection, program: Program, period: date, reason: str, *, by: Principal, now: datetime
) -> Approval:
    """The proposal to open a month again; the one that waits, where one does. Refuses as ``reopen`` does."""
    by.require_region(None)
    lock_periods(connection, program)
    _require_last_closed(read_events(connection, program), period)
    for waiting in approvals_of(connection, program, REOPENING, show_month(period)):
        if waiting.status == PENDING and waiting.proposed_by == by.key_id:
            return waiting
    content = {"period": show_month(period), "reason": reason}
    made = propose(connection, program, REOPENING, show_month(period), content, by=by, now=now)
    return require_approval(connection, program, show_id("apr", made))


def reopen(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Open the month that was approved. Its packs stay; what is posted now may fall into it again.

    Refuses a month that is not the last closed one (``period_out_of_turn``). Locks the program's row.
    """
    lock_periods(connection, program)
    period = read_month(content["period"])
    _require_last_closed(read_events(connection, program), period)
    add_event(
        connection,
        program,
        period,
        OPEN,
        now,
        approval.proposed_by,
        approved_by=approval.decided_by,
        reason=content["reason"],
    )
    return show_period(connection, program, period)


def show_period(connection: Connection, program: Program, period: date) -> dict[str, Any]:
    """A month, what has become of it, and the hash of what its last close froze."""
    events = read_events(connection, program)
    own = [each for each in events if each.period == period]
    packs = [each for each in own if each.pack_hash]
    return {
        "period": show_month(period),
        "status": status_of(events, period),
        "pack_hash": packs[-1].pack_hash.hex() if packs and packs[-1].pack_hash else None,
        "events": [_event(each) for each in own],
    }


def list_periods(connection: Connection, program: Program) -> list[dict[str, Any]]:
    """Every month that anything was done to, newest first."""
    found = {each.period for each in read_events(connection, program)}
    return [show_period(connection, program, period) for period in sorted(found, reverse=True)]


def require_pack(connection: Connection, program: Program, period: date) -> str:
    """The text of the pack of a month's last lock, or ``pack_unknown``."""
    found = read_pack(connection, program, period)
    if found is None:
        raise PackUnknown(f"{show_month(period)} was never locked", period=show_month(period))
    return found[0]


def _event(event: PeriodEvent) -> dict[str, Any]:
    return {
        "status": event.status,
        "recorded_at": show(event.recorded_at),
        "changed_by": event.changed_by,
        "approved_by": event.approved_by,
        "reason": event.reason,
        "pack_hash": event.pack_hash.hex() if event.pack_hash else None,
    }


def _require_quiet(connection: Connection, soft_closed: PeriodEvent) -> None:
    """Refuse while a posting may be under way that began before the soft close.

    Where the login takes on the application's role, its other sessions are hidden from it: then whatever they did must
    have had time to end.
    """
    closed_at = made_at(soft_closed.event_id)
    values = {"closed_at": closed_at + _CLOCKS_APART, "reads_after": _READS_AFTER}
    row = driver_of(connection).execute(_UNDER_WAY, values).fetchone()
    assert row is not None
    is_under_way, is_blind = row
    if is_under_way:
        raise Overloaded("postings that began before the soft close are still under way")
    if is_blind and made_at(new_entry_id()) < closed_at + SETTLED_AFTER:
        raise Overloaded("what was posted before the soft close may still be under way; wait two minutes")


def _require_last_closed(events: list[PeriodEvent], period: date) -> None:
    last = events[-1] if events else None
    due = last and (previous_month(last.period) if last.status == OPEN else last.period)
    if period != due:
        raise _out_of_turn(events, period, due)


def _out_of_turn(events: list[PeriodEvent], period: date, due: date | None) -> PeriodOutOfTurn:
    return PeriodOutOfTurn(
        f"{show_month(period)} is not the month whose turn it is, or has not ended",
        period=show_month(period),
        period_status=status_of(events, period),
        next=due and show_month(due),
    )


APPROVALS: Final[Mapping[str, Handler]] = {REOPENING: reopen}
"""What carries out the approved proposals of this register."""
