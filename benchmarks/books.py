"""The books that are measured: one program, and members who have points to spend."""

from datetime import datetime

from benchmarks.draws import Draw, uniform
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
STATEMENTS = 50
"""Entries on the page of a statement that is read."""
_BUSY, _BUSY_FROM, _BUSY_ENTRIES = 50, 900_000, 400
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
        numbers = range(first, min(first + batch_size, members))
        _seed(database, program, [(f"seed-{n}", member(n), POINTS_SEEDED * 100) for n in numbers])


def seed_statements(database: Database, program: Program) -> None:
    """Give a few members of their own, who do nothing else, long statements."""
    for turn in range(_BUSY_ENTRIES // 20):
        numbers = [(n, time) for n in range(_BUSY) for time in range(20)]
        _seed(
            database,
            program,
            [(f"busy-{turn}-{n}-{time}", member(_BUSY_FROM + n), 3_990) for n, time in numbers],
        )


def statement_draw() -> Draw:
    """One of the members with long statements."""
    draw = uniform(_BUSY, "statements")
    return lambda: _BUSY_FROM + draw()


def _seed(database: Database, program: Program, bought: list[tuple[str, str, int]]) -> None:
    """Purchases, each with its name, its member and what it comes to in minor units."""
    now = system_now()
    requests = [
        Request(_purchase(name, member_id, amount, now), name, _FINGERPRINT, f"req_{name}")
        for name, member_id, amount in bought
    ]
    database.run(lambda connection: post(connection, program, requests, now=now))


def _purchase(name: str, member_id: str, amount: int, now: datetime) -> Command:
    return Purchase(name, member_id, now, CURRENCY, (Line("1", 1, amount),))
