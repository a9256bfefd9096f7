"""What a running service is made of, and what one request is: both are arguments, neither is global."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from ledger.access import Principal
from ledger.access.approvals import Handler
from ledger.access.claims import TokenKeys
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


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, as a view sees it."""

    services: Services
    principal: Principal
    request_id: str
    is_recalled: bool = False
    """Whether the principal is as it was a moment ago, which whoever uses it lets the database confirm."""

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def program(self) -> Program:
        """The program that the caller's key belongs to; nothing of another one may be seen."""
        return self.principal.program

    @property
    def now(self) -> datetime:
        """The program's present."""
        return self.principal.program.now(self.services.clock())


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions[EXTENSION])
