"""The shapes of accounting months and of what their closes freeze."""

from marshmallow import fields

from ledger.finance.month_field import Month
from ledger.finance.periods.states import LOCKED, OPEN, SOFT_CLOSED
from ledger.http.fields import Answer, Choice, Instant, Strict, Text

STATUSES = (OPEN, SOFT_CLOSED, LOCKED)
PACK_FORMS = ("json", "csv", "html")


class PeriodPath(Strict):
    """A month by its name."""

    period = Month(required=True)


class PackQuery(PeriodPath):
    """A pack in one of its forms."""

    format = Choice(PACK_FORMS, "json if left out; html is made for printing")


class ReopeningSchema(PeriodPath):
    """Why a month is to be opened again."""

    reason = Text(256, "Why, in words; kept", required=True)


class PeriodEventSchema(Answer):
    """What was done to a month."""

    status = Choice(STATUSES, required=True)
    recorded_at = Instant(required=True)
    changed_by = fields.String(required=True)
    approved_by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    pack_hash = fields.String(required=True, allow_none=True)


class PeriodSchema(Answer):
    """An accounting month."""

    period = Month(required=True)
    status = Choice(STATUSES, required=True)
    pack_hash = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "SHA-256 of the pack of its last lock; null if it never was locked"},
    )
    events = fields.List(
        fields.Nested(PeriodEventSchema), required=True, metadata={"description": "Oldest first"}
    )


class ClosePackSchema(Answer):
    """Everything that a month's lock froze."""

    format = fields.String(required=True)
    program = fields.String(required=True)
    currency = fields.String(required=True)
    timezone = fields.String(required=True)
    period = Month(required=True)
    from_ = Instant(
        required=True, data_key="from", metadata={"description": "The last moment before the month"}
    )
    to = Instant(required=True, metadata={"description": "The last moment of the month"})
    known_as_of = Instant(required=True)
    closed_by = fields.String(required=True)
    previous_pack_hash = fields.String(required=True, allow_none=True)
    checkpoint = fields.Dict(
        required=True, allow_none=True, metadata={"description": "As `/v1/checkpoints` shows it"}
    )
    trial_balance = fields.List(
        fields.Dict(), required=True, metadata={"description": "Every account that anything was posted on"}
    )
    balances = fields.List(
        fields.Dict(), required=True, metadata={"description": "Debits and credits in all, unit by unit"}
    )
    ties = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "Figures that must be the same, and by what they differ: 0"},
    )
    points = fields.Dict(
        required=True, metadata={"description": "The roll-forward of points booked in the month"}
    )
    points_by = fields.Dict(
        required=True,
        metadata={
            "description": "The same by store, region, channel, rule, tier: the first 1,000 keys, and the rest as one"
        },
    )
    redemption_rate = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "Redeemed less refunded, over issued less clawed back; in the month, and ever"
        },
    )
    expiry_backlog = fields.Dict(
        required=True,
        metadata={
            "description": "Points whose end had come with the month and that no sweep had booked as expired"
        },
    )
    deferral = fields.Dict(required=True, metadata={"description": "As `/v1/reports/deferral` shows it"})
    liability = fields.Dict(required=True, metadata={"description": "As `/v1/reports/liability` shows it"})
    estimates = fields.List(
        fields.Dict(), required=True, metadata={"description": "Those that the close went by"}
    )
    policies = fields.List(fields.Dict(), required=True)
    late_entries = fields.Dict(
        required=True, metadata={"description": "How many were booked in the month, and the first 1,000"}
    )
    manual_entries = fields.Dict(
        required=True, metadata={"description": "How many were booked in the month, and the first 1,000"}
    )
