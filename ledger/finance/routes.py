"""Routes of the reports, for those who keep the books of the program."""

from typing import Any, Final

from flask import Response

from ledger import errors
from ledger.finance.answering import answer
from ledger.finance.rendering import REPORT_TYPES
from ledger.finance.schemas import (
    AgeingSchema,
    FlaggedQuery,
    IssuanceSchema,
    LateEntriesSchema,
    ManualEntriesSchema,
    PeriodQuery,
    ReportQuery,
    RollForwardQuery,
    RollForwardSchema,
    TrialBalanceSchema,
)
from ledger.http.endpoint import Routes
from ledger.http.services import Call

routes = Routes(
    "Reports",
    "Summed from the postings; the same for the same times, whatever arrives later. CSV with `format=csv`.",
)

_FINANCE: Final[dict[str, Any]] = {"scope": "finance", "answer_types": REPORT_TYPES}


@routes.get("/v1/reports/trial-balance", schema=ReportQuery, answer=TrialBalanceSchema, **_FINANCE)
def show_trial_balance(call: Call, **asked: Any) -> Response:
    """Show the trial balance.

    Every account of the chart with its debits and credits, unit by unit, as of two times.
    """
    return answer(call, "trial-balance", asked)


@routes.get(
    "/v1/reports/points-roll-forward",
    schema=RollForwardQuery,
    answer=RollForwardSchema,
    refusals=(errors.MemberUnknown,),
    **_FINANCE,
)
def show_roll_forward(call: Call, **asked: Any) -> Response:
    """Show how the outstanding points moved.

    From just after `from` up to and including `to`: points that end with a month are gone at the first
    instant of the next, and belong to the month that they end with. Opening and movements give the closing
    balance, which is the trial balance's points and held points less debt. With `by` there is a line for each
    month, store, region, channel, rule or tier as well, and the lines sum to the total.
    """
    return answer(call, "points-roll-forward", asked)


@routes.get("/v1/reports/ageing", schema=ReportQuery, answer=AgeingSchema, **_FINANCE)
def show_ageing(call: Call, **asked: Any) -> Response:
    """Show the outstanding points by when they end.

    In days from the day of `as_of`, with what they are worth at the rate in force then. Points in lots less
    debt are the outstanding points of the trial balance.
    """
    return answer(call, "ageing", asked)


@routes.get("/v1/reports/issuance", schema=PeriodQuery, answer=IssuanceSchema, **_FINANCE)
def show_issuance(call: Call, **asked: Any) -> Response:
    """Show what was issued, and which funds paid for it.

    What each fund was granted, has spent and has left, and what was issued beside. A fund pays when an award
    is recorded, which may be in a later period than the one in which the points are issued.
    """
    return answer(call, "issuance", asked)


@routes.get("/v1/reports/late-entries", schema=FlaggedQuery, answer=LateEntriesSchema, **_FINANCE)
def list_late_entries(call: Call, **asked: Any) -> Response:
    """List the entries that came late, newest first.

    Those that were recorded in the period, and after the day that followed the one on which they happened or
    after their month was closed.
    """
    return answer(call, "late-entries", asked)


@routes.get("/v1/reports/manual-entries", schema=FlaggedQuery, answer=ManualEntriesSchema, **_FINANCE)
def list_manual_entries(call: Call, **asked: Any) -> Response:
    """List the entries that were made by hand, newest first.

    Those that were recorded in the period: adjustments, reversals, changes of budgets, and awards that an
    operator gave. All points adjusted by the roll-forward are in the list.
    """
    return answer(call, "manual-entries", asked)
