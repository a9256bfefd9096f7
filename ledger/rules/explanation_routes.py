"""Routes of explanations: why a member got these points, what the growth value is made of, what decides the tier."""

from typing import Any

from ledger import errors
from ledger.accounts.ladders import ladders_of
from ledger.accounts.paging import Page
from ledger.accounts.schemas import MemberQuery, page_of
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.rules.explanation_queries import read_bought, read_window
from ledger.rules.explanation_schemas import (
    GrowthExplanationSchema,
    GrowthQuery,
    PurchaseExplanationSchema,
    PurchaseQuery,
    RecordedTierEventSchema,
    TierExplanationSchema,
    TierHistoryQuery,
)
from ledger.rules.growth_explanation import growth_explained
from ledger.rules.purchase_explanation import purchase_explained
from ledger.rules.tier_explanation import history_explained, tier_explained
from ledger.rules.tier_queries import read_tier_history, read_tier_standing

routes = Routes("Explanations", "Every number with its arithmetic, in Chinese and English.")


@routes.get(
    "/v1/purchases/<purchase_id>/explanation",
    scope="read",
    schema=PurchaseQuery,
    answer=PurchaseExplanationSchema,
    refusals=(errors.PurchaseUnknown,),
)
def explain_purchase(call: Call, purchase_id: str) -> dict[str, Any]:
    """Explain a purchase.

    What it earned, by which rule of which version, with the arithmetic; what a limit kept back; what became
    of the points; what returns took back. The awards of a unit add up to its total.
    """
    with call.database.read() as connection:
        bought = read_bought(connection, call.program, purchase_id)
    return purchase_explained(call.program, bought, call.now)


@routes.get(
    "/v1/members/<member_id>/growth",
    scope="read",
    is_own=True,
    schema=GrowthQuery,
    answer=GrowthExplanationSchema,
    refusals=(errors.MemberUnknown,),
)
def explain_growth(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """Explain a member's growth value.

    Every entry that counts now, with the arithmetic, what was taken back since, and when it will no longer
    count. What remains of the entries of all pages adds up to the value.
    """
    now = call.now
    with call.database.read() as connection:
        window = read_window(connection, call.program, member_id, now, **page)
    return growth_explained(call.program, member_id, window, now)


@routes.get(
    "/v1/members/<member_id>/tier",
    scope="read",
    is_own=True,
    schema=MemberQuery,
    answer=TierExplanationSchema,
    refusals=(errors.MemberUnknown,),
)
def explain_tier(call: Call, member_id: str) -> dict[str, Any]:
    """Explain a member's tier.

    What it is and since when, what is missing to the next, what keeps it, and what the clock will decide if
    no growth is added; the benefits that were issued, and the latest changes with their reasons.
    """
    ladders = ladders_of(call.program)
    with call.database.read() as connection:
        standing = read_tier_standing(connection, call.program, ladders, member_id, call.now)
    return tier_explained(call.program, ladders, member_id, standing)


@routes.get(
    "/v1/members/<member_id>/tier/history",
    scope="read",
    is_own=True,
    schema=TierHistoryQuery,
    answer=page_of(RecordedTierEventSchema),
    refusals=(errors.MemberUnknown,),
)
def list_tier_history(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List the changes of a member's tier, newest first.

    Each with its reason, and each period for which the tier was kept.
    """
    ladders = ladders_of(call.program)
    with call.database.read() as connection:
        history, cursor = read_tier_history(connection, call.program, ladders, member_id, call.now, **page)
    return Page(history_explained(call.program, ladders, history), cursor).shown()
