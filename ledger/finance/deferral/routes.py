"""Routes of the deferral book: policies and estimates are proposed here, approvals have routes of their own."""

from typing import Any, Final

from flask import Response

from ledger import errors
from ledger.access.schemas import ApprovalSchema
from ledger.accounts.schemas import page_of
from ledger.finance.answering import answer
from ledger.finance.deferral.allocation import show_allocation
from ledger.finance.deferral.register import (
    list_estimates,
    list_policies,
    propose_estimate,
    propose_policy,
)
from ledger.finance.deferral.schemas import (
    AllocationSchema,
    DeferralQuery,
    DeferralSchema,
    EstimateProposalSchema,
    EstimateSchema,
    LiabilityQuery,
    PointsLiabilitySchema,
    PolicyProposalSchema,
    PolicySchema,
)
from ledger.finance.rendering import REPORT_TYPES
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.rules.explanation_schemas import PurchaseQuery

routes = Routes(
    "Deferral", "What the points are in money: policies, estimates, the deferral book, the liability."
)

REPORT: Final[dict[str, Any]] = {"scope": "finance", "answer_types": REPORT_TYPES}

_WRITES = (errors.OtherRegion, errors.PeriodClosed, errors.OutcomeUnknown)


@routes.get("/v1/estimates", scope="finance", answer=page_of(EstimateSchema))
def list_redemption_estimates(call: Call) -> dict[str, Any]:
    """List the estimates of redemption, newest first; all of them."""
    with call.database.read() as connection:
        return list_estimates(connection, call.program, call.now).shown()


@routes.post(
    "/v1/estimates",
    scope="close",
    schema=EstimateProposalSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=_WRITES,
)
def propose_redemption_estimate(call: Call, **wanted: Any) -> dict[str, Any]:
    """Propose an estimate of redemption.

    Another key approves it at `/v1/approvals/{approval_id}/approve`; then it is a version that never changes, and says
    who approved it. A month goes by the latest version that applies to it: the cohort's own before the general one.
    """
    made = call.database.run(
        lambda connection: propose_estimate(connection, call.program, wanted, by=call.principal, now=call.now)
    )
    return made.shown()


@routes.get("/v1/deferral-policies", scope="finance", answer=page_of(PolicySchema))
def list_deferral_policies(call: Call) -> dict[str, Any]:
    """List the versions of the deferral policy, newest first; all of them."""
    with call.database.read() as connection:
        return list_policies(connection, call.program, call.now).shown()


@routes.post(
    "/v1/deferral-policies",
    scope="close",
    schema=PolicyProposalSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=(errors.PolicyInUse, *_WRITES),
)
def propose_deferral_policy(call: Call, **wanted: Any) -> dict[str, Any]:
    """Propose a deferral policy.

    Another key approves it at `/v1/approvals/{approval_id}/approve`. It holds for the points issued from its month on,
    in which no purchase may have been measured before: prices are allocated once.
    """
    made = call.database.run(
        lambda connection: propose_policy(connection, call.program, wanted, by=call.principal, now=call.now)
    )
    return made.shown()


@routes.get("/v1/reports/deferral", schema=DeferralQuery, answer=DeferralSchema, **REPORT)
def show_deferral_book(call: Call, **asked: Any) -> Response:
    """Show the deferral book.

    The roll-forward in money, cohort by cohort, and every journal line, by the accounting months that entries were
    booked in. What a month releases on redemption is at the estimate of the month before; the true-up brings it to its
    own.
    """
    return answer(call, "deferral", asked)


@routes.get("/v1/reports/liability", schema=LiabilityQuery, answer=PointsLiabilitySchema, **REPORT)
def show_points_liability(call: Call, **asked: Any) -> Response:
    """Show the points liability.

    Outstanding points, their face value at the bid, what the deferral book carries, what is still expected to be
    redeemed, and how the book would move with other expectations.
    """
    return answer(call, "liability", asked)


@routes.get(
    "/v1/purchases/<purchase_id>/allocation",
    scope="finance",
    schema=PurchaseQuery,
    answer=AllocationSchema,
    refusals=(errors.PurchaseUnknown,),
)
def show_purchase_allocation(call: Call, purchase_id: str) -> dict[str, Any]:
    """Show how the price of a purchase was allocated.

    To goods and points: by which policy, estimate and value of a point, with the arithmetic; and what returns have
    taken of it. The allocations of a cohort's purchases add up to the cohort's in the deferral book.
    """
    with call.database.read() as connection:
        return show_allocation(connection, call.program, purchase_id, call.now)
