"""The route of the breakage report."""

from typing import Any

from flask import Response

from ledger.finance.answering import answer
from ledger.finance.breakage.schemas import BreakageQuery, BreakageSchema
from ledger.finance.rendering import REPORT_TYPES
from ledger.http.endpoint import Routes
from ledger.http.services import Call

routes = Routes("Breakage", "What share of the points will ever be redeemed, by the books' own experience.")


@routes.get(
    "/v1/reports/breakage",
    scope="finance",
    schema=BreakageQuery,
    answer=BreakageSchema,
    answer_types=REPORT_TYPES,
)
def show_breakage(call: Call, **asked: Any) -> Response:
    """Show breakage.

    What was issued in each month, what became of it by age, what is expected in the end with its range, and what
    became of earlier estimates. Nothing follows from it by itself: finance proposes an estimate, and another key
    approves it.
    """
    return answer(call, "breakage", asked)
