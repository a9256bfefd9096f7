"""What a sound refusal looks like, and what is amiss with one that is not."""

from typing import Any

import orjson

from ledger.errors import error_class
from ledger.http.problems import status_of

MEMBERS = {
    "type": str,
    "title": str,
    "status": int,
    "detail": str,
    "code": str,
    "retryable": bool,
    "request_id": str,
}
_MUST_NOT_APPEAR = (b"Traceback", b"psycopg", b"sqlalchemy", b"SELECT ")


def amiss(answer: Any, field: str | None = None) -> str | None:
    """Why an answer is no sound refusal that names ``field``; None when it is one."""
    if answer.status_code == 200 and answer.content_type == "application/json":
        # Only a batch answers bad operations one by one.
        results = answer.json.get("results") or [{"status": 200, "body": {}}]
        found = (amiss_in(each["status"], each["body"], None) for each in results)
        return next(filter(None, found), None)
    if answer.content_type != "application/problem+json":
        return f"{answer.status_code} {answer.content_type}"
    if any(word in answer.data for word in _MUST_NOT_APPEAR):
        return f"says too much: {answer.data[:200]!r}"
    problem = orjson.loads(answer.data)
    if answer.headers["X-Request-Id"] != problem.get("request_id"):
        return "names another request"
    return amiss_in(answer.status_code, problem, field)


def amiss_in(status: int, problem: dict[str, Any], field: str | None) -> str | None:
    """The same of a problem and the status it came under, as in the result of a batch."""
    if not 400 <= status < 500:
        return f"{status} {problem}"
    for name, kind in MEMBERS.items():
        if type(problem.get(name)) is not kind:
            return f"{name} is {problem.get(name)!r}"
    if problem["status"] != status or status_of(error_class(problem["code"])) != status:
        return f"{status} {problem['code']} says it is {problem['status']}"
    if problem["type"] != f"/docs/errors#{problem['code']}":
        return f"its type is {problem['type']}"
    if field is not None and not names(problem, field):
        return f"{status} does not name {field}: {problem['detail'][:200]}"
    return None


def names(problem: dict[str, Any], field: str) -> bool:
    """Whether a fault is listed of ``field``, of a part of it, or of what holds it."""
    # Of a line in a stream that is no JSON, the place in the whole line is told.
    faults = [fault["field"].removeprefix("body.") for fault in problem.get("errors", ())]
    return any(f"{at}.".startswith(f"{field}.") or (at and f"{field}.".startswith(f"{at}.")) for at in faults)


def listed(found: list[str]) -> str:
    """Findings for a person to read, the first of many."""
    return "\n".join(["", *found[:20], f"({len(found)} in all)"])
