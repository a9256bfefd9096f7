"""Units of work that meet on purpose: each on a connection of its own, each held open until it is let go.

Nothing here waits for time. A unit waits for another's lock when the server says that it does
(``pg_blocking_pids``), and it goes on when the other is let go.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import Any

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.db import Database
from ledger.finance.verify import verify
from ledger.journal import Request, post
from tests.builders import NOW, Bench, terms
from tests.model.driver import Answer, answer_of
from tests.model.postgres import PostgresDriver

SECONDS = 60


@contextmanager
def open_database(url: str, connections: int = 8) -> Iterator[Database]:
    """A pool whose time-outs are out of the way: here a wait ends when the other side ends."""
    database = Database(
        url, pool_size=connections, lock_timeout_ms=SECONDS * 1_000, statement_timeout_ms=SECONDS * 1_000
    )
    try:
        yield database
    finally:
        database.close()


@contextmanager
def open_sound_database(url: str, connections: int) -> Iterator[Database]:
    """The same; at the end the operator's own check finds nothing to say."""
    with open_database(url, connections) as database:
        yield database
        with database.read() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []


def open_bench(database: Database, name: str = "rivals", **changes: Any) -> Bench:
    """A new program in the database."""
    return Bench(PostgresDriver.create(database, name, NOW, timezone="Asia/Shanghai", terms=terms(**changes)))


class GivenUp(Exception):
    """Raised by a unit that rolls back."""


class Unit:
    """One batch as one unit of work, which commits when it may. ``runs`` counts how often it was begun."""

    def __init__(
        self, database: Database, program: Program, requests: Sequence[Request], now: datetime
    ) -> None:
        self.database = database
        self.program = program
        self.requests = requests
        self.now = now
        self.runs = 0
        self.pid = 0
        self.begun = Event()
        self.posted = Event()
        self.may_commit = Event()
        self.gives_up = False
        self.future: Future[list[Answer]]

    def work(self, connection: Connection) -> list[Answer]:
        self.runs += 1
        self.pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        self.begun.set()
        outcomes = post(connection, self.program, self.requests, now=self.now)
        self.posted.set()
        assert self.may_commit.wait(SECONDS)
        if self.gives_up:
            raise GivenUp
        return [answer_of(outcome) for outcome in outcomes]

    def answers(self) -> list[Answer]:
        """Let it commit, and wait for its end."""
        self.may_commit.set()
        return self.future.result(SECONDS)

    def give_up(self) -> None:
        """Let it roll back, and wait for its end."""
        self.gives_up = True
        self.may_commit.set()
        assert isinstance(self.future.exception(SECONDS), GivenUp)

    def answer(self) -> Answer:
        (answer,) = self.answers()
        return answer


class Rivals:
    """Starts units of work on one program, and sees who waits for whom."""

    def __init__(self, bench: Bench, pool: ThreadPoolExecutor) -> None:
        assert isinstance(bench.driver, PostgresDriver)
        self.database = bench.driver.database
        self.program = bench.driver.program
        self.bench = bench
        self.pool = pool
        self.units: list[Unit] = []

    def start(self, *requests: Request, now: datetime | None = None) -> Unit:
        unit = Unit(self.database, self.program, requests, now or self.bench.now)
        self.units.append(unit)
        unit.future = self.pool.submit(self.database.run, unit.work)
        return unit

    def holding(self, *requests: Request, now: datetime | None = None) -> Unit:
        """A unit that has posted and holds all its locks, and has not committed."""
        unit = self.start(*requests, now=now)
        self._until(unit, unit.posted.is_set)
        return unit

    def arriving(self, *requests: Request, now: datetime | None = None) -> Unit:
        """A unit that has come as far as it can: it waits for a lock, or it has posted."""
        unit = self.start(*requests, now=now)
        self._until(unit, lambda: unit.posted.is_set() or bool(self.blockers(unit)))
        return unit

    def blockers(self, unit: Unit) -> list[int]:
        """The backends whose locks it waits for now, as the server sees it."""
        if not unit.begun.is_set():
            return []
        with self.database.read() as connection:
            found = connection.exec_driver_sql("SELECT pg_blocking_pids(%s)", (unit.pid,)).scalar_one()
        return list(found)

    def is_waiting(self, unit: Unit, holder: Unit) -> bool:
        return not unit.posted.is_set() and holder.pid in self.blockers(unit)

    @staticmethod
    def _until(unit: Unit, fact: Callable[[], bool]) -> None:
        tick = Event()
        for _ in range(SECONDS * 200):
            if fact() or unit.future.done():
                return
            tick.wait(0.005)
        raise AssertionError("it neither waits nor goes on")

    def let_go(self) -> None:
        """Let every unit end, however the test has ended."""
        for unit in self.units:
            unit.may_commit.set()


@contextmanager
def rivals(bench: Bench) -> Iterator[Rivals]:
    """Rivals on the bench's program."""
    with ThreadPoolExecutor(8) as pool:
        made = Rivals(bench, pool)
        try:
            yield made
        finally:
            made.let_go()
