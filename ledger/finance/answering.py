"""How a route answers with a report of the catalogue."""

from typing import Any, Final

from flask import Response

from ledger.finance.catalogue import REPORTS
from ledger.finance.rendering import JSON_FORM, answered
from ledger.http.services import Call

_ENDS: Final = {"from": "start", "to": "end"}
"""Names of a query that are words of the language here."""


def answer(call: Call, name: str, asked: dict[str, Any]) -> Response:
    """The report as the query asks for it."""
    form = asked.pop("format", JSON_FORM)
    wanted = {_ENDS.get(parameter, parameter): value for parameter, value in asked.items()}
    with call.database.read() as connection:
        report = REPORTS[name].read(connection, call.program, call.now, **wanted)
    return answered(report, form)
