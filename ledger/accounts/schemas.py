"""The shapes that every answer about a member's account shares: the balance, the trailer of a posting, lots."""

from marshmallow import fields

from ledger.http.fields import Answer, CallerId, Choice, Instant, Integer, LedgerId, Points
from ledger.money import MAX_AMOUNT


class NextExpirySchema(Answer):
    """The earliest expiry of what the member has."""

    points = Points(required=True)
    expires_at = Instant(required=True)


class PointsBalanceSchema(Answer):
    """Points, by what may be done with them."""

    available = Points("May be spent now", minimum=0, required=True)
    pending = Points("Earned, and available later", minimum=0, required=True)
    held = Points("Reserved by a hold", minimum=0, required=True)
    debt = Points("Owed after a claw-back of points already spent", minimum=0, required=True)
    next_expiry = fields.Nested(NextExpirySchema, required=True, allow_none=True)


class GrowthBalanceSchema(Answer):
    """Growth value in the window."""

    value = Points(minimum=0, required=True)


class BalanceSchema(Answer):
    """What a member has."""

    member_id = CallerId(required=True)
    as_of = Instant(required=True)
    points = fields.Nested(PointsBalanceSchema, required=True)
    growth = fields.Nested(GrowthBalanceSchema, required=True)
    tier = fields.Dict(required=True, allow_none=True)
    account_version = Integer(0, MAX_AMOUNT, "Number of the member's last entry", required=True)


class PostedSchema(Answer):
    """What every posting answers."""

    entry_id = LedgerId("ent", required=True)
    kind = fields.String(required=True)
    dry_run = fields.Boolean(metadata={"description": "True when nothing was written"})
    account_version = Integer(1, MAX_AMOUNT, required=True)
    balance = fields.Nested(BalanceSchema, required=True)


class OpenedLotSchema(Answer):
    """A lot that a posting opened."""

    lot_id = LedgerId("lot", required=True)
    unit = Choice(["POINT", "GROWTH"], required=True)
    amount = Points(required=True)
    available_at = Instant(required=True)
    expires_at = Instant("Null for never", required=True, allow_none=True)


class LotShareSchema(Answer):
    """An amount taken from a lot, or given back to it."""

    lot_id = LedgerId("lot", required=True)
    points = Points(required=True)
    expires_at = Instant("Null for never", required=True, allow_none=True)
