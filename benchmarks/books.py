"""The books that are measured: one program, and members who have points to spend."""

from datetime import datetime

from ledger.accounts.program import Program
from ledger.accounts.programs import create_program, find_program
from ledger.clock import system_now
from ledger.db import Database
from ledger.journal import Request, post
from ledger.journal.commands import Command
from ledger.rules.commands import Line, Purchase
from ledger.rules.terms import DEFAULT_TERMS

CURRENCY = "CNY"
POINTS_SEEDED = 100_000
_FINGERPRINT = bytes(16)


def member(number: int) -> str:
    """The id of a member."""
    return f"m-{number:06d}"


def open_books(database: Database) -> Program:
    """The program ``default``, made if it is not there."""
    return database.run(
        lambda connection: (
            find_program(connection, "default")
            or create_program(
                connection,
                "default",
                currency=CURRENCY,
                timezone="Asia/Shanghai",
                terms=DEFAULT_TERMS,
                now=system_now(),
            )
        )
    )


def seed(database: Database, program: Program, members: int, batch_size: int = 1_000) -> None:
    """Give every member one purchase, large enough for all that will be redeemed."""
    for first in range(0, members, batch_size):
        _seed(database, program, range(first, min(first + batch_size, members)))


def _seed(database: Database, program: Program, numbers: range) -> None:
    now = system_now()
    requests = [Request(_purchase(n, now), f"seed-{n}", _FINGERPRINT, f"req_seed-{n}") for n in numbers]
    database.run(lambda connection: post(connection, program, requests, now=now))


def _purchase(number: int, now: datetime) -> Command:
    line = Line("1", 1, POINTS_SEEDED * 100)
    return Purchase(f"seed-{number}", member(number), now, CURRENCY, (line,))
