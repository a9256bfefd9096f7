"""The shapes of spending and of undoing, as they come and go over HTTP."""

from marshmallow import fields

from ledger.accounts.schemas import LotShareSchema, PostedSchema
from ledger.http.fields import CallerId, Choice, LedgerId, Points, Text
from ledger.rules.schemas import SourceSchema


class RedemptionSchema(SourceSchema):
    """Points to spend."""

    member_id = CallerId(required=True)
    points = Points(required=True)
    reference = CallerId("The caller's own id; has one effect, for ever", required=True)


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


class RedemptionAnswerSchema(PostedSchema):
    """What was spent, and from which lots."""

    redemption_id = LedgerId("red", required=True)
    reference = CallerId(required=True)
    points = Points(required=True)
    draws = fields.List(fields.Nested(LotShareSchema), required=True)


class RestoredSchema(PostedSchema):
    """What became of points that went back."""

    restored = fields.List(
        fields.Nested(LotShareSchema), metadata={"description": "Back in their lots, with their expiry"}
    )
    lapsed = fields.List(
        fields.Nested(LotShareSchema), metadata={"description": "Points whose lot has lapsed meanwhile"}
    )
    lapsed_policy = Choice(["lapse", "grace"], "What became of the lapsed ones")
    grace_lot = fields.Nested(LotShareSchema, allow_none=True)
    debt_repaid = Points(minimum=0)


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
    shortfall = Points(minimum=0)
