"""Routes of quotes: what points are worth against a price, for a few minutes."""

from typing import Any

from ledger import errors
from ledger.fx.quote_schemas import QuoteAnswerSchema, QuoteSchema
from ledger.fx.quotes import MakeQuote
from ledger.http.endpoint import Routes
from ledger.http.operations import Operation
from ledger.journal.commands import Command

routes = Routes("Points plus cash", "What points are worth against a price, promised for minutes.")


def _quote(payload: dict[str, Any]) -> Command:
    price = payload.pop("price")
    return MakeQuote(price=price["amount"], currency=price["currency"], **payload)


QUOTE = Operation(
    name="quote",
    path="/v1/quotes",
    scope="redeem",
    schema=QuoteSchema,
    answer=QuoteAnswerSchema,
    build=_quote,
    summary="Quote points against a price",
    description="Value and cash are the price, exactly. A quote is used once, by a redemption, a hold or a purchase "
    "of its member, and is dead once it has expired or the rate has changed; a hold on it keeps its terms. It "
    "reserves no points. `options` are choices for a slider. An idempotency key may be given, and need not.",
    refusals=(
        errors.MemberUnknown,
        errors.RateUnknown,
        errors.CurrencyMismatch,
        errors.NotRedeemableHere,
        errors.PointsNotOffered,
        errors.InsufficientPoints,
        errors.TooManyQuotes,
        errors.MemberFrozen,
        errors.SpendLocked,
    ),
    needs_key=False,
)
routes.posting(QUOTE)
