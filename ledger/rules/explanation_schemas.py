"""The shapes of explanations."""

from typing import get_args

from marshmallow import fields

from ledger.accounts.schemas import MemberQuery, PageQuery
from ledger.accounts.tiers import Reason
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    Day,
    Instant,
    Integer,
    LedgerId,
    MoneySchema,
    Points,
    Strict,
    Text,
)
from ledger.rules.schemas import AwardSchema, ExplanationSchema, FenceSchema

_VERSION = (1, 2**31 - 1)
_UNITS = ("POINT", "GROWTH")
_BECAME = (
    "used",
    "given_back",
    "sent",
    "taken_back",
    "repaid",
    "set_aside",
    "held_for_review",
    "expired",
)


REASONS = get_args(Reason)


class PurchaseQuery(Strict):
    """A purchase."""

    purchase_id = CallerId(required=True)


class GrowthQuery(MemberQuery, PageQuery):
    """A member, and a page of the entries that the growth value is made of."""


def words(**kwargs: object) -> fields.Nested:
    """A field of a text in both languages."""
    return fields.Nested(ExplanationSchema, **kwargs)  # type: ignore[arg-type]


class NamedTierSchema(Answer):
    """A tier by its code, with the name that the terms give it."""

    code = CallerId(required=True)
    name = words(required=True)


class RuleSetVersionSchema(Answer):
    """A version of somebody's rules."""

    owner = fields.String(required=True, metadata={"description": "The region; empty for headquarters"})
    version = Integer(*_VERSION, required=True)


class ReturnedSchema(Answer):
    """How much of a line has gone back."""

    quantity = Points("Pieces", minimum=0, required=True)
    amount = Points("Minor units", minimum=0, required=True)


class ExplainedLineSchema(Answer):
    """A line of a purchase."""

    line_id = CallerId(required=True)
    sku = Text(64, required=True, allow_none=True)
    category = Text(64, required=True, allow_none=True)
    quantity = Points("Pieces", minimum=0, required=True)
    amount = Points("Minor units", minimum=0, required=True)
    returned = fields.Nested(ReturnedSchema, required=True)


class ExplainedAwardSchema(AwardSchema):
    """What one rule gave, by the rule's name."""

    name = words(required=True)


class ExplainedFenceSchema(FenceSchema):
    """What a limit kept back, by the rule's name."""

    name = words(required=True)


class BecameSchema(Answer):
    """What became of a part of a lot."""

    what = Choice(_BECAME, "`given_back` has come back into the lot; all else has left it", required=True)
    amount = Points(required=True)
    first_at = Instant(required=True)
    last_at = Instant(required=True)


class ExplainedLotSchema(Answer):
    """Points or growth of the purchase, and what became of them."""

    lot_id = LedgerId("lot", required=True)
    unit = Choice(_UNITS, required=True)
    amount = Points("What the purchase gave", required=True)
    remaining = Points("What is left and has not expired", minimum=0, required=True)
    state = Choice(["pending", "available", "expired", "spent"], "By the clock", required=True)
    available_at = Instant(required=True)
    expires_at = Instant("Null for never", required=True, allow_none=True)
    became = fields.List(fields.Nested(BecameSchema), required=True)
    explanation = words(required=True)


class TakenLineSchema(Answer):
    """A line that went back, whole or in part."""

    line_id = CallerId(required=True)
    quantity = Points("Pieces", minimum=0, required=True)
    amount = Points("Minor units", minimum=0, required=True)


class TakenSchema(Answer):
    """A return or a reversal of the purchase, or the rejection of its award, and what it took back."""

    entry_id = LedgerId("ent", required=True)
    kind = Choice(["return", "reversal", "reject"], required=True)
    return_id = CallerId(required=True, allow_none=True)
    occurred_at = Instant(required=True)
    lines = fields.List(fields.Nested(TakenLineSchema), required=True)
    points_clawed_back = Points("Of points and debt together", minimum=0, required=True)
    growth_clawed_back = Points(minimum=0, required=True)
    shortfall = Points("The part that was spent already and is owed", minimum=0, required=True)
    explanation = words(required=True)


class ReviewToldSchema(Answer):
    """Points of the purchase that are held until somebody has looked, or were."""

    hold_id = LedgerId("hld", required=True)
    points = Points(required=True)
    status = Choice(["open", "released", "rejected", "lapsed"], "By the clock", required=True)
    expires_at = Instant(required=True)
    explanation = words(required=True)


class PurchaseTotalsSchema(Answer):
    """What the purchase gave in all, and what is kept of it."""

    points = Points("The sum of the awards", minimum=0, required=True)
    growth = Points("The sum of the awards", minimum=0, required=True)
    points_repaid_debt = Points("The part that repaid points owed", minimum=0, required=True)
    points_clawed_back = Points(minimum=0, required=True)
    growth_clawed_back = Points(minimum=0, required=True)
    points_kept = Points(minimum=0, required=True)
    growth_kept = Points(minimum=0, required=True)


class PurchaseExplanationSchema(Answer):
    """A purchase with all that came of it."""

    purchase_id = CallerId(required=True)
    member_id = CallerId(required=True)
    entry_id = LedgerId("ent", required=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    tier = fields.Nested(NamedTierSchema, required=True, allow_none=True)
    terms_version = Integer(*_VERSION, "The terms that it was decided by", required=True)
    rule_sets = fields.List(
        fields.Nested(RuleSetVersionSchema),
        required=True,
        metadata={"description": "Whose rules judged it; none: the rates of the terms did"},
    )
    spent = fields.Nested(MoneySchema, required=True)
    cash = fields.Nested(
        MoneySchema, required=True, metadata={"description": "The part that was not paid with points"}
    )
    lines = fields.List(fields.Nested(ExplainedLineSchema), required=True)
    awards = fields.List(fields.Nested(ExplainedAwardSchema), required=True)
    fenced = fields.List(fields.Nested(ExplainedFenceSchema), required=True)
    arms = fields.Dict(required=True, metadata={"description": "The arm of each experiment that had a say"})
    lots = fields.List(fields.Nested(ExplainedLotSchema), required=True)
    returns = fields.List(fields.Nested(TakenSchema), required=True)
    review = fields.Nested(
        ReviewToldSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null where nothing was held for review"},
    )
    totals = fields.Nested(PurchaseTotalsSchema, required=True)


class WindowSchema(Answer):
    """How long growth counts, by the terms in force."""

    kind = fields.String(required=True)
    explanation = words(required=True)


class LeavingSchema(Answer):
    """Growth that no longer counts from a moment on."""

    at = Instant("Null for never", required=True, allow_none=True)
    date = Day("The local day from which on it no longer counts", required=True, allow_none=True)
    growth = Points(required=True)
    explanation = words(required=True, allow_none=True)


class CountedSchema(Answer):
    """An entry whose growth counts: amount − taken_back = remaining."""

    entry_id = LedgerId("ent", required=True)
    kind = fields.String(required=True)
    reference = CallerId("The business name that it took", required=True, allow_none=True)
    effective_at = Instant("When it happened", required=True)
    recorded_at = Instant("When it was written", required=True)
    awards = fields.List(fields.Nested(ExplainedAwardSchema), required=True)
    amount = Points("What it gave", required=True)
    taken_back = Points("What returns have taken back since", minimum=0, required=True)
    remaining = Points("What counts now", required=True)
    leaves_at = Instant("Null for never", required=True, allow_none=True)
    explanation = words(required=True)


class GrowthExplanationSchema(Answer):
    """The growth value, and a page of what it is made of, newest first."""

    member_id = CallerId(required=True)
    as_of = Instant(required=True)
    value = Points("The sum of what remains, over all pages", minimum=0, required=True)
    window = fields.Nested(WindowSchema, required=True)
    leaving = fields.List(
        fields.Nested(LeavingSchema),
        required=True,
        metadata={"description": "The whole value by the time it leaves the window, earliest first"},
    )
    data = fields.List(fields.Nested(CountedSchema), required=True)
    next_cursor = Text(64, "Leads to the next page; null on the last", required=True, allow_none=True)


class TierHistoryQuery(MemberQuery, PageQuery):
    """A page of the history of a member's tier."""


class GrowthValueSchema(Answer):
    """Growth value in the window."""

    value = Points(minimum=0, required=True)


class PresentTierSchema(NamedTierSchema):
    """The tier that a member has."""

    threshold = Points("Growth from which it is reached", minimum=0, required=True)
    since = Instant("Null until the first growth", required=True, allow_none=True)
    ends_at = Instant("When it is judged next; null if it never is", required=True, allow_none=True)
    in_grace = fields.Boolean(
        required=True, metadata={"description": "Whether its period has ended and may still be saved"}
    )


class NextTierSchema(NamedTierSchema):
    """The tier above."""

    threshold = Points("Growth from which it is reached", minimum=0, required=True)
    missing = Points("Growth that is missing to it", minimum=0, required=True)
    explanation = words(required=True)


class KeepsSchema(Answer):
    """What keeps the tier."""

    until = Instant("When that is judged; null if it never is", required=True, allow_none=True)
    growth_needed = Points(minimum=0, required=True)
    growth_then = Points(
        "How much of the present growth counts then; in grace, the present growth",
        minimum=0,
        required=True,
        allow_none=True,
    )
    missing = Points("Growth that is needed on top", minimum=0, required=True)
    explanation = words(required=True)


class TierEventSchema(Answer):
    """A tier entered, kept or changed, with the reason."""

    effective_at = Instant(required=True)
    date = Day("The local day", required=True)
    # "from" is a word of Python.
    locals()["from"] = CallerId("The tier before; null for the first", required=True, allow_none=True)
    to = CallerId(required=True)
    reason = Choice(REASONS, required=True)
    growth = Points("The growth that decided", minimum=0, required=True)
    ends_at = Instant("When the tier is judged next", required=True, allow_none=True)
    terms_version = Integer(*_VERSION, required=True)
    explanation = words(required=True)


class RecordedTierEventSchema(TierEventSchema):
    """A tier event that has happened."""

    recorded_at = Instant(
        "Null: the clock has decided it, and no job has noted it yet", required=True, allow_none=True
    )
    entry_id = LedgerId("ent", "The entry that brought it", required=True, allow_none=True)


class PendingGrowthSchema(Answer):
    """Growth that counts only from a later time on."""

    effective_at = Instant(required=True)
    growth = Points(required=True)
    tier = CallerId("The tier that it will make", required=True)
    explanation = words(required=True)


class EntitlementSchema(Answer):
    """A benefit that was issued, once for its period."""

    code = CallerId(required=True)
    name = words(required=True)
    period = fields.String(required=True, metadata={"description": "`2026`, `2026-Q1` or `2026-03`"})
    tier = CallerId(required=True)
    issued_at = Instant(required=True)


class TierExplanationSchema(Answer):
    """A member's tier, and what explains it."""

    member_id = CallerId(required=True)
    as_of = Instant(required=True)
    growth = fields.Nested(GrowthValueSchema, required=True)
    tier = fields.Nested(
        PresentTierSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null where the program has no tiers"},
    )
    next = fields.Nested(
        NextTierSchema, required=True, allow_none=True, metadata={"description": "Null at the top"}
    )
    keeps = fields.Nested(KeepsSchema, required=True, allow_none=True)
    outlook = fields.List(
        fields.Nested(TierEventSchema),
        required=True,
        metadata={"description": "What the clock will decide if no growth is added, earliest first"},
    )
    pending = fields.List(fields.Nested(PendingGrowthSchema), required=True)
    entitlements = fields.List(
        fields.Nested(EntitlementSchema),
        required=True,
        metadata={"description": "The last 200 that were issued, newest first"},
    )
    history = fields.List(
        fields.Nested(RecordedTierEventSchema),
        required=True,
        metadata={"description": "The last 20 events, newest first by recording"},
    )
