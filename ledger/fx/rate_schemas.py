"""The shapes of rates, of the band and of what its controller recommends."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ledger.fx.band import BLOCKS, TARGET_UNREACHABLE
from ledger.fx.band_settings import DEFAULT_BAND
from ledger.fx.band_switches import AUTO, CODES, KIND
from ledger.http.fields import (
    Answer,
    Choice,
    Currency,
    DecimalText,
    Instant,
    Integer,
    Pattern,
    Points,
    Strict,
    Text,
    Truth,
)

MAX_VERSION = 2**31 - 1
MAX_LAG_HOURS = 24 * 366


class ShareText(Pattern):
    """A share between nothing and all, as text. It stays one inside: terms are kept as they were written."""

    pattern = r"0\.[0-9]{1,6}"
    must = 'must be a share in a string, such as "0.30", less than 1 and with at most 6 digits'


class SignedDecimalText(Pattern):
    """A decimal as text that may be negative, in answers."""

    pattern = r"-?[0-9]+(?:\.[0-9]+)?"
    must = "must be a decimal in a string"


class BandSchema(Strict):
    """What a program wants of its rate: the redemption rate that it aims at, and the band around it."""

    target = ShareText("Points redeemed, as a share of points issued; 0.30 if left out")
    low = ShareText("Below it the controller wakes; 0.28 if left out")
    high = ShareText("Above it the controller wakes; 0.32 if left out")
    minimum_volume = Points(
        "Points issued in four weeks, for a share of them to say anything; 10000 if left out"
    )
    lag_hours_max = Integer(
        1, MAX_LAG_HOURS, "Age of the newest entry from which on nothing is recommended; 48 if left out"
    )
    mode = Choice(
        ["recommend", "auto"],
        "The most that the controller may do; `auto` must be turned on by two approvals as well. `recommend` if left"
        " out",
    )

    @validates_schema
    def refuse_what_is_no_band(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a target at or beyond the edges of its own band."""
        band = {**DEFAULT_BAND, **payload}
        low, target, high = (Decimal(band[name]) for name in ("low", "target", "high"))
        if not 0 < low < target < high:
            raise ValidationError({"target": ["must lie between low and high, and low above 0"]})


class RateProposalSchema(Strict):
    """A rate, as it is proposed. What is left out is as in the version in force when it begins."""

    rate = DecimalText("What a point is worth when it is spent, in major units", required=True)
    ask = DecimalText("What a point costs when it is sold; the rate, if left out")
    floor = DecimalText("Below it no rate is proposed or recommended")
    ceiling = DecimalText("Above it no rate is proposed or recommended")
    max_step = DecimalText("The share of this rate by which the next may differ from it")
    valid_from = Instant("Not in the past; from the approval on, if left out")
    reason = Text(256, "Why, in words; kept", required=True)


class RateTermsSchema(Answer):
    """A version of the rate, without its history."""

    rate = DecimalText("What a point is worth when it is spent, in major units", required=True)
    ask = DecimalText("What a point costs when it is sold", required=True)
    floor = DecimalText(required=True)
    ceiling = DecimalText(required=True)
    max_step = DecimalText("The share of this rate by which the next may differ from it", required=True)
    currency = Currency(required=True)
    version = Integer(1, MAX_VERSION, required=True)
    valid_from = Instant(required=True)


class CurrentRateSchema(RateTermsSchema):
    """The rate in force."""

    next_change = Instant(
        "When the next version begins; null where none is to come", required=True, allow_none=True
    )


class RateVersionSchema(RateTermsSchema):
    """A version of the rate, with the word of those who made it."""

    recorded_at = Instant(required=True)
    is_current = fields.Boolean(required=True)
    reason = fields.String(required=True)
    proposed_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A key, or `band-controller`; null for the first"},
    )
    approved_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A key, or the two of automatic changes, with +"},
    )


class BandWindowSchema(Answer):
    """The whole local weeks that a share is of."""

    from_ = Instant(required=True, data_key="from")
    to = Instant(required=True)
    weeks = Integer(1, 60, required=True)


class BandGainsSchema(Answer):
    """The numbers of the controller."""

    proportional = DecimalText(required=True)
    integral = DecimalText(required=True)
    log_step_max = DecimalText(required=True)
    elasticity_assumed = DecimalText("Assumed in alarms, and measured by nobody", required=True)


class BandInputsSchema(Answer):
    """All that a recommendation follows from."""

    window = fields.Nested(BandWindowSchema, required=True)
    issued = fields.Integer(required=True, metadata={"description": "Points, less what was clawed back"})
    redeemed = fields.Integer(required=True, metadata={"description": "Points, less what was refunded"})
    rho = SignedDecimalText("Redeemed ÷ issued; null where it cannot be told", required=True, allow_none=True)
    target = DecimalText(required=True)
    low = DecimalText(required=True)
    high = DecimalText(required=True)
    minimum_volume = Points(required=True)
    e = SignedDecimalText("(target − rho) ÷ target", required=True, allow_none=True)
    e_prev = SignedDecimalText("The same, a week earlier", required=True, allow_none=True)
    awake = fields.Boolean(required=True)
    log_step = SignedDecimalText("By how much the logarithm of the rate should move", required=True)
    rate = DecimalText("In force", required=True)
    version = Integer(1, MAX_VERSION, required=True)
    floor = DecimalText(required=True)
    ceiling = DecimalText(required=True)
    max_step = DecimalText(required=True)
    gains = fields.Nested(BandGainsSchema, required=True)


class BandStepSchema(Answer):
    """One step of the reasoning, in words."""

    step = fields.String(required=True)
    en = fields.String(required=True)
    zh = fields.String(required=True)


class BandAlarmSchema(Answer):
    """What needs a person."""

    code = Choice([TARGET_UNREACHABLE], required=True)
    log_move = SignedDecimalText(
        "ln(target ÷ rho) ÷ the assumed elasticity; null where nothing is redeemed",
        required=True,
        allow_none=True,
    )
    en = fields.String(required=True)
    zh = fields.String(required=True)


class RecommendationSchema(Answer):
    """What the controller recommends, and why. It changes nothing."""

    as_of = Instant(required=True)
    mode = Choice(["recommend", "auto"], "`auto`: `ledger rates adjust` records it", required=True)
    inputs = fields.Nested(BandInputsSchema, required=True)
    recommended_rate = DecimalText("The rate in force where anything blocks", required=True)
    differs = fields.Boolean(required=True)
    blocked_by = fields.List(Choice(BLOCKS), required=True)
    alarms = fields.List(fields.Nested(BandAlarmSchema), required=True)
    steps = fields.List(fields.Nested(BandStepSchema), required=True)


class BandSwitchSchema(Strict):
    """A turn of a switch of the band."""

    code = Choice(CODES, "`controller`: the kill switch; `changes`: off freezes the rate", required=True)
    on = Truth("`auto` is turned on by two approvals, not here", required=True)
    reason = Text(256, "Why, in words; kept", required=True)

    @validates_schema
    def refuse_turning_auto_on(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse to let the controller change rates by one key's word."""
        if payload["code"] == AUTO and payload["on"]:
            raise ValidationError(
                {"on": ["two approvals turn auto on: POST /v1/rates/band/auto proposes it"]}
            )


class BandSwitchedSchema(Answer):
    """A switch of the band as it stands."""

    kind = Choice([KIND], required=True)
    code = Choice(CODES, required=True)
    on = fields.Boolean(required=True)
    reason = fields.String(required=True)
    switched_by = fields.String(required=True)
    switched_at = Instant(required=True)


class AutoProposalSchema(Strict):
    """The wish to let the controller record rates by itself."""

    reason = Text(256, "Why, in words; kept", required=True)
