"""Random histories of whose points somebody keeps the books: policies and estimates come and go between the events."""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import Connection

from ledger.access import ROLES, Principal
from ledger.access.approvals import approve
from ledger.errors import PolicyInUse
from ledger.finance.deferral.register import APPROVALS, propose_estimate, propose_policy
from ledger.finance.months import month_at, next_month, previous_month
from ledger.ids import show
from tests.finance.test_reports_of_any_history import PutRight
from tests.till import Till

STEPS_OF_A_CHAPTER = 15


def keep_books(till: Till, random: Random) -> None:
    """Estimate the months that there are, now and then anew; sometimes another policy from the next month on."""
    present = month_at(till.program, till.now)
    for cohort in random.sample((None, present, previous_month(present)), k=2):
        share = Decimal(random.randrange(20, 101)) / 100
        applies_from = random.choice((present, present, previous_month(present), next_month(present)))
        wanted = {"cohort": cohort, "expected_redemption": share, "applies_from": applies_from}
        put(till, propose_estimate, {**wanted, "method": "judgement", "reason": "it may be"})
    if random.random() < 0.4:
        put(
            till, propose_policy, {**some_policy(random), "applies_from": next_month(present), "reason": "so"}
        )


def some_policy(random: Random) -> dict[str, Any]:
    """Any policy that there may be."""
    method = random.choice(
        (
            "deferral_relative_ssp",
            "deferral_relative_ssp",
            "deferral_residual_fv",
            "cost_provision",
            "agent_net",
        )
    )
    wanted = {
        "method": method,
        "unit_value": random.choice((None, Decimal("0.01"), Decimal("0.037"))),
        "unit_cost": random.choice((None, Decimal("0.004"))),
        "share_decimals": random.choice((None, None, 2, 4)),
        "tax_rate": random.choice((Decimal(0), Decimal("0.13"), Decimal("0.06"))),
        "settlement_price": Decimal("0.006") if method == "agent_net" else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def put(till: Till, propose: Any, wanted: Mapping[str, Any]) -> None:
    """Let one key propose it and another approve it; what is refused is refused."""
    maker, checker = (Principal(key, till.program, "admin", ROLES["admin"]) for key in ("maker", "checker"))

    def work(connection: Connection) -> None:
        made = propose(connection, till.program, wanted, by=maker, now=till.now)
        approve(connection, till.program, APPROVALS, show("apr", made.approval_id), by=checker, now=till.now)

    # A month may have been measured already.
    with suppress(PolicyInUse):
        till.database.run(work)


def live(till: Till, seed: int, chapters: int) -> PutRight:
    """A random history of so many chapters, between which somebody keeps the books."""
    random = Random(seed)
    put(
        till,
        propose_policy,
        {**some_policy(random), "applies_from": month_at(till.program, till.now), "reason": "so"},
    )
    history = PutRight(till, Random(seed))
    go_on(history, random, chapters)
    return history


def go_on(history: PutRight, random: Random, chapters: int) -> None:
    for _ in range(chapters):
        history.run(STEPS_OF_A_CHAPTER)
        keep_books(history.till, random)
