"""Routes of approvals, what waits for a decision and the decision; of keys, and of the audit log."""

from collections.abc import Callable
from typing import Any

from ledger import errors
from ledger.access.approvals import REJECTED, approve, decide, list_approvals, require_approval
from ledger.access.audit_queries import Forms, Wanted, list_audit
from ledger.access.key_events import list_key_events
from ledger.access.key_grants import propose_key, propose_rotation
from ledger.access.key_keeping import find_key, find_page, freeze, revoke, unfreeze
from ledger.access.register import RegisteredKey
from ledger.access.schemas import (
    ApprovalQuery,
    ApprovalSchema,
    ApprovalsQuery,
    ApprovedSchema,
    ApproveSchema,
    AuditEventSchema,
    AuditQuery,
    KeptKeySchema,
    KeyChangeSchema,
    KeyEventSchema,
    KeyEventsQuery,
    KeySchema,
    ProposedKeySchema,
    RejectSchema,
    RotationSchema,
)
from ledger.accounts.schemas import PageQuery, page_of
from ledger.http.endpoint import Routes
from ledger.http.problems import status_of
from ledger.http.services import Call

routes = Routes("Approvals", "What one key has proposed waits here for another key to decide on it.")

_REFUSALS = (
    errors.ApprovalUnknown,
    errors.ApprovalDecided,
    errors.ApprovalContentChanged,
    errors.SelfApproval,
    errors.OtherRegion,
    errors.OutcomeUnknown,
)

_OF_WHAT_IS_APPROVED = (
    errors.ProposerRevoked,
    errors.ProposerFrozen,
    errors.KeyNotUsable,
    errors.RuleNotOverridable,
    errors.ReferenceExists,
    errors.FundUnknown,
    errors.BudgetExhausted,
    errors.AmountTooLarge,
    errors.RateOutOfBounds,
    errors.RateStepExceeded,
    errors.RateAskBelowBid,
    errors.BandSwitchedOff,
    errors.InsufficientPoints,
    errors.LimitExceeded,
    errors.PeriodClosed,
    errors.PeriodOutOfTurn,
    errors.PolicyInUse,
)
"""How carrying out an approved proposal may refuse, whatever its kind."""


@routes.get("/v1/approvals", scope="read", schema=ApprovalsQuery, answer=page_of(ApprovalSchema))
def list_proposals(call: Call, **page: Any) -> dict[str, Any]:
    """List the proposals, newest first."""
    with call.database.read() as connection:
        return list_approvals(connection, call.program, **page).shown()


@routes.get(
    "/v1/approvals/<approval_id>",
    scope="read",
    schema=ApprovalQuery,
    answer=ApprovalSchema,
    refusals=(errors.ApprovalUnknown,),
)
def show_proposal(call: Call, approval_id: str) -> dict[str, Any]:
    """Show a proposal."""
    with call.database.read() as connection:
        return require_approval(connection, call.program, approval_id).shown()


@routes.post(
    "/v1/approvals/<approval_id>/approve",
    scope="approve",
    schema=ApproveSchema,
    answer=ApprovedSchema,
    refusals=(*_REFUSALS, *_OF_WHAT_IS_APPROVED),
    is_body_optional=True,
)
def approve_proposal(call: Call, approval_id: str, content_hash: str | None = None) -> dict[str, Any]:
    """Approve a proposal, and carry it out.

    Another key than the one that proposed it must do it, and it is done once: a second approval is answered
    with 409 `approval_decided`. Send the `content_hash` that you have looked at, and nothing else can be
    approved. `result` says what came of it. What the proposal is about may be refused at this moment as it
    would be without an approval: then nothing is decided, and the proposal waits on.
    """
    decided, result = call.database.run(
        lambda connection: approve(
            connection,
            call.program,
            call.services.approvals,
            approval_id,
            by=call.principal,
            content_hash=content_hash,
            now=call.now,
        )
    )
    return {**decided.shown(), "result": result}


@routes.post(
    "/v1/approvals/<approval_id>/reject",
    scope="approve",
    schema=RejectSchema,
    answer=ApprovalSchema,
    refusals=_REFUSALS,
)
def reject_proposal(call: Call, approval_id: str, reason: str) -> dict[str, Any]:
    """Reject a proposal: it is never carried out. What is to be done after all is proposed anew."""
    decided = call.database.run(
        lambda connection: decide(
            connection, call.program, approval_id, REJECTED, by=call.principal, reason=reason, now=call.now
        )
    )
    return decided.shown()


keys = Routes(
    "Keys",
    "Keys that one key proposes and another approves, and what is done to them. Every change holds from the next"
    " request on, on every worker. What approves is made, set free and rotated with `ledger keys` alone.",
)

_OF_KEYS = (errors.KeyUnknown, errors.KeyOutOfReach, errors.OtherRegion, errors.OutcomeUnknown)


@keys.post(
    "/v1/keys",
    scope="propose",
    schema=KeySchema,
    answer=ProposedKeySchema,
    statuses=(202,),
    refusals=(errors.OtherRegion, errors.OutcomeUnknown),
)
def propose_new_key(call: Call, **wanted: Any) -> dict[str, Any]:
    """Propose a key.

    Another key approves it at `/v1/approvals/{approval_id}/approve`; until then it opens nothing. `token` is what the
    caller will send: it is in this answer and nowhere else, and the approver does not see it. What may approve is made
    with `ledger keys create` alone.
    """
    made, token = call.database.run(
        lambda connection: propose_key(connection, call.program, wanted, by=call.principal, now=call.now)
    )
    return {**made.shown(), "token": token}


@keys.post(
    "/v1/keys/<key_id>/rotate",
    scope="propose",
    schema=RotationSchema,
    answer=ProposedKeySchema,
    statuses=(202,),
    refusals=(*_OF_KEYS, errors.KeyNotUsable),
)
def propose_key_rotation(call: Call, key_id: str, **wanted: Any) -> dict[str, Any]:
    """Propose a key in the place of another.

    It has the same role, name and region, and takes another key's approval, as every key does: until then nothing
    changes. From then on both are good, the old one for `grace_days` at most. `token` is in this answer and nowhere
    else.
    """
    made, token = call.database.run(
        lambda connection: propose_rotation(
            connection, call.program, key_id, wanted, by=call.principal, now=call.now
        )
    )
    return {**made.shown(), "token": token}


@keys.get("/v1/keys", scope="keys", schema=PageQuery, answer=page_of(KeptKeySchema))
def list_program_keys(call: Call, **page: Any) -> dict[str, Any]:
    """List the keys of the program, newest first."""
    with call.database.read() as connection:
        return find_page(connection, call.program, **page).shown()


@keys.get(
    "/v1/keys/<key_id>/events",
    scope="keys",
    schema=KeyEventsQuery,
    answer=page_of(KeyEventSchema),
    refusals=(errors.KeyUnknown,),
)
def list_events_of_key(call: Call, key_id: str, **page: Any) -> dict[str, Any]:
    """List what was done to a key, newest first."""
    with call.database.read() as connection:
        found = find_key(connection, call.program, key_id)
        return list_key_events(connection, found.key_id, **page).shown()


_FORM = {"schema": KeyChangeSchema, "answer": KeptKeySchema}


@keys.post("/v1/keys/<key_id>/freeze", scope="keys", refusals=(*_OF_KEYS, errors.KeyNotUsable), **_FORM)
def freeze_key(call: Call, key_id: str, reason: str) -> dict[str, Any]:
    """Freeze a key.

    Until it is set free it is answered 403 `key_frozen`, and nothing that it has proposed is approved. Sending it again
    changes nothing.
    """
    return _change(call, freeze, key_id, reason)


@keys.post("/v1/keys/<key_id>/unfreeze", scope="keys", refusals=(*_OF_KEYS, errors.KeyNotUsable), **_FORM)
def unfreeze_key(call: Call, key_id: str, reason: str) -> dict[str, Any]:
    """Set a frozen key free. No key does it for itself. Sending it again changes nothing."""
    return _change(call, unfreeze, key_id, reason)


@keys.post("/v1/keys/<key_id>/revoke", scope="keys", refusals=_OF_KEYS, **_FORM)
def revoke_key(call: Call, key_id: str, reason: str) -> dict[str, Any]:
    """Revoke a key, for good. Sending it again changes nothing."""
    return _change(call, revoke, key_id, reason)


def _change(call: Call, change: Callable[..., RegisteredKey], key_id: str, reason: str) -> dict[str, Any]:
    # By the system's time: a program's test clock ages no key.
    now = call.services.clock()
    return call.database.run(
        lambda connection: change(connection, call.program, key_id, reason, by=call.principal, now=now)
    ).shown()


log = Routes("Audit log", "Who has done what, and who was denied what.")


@log.get("/v1/audit-log", scope="finance", schema=AuditQuery, answer=page_of(AuditEventSchema))
def list_audit_log(call: Call, **asked: Any) -> dict[str, Any]:
    """List what was done and what was denied, newest first.

    Every call that has changed something, every posting that a rule of the business has refused, and every denial:
    no valid key, no right to it, too many requests. Of whoever has no key, the address is told as the document writes
    it. No body and no header is in it. Name `from` and `to` where the program is long: without them, a rare key is
    looked for among all that was ever posted.
    """
    names = {"from": "since", "to": "until"}
    page = {name: asked.pop(name) for name in ("limit", "cursor") if name in asked}
    wanted = Wanted(**{names.get(name, name): value for name, value in asked.items()})
    forms = Forms(call.services.posted, lambda code: status_of(errors.error_class(code)))
    with call.database.read() as connection:
        return list_audit(connection, call.program, wanted, forms, **page).shown()
