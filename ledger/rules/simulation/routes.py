"""The route of simulations: the report as one document, or progress line by line and the report last."""

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response, request

from ledger import errors
from ledger.http.answers import encode
from ledger.http.endpoint import Routes
from ledger.http.parsing import JSON, NDJSON
from ledger.http.problems import problem
from ledger.http.services import Call
from ledger.rules.simulation.runs import Simulation
from ledger.rules.simulation.schemas import ReportSchema, SimulationSchema
from ledger.rules.simulation.trials import trial_of

routes = Routes("Simulations", "What rules would have given, had they been in force. Nothing is written.")


@routes.post(
    "/v1/simulations",
    scope="propose",
    schema=SimulationSchema,
    answer=ReportSchema,
    refusals=(errors.RuleSetUnknown, errors.RuleNotOverridable, errors.OtherRegion, errors.Overloaded),
    answer_types=(JSON, NDJSON),
)
def simulate(call: Call, **asked: Any) -> Response | dict[str, Any]:
    """Try rules on stored history.

    Replays purchases, activities and returns under a draft of rules, of terms or of both, against what was in
    force, and reports the difference. Asked for `application/x-ndjson`, it answers a line
    `{"progress": {"baskets", "of"}}` from time to time and the report in the last line. One simulation runs at
    a time; whoever comes second is answered `overloaded`.
    """
    with call.database.read() as connection:
        draft, selection = trial_of(connection, call.program, asked, by=call.principal, now=call.now)
    url = call.database.engine.url.render_as_string(hide_password=False)
    settings, system_now = call.services.settings, call.services.clock()
    simulation = Simulation(settings, url, call.program.name, draft, selection, system_now)
    if wants_lines():
        # The turn is held from here on, and given back when the answer has been sent or given up.
        return Response(_Lines(simulation, call.request_id), content_type=NDJSON)
    try:
        return run(simulation)
    finally:
        simulation.close()


def wants_lines() -> bool:
    """Whether the caller would rather have lines than one document."""
    return request.accept_mimetypes.best_match([JSON, NDJSON]) == NDJSON


def run(simulation: Simulation) -> dict[str, Any]:
    """Replay to the end; the report."""
    steps = simulation.steps()
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            report: dict[str, Any] = stop.value
            return report


class _Lines:
    """The lines of an answer. Closed by the server in any case, also when the caller has gone before the first."""

    def __init__(self, simulation: Simulation, request_id: str) -> None:
        self._simulation = simulation
        self._lines = _lines(simulation, request_id)

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        self._lines.close()  # type: ignore[attr-defined]
        self._simulation.close()


def _lines(simulation: Simulation, request_id: str) -> Iterator[bytes]:
    steps = simulation.steps()
    try:
        while True:
            progress = next(steps)
            yield orjson.dumps({"progress": progress._asdict()}) + b"\n"
    except StopIteration as stop:
        yield encode(stop.value) + b"\n"
    except errors.LedgerError as error:
        yield problem(error, request_id).body + b"\n"
    finally:
        simulation.close()
