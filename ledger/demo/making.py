"""The demo's program: made, and its rules and budget put in force as a retailer would, one key after another."""

from datetime import date, datetime
from itertools import count
from typing import Any, Final

from sqlalchemy import Connection

from ledger.access import Principal
from ledger.access.approvals import Handler, approve
from ledger.access.roles import ROLES
from ledger.accounts.program import HEADQUARTERS, Program
from ledger.accounts.programs import create_program, find_program
from ledger.clock import start_of_day
from ledger.db import Database
from ledger.demo.report import CURRENCY
from ledger.demo.rules import COFFEE_BUDGET, COFFEE_POINTS, RULE_SET, TIERS
from ledger.errors import ProgramExists
from ledger.funds import grants
from ledger.ids import show as show_id
from ledger.rules import register
from ledger.rules.terms import DEFAULT_TERMS

PROGRAM: Final = "demo"
TIMEZONE: Final = "America/New_York"
FIRST_DAY: Final = date(2017, 1, 1)
"""The households bought in the United States, in dollars, from this day on."""

TERMS: Final[dict[str, Any]] = {
    **DEFAULT_TERMS,
    # Short, so that points become available, end and are swept, and tiers are judged, many times within the year.
    "pending_days": 3,
    "points_expiry": {"kind": "end_of_month", "months": 3},
    "growth_expiry": {"kind": "fixed_days", "days": 180},
    "tiers": TIERS,
}

_HANDLERS: Final[dict[str, Handler]] = {**register.APPROVALS, **grants.APPROVALS}


def make_program(database: Database) -> Program:
    """A fresh test program: ``demo``, or the first of ``demo-2``, ``demo-3`` … that is not taken."""
    for name in (PROGRAM if number == 1 else f"{PROGRAM}-{number}" for number in count(1)):
        try:
            return database.run(lambda connection, name=name: _make(connection, name))  # type: ignore[misc]
        except ProgramExists:
            continue
    raise AssertionError("there is no end of names")


def _make(connection: Connection, name: str) -> Program:
    now = start_of_day(FIRST_DAY, TIMEZONE)
    program = create_program(
        connection,
        name,
        currency=CURRENCY,
        timezone=TIMEZONE,
        terms=TERMS,
        now=now,
        is_test=True,
        test_now=now,
    )
    maker, checker = (_principal(program, who) for who in ("operator", "approver"))
    rules, _ = register.save(connection, program, HEADQUARTERS, RULE_SET, by=maker, now=now)
    proposal = register.propose_activation(
        connection, program, HEADQUARTERS, rules.version, None, by=maker, now=now
    )
    _approve(connection, program, show_id("apr", proposal.approval_id), checker, now)
    grant = {"points": COFFEE_POINTS, "reason": "the coffee weeks of spring", "reference": "coffee-2017"}
    asked = grants.propose_change(connection, program, grants.GRANT, COFFEE_BUDGET, grant, by=maker, now=now)
    _approve(connection, program, asked["approval_id"], checker, now)
    ruled = find_program(connection, name)
    assert ruled is not None
    return ruled


def _approve(
    connection: Connection, program: Program, approval_id: str, checker: Principal, now: datetime
) -> None:
    approve(connection, program, _HANDLERS, approval_id, by=checker, now=now)


def _principal(program: Program, role: str) -> Principal:
    return Principal(f"demo-{role}", program, role, ROLES[role])
