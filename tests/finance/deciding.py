"""Rules decided by two keys: versions, proposals, an approval, a rejection, a way back, a region's own."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.access import ROLES, Principal
from ledger.access.approvals import REJECTED, approve, decide
from ledger.ids import show
from ledger.rules.register import (
    APPROVALS,
    activate_again,
    propose_activation,
    save,
)
from tests.till import Till


def decide_about_rules(till: Till) -> None:
    """Let a program have two versions of its rules, of which the first is in force again, and a region's."""
    maker, checker = (Principal(key, till.program, "admin", ROLES["admin"]) for key in ("maker", "checker"))

    def drafted(connection: Connection, owner: str, amount: int) -> int:
        code = f"{owner}:a" if owner else "a"
        rate = {"kind": "per_amount", "per": 1, "amount": amount}
        content = {"rules": [{"code": code, "unit": "POINT", "rate": rate}]}
        return save(connection, till.program, owner, content, by=maker, now=till.now)[0].version

    def proposed(connection: Connection, owner: str, version: int, **when: Any) -> str:
        active_from = when.get("active_from")
        made = propose_activation(
            connection, till.program, owner, version, active_from, by=maker, now=till.now
        )
        return show("apr", made.approval_id)

    def work(connection: Connection) -> None:
        for owner, amount in (("", 100), ("", 50), ("east", 80)):
            version = drafted(connection, owner, amount)
            rejected = proposed(connection, owner, version, active_from=till.now + timedelta(days=9))
            decide(connection, till.program, rejected, REJECTED, by=checker, reason="too late", now=till.now)
            waiting = proposed(connection, owner, version)
            approve(connection, till.program, APPROVALS, waiting, by=checker, now=till.now)
        activate_again(connection, till.program, "", 1, None, "back", by=checker, now=till.now)
        drafted(connection, "", 25)

    till.database.run(work)
