"""Programs whose regions have rules of their own, paid from a share of what headquarters issues."""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert

from ledger.accounts.models import rule_activations, rule_sets
from ledger.accounts.programs import find_program, touch
from ledger.db import Database
from ledger.funds.commands import Authority
from ledger.funds.share import fund_of
from ledger.journal import Outcome
from ledger.journal.commands import Command
from ledger.rules.commands import Earning
from tests.till import Till

BY = Authority("apr_1", "maker", "checker")


def region_share(of: str = "headquarters", period: str = "month", percent: int = 20) -> dict[str, Any]:
    """Terms with a share."""
    return {"region_share": {"percent": percent, "of": of, "period": period}}


def with_regions(till: Till, *regions: str) -> Till:
    """Put a rule set without rules in force for each region; the till then sees the program as it is."""

    def begin(connection: Connection) -> None:
        for region in regions:
            put_in_force(connection, till.program.program_id, region, till.now)
        touch(connection, till.program.program_id)

    till.database.run(begin)
    return refreshed(till)


def put_in_force(connection: Connection, program_id: int, region: str, now: datetime) -> None:
    of = {"program_id": program_id, "owner": region, "version": 1, "recorded_at": now}
    made = {"content": {"rules": []}, "content_hash": sha256(region.encode()).digest(), "made_by": "maker"}
    connection.execute(insert(rule_sets).values(**of, **made))
    activated = {"active_from": now, "activated_by": "checker"}
    connection.execute(insert(rule_activations).values(**of, **activated))


def refreshed(till: Till, database: Database | None = None) -> Till:
    """The same till, with the program as the database has it now."""
    with till.reading() as connection:
        program = find_program(connection, till.program.name)
    assert program is not None
    return replace(till, program=program, database=database or till.database)


def paid_by_share(
    till: Till, points: int, key: str = "2026-01", region: str = "east", member: str = "m-9"
) -> Command:
    """An award that a region's share pays for, as its rules would."""
    reference = f"s-{next(till.numbers)}"
    return Earning(member, points, "of the region", reference, fund=fund_of(region, key))


def code_of(outcome: Outcome) -> str | None:
    return outcome.error.code if outcome.error else None
