"""What runs in a process of its own that has become a worker: one thread, in which nothing may wait for itself.

Each function is one program: ``python -c 'from tests.service import cooperating; cooperating.NAME(...)'``. Where
something waited without letting the others go on, it would wait for what is never done, and fail.
"""

import gc
import select
import selectors
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import gevent
import gevent.event
import psycopg
from psycopg import waiting

from ledger import serving, worker
from ledger.db import Database
from ledger.errors import DatabaseUnavailable
from ledger.gathering import Gatherer
from ledger.worker import Worker

SECONDS: Final = 60
LOCK: Final = 6


def become_worker() -> Worker:
    """Do to this process what is done to a worker after the fork."""
    # All of the service has been imported before, as it has in the master.
    assert serving.__name__ in sys.modules
    made: Worker = Worker.__new__(Worker)
    made.sockets, made.idle = [], {}
    with warnings.catch_warnings():
        # As of something that was loaded too early to be made cooperative.
        warnings.simplefilter("error")
        made.patch()
    return made


def whatever_waits_is_the_event_loops() -> None:
    """By name: what a worker could wait with."""
    become_worker()
    assert waiting.wait is worker.wait
    for found in (
        time.sleep,
        select.select,
        socket.socket,
        socket.getaddrinfo,
        selectors.DefaultSelector,
        waiting.DefaultSelector,  # type: ignore[attr-defined]
        type(threading.Lock()),
        threading.get_ident,
    ):
        assert found.__module__.startswith("gevent"), found


def a_wait_for_the_database_lets_others_go_on(url: str) -> None:
    """One greenlet waits for a lock of the database, which another one holds and lets go."""
    become_worker()
    database = Database(url, pool_size=2, lock_timeout_ms=5_000)
    with database.glance() as holding:
        holding.exec_driver_sql("SELECT pg_advisory_lock(%s)", (LOCK,))
        waits = gevent.spawn(database.run, partial(_take, lock="pg_advisory_xact_lock"))
        until(lambda: holding.exec_driver_sql(_WAITS).scalar_one())
        assert not waits.ready()
        holding.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (LOCK,))
        waits.get(timeout=SECONDS)
    database.close()


_WAITS: Final = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def _take(connection: Any, lock: str) -> None:
    connection.exec_driver_sql(f"SELECT {lock}(%s)", (LOCK,))


def a_wait_for_a_connection_of_the_pool_lets_others_go_on(url: str) -> None:
    """The pool's one connection is taken; whoever wants it waits until it is given back."""
    become_worker()
    database = Database(url, pool_size=1)
    with database.glance() as connection:
        waits = gevent.spawn(database.run, lambda other: other.exec_driver_sql("SELECT 42").scalar_one())
        gevent.sleep(0)
        assert not waits.ready()
        assert connection.exec_driver_sql("SELECT 41").scalar_one() == 41
    assert waits.get(timeout=SECONDS) == 42
    database.close()


def a_new_connection_lets_others_go_on(folder: str) -> None:
    """The server that is connected to is played by another greenlet, which hears the first words and hangs up."""
    become_worker()
    heard = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(Path(folder) / ".s.PGSQL.5432"))
    listener.listen()

    def hang_up() -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            heard.append(connection.recv(4))
            connection.close()

    server = gevent.spawn(hang_up)
    for connect in (
        lambda url: psycopg.connect(url, connect_timeout=SECONDS),
        lambda url: Database(url, role=None).run(lambda connection: connection),
    ):
        try:
            connect(f"postgresql://nobody@/nothing?host={folder}&port=5432&sslmode=disable")
        except (psycopg.OperationalError, DatabaseUnavailable):
            continue
        raise AssertionError("nobody was there")
    server.join(timeout=SECONDS)
    assert [len(words) for words in heard] == [4, 4]
    listener.close()


def those_who_come_together_share_a_go() -> None:
    """A go waits for the database, so to speak, and those who come meanwhile queue in the same thread."""
    become_worker()
    goes, gate = [], gevent.event.Event()

    def work(jobs: Sequence[int]) -> list[int]:
        goes.append(list(jobs))
        gate.wait()
        return [2 * job for job in jobs]

    gather = Gatherer(work, room=9)
    callers = [gevent.spawn(gather, 1)]
    until(lambda: goes)
    callers += [gevent.spawn(gather, job) for job in (2, 3, 4)]
    until(lambda: len(gather._waiting) == 3)
    gate.set()
    assert [caller.get(timeout=SECONDS) for caller in callers] == [2, 4, 6, 8]
    assert goes == [[1], [2, 3, 4]]


def whoever_has_begun_to_ask_is_not_dismissed() -> None:
    """The end comes in the very turn in which a caller's request does."""
    made = become_worker()
    made.cfg = type("Cfg", (), {"keepalive": SECONDS})
    asks, is_asking, is_done = (gevent.event.Event() for _ in range(3))

    def serve() -> str:
        with made.timeout_ctx():
            asks.wait()
            is_asking.set()
        is_done.wait()
        return "answered"

    caller = gevent.spawn(serve)
    until(asks.linkcount)
    asks.set()
    made._dismiss_idle()
    is_asking.wait()
    gevent.sleep(0)
    is_done.set()
    assert caller.get(timeout=SECONDS) == "answered"


def whoever_asks_nothing_is_dismissed() -> None:
    made = become_worker()
    made.cfg = type("Cfg", (), {"keepalive": SECONDS})

    def serve() -> str:
        with made.timeout_ctx():
            gevent.event.Event().wait()
        return "dismissed"

    caller = gevent.spawn(serve)
    until(lambda: made.idle)
    made._dismiss_idle()
    assert caller.get(timeout=SECONDS) == "dismissed"
    assert not made.idle


def what_is_there_before_the_first_request_is_not_looked_through_again() -> None:
    made = become_worker()
    made.app = type("App", (), {"wsgi": staticmethod(lambda: None)})
    made.log = None
    made.load_wsgi()
    assert gc.get_freeze_count() > 10_000


def until(fact: Callable[[], Any]) -> None:
    """Let the others have turns until it is so."""
    for _ in range(100_000):
        if fact():
            return
        gevent.sleep(0)
    raise AssertionError("it never came true")
