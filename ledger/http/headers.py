"""The request headers that decide something: the idempotency key, the request id, and none of them twice."""

import os
import re

from flask import Request

from ledger.errors import IdempotencyKeyMissing, InvalidRequest

REPEATED = "HTTP_LEDGER_REPEATED_HEADER"
"""Where the server names a header of ``SINGLE`` that came twice; WSGI alone would join the two by a comma."""

SINGLE = frozenset(
    {"IDEMPOTENCY-KEY", "AUTHORIZATION", "CONTENT-TYPE", "CONTENT-ENCODING", "X-REQUEST-ID", "HOST"}
)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def idempotency_key(request: Request, *, required: bool = True) -> str | None:
    """The idempotency key of a request that posts; IdempotencyKeyMissing or InvalidRequest otherwise.

    A header that looks like the key under another name is refused: the caller believes that a retry is
    safe, and ignoring it would post twice.
    """
    for name in request.environ:
        if "IDEMPOTEN" in name and name != "HTTP_IDEMPOTENCY_KEY" and name.startswith("HTTP_"):
            shown = name.removeprefix("HTTP_").replace("_", "-").title()
            raise invalid_header(shown, "this header is not known; the key goes in Idempotency-Key")
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None and not required:
        return None
    return check_key(key, "Idempotency-Key")


def check_key(key: object, field: str) -> str:
    """``key`` when it is a sound idempotency key; IdempotencyKeyMissing or InvalidRequest otherwise."""
    if key is None:
        raise IdempotencyKeyMissing("every request that posts needs an idempotency key of its own")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise invalid_header(field, "must be 1 to 255 visible ASCII characters")
    return key


def refuse_ambiguous(request: Request) -> None:
    """Refuse a request that carries one of ``SINGLE`` twice, or no ``Host`` where HTTP demands one.

    Which of two is meant is anyone's guess, and another server on the way may guess otherwise.
    """
    if name := request.environ.get(REPEATED):
        raise invalid_header(str(name).title(), "this header must not be repeated")
    if "HTTP_HOST" not in request.environ and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        raise invalid_header("Host", "this header is missing")


def request_id(request: Request) -> str:
    """The caller's ``X-Request-Id`` when it is sane, a fresh one otherwise."""
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else f"req_{os.urandom(16).hex()}"


def invalid_header(name: str, message: str) -> InvalidRequest:
    """The refusal of one header."""
    return InvalidRequest(f"{name}: {message}", errors=[{"field": name, "message": message}])
