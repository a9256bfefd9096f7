"""Routes of earning and of returns, and of the terms that decide them."""

from typing import Any

from ledger import errors
from ledger.http.endpoint import Routes
from ledger.http.operations import Operation
from ledger.journal.commands import Source
from ledger.redemption.hold_routes import OF_A_LOCK, OF_A_QUOTE
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.explain import explained
from ledger.rules.paying import OfflinePayment, PointsPart
from ledger.rules.returns import Return, ReturnedLine
from ledger.rules.schemas import (
    EarningAnswerSchema,
    EarningSchema,
    PurchaseAnswerSchema,
    PurchaseSchema,
    ReturnAnswerSchema,
    ReturnSchema,
)

routes = Routes("Earning", "Purchases earn; returns take back what they earned.")


def _purchase(payload: dict[str, Any]) -> Purchase:
    lines = tuple(Line(**line) for line in payload.pop("lines"))
    paid = payload.pop("points_value", None)
    return Purchase(
        source=Source.out_of(payload),
        lines=lines,
        points_value=paid["amount"] if paid else 0,
        points_part=_points_part(payload.pop("quote_id", None), payload.pop("offline", None)),
        **payload,
    )


def _points_part(quote_id: str | None, offline: dict[str, Any] | None) -> PointsPart | None:
    if quote_id is None and offline is None:
        return None
    return PointsPart(quote_id, OfflinePayment(**offline) if offline else None)


def _earning(payload: dict[str, Any]) -> Earning:
    return Earning(source=Source.out_of(payload), **payload)


def _return(payload: dict[str, Any]) -> Return:
    lines = tuple(ReturnedLine(**line) for line in payload.pop("lines"))
    return Return(source=Source.out_of(payload), lines=lines, **payload)


PURCHASE = Operation(
    name="purchase",
    path="/v1/purchases",
    scope="earn",
    schema=PurchaseSchema,
    answer=PurchaseAnswerSchema,
    build=_purchase,
    show=explained,
    summary="Post a purchase",
    description="Earns points and growth by the program's terms. Enrols a member that is not known yet. With a "
    "`quote_id` it is paid with the points of that quote, or captures the hold on it, in the same entry as it earns. "
    "With `offline`, with points that a till took while it was offline.",
    refusals=(
        errors.PurchaseExists,
        errors.OccurredInFuture,
        errors.CurrencyMismatch,
        errors.AmountTooLarge,
        errors.InsufficientPoints,
        *OF_A_QUOTE,
        *OF_A_LOCK,
        errors.QuotePriceMismatch,
        errors.RateUnknown,
        errors.PointsNotOffered,
        errors.OfflineNotAllowed,
        errors.OfflineCreditExceeded,
    ),
)
EARNING = Operation(
    name="earning",
    path="/v1/earnings",
    scope="award",
    schema=EarningSchema,
    answer=EarningAnswerSchema,
    build=_earning,
    summary="Award points directly",
    description="For a trusted caller. Enrols a member that is not known yet. A `fund` that is named pays for it, "
    "or refuses what it cannot pay.",
    refusals=(
        errors.ReferenceExists,
        errors.LotWindowEmpty,
        errors.BudgetExhausted,
        errors.MemberFrozen,
        errors.LimitExceeded,
        errors.AmountTooLarge,
    ),
)
RETURN = Operation(
    name="return",
    path="/v1/purchases/<purchase_id>/returns",
    scope="refund",
    schema=ReturnSchema,
    answer=ReturnAnswerSchema,
    build=_return,
    summary="Return goods of a purchase",
    description="Gives back points and cash as they were paid, and claws back what was earned, pro rata and "
    "cumulatively: any order and split of returns ends at the same. Points go back to the lots they came from. Earned "
    "points that were spent are taken from the member's other points; what is missing then follows the program's "
    "policy, and is told as `shortfall`.",
    refusals=(
        errors.PurchaseUnknown,
        errors.ReturnExists,
        errors.EntryAlreadyReversed,
        errors.ReturnExceedsPurchase,
        errors.ReturnBeforePurchase,
        errors.OccurredInFuture,
        errors.DebtLimitExceeded,
        errors.PointsAlreadySpent,
        errors.AmountTooLarge,
    ),
)

for _operation in (PURCHASE, EARNING, RETURN):
    routes.posting(_operation)
