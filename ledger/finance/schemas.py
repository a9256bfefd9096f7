"""The shapes of the reports."""

from typing import Any

from marshmallow import fields

from ledger.accounts.chart import Account
from ledger.accounts.schemas import TimesQuery
from ledger.finance.ageing import BUCKETS
from ledger.finance.deferral.schemas import DeferralBookSchema
from ledger.finance.flagged import DEFAULT_ROWS, MAX_ROWS
from ledger.finance.rendering import FORMS
from ledger.finance.roll_forward import WAYS
from ledger.funds.schemas import FundCode
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    Count,
    Currency,
    Day,
    DecimalText,
    Instant,
    Integer,
    LedgerId,
    Strict,
    Text,
)
from ledger.journal.schemas import HolderName
from ledger.money import MAX_AMOUNT


def _total(description: str = "In all") -> fields.Integer:
    # Without an upper bound: a member's balance has one, the sum over all members has none.
    return fields.Integer(required=True, metadata={"description": description, "minimum": 0})


def _change(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description})


def _ties(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": f"{description}: 0 in sound books"})


FORMAT = Choice(FORMS, "How it is shown; json if left out")
_FROM = Instant("The period begins just after; from the beginning if left out")
_TO = Instant("The last moment of the period; the present if left out")
_KNOWN_AS_OF = Instant("As far as was recorded by then; not later than the present")


class ReportQuery(TimesQuery):
    """The two times of a report."""

    format = FORMAT


class AccountTotalSchema(Answer):
    """What was posted on an account."""

    account = Choice([account.name.lower() for account in Account], required=True)
    debit = _total()
    credit = _total()
    balance = _change("On the account's normal side; negative on the other")


class UnitTotalsSchema(Answer):
    """The accounts of a unit. The totals are equal."""

    unit = fields.String(
        required=True,
        metadata={
            "description": "POINT, GROWTH, the program's currency in minor units, and the currency with _MICRO:"
            " millionths of its minor unit"
        },
    )
    accounts = fields.List(fields.Nested(AccountTotalSchema), required=True)
    total_debit = _total()
    total_credit = _total()
    difference = _ties("What the totals lack to be equal")


class TrialBalanceSchema(Answer):
    """Every account of the chart, as of two times."""

    as_of = Instant(required=True)
    known_as_of = Instant(required=True)
    units = fields.List(fields.Nested(UnitTotalsSchema), required=True)
    deferral_book = fields.Nested(DeferralBookSchema, required=True)
    difference = _ties("What debits and credits lack to be equal, over all units")


RollForwardQuery = Strict.from_dict(
    {
        "from": _FROM,
        "to": _TO,
        "known_as_of": _KNOWN_AS_OF,
        "member_id": CallerId("Of one member alone"),
        "by": Choice(WAYS, "A line for each beside the total; not for one member"),
        "format": FORMAT,
    },
    name="RollForwardQuery",
)

_MOVEMENTS = {
    "opening": _change("Points and held points of members less what they owe, before the period"),
    "issued": _change("Never negative in total"),
    "redeemed": _change("Never negative in total"),
    "redemption_refunds": _change("Never negative in total"),
    "expired": _change("Less what was taken back of it"),
    "clawed_back": _change("Never negative in total"),
    "adjusted": _change("Signed as members feel it"),
    "transferred": _change("Signed as members feel it; nothing in total"),
    "forfeited": _change("Less what was taken back of it"),
    "closing": _change(
        "opening + issued - redeemed + redemption_refunds - expired - clawed_back + adjusted + transferred"
        " - forfeited"
    ),
}

_KEY = fields.String(
    required=True,
    allow_none=True,
    metadata={"description": "The month, store, region, channel, rule or tier; null for none"},
)
RollForwardRowSchema = Answer.from_dict({"key": _KEY, **_MOVEMENTS}, name="RollForwardRowSchema")

_PERIOD = {
    "from": Instant(required=True),
    "to": Instant(required=True),
    "known_as_of": Instant(required=True),
}
RollForwardSchema = Answer.from_dict(
    {
        **_PERIOD,
        **_MOVEMENTS,
        "difference": _ties("What the closing balance lacks to be the trial balance's"),
        "by": Choice(WAYS, "Only where it was asked for"),
        "rows": fields.List(fields.Nested(RollForwardRowSchema)),
        "rows_difference": fields.Integer(
            metadata={"description": "What the rows lack to sum to the total: 0 in sound books"}
        ),
    },
    name="RollForwardSchema",
)


class FaceValueSchema(Answer):
    """What points are worth at the rate in force, in minor units."""

    amount = _change("Minor units; negative where more is owed than held")
    currency = Currency(required=True)


def _face_value() -> fields.Nested:
    return fields.Nested(
        FaceValueSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null where no rate was in force"},
    )


class AgeingBucketSchema(Answer):
    """Points by the days that they have left."""

    bucket = Choice(BUCKETS, required=True)
    points = _change("In lots that end then")
    face_value = _face_value()


class AgeingPointsSchema(Answer):
    """Points and what they are worth."""

    points = _change("Points")
    face_value = _face_value()


class AgeingDebtSchema(Answer):
    """What members owe; it sits in no lot."""

    points = _change("Owed by members")


class AgeingSchema(Answer):
    """The outstanding points by when they end."""

    as_of = Instant(required=True)
    known_as_of = Instant(required=True)
    rate = DecimalText("The bid in force at as_of", required=True, allow_none=True)
    rate_version = Integer(1, MAX_AMOUNT, "Its version", required=True, allow_none=True)
    buckets = fields.List(fields.Nested(AgeingBucketSchema), required=True)
    lots = fields.Nested(AgeingPointsSchema, required=True)
    debt = fields.Nested(AgeingDebtSchema, required=True)
    outstanding = fields.Nested(AgeingPointsSchema, required=True)
    difference = _ties("What points in lots less debt lack to be the trial balance's outstanding points")


PeriodQuery = Strict.from_dict(
    {"from": _FROM, "to": _TO, "known_as_of": _KNOWN_AS_OF, "format": FORMAT}, name="PeriodQuery"
)

_FUND_AMOUNTS: dict[str, fields.Field[Any]] = {
    "opening": _change("Left before the period"),
    "granted": _total("Granted in the period"),
    "withdrawn": _total("Taken back of it"),
    "spent": _total("Paid for awards"),
    "left": _change("opening + granted - withdrawn - spent"),
}
FundAmountsSchema = Answer.from_dict(_FUND_AMOUNTS, name="FundAmountsSchema")
FundIssuanceSchema = Answer.from_dict(
    {"fund": FundCode(required=True), **_FUND_AMOUNTS}, name="FundIssuanceSchema"
)


class IssuedSchema(Answer):
    """The points issued in the period, as the roll-forward has them."""

    paid_by_funds = _change("What funds paid for")
    outside_of_funds = _change("All others")
    total = _change("Issued by the roll-forward")


IssuanceSchema = Answer.from_dict(
    {
        **_PERIOD,
        "funds": fields.List(fields.Nested(FundIssuanceSchema), required=True),
        "total": fields.Nested(FundAmountsSchema, required=True),
        "issued": fields.Nested(IssuedSchema, required=True),
        "difference": _ties("What the funds lack to be the trial balance's accounts of budgets"),
    },
    name="IssuanceSchema",
)

FlaggedQuery = Strict.from_dict(
    {
        "from": Instant("Recorded after then; from the beginning if left out"),
        "to": Instant("Recorded by then; the present if left out"),
        "limit": Count(1, MAX_ROWS, f"At most so many rows; {DEFAULT_ROWS} if left out"),
        "cursor": Text(64, "From next_cursor; the first rows if left out"),
        "format": FORMAT,
    },
    name="FlaggedQuery",
)


class FlaggedEntrySchema(Answer):
    """An entry that somebody should look at."""

    entry_id = LedgerId("ent", required=True)
    member_id = HolderName("Whose books it is in; of a budget, `fund/` and its code", required=True)
    kind = fields.String(required=True)
    effective_at = Instant(required=True)
    recorded_at = Instant(required=True)
    booked_on = Day("The day of the accounting month that took it", required=True)
    points = _change("What it added to the points of the member or the fund, less what it took")
    reason = fields.String(required=True, allow_none=True)
    maker = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The key that proposed it, else the operator at the till"},
    )
    checker = fields.String(
        required=True, allow_none=True, metadata={"description": "The key that approved it"}
    )


_FLAGGED = {
    "from": Instant(required=True),
    "to": Instant(required=True),
    "entries": _total("In the whole period, whatever the limit"),
    "data": fields.List(fields.Nested(FlaggedEntrySchema), required=True),
    "next_cursor": Text(64, "Leads to the next rows; null at the end", required=True, allow_none=True),
}
LateEntriesSchema = Answer.from_dict(_FLAGGED, name="LateEntriesSchema")


class AdjustedByHandSchema(Answer):
    """The points that were added by hand, less those taken."""

    listed = _change("By all entries of the list")
    roll_forward = _change("By the roll-forward")


ManualEntriesSchema = Answer.from_dict(
    {
        **_FLAGGED,
        "adjusted": fields.Nested(AdjustedByHandSchema, required=True),
        "difference": _ties("What the list lacks of the points adjusted by the roll-forward"),
    },
    name="ManualEntriesSchema",
)
