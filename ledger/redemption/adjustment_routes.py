"""Routes of manual adjustments: propose, look, and let another key decide."""

from typing import Any

from ledger import errors
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes, Under
from ledger.http.services import Call
from ledger.journal import Outcome
from ledger.redemption.adjusting import (
    approve_adjustment,
    list_adjustments,
    propose_adjustment,
    read_adjustment,
    reject_adjustment,
)
from ledger.redemption.adjustment_schemas import (
    AdjustmentApprovalSchema,
    AdjustmentProposalSchema,
    AdjustmentQuery,
    AdjustmentRejectionSchema,
    AdjustmentSchema,
    AdjustmentsQuery,
    PostedAdjustmentSchema,
    ProposedAdjustmentSchema,
)
from ledger.redemption.adjustments import Wanted

routes = Routes("Adjustments", "Points put right by hand: one key proposes, another approves.")

_DECISION = (
    errors.AdjustmentUnknown,
    errors.ApprovalDecided,
    errors.ApprovalContentChanged,
    errors.SelfApproval,
    errors.ProposerRevoked,
    errors.ProposerFrozen,
    errors.OtherRegion,
    errors.OutcomeUnknown,
)


@routes.keyed(
    "/v1/adjustments",
    scope="propose",
    schema=AdjustmentProposalSchema,
    answer=ProposedAdjustmentSchema,
    statuses=(202,),
    refusals=(errors.MemberUnknown, errors.ReferenceExists, errors.OtherRegion),
)
def propose_member_adjustment(call: Call, under: Under, **wanted: Any) -> Outcome:
    """Propose an adjustment.

    Nothing moves until another key approves it, at `/v1/adjustments/{adjustment_id}/approve` or as any proposal at
    `/v1/approvals/{approval_id}/approve`: the ids have the same digits after `adj_` and `apr_`. Whether there are
    points to take is asked then.
    """
    return call.database.run(
        lambda connection: propose_adjustment(
            connection,
            call.program,
            Wanted(**wanted),
            under.posting,
            by=call.principal,
            now=call.now,
            dry_run=under.dry_run,
        )
    )


@routes.get("/v1/adjustments", scope="read", schema=AdjustmentsQuery, answer=page_of(AdjustmentSchema))
def list_member_adjustments(call: Call, **page: Any) -> dict[str, Any]:
    """List the adjustments, newest first."""
    with call.database.read() as connection:
        return list_adjustments(connection, call.program, **page).shown()


@routes.get(
    "/v1/adjustments/<adjustment_id>",
    scope="read",
    schema=AdjustmentQuery,
    answer=AdjustmentSchema,
    refusals=(errors.AdjustmentUnknown,),
)
def show_adjustment(call: Call, adjustment_id: str) -> dict[str, Any]:
    """Show an adjustment."""
    with call.database.read() as connection:
        return read_adjustment(connection, call.program, adjustment_id)


@routes.keyed(
    "/v1/adjustments/<adjustment_id>/approve",
    scope="approve",
    schema=AdjustmentApprovalSchema,
    answer=PostedAdjustmentSchema,
    statuses=(201,),
    refusals=(
        *_DECISION,
        errors.MemberUnknown,
        errors.ReferenceExists,
        errors.InsufficientPoints,
        errors.LimitExceeded,
        errors.AmountTooLarge,
    ),
    is_body_optional=True,
)
def approve_member_adjustment(
    call: Call, under: Under, adjustment_id: str, content_hash: str | None = None
) -> Outcome:
    """Approve an adjustment, and post it.

    Another key than the one that proposed it must do it, and it is done once. What is added comes into a lot of its
    own and repays a debt first. What is taken is drawn from the lots that expire first; where the member has not so
    much, 422 `insufficient_points`: then nothing is decided, and the adjustment waits on for an approval under a
    fresh key.
    """
    return call.database.run(
        lambda connection: approve_adjustment(
            connection,
            call.program,
            adjustment_id,
            under.posting,
            by=call.principal,
            now=call.now,
            content_hash=content_hash,
            dry_run=under.dry_run,
        )
    )


@routes.post(
    "/v1/adjustments/<adjustment_id>/reject",
    scope="approve",
    schema=AdjustmentRejectionSchema,
    answer=AdjustmentSchema,
    refusals=_DECISION,
)
def reject_member_adjustment(call: Call, adjustment_id: str, reason: str) -> dict[str, Any]:
    """Reject an adjustment: it is never posted. What is to be done after all is proposed anew."""
    return call.database.run(
        lambda connection: reject_adjustment(
            connection, call.program, adjustment_id, reason, by=call.principal, now=call.now
        )
    )
