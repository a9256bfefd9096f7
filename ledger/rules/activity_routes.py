"""Routes of activities, and of whom a member has brought."""

from typing import Any

from ledger import errors
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes
from ledger.http.operations import Operation
from ledger.http.services import Call
from ledger.journal.commands import Source
from ledger.rules.activities import Activity
from ledger.rules.activity_schemas import (
    ActivityAnswerSchema,
    ActivitySchema,
    ReferralSchema,
    ReferralsQuery,
)
from ledger.rules.explain import explained
from ledger.rules.referral_queries import read_referrals

routes = Routes("Activities", "What members do beside buying.")


def _activity(payload: dict[str, Any]) -> Activity:
    return Activity(source=Source.out_of(payload), **payload)


ACTIVITY = Operation(
    name="activity",
    path="/v1/activities",
    scope="earn",
    schema=ActivitySchema,
    answer=ActivityAnswerSchema,
    build=_activity,
    show=explained,
    summary="Post an activity",
    description="Earns what the rules for its type give, judged by the rules in force when it happened; it is "
    "recorded even when that is nothing. Enrols a member that is not known yet. A `referral` names the "
    "`referrer` in its attributes and is posted for the one who was brought, before the first purchase; both "
    "are rewarded by that purchase.",
    refusals=(
        errors.ActivityExists,
        errors.OccurredInFuture,
        errors.SelfReferral,
        errors.MemberUnknown,
        errors.ReferralExists,
        errors.CircularReferral,
        errors.ReferralTooLate,
        errors.MemberFrozen,
        errors.LimitExceeded,
        errors.AmountTooLarge,
    ),
)

routes.posting(ACTIVITY)


@routes.get(
    "/v1/members/<member_id>/referrals",
    scope="read",
    schema=ReferralsQuery,
    answer=page_of(ReferralSchema),
    refusals=(errors.MemberUnknown,),
)
def list_referrals(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List whom a member has brought, newest first, and what it has given."""
    with call.database.read() as connection:
        return read_referrals(connection, call.program, member_id, **page).shown()
