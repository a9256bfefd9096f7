"""Routes of spending: redemptions and their refunds, transfers, reversals."""

from typing import Any

from ledger import errors
from ledger.http.endpoint import Routes
from ledger.http.operations import Operation
from ledger.journal.commands import Command, Source
from ledger.redemption.commands import Redeem, RedeemOffline, Refund, Transfer
from ledger.redemption.hold_routes import OF_A_LOCK, OF_A_QUOTE
from ledger.redemption.offline import Offline
from ledger.redemption.reversals import Reverse
from ledger.redemption.schemas import (
    RedemptionAnswerSchema,
    RedemptionSchema,
    RefundAnswerSchema,
    RefundSchema,
    ReversalAnswerSchema,
    ReversalSchema,
    TransferAnswerSchema,
    TransferSchema,
)

routes = Routes("Spending", "Points leave by lot and come back to the lots they left.")


def _redeem(payload: dict[str, Any]) -> Command:
    source, offline = Source.out_of(payload), payload.pop("offline", None)
    if offline is not None:
        return RedeemOffline(offline=Offline(**offline), source=source, **payload)
    return Redeem(points=payload.pop("points", None), source=source, **payload)


def _refund(payload: dict[str, Any]) -> Command:
    return Refund(source=Source.out_of(payload), **payload)


def _transfer(payload: dict[str, Any]) -> Command:
    return Transfer(source=Source.out_of(payload), **payload)


def _reverse(payload: dict[str, Any]) -> Command:
    return Reverse(source=Source.out_of(payload), **payload)


REDEMPTION = Operation(
    name="redemption",
    path="/v1/redemptions",
    scope="redeem",
    schema=RedemptionSchema,
    answer=RedemptionAnswerSchema,
    build=_redeem,
    summary="Redeem points",
    description="Drawn from the lots that expire first. Pending and expired points are never drawn. With a `quote_id`, "
    "the points of that quote at its rate. With `offline`, what a till took while it was offline: what the member "
    "has not becomes a debt, and is flagged.",
    refusals=(
        errors.MemberUnknown,
        errors.ReferenceExists,
        errors.InsufficientPoints,
        *OF_A_QUOTE,
        *OF_A_LOCK,
        errors.OfflineNotAllowed,
        errors.OfflineCreditExceeded,
        errors.OccurredInFuture,
    ),
)
REFUND = Operation(
    name="refund",
    path="/v1/redemptions/<redemption_id>/refunds",
    scope="refund",
    schema=RefundSchema,
    answer=RefundAnswerSchema,
    build=_refund,
    summary="Refund points of a redemption",
    description="Back to the lots they came from, with their expiry, the newest draw first. Points whose "
    "lot has lapsed follow the program's policy, and the answer says which.",
    refusals=(
        errors.RedemptionUnknown,
        errors.ReferenceExists,
        errors.EntryAlreadyReversed,
        errors.RefundExceedsRedemption,
        errors.LimitExceeded,
        errors.AmountTooLarge,
    ),
)
TRANSFER = Operation(
    name="transfer",
    path="/v1/transfers",
    scope="transfer",
    schema=TransferSchema,
    answer=TransferAnswerSchema,
    build=_transfer,
    summary="Transfer points to another member",
    description="Both members must be known. The points keep their expiry.",
    refusals=(
        errors.SameMember,
        *OF_A_LOCK,
        errors.MemberUnknown,
        errors.ReferenceExists,
        errors.InsufficientPoints,
        errors.AmountTooLarge,
    ),
)
REVERSAL = Operation(
    name="reversal",
    path="/v1/entries/<entry_id>/reversal",
    scope="reverse",
    schema=ReversalSchema,
    answer=ReversalAnswerSchema,
    build=_reverse,
    summary="Reverse an entry",
    description="Takes back what of the entry still stands, once: purchases, awards, redemptions, transfers and "
    "adjustments.",
    refusals=(
        errors.EntryUnknown,
        errors.EntryAlreadyReversed,
        errors.EntryNotReversible,
        errors.InsufficientPoints,
        errors.DebtLimitExceeded,
        errors.LimitExceeded,
        errors.AmountTooLarge,
    ),
)

for _operation in (REDEMPTION, REFUND, TRANSFER, REVERSAL):
    routes.posting(_operation)
