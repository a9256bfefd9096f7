"""Grants and withdrawals by maker and checker: one key proposes, another approves, and the fund's entry is posted.

The entry is posted in the unit of work of the approval: a budget that is approved is there, and one that is there
was approved.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from ledger.access.approvals import Approval, Handler, propose, require_approval
from ledger.access.principals import Principal
from ledger.accounts.program import Program
from ledger.errors import FundReserved
from ledger.funds.commands import Authority, GrantFund, WithdrawFund
from ledger.funds.queries import read_fund
from ledger.funds.share import is_share
from ledger.ids import show as show_id
from ledger.journal import Request, post

GRANT: Final = "fund_grant"
WITHDRAWAL: Final = "fund_withdrawal"


def propose_change(
    connection: Connection,
    program: Program,
    kind: str,
    fund: str,
    change: Mapping[str, Any],
    *,
    by: Principal,
    now: datetime,
) -> dict[str, Any]:
    """Propose a grant or a withdrawal of ``points`` for a ``reason`` under a ``reference``; the proposal.

    Refuses a region's share, which no one but the ledger grants (``fund_reserved``), and a key that does not speak
    for headquarters (``other_region``): budgets are headquarters' to give. Refuses to withdraw from a fund that is
    not there (``fund_unknown``).
    """
    if is_share(fund):
        raise FundReserved(f"{fund} follows from what headquarters issues", fund=fund)
    if kind == WITHDRAWAL:
        read_fund(connection, program, fund)
    approval_id = propose(connection, program, kind, fund, {"fund": fund, **change}, by=by, now=now)
    return require_approval(connection, program, show_id("apr", approval_id)).shown()


def _carry_out(
    command: Callable[..., GrantFund | WithdrawFund],
    connection: Connection,
    program: Program,
    content: Mapping[str, Any],
    approval: Approval,
    now: datetime,
) -> dict[str, Any]:
    """Post what was approved. Refuses as the command does."""
    assert approval.decided_by is not None
    by = Authority(show_id("apr", approval.approval_id), approval.proposed_by, approval.decided_by)
    (outcome,) = post(connection, program, [Request(command(**content, by=by))], now=now)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.answer is not None
    return {name: outcome.answer[name] for name in ("entry_id", "fund", "points", "reference", "available")}


APPROVALS: Final[dict[str, Handler]] = {
    GRANT: partial(_carry_out, GrantFund),
    WITHDRAWAL: partial(_carry_out, WithdrawFund),
}
"""What carries out an approved proposal, by its kind."""
