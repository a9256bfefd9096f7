"""The bytes of a report: as HTTP answers it and the command line prints it."""

from typing import Final

from flask import Response

from ledger.finance.tables import Report, csv_of
from ledger.http.answers import encode
from ledger.http.parsing import CSV, JSON

JSON_FORM: Final = "json"
FORMS: Final = (JSON_FORM, "csv")

REPORT_TYPES: Final = (JSON, CSV)
"""The media types of a route that answers with a report, as it declares them: ``answer_types=REPORT_TYPES``."""


def rendered(report: Report, form: str = JSON_FORM) -> bytes:
    """The report in one of ``FORMS``."""
    return encode(report.body) if form == JSON_FORM else csv_of(report)


def answered(report: Report, form: str = JSON_FORM) -> Response:
    """The answer of a route that shows a report."""
    content_type = JSON if form == JSON_FORM else f"{CSV}; charset=utf-8"
    return Response(rendered(report, form), content_type=content_type)
