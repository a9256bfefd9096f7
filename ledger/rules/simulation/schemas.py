"""The shapes of simulations: what is asked for, and the report."""

from typing import Any

from marshmallow import fields

from ledger.http.fields import Answer, CallerId, Choice, Instant, Integer, Strict
from ledger.rules.rule_set_schemas import MAX_VERSION, RuleSetContent, owner
from ledger.rules.schemas import TermsSchema


class TriedRulesSchema(Strict):
    """Rules to try in the place of an owner's: a version of theirs, or a content that is in no register."""

    owner = owner()
    version = Integer(1, MAX_VERSION, "Of the register")
    content = RuleSetContent(
        "`rules`, `campaigns` and `experiments`; tried in the place of the version's own"
    )


class _Trial(Strict):
    # With nothing to try both worlds are the active one, and a period that ends before it begins holds nothing.
    rule_set = fields.Nested(TriedRulesSchema)
    terms = fields.Nested(TermsSchema)
    region = CallerId("Only what was bought and done in this region")
    sample_percent = Integer(1, 100, "Of the members, always the same ones", load_default=100)


SimulationSchema = _Trial.from_dict(
    {
        "from": Instant("The draft is in force from then on; from the beginning, if left out"),
        "until": Instant("And before then; up to the present, if left out"),
    },
    name="SimulationSchema",
)


def _sum(description: str = "") -> fields.Integer:
    # Without a bound: of a member's amounts there is one, of the sum over all members there is none.
    return fields.Integer(required=True, metadata={"description": description} if description else {})


def _code(description: str) -> fields.String:
    return fields.String(required=True, metadata={"description": description})


def _rows(schema: Any) -> Any:
    return fields.List(fields.Nested(schema), required=True)


def _unit() -> Choice:
    return Choice(["POINT", "GROWTH"], required=True)


class PairSchema(Answer):
    """The same in both worlds."""

    active = _sum()
    draft = _sum()
    difference = _sum("Draft less active")


def _pair() -> fields.Nested:
    return fields.Nested(PairSchema, required=True)


class DraftedSchema(Answer):
    """What was tried."""

    owner = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    has_rules = fields.Boolean(required=True)
    has_terms = fields.Boolean(required=True)


class ReadSchema(Answer):
    """What was replayed and counts."""

    members = _sum()
    purchases = _sum()
    lines = _sum()
    activities = _sum()
    referrals = _sum()
    returns = _sum("Returns and reversals")


class IssueSchema(Answer):
    """An amount given, what of it went back, and the rest."""

    issued = _sum()
    taken_back = _sum()
    net = _sum()


class TotalsSchema(Answer):
    """A unit in all."""

    active = fields.Nested(IssueSchema, required=True)
    draft = fields.Nested(IssueSchema, required=True)
    difference = fields.Nested(IssueSchema, required=True)
    books = fields.Nested(IssueSchema, required=True)


class BothTotalsSchema(Answer):
    """Both units."""

    points = fields.Nested(TotalsSchema, required=True)
    growth = fields.Nested(TotalsSchema, required=True)


class LiabilitySchema(Answer):
    """What the program would owe more: points issued less taken back. Without a rate, no value in money."""

    points = _sum()
    face_value = fields.Integer(required=True, allow_none=True)


class RuleChangeSchema(Answer):
    """A rule."""

    owner = fields.String(required=True, allow_none=True)
    rule = _code("Its code")
    unit = _unit()
    amount = _pair()
    awards = _pair()


class PlaceSchema(Answer):
    """A store, a region, or a tier (the one that the active world saw): what was given there."""

    code = _code("Empty where it is not known")
    points = _pair()
    growth = _pair()


class TierPairSchema(Answer):
    """The tiers of members in the end."""

    active = _code("In the active world")
    draft = _code("In the draft's")


class StandingSchema(TierPairSchema):
    """How many members end so."""

    members = _sum()


class MoveSchema(Answer):
    """Events of tiers on the way."""

    reason = _code("As in the history of a member's tier")
    events = _pair()


class TierChangesSchema(Answer):
    """Tiers in both worlds."""

    by_tier = _rows(PlaceSchema)
    higher = _sum("Members who end on a higher level under the draft")
    lower = _sum("Members who end on a lower level under the draft")
    matrix = _rows(StandingSchema)
    moves = _rows(MoveSchema)


class FenceChangeSchema(Answer):
    """What a fence kept back of a rule."""

    rule = _code("Its code")
    unit = _unit()
    fence = _code("Such as cap_day")
    kept_back = _pair()
    times = _pair()


class FundDifferenceSchema(Answer):
    """What a budget would pay, beside what is left in it."""

    fund = _code("Its code")
    points = _pair()
    left = _sum()


class MemberDifferenceSchema(Answer):
    """A member: what is left of what was given."""

    member_id = _code("The member")
    points = _pair()
    growth = _pair()
    tier = fields.Nested(TierPairSchema, required=True)


class MembersChangedSchema(Answer):
    """The members who change most."""

    gain = _rows(MemberDifferenceSchema)
    lose = _rows(MemberDifferenceSchema)


class NoteSchema(Answer):
    """What to know before relying on the figures."""

    code = _code("Its code")
    en = fields.String(required=True)
    zh = fields.String(required=True)


_SELECTION = {
    "from": Instant(required=True, allow_none=True),
    "until": Instant(required=True, allow_none=True),
    "region": fields.String(required=True, allow_none=True),
    "sample_percent": fields.Integer(required=True),
}


class ReportSchema(Answer):
    """Both worlds and their difference."""

    program = _code("Its name")
    draft = fields.Nested(DraftedSchema, required=True)
    selection = fields.Nested(Answer.from_dict(_SELECTION, name="SelectionSchema"), required=True)
    read = fields.Nested(ReadSchema, required=True)
    totals = fields.Nested(BothTotalsSchema, required=True)
    liability = fields.Nested(LiabilitySchema, required=True)
    rules = _rows(RuleChangeSchema)
    stores = _rows(PlaceSchema)
    regions = _rows(PlaceSchema)
    tiers = fields.Nested(TierChangesSchema, required=True)
    fences = _rows(FenceChangeSchema)
    funds = _rows(FundDifferenceSchema)
    members = fields.Nested(MembersChangedSchema, required=True)
    notes = _rows(NoteSchema)
