"""The shape of a program's tiers within its terms: levels, texts, benefits, and how tiers are kept and lost."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ledger.http.fields import CallerId, Choice, Integer, Points, Strict, Text
from ledger.rules.policy_fields import FIXED_KINDS, Policy

MAX_LEVELS = 20
MAX_BENEFITS = 50


class NameSchema(Strict):
    """A name in both languages."""

    zh = Text(64, "In Chinese", required=True)
    en = Text(64, "In English", required=True)


class BenefitSchema(Strict):
    """What a level entitles to, once in each of its periods."""

    code = CallerId("Names the benefit, for ever", required=True)
    name = fields.Nested(NameSchema, required=True)
    per = Choice(["year", "quarter", "month"], "Issued once in each, of the local calendar", required=True)


class LevelSchema(Strict):
    """A level, and the growth from which it is reached."""

    code = CallerId("Names the level, for ever", required=True)
    threshold = Points("Growth from which it is reached; 0 for the lowest", minimum=0, required=True)
    name = fields.Nested(NameSchema, required=True)
    entitlements = fields.List(
        fields.Nested(BenefitSchema),
        validate=validate.Length(max=MAX_BENEFITS),
        metadata={"description": "Benefits issued when the level is entered, reached or kept"},
    )

    @validates_schema
    def refuse_repeated_benefits(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a benefit that stands twice."""
        _refuse_repeated("entitlements", payload.get("entitlements", ()))


class TiersSchema(Strict):
    """The levels of a program's tiers, and how they are kept and lost."""

    levels = fields.List(
        fields.Nested(LevelSchema),
        required=True,
        validate=validate.Length(min=1, max=MAX_LEVELS),
        metadata={"description": "From the lowest; the thresholds rise from 0"},
    )
    period = Policy("kind", FIXED_KINDS, "How long a tier that is reached is kept", required=True)
    landing = Choice(["soft", "hard"], "Fall by one level, or to what growth reaches; soft if left out")
    grace_days = Integer(0, 3_650, "Days after a period in which growth may still be regained; 0 if left out")
    floor = CallerId("The level below which nobody falls; the lowest if left out")
    protection_days = Integer(0, 3_650, "Days for which no return takes a tier just entered; 0 if left out")
    crossing_rate = Choice(
        ["before", "after"],
        "Which tier rates the purchase that reaches the next one: that before it, if left out, or after it",
    )
    return_policy = Choice(
        ["immediate", "at_period_end"],
        "When a return that goes below the threshold takes the tier; at once if left out",
    )

    @validates_schema
    def refuse_broken_ladders(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse thresholds that do not rise from 0, a level that stands twice, and an unknown floor."""
        levels = payload["levels"]
        _refuse_repeated("levels", levels)
        for number, level in enumerate(levels):
            below = levels[number - 1]["threshold"] if number else -1
            if level["threshold"] <= below or (number == 0 and level["threshold"]):
                must = f"must be more than {below}" if number else "must be 0 for the lowest level"
                raise ValidationError({"levels": {number: {"threshold": [must]}}})
        floor = payload.get("floor")
        if floor is not None and floor not in [level["code"] for level in levels]:
            raise ValidationError({"floor": ["must be the code of a level"]})


def _refuse_repeated(name: str, coded: Any) -> None:
    seen: set[str] = set()
    for number, item in enumerate(coded):
        if item["code"] in seen:
            raise ValidationError({name: {number: {"code": ["stands twice"]}}})
        seen.add(item["code"])
