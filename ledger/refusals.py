"""The details of a refusal in the one form that is both recorded and sent.

A refusal that was recorded under an idempotency key as its code, detail and details is raised again as
the same error, whose answer has the same bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ledger import clock

RESERVED: Final = frozenset({"type", "title", "status", "detail", "code", "retryable", "request_id"})
"""Members that every answer to a refusal has; no detail may take their names."""


def settle(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as JSON can hold them, members sorted: what is recorded, and what is sent.

    Settling what is settled changes nothing, so a detail that went through the database comes out alike.
    """
    assert RESERVED.isdisjoint(details), f"a detail takes a reserved name: {RESERVED & set(details)}"
    return {name: _settled(details[name]) for name in sorted(details)}


def _settled(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.show(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _settled(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_settled(item) for item in value]
    return value
