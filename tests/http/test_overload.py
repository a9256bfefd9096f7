"""A queue that is full answers 503 and says when to come again; nothing is posted until then."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any

import pytest

from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.http.endpoint import Routes
from ledger.http.services import EXTENSION
from ledger.journal.commands import Books, Decision
from ledger.rules.commands import Earning
from tests.conftest import TestDatabase
from tests.queues import SECONDS, Queue

from .tiny import EARNING, Client, Tiny, make_program


class Gate:
    """Awards to the member ``held`` wait at it while they are decided, with their transaction open."""

    def __init__(self) -> None:
        self.reached = Event()
        self.open = Event()

    def award(self, payload: dict[str, Any]) -> Earning:
        gate = self

        class Held(Earning):
            def decide(self, books: Books) -> Decision:
                gate.reached.set()
                assert gate.open.wait(SECONDS)
                return super().decide(books)

        return (Held if payload["member_id"] == "held" else Earning)(**payload)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


@pytest.fixture
def tiny(fresh_database: TestDatabase, gate: Gate) -> Iterator[Tiny]:
    """The service with a queue of one, and one route that awards."""
    owner = Database(fresh_database.owner_url, role=None, pool_size=2)
    application = Database(fresh_database.app_url, pool_size=4)
    routes = Routes("Tiny", "For tests.")
    routes.posting(replace(EARNING, build=gate.award))
    app = create_app(Settings(queue=1), application, routes=(routes,))
    yield Tiny(app, owner, make_program(owner))
    application.close()
    owner.close()


@pytest.fixture
def pool(gate: Gate) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as opened:
        yield opened
        gate.open.set()


def award(member: str) -> dict[str, Any]:
    return {"member_id": member, "points": 5, "reason": "gift", "reference": f"for-{member}"}


def send(client: Client, member: str) -> Any:
    return client.post("/v1/earnings", award(member), key=f"key-{member}")


def rows(tiny: Tiny, table: str) -> int:
    with tiny.owner.read() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def fill(tiny: Tiny, client: Client, gate: Gate, pool: ThreadPoolExecutor) -> "list[Future[Any]]":
    """One posting under way, and one that waits: there is no room for more."""
    under_way = pool.submit(send, client, "held")
    assert gate.reached.wait(SECONDS)
    gather = tiny.app.extensions[EXTENSION].writer._gather
    return [under_way, *Queue(gather, pool).line_up(partial(send, client, "m-1"))]


def test_whoever_comes_when_the_queue_is_full_is_told_to_come_again_and_then_succeeds(
    tiny: Tiny, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    client = tiny.client()
    futures = fill(tiny, client, gate, pool)
    for _ in range(2):
        refused = send(client, "m-2")
        assert (refused.status_code, refused.json["code"]) == (503, "overloaded")
        assert refused.json["retryable"] is True
        assert int(refused.headers["Retry-After"]) >= 1
    assert (rows(tiny, "entries"), rows(tiny, "outcomes")) == (0, 0)
    gate.open.set()
    assert [future.result(SECONDS).status_code for future in futures] == [201, 201]
    assert (rows(tiny, "entries"), rows(tiny, "outcomes")) == (2, 2)
    accepted = send(client, "m-2")
    assert accepted.status_code == 201
    assert "Idempotency-Replayed" not in accepted.headers
    assert send(client, "m-2").headers["Idempotency-Replayed"] == "true"
    assert rows(tiny, "entries") == 3


def test_a_full_queue_keeps_nobody_from_rehearsing(tiny: Tiny, gate: Gate, pool: ThreadPoolExecutor) -> None:
    client = tiny.client()
    futures = fill(tiny, client, gate, pool)
    rehearsed = client.post("/v1/earnings?dry_run=true", award("m-2"), key=None)
    assert rehearsed.status_code == 201
    gate.open.set()
    assert [future.result(SECONDS).status_code for future in futures] == [201, 201]
    assert rows(tiny, "entries") == 2
