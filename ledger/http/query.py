"""Query strings, read strictly: known names, each once, in UTF-8."""

from typing import Any
from urllib.parse import parse_qsl

from flask import Request

from ledger.errors import InvalidRequest
from ledger.http.parsing import printable, refuse

MAX_PARAMETERS = 20


def read_query(request: Request) -> dict[str, Any]:
    """The parameters of the query string as texts; InvalidRequest for one that is repeated or unreadable."""
    raw = request.environ.get("QUERY_STRING", "")
    if not raw:
        return {}
    pairs = _pairs(raw)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        refuse("must not be repeated", repeated)
    return parameters


def refuse_unknown(parameters: dict[str, Any], known: frozenset[str]) -> None:
    """Refuse a parameter that the route does not know: it was meant to do something."""
    for name in parameters:
        if name not in known:
            refuse("is not a known parameter here", name)


def _pairs(raw: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except (UnicodeDecodeError, ValueError):
        message = f"the query string {printable(raw)!r} cannot be read"
        raise InvalidRequest(message, errors=[{"field": "", "message": message}]) from None
