"""A kind of proposal for tests: carrying one out leaves a row, so that it can be counted how often it was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger import clock
from ledger.access import Principal, authenticate
from ledger.access.approvals import Approval, approve, propose
from ledger.accounts.models import rule_switches
from ledger.accounts.program import Program
from ledger.app import create_app
from ledger.db import Database
from ledger.errors import CurrencyMismatch
from ledger.ids import show
from tests.whole_service import SETTINGS, Tenant


def do(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Leave a row that names the deed; refuses the one that may not be done."""
    row = {
        "program_id": program.program_id,
        "kind": "rule",
        "code": content["deed"],
        "is_on": False,
        "reason": "done",
        "switched_by": approval.decided_by,
        "recorded_at": now,
    }
    connection.execute(insert(rule_switches).values(row))
    if content["deed"] == "never":
        raise CurrencyMismatch("this deed is never done", currency="EUR", expected="CNY")
    return {"done": content["deed"]}


@dataclass
class Office:
    """A program in an application that knows the deed; proposals are made as if by a route."""

    tenant: Tenant
    database: Database

    def principal(self, role: str) -> Principal:
        header = f"Bearer {self.tenant.keys[role]}"
        return self.database.run(lambda connection: authenticate(connection, header, clock.system_now()))

    def propose(self, deed: str = "dig", role: str = "operator", **more: Any) -> str:
        """The id of a proposal by the key of that role."""
        by, content = self.principal(role), {"deed": deed, **more}
        made = self.database.run(
            lambda connection: propose(
                connection, by.program, "deed", deed, content, by=by, now=clock.system_now()
            )
        )
        return show("apr", made)

    def approve_within(self, approval_id: str, role: str) -> None:
        """Approve as the route does, without the route."""
        by = self.principal(role)
        self.database.run(
            lambda connection: approve(
                connection, by.program, {"deed": do}, approval_id, by=by, now=clock.system_now()
            )
        )

    def done(self) -> int:
        """How many deeds have been done in the program."""
        query = select(func.count()).where(rule_switches.c.program_id == self.tenant.program.program_id)
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()

    def decide(self, approval_id: str, how: str = "approve", role: str = "approver", **arguments: Any) -> Any:
        return self.tenant.send("POST", f"/v1/approvals/{approval_id}/{how}", role=role, **arguments)

    def show(self, approval_id: str) -> dict[str, Any]:
        answer = self.tenant.send("GET", f"/v1/approvals/{approval_id}", role="readonly")
        assert answer.status_code == 200, answer.data
        shown: dict[str, Any] = answer.json
        return shown


def open_office(tenant: Tenant, database: Database) -> Office:
    """The program of a tenant, in an application of its own."""
    app = create_app(SETTINGS, database, approvals={"deed": do})
    return Office(replace(tenant, app=app), database)
