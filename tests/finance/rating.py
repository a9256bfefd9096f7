"""Rates decided by two keys, and by the controller after three: versions that fit, one of them scheduled."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ledger.access import ROLES, Principal
from ledger.access.approvals import approve
from ledger.fx.band_switches import APPROVALS as AUTO_APPROVALS
from ledger.fx.band_switches import propose_auto
from ledger.fx.register import APPROVALS, BAND_CONTROLLER, propose_rate, record, successor
from ledger.ids import show
from ledger.rules.register import present_rules
from tests.till import Till


def decide_about_rates(till: Till) -> None:
    """Let a program have a rate from now, one that is scheduled, and one that the controller has recorded."""
    maker, first, second = (
        Principal(key, till.program, "admin", ROLES["admin"]) for key in ("maker", "first", "second")
    )
    handlers = {**APPROVALS, **AUTO_APPROVALS}

    def approved(connection: Connection, made: bytes, by: Principal) -> dict[str, Any]:
        return approve(connection, till.program, handlers, show("apr", made), by=by, now=till.now)[1]

    def work(connection: Connection) -> None:
        for rate, days in (("0.0110", 0), ("0.0115", 30)):
            begins = {"valid_from": till.now + timedelta(days=days)} if days else {}
            wanted = {"rate": Decimal(rate), "ask": Decimal("0.02"), "reason": "dearer", **begins}
            waiting = propose_rate(connection, till.program, wanted, by=maker, now=till.now)
            approved(connection, waiting.approval_id, first)
        waiting = propose_auto(connection, till.program, "trust", by=maker, now=till.now)
        asked = approved(connection, waiting.approval_id, first)["second_approval"]
        approve(connection, till.program, handlers, asked, by=second, now=till.now)
        later = till.now + timedelta(days=7)
        new = successor(till.program, present_rules(connection, till.program), Decimal("0.0112"), later)
        record(connection, till.program, new, "the band", BAND_CONTROLLER, "first+second")

    till.database.run(work)
