"""The shapes of the breakage report."""

from marshmallow import fields

from ledger.accounts.schemas import TimesQuery
from ledger.finance.breakage.estimation import Method
from ledger.finance.breakage.report import ASKED, MATURE_AFTER, MAX_MONTHS
from ledger.finance.month_field import Month
from ledger.finance.rendering import FORMS
from ledger.http.fields import Answer, Choice, Count, Instant

METHODS = tuple(method.value for method in Method)


def _count(description: str = "") -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description})


def _share(description: str = "", *, allow_none: bool = False) -> fields.String:
    return fields.String(required=True, allow_none=allow_none, metadata={"description": description})


class BreakageQuery(TimesQuery):
    """The two times of the report, and how it estimates."""

    method = Choice(ASKED, "For all cohorts; by their age, if left out")
    mature_after = Count(
        1, MAX_MONTHS, f"Months after which a cohort speaks for itself; {MATURE_AFTER} if left out"
    )
    format = Choice(FORMS, "json if left out")


class CohortEstimateSchema(Answer):
    """What is expected of one cohort. Shares are of what was issued and not taken back."""

    cohort = Month(required=True)
    issued = _count()
    redeemed = _count("To date")
    expired = _count("To date")
    method = Choice(METHODS, "`observed` where nothing is open any more", required=True)
    expected_redemption = _share()
    low = _share("The lower end of the range")
    high = _share("The upper end of the range")
    expected_points = _count("Ever to be redeemed")
    cross_check = _share("What Aalen-Johansen says beside it", allow_none=True)
    in_force = _share("The estimate that the deferral book goes by", allow_none=True)
    in_force_version = fields.Integer(required=True, allow_none=True)
    why = fields.String(required=True)
    flags = fields.String(required=True, metadata={"description": "Words with blanks between them"})


class TriangleCellSchema(Answer):
    """What became of a cohort at one age."""

    cohort = Month(required=True)
    age = _count("Months since the month of issue")
    redeemed = _count("Net of refunds")
    expired = _count()


class BacktestSchema(Answer):
    """An earlier estimate against what came of it."""

    source = Choice(
        ("register", "hindsight"), "Versions in force, or what the method would have said", required=True
    )
    cohort = Month(required=True)
    made_at = fields.String(required=True)
    expected_redemption = _share()
    actual_redeemed = _count("Points, to date")
    ratio = _share("Actual to expected", allow_none=True)
    error = _share("Expected less actual, as a share of what was issued")
    is_final = fields.Boolean(required=True)
    is_possible = fields.Boolean(required=True)


class BiasSchema(Answer):
    """Expected less actual points of the cohorts that are closed, as a share of what they issued."""

    register = _share(allow_none=True)
    hindsight = _share(allow_none=True)


class BreakageSchema(Answer):
    """Breakage and the ultimate redemption rate, from the program's own cohorts."""

    as_of = Instant(required=True)
    known_as_of = Instant(required=True)
    through = fields.String(required=True, metadata={"description": "The last day that counts"})
    mature_after = _count()
    last_redemption_age = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "In months, by the terms; null where points may live on"},
    )
    issued = _count()
    redeemed = _count()
    expired = _count()
    expected_points = _count("Ever to be redeemed")
    breakage_points = _count("Never to be redeemed")
    estimates = fields.List(fields.Nested(CohortEstimateSchema), required=True)
    triangle = fields.List(fields.Nested(TriangleCellSchema), required=True)
    backtest = fields.List(fields.Nested(BacktestSchema), required=True)
    bias = fields.Nested(BiasSchema, required=True)
    difference = _count("Points left of the cohorts less those of the trial balance; 0")
