"""The route of an experiment's report."""

from datetime import UTC, datetime
from typing import Any

from ledger import errors
from ledger.clock import FAR_FUTURE
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.rules.experiment_report import read_experiment
from ledger.rules.experiment_schemas import ExperimentQuery, ExperimentReportSchema

routes = Routes("Experiments", "What became of the members in each arm.")

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""No event is older: no request may say so."""


@routes.get(
    "/v1/experiments/<code>/report",
    scope="finance",
    schema=ExperimentQuery,
    answer=ExperimentReportSchema,
    refusals=(errors.ExperimentUnknown,),
)
def show_experiment(call: Call, code: str, **period: datetime) -> dict[str, Any]:
    """Compare the arms of an experiment.

    Members, purchases, spend, issuance, redemption and return visits by arm, and whether the members fell into
    the arms as they should have. A member belongs to the arm of the first purchase that bears one.
    """
    start, end = period.get("from", BEGINNING), period.get("until", FAR_FUTURE)
    with call.database.read() as connection:
        return read_experiment(connection, call.program, code, start, end)
