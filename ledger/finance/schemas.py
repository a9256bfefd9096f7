"""The shapes of the reports."""

from marshmallow import fields

from ledger.accounts.chart import Account
from ledger.accounts.schemas import TimesQuery
from ledger.http.fields import Answer, CallerId, Choice, Instant, Strict


def _total(description: str = "In all") -> fields.Integer:
    # Without an upper bound: a member's balance has one, the sum over all members has none.
    return fields.Integer(required=True, metadata={"description": description, "minimum": 0})


def _change(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description})


class TrialBalanceQuery(TimesQuery):
    """The two times of the report."""


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


class TrialBalanceSchema(Answer):
    """Every account of the chart, as of two times."""

    as_of = Instant(required=True)
    known_as_of = Instant(required=True)
    units = fields.List(fields.Nested(UnitTotalsSchema), required=True)


RollForwardQuery = Strict.from_dict(
    {
        "from": Instant("The period begins just after; from the beginning if left out"),
        "to": Instant("The last moment of the period; the present if left out"),
        "known_as_of": Instant("As far as was recorded by then; not later than the present"),
        "member_id": CallerId("Of one member alone"),
    },
    name="RollForwardQuery",
)

_ROLL_FORWARD = {
    "from": Instant(required=True),
    "to": Instant(required=True),
    "known_as_of": Instant(required=True),
    "opening": _change("Points and held points of members less what they owe, before the period"),
    "issued": _total(),
    "redeemed": _total(),
    "redemption_refunds": _total(),
    "expired": _change("Less what was taken back of it"),
    "clawed_back": _total(),
    "adjusted": _change("Signed as members feel it"),
    "transferred": _change("Signed as members feel it; nothing in total"),
    "forfeited": _change("Less what was taken back of it"),
    "closing": _change(
        "opening + issued - redeemed + redemption_refunds - expired - clawed_back + adjusted + transferred"
        " - forfeited"
    ),
}
RollForwardSchema = Answer.from_dict(_ROLL_FORWARD, name="RollForwardSchema")
