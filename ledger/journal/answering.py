"""Outcomes, as they are told to whoever has asked, once more, or not at all. Pure."""

from collections.abc import Sequence

from ledger.errors import BatchAborted, IdempotencyKeyReused
from ledger.journal.commands import Outcome, Request


def told(request: Request, outcome: Outcome) -> Outcome:
    """The outcome with what its answer repeats of the request."""
    words = request.command.words
    if not words or outcome.answer is None:
        return outcome
    return outcome._replace(answer={**outcome.answer, **words})


def replay(request: Request, fingerprint: bytes, outcome: Outcome) -> Outcome:
    """The answer that a key was given, again; a refusal where another request comes under it."""
    if fingerprint == request.fingerprint:
        return outcome if outcome.replayed else outcome._replace(replayed=True)
    error = IdempotencyKeyReused("the key has answered another request; take a fresh key for a new request")
    return Outcome(None, error, request.request_id)


def unasked(request: Request, outcome: Outcome, identifier: bytes) -> tuple[Request, Outcome]:
    """What is kept of a call without a key: that it was made. No caller's key has a space, so nobody asks for it."""
    return request._replace(key=f" {identifier.hex()}"), outcome._replace(answer={})


def aborted(
    requests: Sequence[Request], outcomes: list[Outcome], refused: int, answered: frozenset[str]
) -> list[Outcome]:
    """The answers of an atomic batch that was not applied: refusals as they are, the others aborted.

    ``answered`` are the keys that had an answer before it. The replay of an answer that the batch itself has
    given is of no effect that lasts, so it is aborted too.
    """
    error = BatchAborted("another operation of the atomic batch was refused", index=refused)
    return [
        outcome
        if outcome.error or (outcome.replayed and request.key in answered)
        else Outcome(None, error, outcome.request_id)
        for request, outcome in zip(requests, outcomes, strict=True)
    ]
