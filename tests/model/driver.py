"""The seam between the tests and whatever keeps the books: memory, PostgreSQL, or a server behind HTTP.

A machine, a story or a bench speaks to a ``Driver`` alone, so each of them runs wherever a driver leads.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import orjson

from ledger.accounts.program import Program
from ledger.journal import Outcome, Request
from ledger.journal.commands import Command
from ledger.journal.outcomes import stored_form
from tests.model.snapshot import Snapshot


class Answer(NamedTuple):
    """What came back for a request: the body of a success, or the code and details of a refusal."""

    body: dict[str, Any] | None
    code: str | None
    details: dict[str, Any]
    replayed: bool
    raw: bytes
    """The answer as it was sent or stored; a replay has the same."""


class Driver(Protocol):
    """Books that commands can be posted to. ``now`` never runs backwards unless ``clock_may_go_back``."""

    program: Program
    clock_may_go_back: bool
    may_change_terms: bool
    takes_expiry: bool
    """Whether expiry may be asked for like any other command; over HTTP only the sweep does it."""
    takes_adjustments: bool
    """Whether an adjustment may be posted like any other command; over HTTP it takes two keys."""

    def post(
        self, requests: Sequence[Request], *, now: datetime, atomic: bool = False, dry_run: bool = False
    ) -> list[Answer]:
        """One batch; one answer for each request, in order."""
        ...

    def change_terms(self, terms: dict[str, Any], now: datetime) -> None:
        """Put new terms in force from here on."""
        ...

    def snapshot(self) -> Snapshot:
        """All that the books of the program hold."""
        ...


def fingerprint(command: Command) -> bytes:
    """What a request asks for: commands are values, so their text tells them apart."""
    return sha256(repr(command).encode()).digest()


def answer_of(outcome: Outcome) -> Answer:
    """An outcome of the journal, as JSON would carry it."""
    _, raw = stored_form(outcome)
    if outcome.error is None:
        return Answer(orjson.loads(raw), None, {}, outcome.replayed, raw)
    return Answer(None, outcome.error.code, orjson.loads(raw)["details"], outcome.replayed, raw)
