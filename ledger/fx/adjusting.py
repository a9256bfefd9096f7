"""Automatic changes: the recommendation becomes a version, within floor, ceiling and step, at most once a week.

They were approved beforehand, by two keys, and every version names both. Whoever kills the controller ends that.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from ledger.access.approvals import APPROVED, approvals_of
from ledger.accounts.program import Program
from ledger.alerts.register import raise_alert
from ledger.clock import local_date
from ledger.fx.band import recommend
from ledger.fx.band_switches import AUTO, SECOND, approvers, is_auto
from ledger.fx.rates import show_rate
from ledger.fx.reasoning import shown_share
from ledger.fx.recommendation import Books, read_weeks, situation_of
from ledger.fx.register import BAND_CONTROLLER, record, successor
from ledger.journal.commands import Alert
from ledger.rules.register import locked_rules, present_rules

_NOT_AUTO: Final = "not in auto mode"


def adjust(connection: Connection, program: Program, now: datetime) -> str:
    """Record what is recommended, where the program is in auto mode and nothing blocks; what came of it, in words.

    Raises the controller's alarms as alerts in any mode. Does nothing else in a week in which a rate has begun. Refuses
    what the register refuses of any version: a step too far from one that is scheduled (``rate_step_exceeded``). Locks
    the program's row.
    """
    # Before the lock: long books are read for long, and nobody else's rates and rules need wait for it.
    books = read_weeks(connection, program, now)
    _raise_alarms(connection, program, books, now)
    rules = locked_rules(connection, program)
    if not is_auto(program, rules):
        return _NOT_AUTO
    situation = situation_of(program, rules, books, now)
    said = recommend(situation)
    if said.blocked_by:
        return f"not changed: {', '.join(said.blocked_by)}"
    if said.bid == situation.rate.bid:
        return f"stays at {show_rate(said.bid)}"
    new = successor(program, rules, said.bid, now)
    made = record(
        connection,
        program,
        new,
        _reason(said.move.log_step > 0),
        BAND_CONTROLLER,
        _approved_by(connection, program),
    )
    return f"{show_rate(situation.rate.bid)} becomes {made['rate']}, version {made['version']}"


def _raise_alarms(connection: Connection, program: Program, books: Books, now: datetime) -> None:
    """One alert a week where the target cannot be reached, whether or not the controller may act."""
    situation = situation_of(program, present_rules(connection, program), books, now)
    said = recommend(situation)
    week = local_date(books.starts[-1], program.timezone).isoformat()
    told = {
        "bound": show_rate(situation.rate.bid),
        "share": shown_share(said.reading.share),
        "target": str(situation.settings.target),
    }
    for code in said.alarms:
        raise_alert(connection, program, Alert(code, week, told), now)


def _reason(is_rise: bool) -> str:
    way = "below" if is_rise else "above"
    return f"the band controller: the redemption rate is {way} its target"


def _approved_by(connection: Connection, program: Program) -> str:
    """The keys of the last approvals that turned ``auto`` on."""
    decided = [each for each in approvals_of(connection, program, SECOND, AUTO) if each.status == APPROVED]
    latest = max(decided, key=lambda each: (each.decided_at, each.approval_id))
    return approvers(latest)
