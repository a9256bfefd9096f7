"""The shapes of earning, of returns and of a program's terms, as they come and go over HTTP."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ledger.accounts.schemas import OpenedLotSchema, PostedSchema, RestoredSchema
from ledger.alerts.schemas import AlertTermsSchema
from ledger.funds.schemas import FundCode
from ledger.fx.limit_schemas import RedemptionTermsSchema
from ledger.fx.quote_schemas import PaidSchema, rate
from ledger.fx.rate_schemas import BandSchema
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    Currency,
    Instant,
    Integer,
    LedgerId,
    MoneySchema,
    Points,
    RegionCode,
    Strict,
    Text,
)
from ledger.limits.schemas import MAX_LIMITS, AbuseTermsSchema, LimitSchema
from ledger.rules.policy_fields import EXPIRY_KINDS, FIXED_KINDS, Policy
from ledger.rules.tier_schemas import TiersSchema

MAX_LINES = 500
MAX_QUANTITY = 1_000_000_000


class SourceSchema(Strict):
    """Where an event came from; all of it optional."""

    store = CallerId("The store")
    region = CallerId("The region")
    channel = CallerId("The channel, such as pos or app")
    operator = CallerId("Who worked the till")
    terminal = CallerId("The till")


class LineSchema(Strict):
    """A line of a purchase."""

    line_id = CallerId("Unique within the purchase", required=True)
    sku = Text(64, "The article")
    category = Text(64, "The category of the article")
    quantity = Integer(0, MAX_QUANTITY, "Pieces", required=True)
    amount = Points("The line's total in minor units after discounts", minimum=0, required=True)


class OfflinePaymentSchema(Strict):
    """Points that a till took against the purchase while it was offline; their value follows from the rate."""

    device_id = CallerId("The till", required=True)
    points = Points(required=True)
    rate_version = Integer(1, 2**31 - 1, "The rate that the till knew; in force then", required=True)


class PurchaseSchema(SourceSchema):
    """A settled sale."""

    purchase_id = CallerId("The caller's own id; has one effect, for ever", required=True)
    member_id = CallerId("Enrolled by this purchase if unknown", required=True)
    occurred_at = Instant("When the sale was settled, not when it is sent", required=True)
    currency = Currency("The program's currency", required=True)
    lines = fields.List(
        fields.Nested(LineSchema), required=True, validate=validate.Length(min=1, max=MAX_LINES)
    )
    points_value = fields.Nested(
        MoneySchema,
        metadata={"description": "The part of the total that was paid with points; nothing if left out"},
    )
    quote_id = LedgerId("quo", "Pays with the points of a quote, or captures the hold on it", allow_none=True)
    offline = fields.Nested(
        OfflinePaymentSchema, metadata={"description": "Points that a till took while it was offline"}
    )
    order_id = CallerId(
        "The order, where it may be booked for more than one member: should they be merged, its growth counts once"
    )

    @validates_schema
    def refuse_repeated_lines(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a line that stands twice: a return names lines by their ids, and means one."""
        seen: set[str] = set()
        for number, line in enumerate(payload["lines"]):
            if line["line_id"] in seen:
                raise ValidationError({"lines": {number: {"line_id": ["stands twice in this purchase"]}}})
            seen.add(line["line_id"])

    @validates_schema
    def refuse_two_payments(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse points that are told in more than one way."""
        told = [name for name in ("points_value", "quote_id", "offline") if payload.get(name) is not None]
        if len(told) > 1:
            raise ValidationError({told[1]: [f"does not go with {told[0]}"]})

    @validates_schema
    def refuse_more_than_the_total(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a payment with points of more than the lines come to, or in another currency."""
        paid = payload.get("points_value")
        if paid is None:
            return
        if paid["currency"] != payload["currency"]:
            raise ValidationError({"points_value": {"currency": ["must be the currency of the purchase"]}})
        if paid["amount"] > sum(line["amount"] for line in payload["lines"]):
            raise ValidationError({"points_value": {"amount": ["is more than the lines come to"]}})


class EarningSchema(SourceSchema):
    """A direct award of points by a trusted caller."""

    member_id = CallerId("Enrolled by this award if unknown", required=True)
    points = Points(required=True)
    reason = Text(256, "Why, in words; kept in the books", required=True)
    reference = CallerId("The caller's own id; has one effect, for ever", required=True)
    available_at = Instant("Pending until then; at once if left out")
    expires_at = Instant("By the program's terms if left out")
    fund = FundCode("The budget that pays; it must have so much left")


class ReturnedLineSchema(Strict):
    """A line that goes back, whole or in part."""

    line_id = CallerId("As in the purchase", required=True)
    quantity = Integer(0, MAX_QUANTITY, "Pieces that go back", required=True)
    amount = Points("Minor units that go back", minimum=0, required=True)


class ReturnSchema(SourceSchema):
    """Goods of a purchase that go back."""

    purchase_id = CallerId(required=True)
    return_id = CallerId("The caller's own id; has one effect, for ever", required=True)
    occurred_at = Instant(required=True)
    lines = fields.List(
        fields.Nested(ReturnedLineSchema), required=True, validate=validate.Length(min=1, max=MAX_LINES)
    )


class RateSchema(Strict):
    """``per`` units for every whole ``amount`` of money."""

    per = Integer(0, 1_000_000, "Units given", required=True)
    amount = Points("Minor units spent", required=True)


class RegionShareSchema(Strict):
    """How much of what is issued a region may spend on its own rules, by value."""

    percent = Integer(0, 100, "Of what is counted", required=True)
    of = Choice(["headquarters", "total"], "What headquarters issued, or all that was issued", required=True)
    period = Choice(["month", "quarter", "year"], "Of the local calendar", required=True)


class ReturnTermsSchema(Strict):
    """What goes back with goods, and what becomes of earned points that were spent."""

    tender = Choice(
        ["pro_rata", "points_first", "cash_first"],
        "In which order points and cash go back; settled when the purchase is posted",
    )
    shortfall = Choice(
        ["debt", "deduct_cash", "refuse"],
        "What becomes of earned points that were spent: owed, bought at the ask from the cash, or refused",
    )


class OfflineTermsSchema(Strict):
    """What tills may do while they are offline."""

    credit = Points("Points that a device may take from a member in a local day", required=True)


class TermsSchema(Strict):
    """The terms of a program."""

    points = fields.Nested(RateSchema, required=True)
    growth = fields.Nested(RateSchema, required=True)
    pending_days = Integer(0, 3_650, "Days until points of a purchase may be used", required=True)
    points_expiry = Policy("kind", EXPIRY_KINDS, "How long points live", required=True)
    growth_expiry = Policy(
        "kind",
        FIXED_KINDS,
        "How long growth counts: its window",
        required=True,
    )
    lapsed_refund = Policy(
        "policy",
        {"lapse": None, "grace": "grace_days"},
        "What becomes of refunded points whose lot has lapsed",
        required=True,
    )
    debt_limit = Points("Points that a member may owe", minimum=0, required=True)
    judged_at = Choice(
        ["occurred_at", "recorded_at"],
        "Which time of a purchase chooses the version of the rules; occurred_at if left out",
    )
    region_share = fields.Nested(
        RegionShareSchema, metadata={"description": "What a region may spend; unlimited if left out"}
    )
    redemption = fields.Nested(
        RedemptionTermsSchema,
        metadata={"description": "How points may be used against a price; any number of them if left out"},
    )
    returns = fields.Nested(ReturnTermsSchema, metadata={"description": "pro_rata and debt if left out"})
    offline = fields.Nested(
        OfflineTermsSchema, metadata={"description": "Tills take no points offline if left out"}
    )
    tiers = fields.Nested(TiersSchema, metadata={"description": "The tiers; none if left out"})
    band = fields.Nested(
        BandSchema, metadata={"description": "The band of the rate; its defaults if left out"}
    )
    alerts = fields.Nested(
        AlertTermsSchema, metadata={"description": "When somebody is told; the defaults if left out"}
    )
    limits = fields.List(
        fields.Nested(LimitSchema),
        validate=validate.Length(max=MAX_LIMITS),
        metadata={"description": "How much may be moved at a time and in a day; any number if left out"},
    )
    abuse = fields.Nested(
        AbuseTermsSchema,
        metadata={"description": "Which members are frozen or reviewed by themselves; none if left out"},
    )
    review_days = Integer(
        1, 365, "Days for which an award is held for review before it is released by itself; 30 if left out"
    )


class ExplanationSchema(Answer):
    """The arithmetic of an award in words."""

    en = fields.String(required=True)
    zh = fields.String(required=True)


class AwardSchema(Answer):
    """What one rule gave."""

    rule = fields.String(required=True)
    rule_version = fields.Integer(required=True)
    unit = Choice(["POINT", "GROWTH"], required=True)
    amount = Points(required=True)
    inputs = fields.Dict(required=True)
    owner = RegionCode("The region whose rule it is; left out for headquarters'")
    campaign = CallerId("The campaign that the rule belongs to")
    funds = fields.List(FundCode(), metadata={"description": "The budgets that paid, each the whole amount"})
    explanation = fields.Nested(ExplanationSchema, required=True)


class FenceSchema(Answer):
    """What a limit kept back."""

    rule = CallerId(required=True)
    unit = Choice(["POINT", "GROWTH"], required=True)
    fence = fields.String(required=True, metadata={"description": "Which limit, such as `cap_day`"})
    wanted = Points("What it would have been; 0 where that is not known", minimum=0, required=True)
    given = Points("What was given all the same", minimum=0, required=True)
    detail = fields.Dict(required=True, metadata={"description": "How much the limit is, and what was left"})
    explanation = fields.Nested(ExplanationSchema, required=True)


class JudgedSchema(PostedSchema):
    """What the rules gave, and what they kept back."""

    points = Points(minimum=0, required=True)
    growth = Points(minimum=0, required=True)
    awards = fields.List(fields.Nested(AwardSchema), required=True)
    fenced = fields.List(
        fields.Nested(FenceSchema), metadata={"description": "Left out where nothing was kept back"}
    )
    arms = fields.Dict(metadata={"description": "The arm of each experiment that had a say, if any had"})
    tier = CallerId("The tier by which the points went; left out where the program has no tiers")


class PurchaseAnswerSchema(JudgedSchema):
    """What a purchase earned."""

    purchase_id = CallerId(required=True)
    lots = fields.List(fields.Nested(OpenedLotSchema), required=True)
    paid = fields.Nested(
        PaidSchema, metadata={"description": "Left out where nothing was paid with points here"}
    )


class EarningAnswerSchema(PostedSchema):
    """What was awarded."""

    reference = CallerId(required=True)
    points = Points(required=True)
    lots = fields.List(fields.Nested(OpenedLotSchema), required=True)


class DeductedSchema(Answer):
    """Points that were made good from the cash."""

    points = Points(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    rate = rate("The ask at which they were bought", required=True)
    rate_version = fields.Integer(required=True)


class ReturnAnswerSchema(RestoredSchema):
    """What a return takes back and pays back."""

    return_id = CallerId(required=True)
    purchase_id = CallerId(required=True)
    points_clawed_back = Points("Of points and debt together", minimum=0, required=True)
    growth_clawed_back = Points(minimum=0, required=True)
    points_refunded = Points("Points paid with that go back", minimum=0, required=True)
    cash_refund = fields.Nested(MoneySchema, required=True)
    shortfall = Points(
        "The part of points_clawed_back that was spent; less what was deducted it is owed now",
        minimum=0,
        required=True,
    )
    under_review = Points(
        "The part of points_clawed_back that is held for review, and owed until that is decided; left out where none is"
    )
    shortfall_policy = Choice(["debt", "deduct_cash", "refuse"])
    deducted = fields.Nested(DeductedSchema, allow_none=True)
    debt = Points("All that the member owes after this", minimum=0, required=True)
