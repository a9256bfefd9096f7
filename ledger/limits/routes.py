"""Routes of locks: freezing a member by the house, reviewing his awards, and the member's own lock on spending."""

from typing import Any

from ledger import errors
from ledger.accounts.member_locks import FROZEN, REVIEW, SPEND, MemberLock
from ledger.accounts.schemas import MemberSchema, page_of
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.limits.register import change_lock, list_lock_events
from ledger.limits.schemas import LockChangeSchema, LockEventSchema, LockEventsQuery

routes = Routes(
    "Locks",
    "A freeze by the house keeps a member's points where they are, a review by the house holds what he is awarded, and "
    "a spend lock is his own.",
)

_REFUSALS = (errors.MemberUnknown, errors.OutcomeUnknown)
_FORM = {"schema": LockChangeSchema, "answer": MemberSchema, "refusals": _REFUSALS}


@routes.post("/v1/members/<member_id>/freeze", scope="freeze", **_FORM)
def freeze_member(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Freeze a member's points.

    From now on they are neither spent, held, captured, transferred nor received, and nothing is awarded: 422
    `member_frozen`. Sales and what goes back with them are booked as before. Sending it again changes nothing.
    """
    return _change(call, member_id, FROZEN, reason, is_on=True)


@routes.post("/v1/members/<member_id>/unfreeze", scope="freeze", **_FORM)
def unfreeze_member(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Unfreeze a member's points. Sending it again changes nothing."""
    return _change(call, member_id, FROZEN, reason, is_on=False)


@routes.post("/v1/members/<member_id>/review", scope="freeze", **_FORM)
def review_member(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Review what a member is awarded.

    From now on the points of whatever he is awarded, and of whatever his purchases give to those who brought him, are
    held until somebody has decided on them: `GET /v1/reviews`. What he has had before is his. Sending it again changes
    nothing.
    """
    return _change(call, member_id, REVIEW, reason, is_on=True)


@routes.post("/v1/members/<member_id>/unreview", scope="freeze", **_FORM)
def unreview_member(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Review no more of what a member is awarded. What is held stays held. Sending it again changes nothing."""
    return _change(call, member_id, REVIEW, reason, is_on=False)


@routes.post("/v1/members/<member_id>/spend-lock", scope="members:write", **_FORM)
def lock_spending(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Lock the spending of a member's points, as he wishes.

    From now on they are neither redeemed, held, quoted nor transferred: 422 `spend_locked`. What he earns is booked,
    and a hold that was placed before is still captured. Sending it again changes nothing.
    """
    return _change(call, member_id, SPEND, reason, is_on=True)


@routes.post("/v1/members/<member_id>/spend-unlock", scope="members:write", **_FORM)
def unlock_spending(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Unlock the spending of a member's points. A freeze stays. Sending it again changes nothing."""
    return _change(call, member_id, SPEND, reason, is_on=False)


@routes.get(
    "/v1/members/<member_id>/locks",
    scope="read",
    schema=LockEventsQuery,
    answer=page_of(LockEventSchema),
    refusals=(errors.MemberUnknown,),
)
def list_locks(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List who has locked and unlocked a member, newest first."""
    with call.database.read() as connection:
        return list_lock_events(connection, call.program, member_id, **page).shown()


def _change(call: Call, member_id: str, lock: MemberLock, reason: str, *, is_on: bool) -> dict[str, Any]:
    return call.database.run(
        lambda connection: change_lock(
            connection,
            call.program,
            member_id,
            lock,
            is_on=is_on,
            reason=reason,
            by=call.principal,
            now=call.now,
        )
    ).shown()
