"""Routes of merges: propose one or its undoing, and look; approvals have routes of their own."""

from typing import Any, Literal

from ledger import errors
from ledger.access.schemas import ApprovalSchema
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.merging.register import list_merges, propose_joining
from ledger.merging.schemas import JoiningSchema, MergeSchema, MergesQuery

routes = Routes("Merges", "Two members who are one: their points, growth and tier are told together.")

_FORM = {"schema": JoiningSchema, "answer": ApprovalSchema, "statuses": (202,)}
_REFUSALS = (errors.MemberUnknown, errors.SameMember, errors.MemberFrozen, errors.OtherRegion)


@routes.post(
    "/v1/members/<member_id>/merge",
    scope="propose",
    refusals=(
        *_REFUSALS,
        errors.MemberMerged,
        errors.MemberHasMerges,
        errors.MemberLocked,
        errors.HoldsOpen,
        errors.MemberErased,
        errors.AmountTooLarge,
    ),
    **_FORM,
)
def propose_merge(call: Call, **wanted: Any) -> tuple[dict[str, Any], int]:
    """Propose to merge another member into this one.

    Nothing moves until another key approves it, at `/v1/approvals/{approval_id}/approve`. Then all that is alive in
    the duplicate's books goes over: each lot with its expiry, growth, and debt. The tier is judged by what both have
    bought; growth of an order that both have (`order_id`) counts once. Whoever names the duplicate from then on is
    answered for this member. The duplicate's own history stays where it is.
    """
    return _propose(call, "merge", wanted)


@routes.post(
    "/v1/members/<member_id>/unmerge",
    scope="propose",
    refusals=(*_REFUSALS, errors.MergeUnknown),
    **_FORM,
)
def propose_unmerge(call: Call, **wanted: Any) -> tuple[dict[str, Any], int]:
    """Propose to part a member who was merged into this one.

    Once another key has approved it, what is left of what came over goes back into the lots that it came from, and
    each tier is judged by its own history. What was spent meanwhile stays spent, and what was earned stays here.
    """
    return _propose(call, "unmerge", wanted)


@routes.get(
    "/v1/members/<member_id>/merges",
    scope="read",
    schema=MergesQuery,
    answer=page_of(MergeSchema),
    refusals=(errors.MemberUnknown,),
)
def list_member_merges(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List whom a member was merged with, and who was merged into him, newest first."""
    with call.database.read() as connection:
        return list_merges(connection, call.program, member_id, **page).shown()


def _propose(
    call: Call, kind: Literal["merge", "unmerge"], wanted: dict[str, Any]
) -> tuple[dict[str, Any], int]:
    found = call.database.run(
        lambda connection: propose_joining(
            connection, call.program, kind, wanted, by=call.principal, now=call.now
        )
    )
    return found.shown(), 202
