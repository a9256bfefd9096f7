"""The seam between HTTP and the journal: requests go down, answers come up, nothing is decided here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.access import Principal
from ledger.errors import LedgerError
from ledger.http.answers import encode
from ledger.http.operations import Operation
from ledger.http.problems import problem
from ledger.http.services import Services
from ledger.journal import Outcome, Request, post


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one operation, wherever it was asked: its status, its bytes, its headers."""

    status: int
    body: bytes
    headers: dict[str, str]
    is_problem: bool = False
    is_replay: bool = False


def submit(
    services: Services,
    principal: Principal,
    requests: Sequence[Request],
    *,
    dry_run: bool = False,
    atomic: bool = False,
) -> list[Outcome]:
    """Post the requests as one unit of work; one outcome for each, in their order."""
    program = principal.program
    now = program.now(services.clock())
    return services.database.run(
        lambda connection: post(connection, program, requests, now=now, dry_run=dry_run, atomic=atomic)
    )


def submit_alone(services: Services, principal: Principal, request: Request) -> Outcome:
    """Post one request together with those that other callers post now.

    Raises StaleProgramError where the principal is not what the database says any more.
    """
    return services.writer(principal.program, request)


def count(services: Services, operation: str, outcome: Outcome, *, dry_run: bool) -> None:
    """Count an outcome of an operation; of a rehearsal nothing but its refusal."""
    if not dry_run:
        services.meters.posted(operation, outcome)
    if outcome.error is not None:
        services.meters.refused(outcome.error.code)


def reply_of(operation: Operation, outcome: Outcome) -> Reply:
    """The reply that an outcome of this operation is."""
    return reply(outcome, operation.status, operation.show)


def reply(outcome: Outcome, status: int, show: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> Reply:
    """The reply that an outcome is: of that status where it is a success, told by ``show``."""
    if outcome.error is not None:
        return refusal(outcome.error, outcome.request_id, is_replay=outcome.replayed)
    assert outcome.answer is not None
    return Reply(status, encode(show(outcome.answer)), {}, is_replay=outcome.replayed)


def refusal(error: LedgerError, request_id: str, *, is_replay: bool = False) -> Reply:
    """The reply that a refusal is."""
    made = problem(error, request_id)
    return Reply(made.status, made.body, made.headers, is_problem=True, is_replay=is_replay)
