"""A shop's counter: the whole application in this process, on a database that the test may take away."""

import itertools
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from ledger import clock
from ledger.access.register import create_key
from ledger.accounts.programs import create_program
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.http.services import EXTENSION
from ledger.rules.terms import DEFAULT_TERMS

NOW: Final = clock.show(clock.system_now())


class Answer(NamedTuple):
    """What the application answered."""

    status: int
    body: dict[str, Any]
    is_replay: bool
    retry_after: str | None

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of a problem."""
        return self.status, self.body["code"]


@dataclass
class Counter:
    """Posts through the application, and counts in the books directly, past every fault."""

    app: Flask
    books: Database
    token: str
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def fresh(self) -> str:
        """A name that was not used before."""
        return f"n-{next(self._numbers)}"

    def buy(self, purchase_id: str, *, key: str | None = None, member: str = "m-1") -> Answer:
        """A purchase that earns 100 points; its key is its name unless given."""
        line = {"line_id": "1", "quantity": 1, "amount": 10_000}
        purchase = {
            "purchase_id": purchase_id,
            "member_id": member,
            "occurred_at": NOW,
            "currency": "CNY",
            "lines": [line],
        }
        return self.post("/v1/purchases", purchase, key or purchase_id)

    def redeem(self, reference: str, points: int, *, member: str = "m-1") -> Answer:
        redemption = {"member_id": member, "points": points, "reference": reference}
        return self.post("/v1/redemptions", redemption, reference)

    def post(self, path: str, body: Any, key: str) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        return _answer(self.app.test_client().post(path, json=body, headers=headers))

    def get(self, path: str) -> Answer:
        return _answer(self.app.test_client().get(path, headers={"Authorization": f"Bearer {self.token}"}))

    def effects(self, reference: str) -> int:
        """How many entries bear this reference."""
        query = text("SELECT count(*) FROM entries WHERE reference = :reference")
        with self.books.read() as connection:
            count: int = connection.execute(query, {"reference": reference}).scalar_one()
        return count


def impatient(url: str, *, pool_size: int = 2) -> Database:
    """A database that gives up soon, so that the tests are quick."""
    return Database(
        url,
        pool_size=pool_size,
        lock_timeout_ms=300,
        statement_timeout_ms=600,
        patience_ms=200,
        pool_timeout_seconds=1,
        connect_timeout_seconds=2,  # the driver takes no less
    )


def open_counter(database: Database, owner: Database) -> Counter:
    """A counter on ``database``, of a new program; ``owner`` makes its key and reads its books."""
    now = clock.system_now()
    program = owner.run(
        lambda connection: create_program(
            connection, "faults", currency="CNY", timezone="Asia/Shanghai", terms=DEFAULT_TERMS, now=now
        )
    )
    key = owner.run(lambda connection: create_key(connection, program, "admin", now=now))
    app = create_app(Settings(), database)
    # The first use of a key is noted in a unit of its own, which is not the one that the tests are about.
    app.extensions[EXTENSION].key_uses.note(key.key_id, now)
    return Counter(app, owner, key.token)


def _answer(response: TestResponse) -> Answer:
    headers = response.headers
    is_replay = headers.get("Idempotency-Replayed") == "true"
    return Answer(response.status_code, response.get_json() or {}, is_replay, headers.get("Retry-After"))
