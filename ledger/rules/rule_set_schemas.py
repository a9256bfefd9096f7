"""The shapes of rule sets: versions, what is in force, switches, and the variables of conditions."""

from typing import Any

from marshmallow import ValidationError, fields

from ledger.accounts.schemas import PageQuery
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    ContentHash,
    Count,
    Instant,
    Integer,
    LedgerId,
    Plain,
    RegionCode,
    Strict,
    Text,
    Truth,
)
from ledger.rules.rule_set_queries import STATES, STATUSES
from ledger.rules.switches import CAMPAIGN, RULE

MAX_VERSION = 2**31 - 1


class RuleSetContent(Plain):
    """The JSON of a rule set. What it says is checked as a whole, and every fault is named by its place."""

    def published(self) -> dict[str, Any]:
        return {"type": "object"}

    def read(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise ValidationError("must be an object")
        return value


def owner(**kwargs: Any) -> RegionCode:
    """The field of an owner: a region; null or left out for headquarters."""
    return RegionCode("The region; without it, headquarters", allow_none=True, load_default=None, **kwargs)


class DraftSchema(Strict):
    """A version to be made."""

    owner = owner()
    content = RuleSetContent("`rules`, `campaigns` and `experiments`", required=True)


class RuleSetsQuery(PageQuery):
    """A page of the versions of an owner."""

    owner = RegionCode("The region; without it, headquarters")


class RuleSetQuery(Strict):
    """A version."""

    version = Count(1, MAX_VERSION, required=True)
    owner = RegionCode("The region; without it, headquarters")


class ProposalSchema(Strict):
    """A version to be put in force, when another key approves."""

    version = Count(1, MAX_VERSION, required=True)
    owner = owner()
    active_from = Instant("Not in the past; from the approval on, if left out")


class ActivationSchema(ProposalSchema):
    """A version that was in force before, to be put in force again."""

    active_from = Instant("Not in the past; at once, if left out")
    reason = Text(256, "Why, in words; kept", required=True)


class PromotionSchema(Strict):
    """A region's version that headquarters takes over."""

    version = Count(1, MAX_VERSION, required=True)
    owner = RegionCode("The region", required=True)


class RulesQuery(Strict):
    """A place."""

    region = CallerId("The region of a purchase; without it, one that has no rules of its own")


class SwitchSchema(Strict):
    """A turn of a switch."""

    code = CallerId(required=True)
    on = Truth("Whether it gives anything from now on", required=True)
    reason = Text(256, "Why, in words; kept", required=True)


def _owner_shown() -> RegionCode:
    return RegionCode("The region; null for headquarters", required=True, allow_none=True)


class InForceSchema(Answer):
    """A version that is, or will be, in force."""

    owner = _owner_shown()
    version = Integer(1, MAX_VERSION, required=True)
    active_from = Instant("Null for the rates of the terms", required=True, allow_none=True)


class RuleSetSchema(Answer):
    """A version, without its content."""

    owner = _owner_shown()
    version = Integer(1, MAX_VERSION, required=True)
    content_hash = ContentHash("SHA-256 of the content", required=True)
    status = Choice(STATUSES, required=True)
    made_by = fields.String(required=True)
    recorded_at = Instant(required=True)
    active_from = Instant("Of its last activation", required=True, allow_none=True)
    approval_id = LedgerId("apr", "Its last proposal", required=True, allow_none=True)


class WholeRuleSetSchema(RuleSetSchema):
    """A version."""

    content = fields.Dict(required=True)


class DefinedSchema(Answer):
    """A rule, a campaign or an experiment, and whether it counts."""

    code = CallerId(required=True)
    owner = _owner_shown()
    version = Integer(1, MAX_VERSION, required=True)
    state = Choice(
        STATES,
        "`overridden`: a region's rule stands in its place; `promoted`: headquarters' own stands in its place",
        required=True,
    )
    definition = fields.Dict(required=True)


class SwitchedOffSchema(Answer):
    """The codes that are switched off, whether in force or not."""

    rules = fields.List(fields.String(), required=True)
    campaigns = fields.List(fields.String(), required=True)


class RulesSchema(Answer):
    """What is in force at a place."""

    as_of = Instant(required=True)
    region = CallerId(required=True, allow_none=True)
    sets = fields.List(fields.Nested(InForceSchema), required=True)
    rules = fields.List(fields.Nested(DefinedSchema), required=True)
    campaigns = fields.List(fields.Nested(DefinedSchema), required=True)
    experiments = fields.List(fields.Nested(DefinedSchema), required=True)
    switched_off = fields.Nested(SwitchedOffSchema, required=True)
    upcoming = fields.List(fields.Nested(InForceSchema), required=True)


class SwitchedSchema(Answer):
    """A switch as it stands."""

    kind = Choice([RULE, CAMPAIGN], required=True)
    code = CallerId(required=True)
    on = fields.Boolean(required=True)
    reason = fields.String(required=True)
    switched_by = fields.String(required=True)
    switched_at = Instant(required=True)


class VariableSchema(Answer):
    """A name that conditions may use."""

    name = fields.String(required=True)
    type = fields.String(required=True)
    scope = Choice(["event", "line"], "`line`: only in conditions on lines", required=True)
    en = fields.String(required=True)
    zh = fields.String(required=True)


class ConditionsSchema(Answer):
    """What conditions may speak of."""

    variables = fields.List(fields.Nested(VariableSchema), required=True)
