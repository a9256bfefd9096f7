"""Callers who wait in the queue of a gatherer, started one after the other. Nothing here waits for time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any, Final, TypeVar

from ledger.db import Database
from ledger.gathering import Gatherer

SECONDS: Final = 60

Result = TypeVar("Result")


class Queue:
    """Starts callers on threads of their own, and sees them wait."""

    def __init__(self, gather: Gatherer[Any, Any], pool: ThreadPoolExecutor) -> None:
        self.gather = gather
        self.pool = pool

    def line_up(self, *calls: Callable[[], Result]) -> "list[Future[Result]]":
        """Start callers while a go is under way; each of them waits before the next one comes."""
        return [self._line_up(call) for call in calls]

    def _line_up(self, call: Callable[[], Result]) -> "Future[Result]":
        before = len(self.gather._waiting)
        future = self.pool.submit(call)
        until(lambda: len(self.gather._waiting) == before + 1)
        return future


def waits_for_a_lock(database: Database) -> bool:
    """Whether any session of the database waits for a lock."""
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.read() as connection:
        return connection.exec_driver_sql(waiting).first() is not None


def until(fact: Callable[[], object]) -> None:
    """Look until it is so; fails when it does not become so."""
    tick = Event()
    for _ in range(SECONDS * 200):
        if fact():
            return
        tick.wait(0.005)
    raise AssertionError("it never came true")
