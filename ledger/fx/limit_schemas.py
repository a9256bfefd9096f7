"""The shape of what a program's terms say of redemptions: limits, and where other limits hold."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ledger.fx.limits import Limits
from ledger.http.fields import CallerId, Integer, Points, Strict, Text, Truth


class LimitsSchema(Strict):
    """What is taken against one price."""

    redeemable = Truth("Whether points are taken at all; true if left out")
    minimum_points = Points("The fewest points that are taken; 1 if left out")
    step = Points("Points are taken in multiples of it; 1 if left out")
    min_percent = Integer(0, 100, "The least share of the price; 0 if left out")
    max_percent = Integer(0, 100, "The greatest share of the price; 100 if left out")

    @validates_schema
    def refuse_an_empty_range(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a least share above the greatest."""
        if payload.get("min_percent", 0) > payload.get("max_percent", 100):
            raise ValidationError({"min_percent": ["is more than max_percent"]})


class ElsewhereSchema(LimitsSchema):
    """Other limits, where all that is named fits."""

    tiers = fields.List(CallerId("A tier"), validate=validate.Length(1, 100))
    stores = fields.List(CallerId("A store"), validate=validate.Length(1, 10_000))
    skus = fields.List(Text(64, "An article"), validate=validate.Length(1, 10_000))

    @validates_schema
    def refuse_what_says_nothing(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse an exception that names nothing, or changes nothing."""
        if not payload.keys() & {"tiers", "stores", "skus"}:
            raise ValidationError({"stores": ["name tiers, stores or skus to which it applies"]})
        if not payload.keys() & set(Limits.__dataclass_fields__):
            raise ValidationError({"redeemable": ["name a limit that it changes"]})


class RedemptionTermsSchema(LimitsSchema):
    """How points may be used against a price."""

    exceptions = fields.List(
        fields.Nested(ElsewhereSchema),
        validate=validate.Length(max=200),
        metadata={
            "description": "Other limits by tier, store and article; of those that apply the last decides"
        },
    )
    quote_seconds = Integer(1, 86_400, "How long a quote lasts at most; 600 if left out")
    open_quotes = Integer(1, 100, "Open quotes that a member may have; 5 if left out")
    options = Integer(2, 50, "Choices that a quote shows at most; 10 if left out")
