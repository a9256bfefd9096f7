"""Refusals as HTTP shows them: the one table from class to status, and problem details (RFC 9457).

The body of a problem is a pure function of the error and the request id. So a refusal that was recorded
under an idempotency key as (code, detail, details, request id) is answered again with the same bytes.
"""

import inspect
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import orjson

from ledger import errors
from ledger.errors import LedgerError, error_classes
from ledger.refusals import settle

PROBLEM_JSON: Final = "application/problem+json"
ERRORS_PAGE: Final = "/docs/errors"
RETRY_AFTER_SECONDS: Final = 1
RETRYABLE_HEADERS: Final = {
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}}
}

STATUS: Final[dict[type[LedgerError], int]] = {
    # A class without a row of its own takes the row of its nearest base.
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.OtherRegion: 403,
    errors.SelfApproval: 403,
    errors.SelfReview: 403,
    errors.Absent: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.InFlight: 409,
    errors.Gone: 410,
    errors.BodyTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Refused: 422,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    errors.Unavailable: 503,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal ready to be sent: its status, its body, and the headers that the status demands."""

    status: int
    body: bytes
    headers: dict[str, str]


def status_of(kind: type[LedgerError]) -> int:
    """The status of a class: its own row, or that of its nearest base."""
    for base in kind.__mro__:
        if base in STATUS:
            return STATUS[base]
    raise AssertionError(f"{kind.__name__} has no row in the table of statuses")


def problem_body(error: LedgerError, request_id: str) -> dict[str, Any]:
    """The members of the problem; ``request_id`` is that of the request that was first answered so."""
    return {
        "type": f"{ERRORS_PAGE}#{error.code}",
        "title": error.title,
        "status": status_of(type(error)),
        "detail": error.detail,
        "code": error.code,
        "retryable": error.retryable,
        "request_id": request_id,
        **settle(error.details),
    }


def problem(error: LedgerError, request_id: str) -> Problem:
    """The whole answer to a refusal."""
    headers: dict[str, str] = {}
    if error.retryable:
        headers["Retry-After"] = str(error.details.get("retry_after", RETRY_AFTER_SECONDS))
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="ledger"'
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = ", ".join(error.details["allowed"])
    return Problem(status_of(type(error)), orjson.dumps(problem_body(error, request_id)), headers)


def errors_page() -> str:
    """The page that the ``type`` of every problem points to."""
    return _PAGE.format(rows="\n".join(_row(kind) for kind in error_classes()))


def _row(kind: type[LedgerError]) -> str:
    own = inspect.getdoc(kind) if kind.__dict__.get("__doc__") else ""
    again = "yes" if kind.retryable else "no"
    return (
        f'<tr id="{kind.code}"><td><code>{kind.code}</code></td><td>{status_of(kind)}</td>'
        f"<td>{again}</td><td>{escape(kind.title)}. {escape(own or '')}</td></tr>"
    )


_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Errors of the ledger</title>
<link rel="stylesheet" href="/docs/assets/errors.css"></head>
<body>
<h1>Errors</h1>
<p>Every refusal is <code>application/problem+json</code>. Decide by <code>code</code>, which never
changes its meaning. Where <code>retryable</code> is true, send the same request with the same
idempotency key again.</p>
<table>
<thead><tr><th>code</th><th>status</th><th>retryable</th><th>meaning</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
