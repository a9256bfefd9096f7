"""Routes of funds: what they have, what changes them, and the top-up of the regions' shares."""

from typing import Any

from ledger import errors
from ledger.access.schemas import ApprovalSchema
from ledger.accounts.schemas import PageQuery, page_of
from ledger.funds.grants import GRANT, WITHDRAWAL, propose_change
from ledger.funds.queries import list_funds, read_fund, read_fund_entries
from ledger.funds.schemas import (
    FundChangeSchema,
    FundEntriesQuery,
    FundEntrySchema,
    FundQuery,
    FundSchema,
    TopUpSchema,
)
from ledger.funds.top_up import top_up
from ledger.http.endpoint import Routes
from ledger.http.services import Call

routes = Routes("Budgets", "Funds in the books that pay for awards, and never fall below nothing.")


@routes.get("/v1/funds", scope="read", schema=PageQuery, answer=page_of(FundSchema))
def list_budgets(call: Call, **page: Any) -> dict[str, Any]:
    """List the funds.

    By code, the shares of regions among them: `share:`, the region, and the period.
    """
    with call.database.read() as connection:
        return list_funds(connection, call.program, **page).shown()


@routes.get(
    "/v1/funds/<fund>", scope="read", schema=FundQuery, answer=FundSchema, refusals=(errors.FundUnknown,)
)
def show_fund(call: Call, fund: str) -> dict[str, Any]:
    """Show a fund."""
    with call.database.read() as connection:
        return read_fund(connection, call.program, fund)


@routes.get(
    "/v1/funds/<fund>/entries",
    scope="read",
    schema=FundEntriesQuery,
    answer=page_of(FundEntrySchema),
    refusals=(errors.FundUnknown,),
)
def list_fund_entries(call: Call, fund: str, **page: Any) -> dict[str, Any]:
    """List a fund's entries, newest first: grants, withdrawals, and the awards that it paid for."""
    with call.database.read() as connection:
        return read_fund_entries(connection, call.program, fund, **page).shown()


@routes.post(
    "/v1/funds/<fund>/grants",
    scope="propose",
    schema=FundChangeSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=(errors.OtherRegion, errors.FundReserved),
)
def propose_grant(call: Call, fund: str, **change: Any) -> dict[str, Any]:
    """Propose to grant a fund points.

    They are there once another key has approved it. A fund begins with its first grant.
    """
    return _propose(call, GRANT, fund, change)


@routes.post(
    "/v1/funds/<fund>/withdrawals",
    scope="propose",
    schema=FundChangeSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=(errors.OtherRegion, errors.FundReserved, errors.FundUnknown),
)
def propose_withdrawal(call: Call, fund: str, **change: Any) -> dict[str, Any]:
    """Propose to take back what a fund has not spent.

    Whether there is so much left is seen when another key approves it.
    """
    return _propose(call, WITHDRAWAL, fund, change)


@routes.post("/v1/funds/shares/top-up", scope="propose", answer=TopUpSchema, is_body_optional=True)
def top_up_shares(call: Call) -> dict[str, Any]:
    """Bring the shares of the regions up to date at once.

    The nightly run does the same. It grants what the terms allow by what headquarters has issued in the present
    period and in the one before, and never takes anything back.
    ---
    Reads every entry; on long books the command is the better way, which may take its time.
    """
    return {"data": top_up(call.database, call.program, call.now)}


def _propose(call: Call, kind: str, fund: str, change: dict[str, Any]) -> dict[str, Any]:
    return call.database.run(
        lambda connection: propose_change(
            connection, call.program, kind, fund, change, by=call.principal, now=call.now
        )
    )
