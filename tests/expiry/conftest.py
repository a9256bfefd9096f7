"""Programs with lots that run out: what the tests of the sweep work on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from ledger.accounts.program import Program
from ledger.accounts.programs import create_program
from ledger.db import Database
from ledger.journal import Request, post
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.terms import DEFAULT_TERMS

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    """The instant that many days after the start."""
    return START + timedelta(days=number)


@dataclass
class Shop:
    """One test program, and plain ways to fill it."""

    database: Database
    program: Program
    numbers: Iterator[int]

    def award(self, member: str, points: int, expires_at: datetime, now: datetime = START) -> None:
        reference = f"award-{next(self.numbers)}"
        self.post(Earning(member, points, "test", reference, expires_at=expires_at), now=now)

    def award_all(self, members: int, lots: int, expires_at: datetime) -> None:
        """For each of ``members`` members ``lots`` lots of 10 points, a day apart from ``expires_at`` on."""
        for lot in range(lots):
            self.post(
                *(
                    Earning(f"m-{n}", 10, "test", f"{lot}-{n}", expires_at=expires_at + timedelta(days=lot))
                    for n in range(members)
                )
            )

    def buy(self, member: str, amount: int, occurred_at: datetime, now: datetime) -> None:
        purchase = f"purchase-{next(self.numbers)}"
        self.post(Purchase(purchase, member, occurred_at, "CNY", (Line("1", 1, amount),)), now=now)

    def post(self, *commands: Any, now: datetime = START) -> None:
        requests = [Request(command) for command in commands]
        outcomes = self.database.run(lambda c: post(c, self.program, requests, now=now))
        assert not [outcome.error for outcome in outcomes if outcome.error]

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def expiries(self) -> list[tuple[datetime, int]]:
        """Every expiry in the books: its instant and its amount, oldest first."""
        return [
            (instant, int(amount))
            for instant, amount in self.rows(
                "SELECT effective_at, amount FROM entries JOIN postings USING (entry_id, holder_id)"
                " WHERE kind = 'expire' ORDER BY effective_at, amount"
            )
        ]

    def expiries_by_lot(self) -> dict[Any, int]:
        """How many postings took each lot that is due or was: one for each, if all is well."""
        return {
            lot: int(times)
            for lot, times in self.rows(
                "SELECT l.lot_id, count(p.lot_id) FROM lots l"
                " LEFT JOIN postings p ON p.lot_id = l.lot_id AND p.credit = 52 GROUP BY l.lot_id"
            )
        }


@pytest.fixture
def shop(fresh_database: Any) -> Iterator[Shop]:
    """A test program named ``shop`` in a database of its own, on the default terms."""
    database = Database(fresh_database.app_url)
    program = database.run(
        lambda connection: create_program(
            connection,
            "shop",
            currency="CNY",
            timezone="Asia/Shanghai",
            terms=DEFAULT_TERMS,
            now=START,
            is_test=True,
            test_now=START,
        )
    )
    try:
        yield Shop(database, program, count(1))
    finally:
        database.close()
