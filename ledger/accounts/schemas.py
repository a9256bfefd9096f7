"""The shapes of members and of what they have: the balance, the trailer of every posting, lots, pages of a list."""

from marshmallow import Schema, fields

from ledger.accounts.paging import DEFAULT_LIMIT, MAX_LIMIT
from ledger.http.fields import (
    Answer,
    Attributes,
    CallerId,
    Choice,
    Count,
    Instant,
    Integer,
    LedgerId,
    Points,
    Strict,
    Text,
)
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


class TierSchema(Answer):
    """The tier of a member, by the clock."""

    code = CallerId("As in the program's terms", required=True)
    since = Instant("Null until the first growth", required=True, allow_none=True)


class BalanceSchema(Answer):
    """What a member has."""

    member_id = CallerId(required=True)
    as_of = Instant(required=True)
    points = fields.Nested(PointsBalanceSchema, required=True)
    growth = fields.Nested(GrowthBalanceSchema, required=True)
    tier = fields.Nested(
        TierSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null where the program has no tiers"},
    )
    account_version = Integer(0, MAX_AMOUNT, "Number of the member's last entry", required=True)
    known_as_of = Instant("Only in a balance of the past: what was recorded by then counts")


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


class MemberQuery(Strict):
    """A member."""

    member_id = CallerId(required=True)


class MemberChangeSchema(MemberQuery):
    """What is known of a member. What is left out stays as it is."""

    region = CallerId("The region")
    store = CallerId("The store")
    enrolled_at = Instant("For a new member now, if left out")
    attributes = Attributes("Replaces all attributes that were there")


class MemberLocksSchema(Answer):
    """What keeps a member's points where they are."""

    frozen = fields.Boolean(required=True, metadata={"description": "By the house"})
    spend = fields.Boolean(required=True, metadata={"description": "By the member, for spending alone"})
    review = fields.Boolean(
        required=True,
        metadata={"description": "By the house: what he is awarded is held until it has looked"},
    )


class MemberSchema(Answer):
    """A member."""

    member_id = CallerId(required=True)
    region = CallerId(required=True, allow_none=True)
    store = CallerId(required=True, allow_none=True)
    enrolled_at = Instant(required=True)
    attributes = Attributes(required=True)
    account_version = Integer(0, MAX_AMOUNT, "Number of the member's last entry", required=True)
    locks = fields.Nested(MemberLocksSchema, required=True)
    merged_into = CallerId(
        "In whose books his points are, where he was merged", required=True, allow_none=True
    )


class TimesQuery(Strict):
    """The two times of a read of the past."""

    as_of = Instant("What had happened by then; not later than the present")
    known_as_of = Instant("As far as was recorded by then; not later than the present")


class BalanceQuery(MemberQuery, TimesQuery):
    """A member, and a moment."""


class PageQuery(Strict):
    """A page of a list."""

    limit = Count(1, MAX_LIMIT, "Rows on the page", load_default=DEFAULT_LIMIT)
    cursor = Text(64, "The next_cursor of the page before")


class LotsQuery(MemberQuery, PageQuery):
    """A page of a member's lots."""

    state = Choice(["open", "all"], "Those pending or available now, or all there were", load_default="open")


class LotSchema(Answer):
    """Points or growth of one origin."""

    lot_id = LedgerId("lot", required=True)
    entry_id = LedgerId("ent", "The entry that opened it", required=True)
    unit = Choice(["POINT", "GROWTH"], required=True)
    original = Points("What it was opened with", required=True)
    remaining = Points("What has not been drawn or booked as expired", minimum=0, required=True)
    expired = Points("What has been booked as expired", minimum=0, required=True)
    state = Choice(["pending", "available", "expired", "spent"], "By the clock", required=True)
    earned_at = Instant(required=True)
    available_at = Instant(required=True)
    expires_at = Instant("Null for never", required=True, allow_none=True)
    rolling = fields.Boolean(
        required=True, metadata={"description": "Whether activity moves the expiry forward"}
    )


def page_of(item: type[Answer]) -> type[Schema]:
    """The schema of a page of such items."""
    listed = fields.List(fields.Nested(item), required=True)
    next_cursor = Text(64, "Leads to the next page; null on the last", required=True, allow_none=True)
    name = f"{item.__name__.removesuffix('Schema')}PageSchema"
    page = Answer.from_dict({"data": listed, "next_cursor": next_cursor}, name=name)
    page.__doc__ = "A page, newest first."
    return page
