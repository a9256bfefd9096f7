"""The route of redemption rates."""

from typing import Any

from flask import Response

from ledger.finance.answering import answer
from ledger.finance.metrics.rate_schemas import RedemptionRateQuery, RedemptionRateSchema
from ledger.finance.rendering import REPORT_TYPES
from ledger.http.endpoint import Routes
from ledger.http.services import Call

routes = Routes("Metrics", "Rates of the program, each with what it is the rate of.")


@routes.get(
    "/v1/metrics/redemption-rate",
    scope="finance",
    schema=RedemptionRateQuery,
    answer=RedemptionRateSchema,
    answer_types=REPORT_TYPES,
)
def show_redemption_rate(call: Call, **asked: Any) -> Response:
    """Show a redemption rate.

    `period` divides points redeemed by points issued in the window; `cohort` takes the points issued in the
    months that the window touches, and what of them was redeemed by `as_of`; `velocity` divides by the mean of
    the outstanding points before the window and at its end; `participation` counts members who redeemed among
    those who were active; `breakage` divides points expired by points issued. The band is that of the program's
    terms, and is meant for `period`.
    """
    return answer(call, "redemption-rate", asked)
