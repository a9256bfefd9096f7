"""Programs whose regions have rules of their own, paid from a share of what headquarters issues."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.access.approvals import approve
from ledger.access.principals import Principal
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.funds.commands import Authority
from ledger.funds.share import fund_of
from ledger.ids import show as show_id
from ledger.journal import Outcome
from ledger.journal.commands import Command
from ledger.rules.commands import Earning
from ledger.rules.register import KIND, activate_approved, propose_activation, save
from tests.rulesets import RuleForm, fixed
from tests.till import Till

BY = Authority("apr_1", "maker", "checker")


def region_share(of: str = "headquarters", period: str = "month", percent: int = 20) -> dict[str, Any]:
    """Terms with a share."""
    return {"region_share": {"percent": percent, "of": of, "period": period}}


def with_regions(till: Till, *regions: str) -> Till:
    """Give each region a rule of its own, for purchases there; the till then sees the program as it is."""
    for region in regions:
        till = with_rules(till, region, fixed(f"{region}:welcome", 1))
    return till


def with_rules(till: Till, owner: str, *rules: RuleForm, **rest: Any) -> Till:
    """Put rules of an owner in force, by two keys; the till then sees the program as it is."""
    content = {"rules": list(rules), **rest}
    till.database.run(lambda connection: put_in_force(connection, till.program, owner, content, till.now))
    return refreshed(till)


def put_in_force(
    connection: Connection, program: Program, owner: str, content: dict[str, Any], now: datetime
) -> None:
    """Version 1 of an owner's rules: saved, proposed and approved."""
    maker, checker = (Principal(key_id, program, "admin", frozenset()) for key_id in ("maker", "checker"))
    save(connection, program, owner, content, by=maker, now=now)
    proposal = propose_activation(connection, program, owner, 1, None, by=maker, now=now)
    approval_id = show_id("apr", proposal.approval_id)
    approve(connection, program, {KIND: activate_approved}, approval_id, by=checker, now=now)


def refreshed(till: Till) -> Till:
    """The same till, with the program as the database has it now."""
    with till.reading() as connection:
        program = find_program(connection, till.program.name)
    assert program is not None
    return replace(till, program=program)


def paid_by_share(
    till: Till, points: int, key: str = "2026-01", region: str = "east", member: str = "m-9"
) -> Command:
    """An award that a region's share pays for, as its rules would."""
    reference = f"s-{next(till.numbers)}"
    return Earning(member, points, "of the region", reference, fund=fund_of(region, key))


def code_of(outcome: Outcome) -> str | None:
    return outcome.error.code if outcome.error else None
