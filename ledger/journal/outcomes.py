"""Outcomes: what is remembered under an idempotency key, and how it is told again.

A success is kept as the facts that answered it, a refusal as its code and details; from both the edge
makes the same bytes again. What is merely absent or unavailable is not remembered: it may come.
"""

from typing import Any

import orjson

from ledger.errors import (
    BatchAborted,
    Conflict,
    Gone,
    IdempotencyKeyReused,
    LedgerError,
    Refused,
    TillBatchChanged,
    error_class,
)
from ledger.journal.commands import Outcome
from ledger.refusals import settle


def is_remembered(error: LedgerError) -> bool:
    """Whether a refusal is the key's answer for ever."""
    if isinstance(error, IdempotencyKeyReused | BatchAborted | TillBatchChanged):
        return False
    return isinstance(error, Refused | Conflict | Gone)


def stored_form(outcome: Outcome) -> tuple[str | None, bytes]:
    """Code and bytes to keep."""
    if outcome.error is None:
        assert outcome.answer is not None
        return None, orjson.dumps(outcome.answer)
    kept: dict[str, Any] = {"detail": outcome.error.detail, "details": settle(outcome.error.details)}
    return outcome.error.code, orjson.dumps(kept)


def restore(code: str | None, answer: bytes, request_id: str, entry_id: bytes | None) -> Outcome:
    """The outcome kept in that form, marked as a replay."""
    if code is None:
        return Outcome(orjson.loads(answer), None, request_id, replayed=True, entry_id=entry_id)
    kept = orjson.loads(answer)
    error = error_class(code)(kept["detail"], **kept["details"])
    return Outcome(None, error, request_id, replayed=True)
