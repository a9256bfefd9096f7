"""Answers: JSON bytes out, and the headers that every answer carries."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from flask import Response, g

from ledger import clock
from ledger.errors import LedgerError
from ledger.http.parsing import JSON
from ledger.http.problems import PROBLEM_JSON, problem

REQUEST_ID: Final = "X-Request-Id"
REPLAYED: Final = "Idempotency-Replayed"

CSP: Final = "Content-Security-Policy"

_EVERY_ANSWER: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Browsers heed it where TLS has brought it, and nowhere else.
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_VIEWER: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def encode(body: Any) -> bytes:
    """``body`` as JSON: times in their one form, decimals as text, no float."""
    return orjson.dumps(body, default=_outside, option=orjson.OPT_PASSTHROUGH_DATETIME)


def json_answer(body: bytes, status: int = 200) -> Response:
    """An answer of ready bytes."""
    return Response(body, status, content_type=JSON)


def problem_answer(error: LedgerError, *, first_request_id: str | None = None) -> Response:
    """The answer to a refusal; ``first_request_id`` names the request that was refused first."""
    made = problem(error, first_request_id or g.request_id)
    answer = Response(made.body, made.status, content_type=PROBLEM_JSON)
    answer.headers.update(made.headers)
    return answer


def finish(answer: Response, path: str) -> Response:
    """Put on every answer the request id and the headers that keep browsers from guessing.

    A page that a view has made brings a policy of its own.
    """
    head = answer.headers
    is_viewer = path == "/docs" or path.startswith("/docs/")
    head.extend(_EVERY_ANSWER)
    head.add(REQUEST_ID, g.request_id)
    if (standing := g.get("standing")) is not None:
        head.extend(standing.fields())
    head.setdefault(CSP, _VIEWER if is_viewer else _NOTHING)
    if not is_viewer:
        head["Cache-Control"] = "no-store"
    return answer


def _outside(value: Any) -> str:
    if isinstance(value, datetime):
        return clock.show(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
