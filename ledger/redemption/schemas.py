"""The shapes of spending and of undoing, as they come and go over HTTP."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ledger.accounts.schemas import LotShareSchema, PageQuery, PostedSchema, RestoredSchema
from ledger.fx.quote_schemas import OfflineAnswerSchema, rate
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    Instant,
    Integer,
    LedgerId,
    MoneySchema,
    Points,
    Strict,
    Text,
)
from ledger.rules.schemas import SourceSchema


class PointsOrQuote(SourceSchema):
    """Base of what takes a number of points, or those of a quote."""

    member_id = CallerId(required=True)
    points = Points("Left out where a quote says it")
    quote_id = LedgerId("quo", "A quote of the member's, used by this")
    reference = CallerId("The caller's own id; has one effect, for ever", required=True)

    @validates_schema
    def require_one_of_both(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse neither, and both."""
        if "quote_id" in payload and "points" in payload:
            raise ValidationError({"points": ["does not go with quote_id: the quote says how many"]})
        if "quote_id" not in payload and "points" not in payload:
            raise ValidationError({"points": ["is required, or a quote_id"]})


class OfflineSchema(Strict):
    """The till that took the points while it was offline."""

    device_id = CallerId(required=True)
    occurred_at = Instant("When it took them", required=True)


class RedemptionSchema(PointsOrQuote):
    """Points to spend."""

    offline = fields.Nested(
        OfflineSchema, metadata={"description": "A fact: what is not covered becomes a debt, and is flagged"}
    )

    @validates_schema
    def refuse_a_quote_offline(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a quote that was used offline: nobody could tell then whether it was still good."""
        if "quote_id" in payload and "offline" in payload:
            raise ValidationError({"offline": ["does not go with quote_id"]})


class HoldSchema(PointsOrQuote):
    """Points to set aside."""

    expires_in = Integer(1, 2_592_000, "Seconds until it releases itself", load_default=900)


class CaptureSchema(SourceSchema):
    """What of a hold is redeemed."""

    hold_id = CallerId(required=True)
    points = Points("All that is held, if left out; the rest is released")


class ReleaseSchema(SourceSchema):
    """A hold to give back."""

    hold_id = CallerId(required=True)


class HoldsQuery(PageQuery):
    """A page of a member's holds."""

    member_id = CallerId(required=True)


class RefundSchema(SourceSchema):
    """Points of a redemption that go back."""

    redemption_id = CallerId("As answered by the redemption", required=True)
    points = Points(required=True)
    reference = CallerId("The caller's own id; has one effect, for ever", required=True)


class TransferSchema(SourceSchema):
    """Points to move from one member to another."""

    from_member_id = CallerId(required=True)
    to_member_id = CallerId(required=True)
    points = Points(required=True)
    reference = CallerId("The caller's own id; has one effect, for ever", required=True)


class ReversalSchema(SourceSchema):
    """An entry to take back."""

    entry_id = CallerId(required=True)
    reason = Text(256, "Why, in words; kept in the books", required=True)


STATUSES = ("open", "captured", "released", "lapsed")


class ByQuoteSchema(PostedSchema):
    """What a quote adds to an answer; left out without one."""

    quote_id = LedgerId("quo", allow_none=True)
    points_value = fields.Nested(MoneySchema)
    cash = fields.Nested(MoneySchema)
    rate = rate()
    rate_version = fields.Integer()


class RedemptionAnswerSchema(ByQuoteSchema):
    """What was spent, and from which lots."""

    redemption_id = LedgerId("red", required=True)
    reference = CallerId(required=True)
    points = Points(required=True)
    draws = fields.List(fields.Nested(LotShareSchema), required=True)
    offline = fields.Nested(OfflineAnswerSchema)


class HoldAnswerSchema(ByQuoteSchema):
    """What was set aside, and from which lots."""

    hold_id = LedgerId("hld", required=True)
    reference = CallerId(required=True)
    status = Choice(STATUSES, required=True)
    points = Points(required=True)
    expires_at = Instant("From then on it has released itself", required=True)
    draws = fields.List(fields.Nested(LotShareSchema), required=True)


class ReleaseAnswerSchema(RestoredSchema):
    """What went back to its lots."""

    hold_id = LedgerId("hld", required=True)
    reference = CallerId(required=True)
    status = Choice(STATUSES, required=True)
    points = Points(required=True)


class CaptureAnswerSchema(ReleaseAnswerSchema, ByQuoteSchema):
    """What was redeemed of a hold, and what was released."""

    redemption_id = LedgerId("red", "For refunds", required=True)
    released = Points(minimum=0, required=True)
    draws = fields.List(fields.Nested(LotShareSchema), required=True)


class HeldSchema(Answer):
    """A hold, as it stands by the clock."""

    hold_id = LedgerId("hld", required=True)
    reference = CallerId(required=True)
    status = Choice(STATUSES, required=True)
    points = Points(required=True)
    captured = Points(minimum=0, required=True)
    made_at = Instant(required=True)
    expires_at = Instant(required=True)
    quote_id = LedgerId("quo", required=True, allow_none=True)
    closed_entry_id = LedgerId(
        "ent", "The entry that ended it, once it is booked", required=True, allow_none=True
    )


class RefundAnswerSchema(RestoredSchema):
    """What went back."""

    redemption_id = LedgerId("red", required=True)
    reference = CallerId(required=True)
    points = Points(required=True)


class TransferAnswerSchema(PostedSchema):
    """What moved. The balance is the sender's."""

    transfer_id = LedgerId("trf", required=True)
    reference = CallerId(required=True)
    from_member_id = CallerId(required=True)
    to_member_id = CallerId(required=True)
    points = Points(required=True)
    draws = fields.List(fields.Nested(LotShareSchema), required=True)


class ReversalAnswerSchema(RestoredSchema):
    """What a reversal took back, by the kind of the entry reversed."""

    reversed_entry_id = LedgerId("ent", required=True)
    reason = fields.String(required=True)
    points = Points(minimum=0)
    points_clawed_back = Points(minimum=0)
    growth_clawed_back = Points(minimum=0)
    cash_refund = fields.Nested(MoneySchema)
    shortfall = Points(minimum=0)
