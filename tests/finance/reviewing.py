"""Awards that were held for review: one released, one rejected, one of which goods went back, and one that waits."""

from functools import partial
from typing import Any

from ledger.access import ROLES, Principal
from ledger.journal import Request, post
from ledger.journal.commands import Command
from ledger.limits.reviews import Ruling, judge_review, list_reviews
from ledger.rules.commands import Earning, Line, Purchase
from tests.till import Till

TERMS: dict[str, Any] = {
    "pending_days": 7,
    "limits": [
        {"of": "member", "operation": operation, "per": "operation", "points": 50, "hold": True}
        for operation in ("earning", "purchase")
    ],
}
"""What earns more than 50 points at once is held; what a sale has earned is yet to come."""


def review_awards(till: Till) -> None:
    """Let members be given more than is given at once, and another key look at most of it."""
    sold = Purchase("sale-1", "m-1", till.now, "CNY", (Line("1", 2, 10_000),))
    for command in (Earning("m-1", 60, "gift", "odd-1"), sold, Earning("m-2", 70, "gift", "odd-2")):
        send(till, command)
        # What is not suspicious is not held.
        till.award("m-1", 5)
    till.give_back({"purchase_id": "sale-1"}, 1, 4_000)
    waiting, bought, given = reviews(till)
    judge(till, given, "released")
    judge(till, bought, "rejected")
    assert [each["review_id"] for each in reviews(till)] == [waiting["review_id"]]


def send(till: Till, command: Command) -> None:
    request = Request(command, f"sent-{next(till.numbers)}", b"f" * 16, "req", "till")
    (outcome,) = till.database.run(lambda connection: post(connection, till.program, [request], now=till.now))
    assert outcome.error is None


def reviews(till: Till) -> list[dict[str, Any]]:
    """Those that wait, newest first."""
    with till.reading() as connection:
        return list(list_reviews(connection, till.program, till.now, status="open").items)


def judge(till: Till, review: dict[str, Any], decision: str) -> None:
    by = Principal("checker", till.program, "approver", ROLES["approver"])
    posting = partial(Request, key=f"judge-{next(till.numbers)}", fingerprint=b"f" * 16, request_id="req")
    ruling = Ruling(decision, "looked at")
    outcome = till.database.run(
        lambda connection: judge_review(
            connection, till.program, review["review_id"], ruling, posting, by=by, now=till.now
        )
    )
    assert outcome.error is None
