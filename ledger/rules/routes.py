"""Routes of earning and of returns, and of the terms that decide them."""

from typing import Any

from ledger import errors
from ledger.http.endpoint import Routes
from ledger.http.operations import Operation
from ledger.journal.commands import Source
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.explain import explained
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
    payload.pop("quote_id", None)
    lines = tuple(Line(**line) for line in payload.pop("lines"))
    paid = payload.pop("points_value", None)
    points_value = paid["amount"] if paid else 0
    return Purchase(source=Source.out_of(payload), lines=lines, points_value=points_value, **payload)


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
    description="Earns points and growth by the program's terms. Enrols a member that is not known yet.",
    refusals=(
        errors.PurchaseExists,
        errors.OccurredInFuture,
        errors.CurrencyMismatch,
        errors.AmountTooLarge,
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
    description="Claws back pro rata, cumulatively: any order and split of returns ends at the same. "
    "What was spent already is taken from the member's other points, then becomes a debt.",
    refusals=(
        errors.PurchaseUnknown,
        errors.ReturnExists,
        errors.EntryAlreadyReversed,
        errors.ReturnExceedsPurchase,
        errors.ReturnBeforePurchase,
        errors.OccurredInFuture,
        errors.DebtLimitExceeded,
    ),
)

for _operation in (PURCHASE, EARNING, RETURN):
    routes.posting(_operation)
