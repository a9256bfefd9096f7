"""A till: one program on a database of its own, a clock that the test moves, and plain ways to post."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, text

from ledger.accounts.program import Program
from ledger.accounts.programs import change_terms, create_program
from ledger.db import Database
from ledger.expiry.sweep import sweep
from ledger.journal import Outcome, Request, post
from ledger.journal.commands import Command
from ledger.redemption.commands import Redeem, Refund, Transfer
from ledger.redemption.reversals import Reverse
from ledger.rules.commands import Earning, Line, Purchase
from ledger.rules.returns import Return, ReturnedLine
from ledger.rules.terms import DEFAULT_TERMS

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    """The instant that many days after the start."""
    return START + timedelta(days=number)


def terms(**changes: Any) -> dict[str, Any]:
    """The default terms with these members changed."""
    return copy.deepcopy(DEFAULT_TERMS) | changes


@dataclass
class Till:
    """Posts at ``now``, each command under a key of its own, and refuses to be refused."""

    database: Database
    program: Program
    now: datetime = START
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def at(self, now: datetime) -> "Till":
        """Move the clock."""
        self.now = now
        return self

    def post(self, *commands: Command) -> list[dict[str, Any]]:
        """Post in one batch; the answers."""
        outcomes = self.try_post(*commands)
        assert not [outcome.error for outcome in outcomes if outcome.error]
        return [outcome.answer or {} for outcome in outcomes]

    def try_post(self, *commands: Command) -> list[Outcome]:
        requests = [Request(command, f"key-{next(self.numbers)}", b"f" * 16, "req") for command in commands]
        now = self.now
        return self.database.run(lambda connection: post(connection, self.program, requests, now=now))

    def buy(self, member: str, *amounts: int, occurred_at: datetime | None = None) -> dict[str, Any]:
        """A purchase with a line for each amount, numbered from 1, of quantity 2 each."""
        lines = tuple(Line(str(n), 2, amount) for n, amount in enumerate(amounts, 1))
        purchase = f"p-{next(self.numbers)}"
        return self.post(Purchase(purchase, member, occurred_at or self.now, "CNY", lines))[0]

    def give_back(
        self, purchase: dict[str, Any], line: int, amount: int, occurred_at: datetime | None = None
    ) -> dict[str, Any]:
        """A return of one piece of a line."""
        lines = (ReturnedLine(str(line), 1, amount),)
        command = Return(purchase["purchase_id"], f"r-{next(self.numbers)}", occurred_at or self.now, lines)
        return self.post(command)[0]

    def award(
        self,
        member: str,
        points: int,
        available_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> dict[str, Any]:
        reference = f"a-{next(self.numbers)}"
        return self.post(Earning(member, points, "gift", reference, available_at, expires_at))[0]

    def redeem(self, member: str, points: int) -> dict[str, Any]:
        return self.post(Redeem(member, points, f"x-{next(self.numbers)}"))[0]

    def refund(self, redemption: dict[str, Any], points: int) -> dict[str, Any]:
        return self.post(Refund(redemption["redemption_id"], points, f"f-{next(self.numbers)}"))[0]

    def transfer(self, sender: str, recipient: str, points: int) -> dict[str, Any]:
        return self.post(Transfer(sender, recipient, points, f"t-{next(self.numbers)}"))[0]

    def reverse(self, entry: dict[str, Any]) -> dict[str, Any]:
        return self.post(Reverse(entry["entry_id"], "mistake"))[0]

    def sweep(self) -> None:
        sweep(self.database, self.program, self.now, now=self.now)

    def change_terms(self, **changes: Any) -> None:
        changed = terms(**changes)
        self.program = self.database.run(
            lambda connection: change_terms(connection, self.program, changed, self.now)
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.database.read() as connection:
            yield connection

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.reading() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]


@contextmanager
def open_till(app_url: str, name: str = "shop", **changes: Any) -> Iterator[Till]:
    """A till of a new program with the default terms, changed as told."""
    database = Database(app_url)
    try:
        yield Till(database, new_program(database, name, **changes))
    finally:
        database.close()


def new_program(database: Database, name: str, **changes: Any) -> Program:
    """A program that begins at ``START``."""
    return database.run(
        lambda connection: create_program(
            connection, name, currency="CNY", timezone="Asia/Shanghai", terms=terms(**changes), now=START
        )
    )
