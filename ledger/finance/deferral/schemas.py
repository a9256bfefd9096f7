"""The shapes of policies, estimates, the deferral book and the liability."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ledger.accounts.schemas import TimesQuery
from ledger.finance.deferral.policy import METHODS
from ledger.finance.deferral.report import ACCOUNTS, ROWS
from ledger.finance.month_field import Month
from ledger.finance.rendering import FORMS
from ledger.http.fields import (
    Answer,
    Attributes,
    Choice,
    Currency,
    DecimalText,
    Instant,
    Integer,
    Strict,
    Text,
)

MAX_DECIMALS = 12


def _share(description: str = "", **kwargs: Any) -> fields.String:
    return fields.String(required=True, metadata={"description": description}, **kwargs)


def _count(description: str = "") -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description})


class EstimateProposalSchema(Strict):
    """What share of a cohort's points will ever be redeemed, as it is proposed."""

    cohort = Month(
        "The month in which the points were issued; of every cohort without one of its own, if left out"
    )
    expected_redemption = DecimalText("Above 0, at most 1", required=True)
    method = Text(64, "How it was found: `chain_ladder`, `judgement`, ...", required=True)
    applies_from = Month(
        "The first accounting month that goes by it, not locked; the present one, if left out"
    )
    inputs = Attributes("What it was worked out from, as whoever reviews it needs it; kept as it is")
    reason = Text(256, "Why, in words; kept; the method, if left out")

    @validates_schema
    def refuse_what_is_no_share(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse what is no share of anything."""
        share = payload.get("expected_redemption")
        if share is not None and not 0 < share <= 1:
            raise ValidationError({"expected_redemption": ["must be above 0 and at most 1"]})


class EstimateSchema(Answer):
    """A version of an estimate. It never changes."""

    version = _count()
    estimate_id = fields.String(required=True)
    cohort = Month(required=True, allow_none=True)
    applies_from = Month(required=True)
    expected_redemption = DecimalText(required=True)
    method = fields.String(required=True)
    inputs = fields.Dict(required=True)
    recorded_at = Instant(required=True)
    reason = fields.String(required=True)
    proposed_by = fields.String(required=True)
    approved_by = fields.String(required=True)


class PolicyProposalSchema(Strict):
    """How the points of purchases are to be measured in money, as it is proposed."""

    method = Choice(METHODS, required=True)
    applies_from = Month(
        "The first cohort that goes by it, without purchases yet; the present month, if left out"
    )
    unit_value = DecimalText(
        "What a point is worth on its own, in major units, for allocating prices; the bid at the purchase, if left out"
    )
    unit_cost = DecimalText(
        "What a point costs, in major units, for provisions; the bid in force, if left out"
    )
    settlement_price = DecimalText(
        "What is due to the partner for one of its points, in major units; with `agent_net` alone, and then required"
    )
    share_decimals = Integer(
        1,
        MAX_DECIMALS,
        "Decimals to which the share of the points in a price is rounded; not at all, if left out",
    )
    tax_rate = DecimalText("The tax in prices, of the price without it: 0.13; none if left out")
    reason = Text(256, "Why, in words; kept", required=True)

    @validates_schema
    def refuse_what_does_not_fit(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a partner's price where there is no partner, and rates that are none."""
        faults: dict[str, list[str]] = {}
        if (payload.get("method") == "agent_net") != ("settlement_price" in payload):
            faults["settlement_price"] = ["goes with agent_net, and with nothing else"]
        for name in ("unit_value", "unit_cost"):
            if payload.get(name) == 0:
                faults[name] = ["must be more than 0"]
        if payload.get("tax_rate", 0) >= 1:
            faults["tax_rate"] = ["must be less than 1"]
        if faults:
            raise ValidationError(faults)


class PolicySchema(Answer):
    """A version of the policy. It never changes."""

    version = _count()
    applies_from = Month(required=True)
    method = Choice(METHODS, required=True)
    unit_value = DecimalText(required=True, allow_none=True)
    unit_cost = DecimalText(required=True, allow_none=True)
    settlement_price = DecimalText(required=True, allow_none=True)
    share_decimals = fields.Integer(required=True, allow_none=True)
    tax_rate = DecimalText(required=True)
    recorded_at = Instant(required=True)
    reason = fields.String(required=True)
    proposed_by = fields.String(required=True, allow_none=True)
    approved_by = fields.String(required=True, allow_none=True)


DeferralQuery = Strict.from_dict(
    {
        "from": Instant("The period begins just after; from the beginning if left out"),
        "to": Instant("The last moment of the period; the present if left out"),
        "as_of": Instant("The same as `to`"),
        "known_as_of": Instant("As far as was recorded by then; not later than the present"),
        "period": Month("An accounting month, in place of `from` and `to`"),
        "format": Choice(FORMS, "json if left out"),
    },
    name="DeferralQuery",
)

_ROLLED: dict[str, Any] = {
    "opening": _count("Minor units"),
    **{name: _count() for name in ROWS},
    "closing": _count(
        "opening + deferred - released_on_redemption - released_on_expiry + estimate_trueup - issue_reversals"
        " + transaction_price_changes + revalued"
    ),
}

CohortSchema = Answer.from_dict(
    {
        "cohort": Month("The month in which the points were issued", required=True),
        "pool": Choice(("sale", "award"), "Points of purchases, or of anything else", required=True),
        "method": Choice(METHODS, required=True),
        "policy_version": _count(),
        "estimate_version": fields.Integer(required=True, allow_none=True),
        "expected_redemption": _share(),
        "price": _count("What was paid in money, less tax and what was paid back"),
        "allocated": _count("Of the price, to points that were not taken back"),
        "allocated_to_goods": _count(),
        "issued": _count("Points, less those that were taken back"),
        "redeemed": _count("Points, to date"),
        "outstanding": _count("Points in lots"),
        "expected_total": _share("Points that are ever expected to be redeemed"),
        "released_to_date": _count(),
        **_ROLLED,
    },
    name="CohortSchema",
)


class JournalLineSchema(Answer):
    """A journal line of the deferral book."""

    row = Choice(ROWS, required=True)
    kind = Choice(("deferral", "provision", "agent"), required=True)
    debit = Choice(tuple(ACCOUNTS), required=True)
    credit = Choice(tuple(ACCOUNTS), required=True)
    amount = _count("Minor units, more than nothing")


class DeferralBalanceSchema(Answer):
    """An account of the deferral book, since the beginning."""

    account = Choice(tuple(ACCOUNTS), required=True)
    debit = _count()
    credit = _count()
    balance = _count("On the account's normal side; negative on the other")


class DeferralBookSchema(Answer):
    """The accounts of the deferral book, which is no part of what was posted and follows from it."""

    unit = Currency(required=True)
    accounts = fields.List(fields.Nested(DeferralBalanceSchema), required=True)
    total_debit = _count()
    total_credit = _count()
    difference = _count("0")


DeferralSchema = Answer.from_dict(
    {
        "from": Instant(required=True),
        "to": Instant(required=True),
        "known_as_of": Instant(required=True),
        "currency": Currency(required=True),
        **_ROLLED,
        "released_from_opening": _count("Revenue of the period that the opening balance held (IFRS 15.116)"),
        "cohorts": fields.List(fields.Nested(CohortSchema), required=True),
        "lines": fields.List(fields.Nested(JournalLineSchema), required=True),
        "balances": fields.List(fields.Nested(DeferralBalanceSchema), required=True),
        "estimates": fields.List(
            fields.Integer(),
            required=True,
            metadata={"description": "Versions by which it released or was trued up"},
        ),
        "policies": fields.List(fields.Integer(), required=True, metadata={"description": "Versions in use"}),
        "difference": _count("The rows against the formula; 0"),
    },
    name="DeferralSchema",
)


class TakenBackSchema(Answer):
    """What a return or a reversal took of a purchase."""

    entry_id = fields.String(required=True)
    kind = Choice(("return", "reversal", "reject"), required=True)
    return_id = fields.String(required=True, allow_none=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    booked_in = Month("The accounting month", required=True)
    paid_back = _count("Of the price, in minor units")
    points = _count("Clawed back, less what the member bought instead")
    reversed = _count("Of the allocation, with the points")
    price_changed = _count("Of the allocation, with the price alone")


class RemainingSchema(Answer):
    """What returns have left."""

    price = _count()
    points = _count()
    allocated = _count()


class AllocationSchema(Answer):
    """How the price of a purchase was allocated to goods and points. Money in minor units."""

    purchase_id = fields.String(required=True)
    entry_id = fields.String(required=True)
    member_id = fields.String(required=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    as_of = Instant("As far as returns were known", required=True)
    cohort = Month("The calendar month of the purchase", required=True)
    currency = Currency(required=True)
    paid = _count("In money, with tax")
    tax_rate = DecimalText(required=True)
    price = _count("Without tax")
    points = _count("Earned")
    policy_version = _count()
    method = Choice(METHODS, required=True)
    unit_value = DecimalText("Of a point on its own, in major units", required=True)
    unit_value_of = Choice(("policy", "rate"), "Where the unit value is from", required=True)
    rate_version = fields.Integer(required=True, allow_none=True)
    expected_redemption = DecimalText(required=True)
    estimate_version = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Null where nobody had estimated: all of them"},
    )
    points_apart = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "points * unit_value * expected_redemption, in major units; null where no shares count"
        },
    )
    share = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "points_apart / (points_apart + price), with at most 12 digits"},
    )
    share_decimals = fields.Integer(required=True, allow_none=True)
    allocated = _count("price * share, rounded, a half up")
    allocated_to_goods = _count()
    taken_back = fields.List(fields.Nested(TakenBackSchema), required=True)
    remaining = fields.Nested(RemainingSchema, required=True)


class LiabilityQuery(TimesQuery):
    """The two times of the report."""

    format = Choice(FORMS, "json if left out")


class CostPerPointSchema(Answer):
    """What points that were redeemed at a rate were worth on average, over the year before."""

    since = Instant(required=True, data_key="from", attribute="from")
    points = _count()
    value = _count("Minor units")
    per_point = fields.String(required=True, allow_none=True, metadata={"description": "Major units"})


class LiabilityByMethodSchema(Answer):
    """Points and money under one method."""

    method = Choice(METHODS, required=True)
    outstanding = _count()
    book_liability = _count()
    passed_on = _count("Due to partners")


class LiabilityByCohortSchema(Answer):
    """Points and money of one cohort."""

    cohort = Month(required=True)
    pool = fields.String(required=True)
    outstanding = _count()
    expected_redemption = _share()
    points_to_come = _share("Points still expected to be redeemed")
    face_value = _count()
    book_liability = _count()


class SensitivitySchema(Answer):
    """The book liability under another expectation."""

    what = Choice(("redemption", "breakage", "rate"), required=True)
    by = _share("Points of the share of redemption; a share of the breakage, or of the rate")
    book_liability = _count()
    change = _count()
    economic_value = fields.Integer(metadata={"description": "At the other rate"})


class PointsLiabilitySchema(Answer):
    """The points liability. Money in minor units."""

    as_of = Instant(required=True)
    known_as_of = Instant(required=True)
    currency = Currency(required=True)
    bid = fields.String(required=True, allow_none=True)
    rate_version = fields.Integer(required=True, allow_none=True)
    outstanding = _count("Points and held points of members, less what they owe")
    owed_by_members = _count("Points")
    face_value = _count("The outstanding points at the bid, floored")
    book_liability = _count("What the deferral book carries")
    points_to_come = _share("Points still expected to be redeemed")
    breakage_points = _share("The rest of the points in lots")
    net_redemption_rate = fields.String(
        required=True, allow_none=True, metadata={"description": "points_to_come of the points in lots"}
    )
    economic_value = _count("points_to_come at the bid")
    cost_per_point = fields.Nested(CostPerPointSchema, required=True)
    by_method = fields.List(fields.Nested(LiabilityByMethodSchema), required=True)
    by_cohort = fields.List(fields.Nested(LiabilityByCohortSchema), required=True)
    sensitivity = fields.List(fields.Nested(SensitivitySchema), required=True)
    difference = _count("Points of the cohorts less those of the trial balance; 0")
