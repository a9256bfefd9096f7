"""The shapes of redemption rates."""

from typing import Any

from marshmallow import fields

from ledger.finance.metrics.definitions import BASES, DEFINITIONS
from ledger.finance.rendering import FORMS
from ledger.http.fields import Answer, Choice, Instant, Strict
from ledger.rules.schemas import ExplanationSchema

RedemptionRateQuery = Strict.from_dict(
    {
        "from": Instant("The window begins just after; from the beginning if left out"),
        "to": Instant("The last moment of the window; the present if left out"),
        "definition": Choice(DEFINITIONS, "What is divided by what; period if left out"),
        "basis": Choice(BASES, "Whether what was taken back is taken away; net if left out"),
        "as_of": Instant("Up to when a cohort may have been redeemed; the present if left out"),
        "known_as_of": Instant("As far as was recorded by then; not later than the present"),
        "format": Choice(FORMS, "How it is shown; json if left out"),
    },
    name="RedemptionRateQuery",
)

_WINDOW: dict[str, fields.Field[Any]] = {"from": Instant(required=True), "to": Instant(required=True)}
RateWindowSchema = Answer.from_dict(_WINDOW, name="RateWindowSchema")


class RateBandSchema(Answer):
    """The band that the program's terms set for the period's rate."""

    low = fields.String(required=True)
    high = fields.String(required=True)


class RedemptionRateSchema(Answer):
    """A redemption rate, and what it is the rate of."""

    definition = Choice(DEFINITIONS, required=True)
    basis = Choice(BASES, required=True)
    window = fields.Nested(RateWindowSchema, required=True)
    as_of = Instant(required=True)
    known_as_of = Instant(required=True)
    numerator = fields.Integer(required=True, metadata={"description": "Points; of participation, members"})
    denominator = fields.Integer(
        required=True, metadata={"description": "Points; of participation, members. A mean is rounded here"}
    )
    rate = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Four digits after the point; null where there is nothing to divide by"},
    )
    band = fields.Nested(RateBandSchema, required=True)
    in_band = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "By the exact rate; null where there is none"},
    )
    label = fields.Nested(ExplanationSchema, required=True)
