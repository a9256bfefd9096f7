"""Routes of holds: set points aside, capture them, release them."""

from typing import Any

from ledger import errors
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes
from ledger.http.operations import Operation
from ledger.http.services import Call
from ledger.journal.commands import Command, Source
from ledger.redemption.hold_queries import list_holds
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.schemas import (
    CaptureAnswerSchema,
    CaptureSchema,
    HeldSchema,
    HoldAnswerSchema,
    HoldSchema,
    HoldsQuery,
    ReleaseAnswerSchema,
    ReleaseSchema,
)

routes = Routes(
    "Holds", "Points are set aside, then captured or released; past its time a hold releases itself."
)

OF_A_LOCK = (errors.MemberFrozen, errors.SpendLocked, errors.LimitExceeded)
"""How whatever spends may refuse for a member whose points are locked, and beyond a limit."""

OF_A_QUOTE = (
    errors.QuoteUnknown,
    errors.QuoteUsed,
    errors.QuoteExpired,
    errors.NotRedeemableHere,
)
"""How whatever uses a quote may refuse."""


def _place(payload: dict[str, Any]) -> Command:
    points, quote_id = payload.pop("points", None), payload.pop("quote_id", None)
    return PlaceHold(points=points, quote_id=quote_id, source=Source.out_of(payload), **payload)


def _capture(payload: dict[str, Any]) -> Command:
    return CaptureHold(source=Source.out_of(payload), **payload)


def _release(payload: dict[str, Any]) -> Command:
    return ReleaseHold(source=Source.out_of(payload), **payload)


HOLD = Operation(
    name="hold",
    path="/v1/holds",
    scope="redeem",
    schema=HoldSchema,
    answer=HoldAnswerSchema,
    build=_place,
    summary="Hold points",
    description="Drawn from the lots that expire first, at once: nobody else can spend them. Past `expires_in` seconds "
    "the hold has released itself. A hold on a quote keeps the quote's terms, however the rate moves.",
    refusals=(
        errors.MemberUnknown,
        errors.ReferenceExists,
        errors.InsufficientPoints,
        *OF_A_QUOTE,
        *OF_A_LOCK,
    ),
)
CAPTURE = Operation(
    name="capture",
    path="/v1/holds/<hold_id>/capture",
    scope="redeem",
    schema=CaptureSchema,
    answer=CaptureAnswerSchema,
    build=_capture,
    summary="Capture a hold",
    description="Redeems what is held, or a part of it: the rest is released. Once, whoever asks how often. Points "
    "whose lot has lapsed during the hold are honoured.",
    refusals=(
        errors.HoldUnknown,
        errors.HoldNotOpen,
        errors.HoldUnderReview,
        errors.CaptureExceedsHold,
        errors.MemberFrozen,
    ),
)
RELEASE = Operation(
    name="release",
    path="/v1/holds/<hold_id>/release",
    scope="redeem",
    schema=ReleaseSchema,
    answer=ReleaseAnswerSchema,
    build=_release,
    summary="Release a hold",
    description="The points go back to their lots, with their expiry. Points whose lot has lapsed meanwhile follow "
    "the program's policy, and the answer says which.",
    refusals=(errors.HoldUnknown, errors.HoldNotOpen, errors.HoldUnderReview),
)

for _operation in (HOLD, CAPTURE, RELEASE):
    routes.posting(_operation)


@routes.get(
    "/v1/members/<member_id>/holds",
    scope="read",
    schema=HoldsQuery,
    answer=page_of(HeldSchema),
    refusals=(errors.MemberUnknown,),
)
def list_member_holds(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List a member's holds, newest first.

    A hold past its time is shown as `lapsed`, whether or not that is booked.
    """
    with call.database.read() as connection:
        return list_holds(connection, call.program, member_id, call.now, **page).shown()
