"""The shapes of quotes, and of what is paid by them, as they come and go over HTTP."""

from typing import Any

from marshmallow import fields

from ledger.accounts.schemas import LotShareSchema
from ledger.http.fields import (
    Answer,
    CallerId,
    Instant,
    LedgerId,
    MoneySchema,
    Points,
    PriceSchema,
    Strict,
    Text,
)

RATE_PATTERN = r"^[0-9]+\.[0-9]{4,}$"


def rate(description: str = "Money of one point, in major units", **kwargs: Any) -> fields.String:
    """A field of a rate in an answer."""
    return fields.String(metadata={"description": description, "pattern": RATE_PATTERN}, **kwargs)


class QuoteSchema(Strict):
    """A price against which points are to be used."""

    member_id = CallerId(required=True)
    price = fields.Nested(PriceSchema, required=True)
    points = Points("The most that limits and balance allow, if left out")
    store = CallerId("The store; limits may differ there")
    sku = Text(64, "The article; limits may differ for it")


class OptionSchema(Answer):
    """Points against the price. Value and cash are the price, exactly."""

    points = Points(required=True)
    points_value = fields.Nested(MoneySchema, required=True)
    cash = fields.Nested(MoneySchema, required=True)


class QuoteLimitsSchema(Answer):
    """What is taken against the price, whoever has it."""

    minimum = Points(required=True)
    maximum = Points(required=True)
    step = Points(required=True)


class QuoteAnswerSchema(OptionSchema):
    """What points are worth against the price, until it expires or the rate changes."""

    quote_id = LedgerId("quo", required=True)
    member_id = CallerId(required=True)
    reference_price = fields.Nested(
        MoneySchema, required=True, metadata={"description": "The price in money alone"}
    )
    value_per_point = rate(required=True)
    rate = rate(required=True)
    rate_version = fields.Integer(required=True)
    expires_at = Instant("Never later than the next change of the rate", required=True)
    limits = fields.Nested(QuoteLimitsSchema, required=True)
    options = fields.List(fields.Nested(OptionSchema), required=True)
    dry_run = fields.Boolean(metadata={"description": "True when nothing was written"})


class OfflineAnswerSchema(Answer):
    """What has come of points that a till took while it was offline."""

    device_id = CallerId(required=True)
    occurred_at = Instant(required=True)
    overrun = Points("Points that were not covered, and are owed now", minimum=0, required=True)
    beyond_credit = Points("By how much the device's credit for the member and day is exceeded", minimum=0)
    flagged = fields.Boolean(required=True)


class PaidSchema(OptionSchema):
    """What was paid with points."""

    rate = rate(required=True)
    rate_version = fields.Integer(required=True)
    quote_id = LedgerId("quo", allow_none=True)
    hold_id = LedgerId("hld", "The hold that was captured by it", allow_none=True)
    draws = fields.List(fields.Nested(LotShareSchema), required=True)
    offline = fields.Nested(OfflineAnswerSchema)
