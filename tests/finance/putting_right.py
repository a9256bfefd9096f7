"""Adjustments decided by two keys: added with and without a debt, taken, both taken back, and one rejected."""

from functools import partial
from typing import Any

from sqlalchemy import Connection

from ledger.access import ROLES, Principal
from ledger.access.approvals import approve
from ledger.journal import Request
from ledger.redemption.adjusting import APPROVALS, propose_adjustment, reject_adjustment
from ledger.redemption.adjustments import Wanted
from tests.till import Till


def put_right(till: Till) -> None:
    """Let two members' points be put right in every way there is."""
    purchase = till.buy("m-1", 10_000)
    till.redeem("m-1", 80)
    # It is owed what was spent: 80.
    till.give_back(purchase, 1, 10_000)
    adjust(till, "m-1", 100, "sorry-1")
    added = adjust(till, "m-1", 50)
    taken = adjust(till, "m-1", -60)
    till.reverse(taken)
    till.redeem("m-1", 30)
    till.reverse(added)
    till.award("m-2", 5)
    adjust(till, "m-2", -5)
    decided(till, Wanted("m-2", 7, "a mistake"), is_approved=False)


def adjust(till: Till, member: str, points: int, reference: str | None = None) -> dict[str, Any]:
    """An adjustment by one key, approved by another; what it answered."""
    return decided(till, Wanted(member, points, "a mistake", reference), is_approved=True)


def decided(till: Till, wanted: Wanted, *, is_approved: bool) -> dict[str, Any]:
    maker, checker = (Principal(key, till.program, "admin", ROLES["admin"]) for key in ("maker", "checker"))

    def work(connection: Connection) -> dict[str, Any]:
        how: dict[str, Any] = {"now": till.now}
        key = f"adjust-{next(till.numbers)}"
        posting = partial(Request, key=key, fingerprint=b"f" * 16, request_id="req")
        outcome = propose_adjustment(connection, till.program, wanted, posting, by=maker, **how)
        assert outcome.answer is not None
        made = outcome.answer["adjustment_id"]
        if not is_approved:
            return reject_adjustment(connection, till.program, made, "no", by=checker, **how)
        generic = made.replace("adj_", "apr_")
        return approve(connection, till.program, APPROVALS, generic, by=checker, **how)[1]

    return till.database.run(work)
