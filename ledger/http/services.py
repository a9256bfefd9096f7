"""What a running service is made of, and what one request is: both are arguments, neither is global."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from flask import current_app
from sqlalchemy import Connection

from ledger.access import Principal
from ledger.access.approvals import Handler
from ledger.access.audit_log import Asked, Denials, record_deed
from ledger.access.claims import TokenKeys
from ledger.access.key_uses import KeyUses
from ledger.access.keyring import Keyring
from ledger.access.rate_limits import RateLimits
from ledger.accounts.program import Program
from ledger.config import Settings
from ledger.db import Database
from ledger.http.meters import Meters
from ledger.http.operations import Operation
from ledger.journal.reader import Reader
from ledger.journal.writer import Writer

EXTENSION = "ledger"


class Posted(NamedTuple):
    """What the audit log says of a posting by its name alone: where it is sent, and the status of its success."""

    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Services:
    """What every request of one application shares."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]
    operations: Mapping[str, Operation]
    approvals: Mapping[str, Handler]
    """What carries out an approved proposal, by its kind."""
    meters: Meters
    """What is counted of all of it."""
    writer: Writer
    """What single postings go through."""
    reader: Reader
    """What balances of the present are read through."""
    keyring: Keyring
    member_keys: TokenKeys
    """What the tokens of members are believed by."""
    rates: RateLimits
    """How many requests callers may send."""
    denials: Denials
    key_uses: KeyUses
    posted: Mapping[str, Posted]
    """Whatever is remembered under an idempotency key, by its name in the audit log."""


class Deed(NamedTuple):
    """A call that changes something and is no posting: what it asks for, and the statuses that it may have.

    Of two, the second is that of what is new.
    """

    asked: Asked
    statuses: tuple[int, ...]

    def status(self, result: object) -> int:
        """The status of what came of it."""
        is_new = len(self.statuses) > 1 and isinstance(result, tuple) and result[1] is True
        return self.statuses[1 if is_new else 0]


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, as a view sees it."""

    services: Services
    principal: Principal
    request_id: str
    is_recalled: bool = False
    """Whether the principal is as it was a moment ago, which whoever uses it lets the database confirm."""
    deed: Deed | None = None
    """What each unit of work writes into the audit log beside its own."""

    @property
    def database(self) -> Database:
        return (
            self.services.database if self.deed is None else self.services.database.followed_by(self._record)
        )

    @property
    def program(self) -> Program:
        """The program that the caller's key belongs to; nothing of another one may be seen."""
        return self.principal.program

    @property
    def now(self) -> datetime:
        """The program's present."""
        return self.principal.program.now(self.services.clock())

    def _record(self, connection: Connection, result: Any) -> None:
        assert self.deed is not None
        record_deed(connection, self.principal, self.deed.asked, self.deed.status(result), result, self.now)


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions[EXTENSION])
