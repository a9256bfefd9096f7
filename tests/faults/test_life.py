"""The life of a service under load: how it ends, what it leaves, who may join, and what outlives it."""

import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from ledger.config import Settings
from ledger.devdb.folder import Folder
from ledger.devdb.process import children

from .clients import Answer, Caller, Progress, Record, settle
from .oracle import check, read_entries
from .service import SECONDS, Service, await_fact, kill
from .workload import Operation, Step, operation_of

NOW = datetime.now(UTC).isoformat()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.close()


def buying(name: str, member: str = "m-1") -> Operation:
    """A purchase that earns 100 points."""
    operation = operation_of(Step(1, "purchase", (member,), 10_000), name, NOW, None)
    assert operation is not None
    return operation


def ask(service: Service, token: str, operation: Operation) -> Answer:
    """Send one operation on a connection of its own."""
    with closing(Caller(service.port, token)) as caller:
        return caller.send(operation)


class Crowd:
    """Clients that buy, one purchase after the other, until they hear nothing definite any more."""

    def __init__(self, service: Service, token: str, clients: int = 4) -> None:
        self.progress = Progress()
        self.records: list[list[Record]] = [[] for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._buy, args=(Caller(service.port, token), number), daemon=True)
            for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _buy(self, caller: Caller, number: int) -> None:
        while True:
            name = f"{number}.{len(self.records[number])}"
            record = Record(buying(name, f"m-{number % 2}"), time.monotonic_ns())
            self.records[number].append(record)
            if not record.hear(caller.send(record.operation)):
                caller.close()
                return
            self.progress.count()

    def end(self) -> list[Record]:
        """What all clients wrote down, once the last of them has noticed the end."""
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()
        return [record for records in self.records for record in records]


def alive(processes: Iterable[int]) -> list[int]:
    """Those of the processes that there still are."""
    return [process for process in processes if kill(process, 0)]


def check_after_restart(folder: Path, token: str, records: list[Record]) -> None:
    """Start again on the same books: everything acknowledged is there, and every unknown becomes known."""
    again = Service(folder)
    try:
        caller = Caller(again.port, token)
        settle(caller, records)
        for record in records:
            answer = caller.send(record.operation)
            assert record.answer is not None
            assert (answer.status, answer.body, answer.is_replay) == (201, record.answer.body, True)
        caller.close()
        check(records, read_entries(again.owner_url, ["m-0", "m-1"]))
    finally:
        again.close()


def test_told_to_end_under_load_it_answers_cleanly_and_leaves_nothing_behind(
    service: Service, tmp_path: Path
) -> None:
    token = service.create_key()
    crowd = Crowd(service, token)
    assert crowd.progress.await_more(40)
    below = service.below()
    assert service.stop() == 0
    records = crowd.end()
    assert {status for record in records for status in record.heard} <= {0, 201, 503}
    assert not alive(below)
    assert Folder.open(service.data).is_silent()
    assert service.said == [f"Ledger ready on http://127.0.0.1:{service.port}\n"]
    check_after_restart(tmp_path, token, records)


def test_killed_itself_under_load_it_takes_everything_along_and_loses_nothing(
    service: Service, tmp_path: Path
) -> None:
    token = service.create_key()
    crowd = Crowd(service, token)
    assert crowd.progress.await_more(40)
    below = service.below()
    service.process.kill()
    records = crowd.end()
    await_fact(lambda: not alive(below))
    check_after_restart(tmp_path, token, records)


def test_a_second_service_on_the_same_books_joins_and_outlives_the_first(
    service: Service, tmp_path: Path
) -> None:
    token = service.create_key()
    (tmp_path / "second").mkdir()
    second = Service(tmp_path / "second", data=service.data)
    try:
        answers = [ask(each, token, buying("p-1")) for each in (service, second)]
        assert [(answer.status, answer.is_replay) for answer in answers] == [(201, False), (201, True)]
        assert answers[0].body == answers[1].body
        assert service.stop() == 0
        second.await_status(200)
        assert ask(second, token, buying("p-2")).status == 201
    finally:
        second.close()
    assert Folder.open(service.data).is_silent()


def test_while_the_database_is_down_it_is_alive_but_not_ready_and_recovers(service: Service) -> None:
    token = service.create_key()
    assert ask(service, token, buying("p-1")).status == 201
    postmaster = service.postmaster()
    assert postmaster is not None
    # The master would start the server again at once.
    service.process.send_signal(signal.SIGSTOP)
    kill(postmaster)
    service.await_status(503)
    assert service.status("/livez") == 200
    refused = ask(service, token, buying("p-2"))
    assert (refused.status, refused.code) == (503, "database_unavailable")
    service.process.send_signal(signal.SIGCONT)
    service.await_status(200)
    assert [ask(service, token, buying(name)).is_replay for name in ("p-1", "p-2")] == [True, False]
    assert len(service.said) == 1


def test_a_database_that_hangs_is_answered_for_and_nothing_is_lost(tmp_path: Path) -> None:
    service = Service(tmp_path, LEDGER_LOCK_TIMEOUT_MS="200", LEDGER_STATEMENT_TIMEOUT_MS="400")
    try:
        token = service.create_key()
        assert ask(service, token, buying("p-1")).status == 201
        with hanging(service):
            assert service.status("/readyz") == 503
            assert service.status("/livez") == 200
            refused = ask(service, token, buying("p-2"))
            assert (refused.status, refused.code) == (503, "database_unavailable")
        service.await_status(200)
        assert [ask(service, token, buying(name)).is_replay for name in ("p-1", "p-2")] == [True, False]
    finally:
        service.close()


@contextmanager
def hanging(service: Service) -> Iterator[None]:
    """Keep every process of PostgreSQL from running, without ending any."""
    postmaster = service.postmaster()
    assert postmaster is not None
    kill(postmaster, signal.SIGSTOP)
    stopped = [postmaster, *children(postmaster)]
    for member in stopped[1:]:
        kill(member, signal.SIGSTOP)
    try:
        yield
    finally:
        for member in stopped:
            kill(member, signal.SIGCONT)


def test_a_crowd_behind_one_member_neither_hides_that_it_lives_nor_waits_for_ever(tmp_path: Path) -> None:
    # Nobody who waits for the member gives up by himself: what is answered meanwhile did not wait for it.
    patience = str(SECONDS * 1_000)
    service = Service(tmp_path, LEDGER_LOCK_TIMEOUT_MS=patience, LEDGER_STATEMENT_TIMEOUT_MS=patience)
    try:
        token = service.create_key()
        assert ask(service, token, buying("p-0")).status == 201
        crowd = [buying(f"p-{number}") for number in range(1, 41)]
        with ThreadPoolExecutor(len(crowd)) as pool:
            with psycopg.connect(service.owner_url, autocommit=True) as watcher, holding(service, "m-1"):
                asked = [pool.submit(ask, service, token, one) for one in crowd]
                await_fact(lambda: watcher.execute(WAITING, [POOL]).fetchone() == (True,))
                assert service.status("/livez") == 200
                # Each worker has so many connections to wait with; whoever finds none free is refused.
                await_fact(lambda: sum(one.done() for one in asked) >= len(crowd) - 2 * POOL)
            answers = [one.result(SECONDS) for one in asked]
        assert {(answer.status, answer.code) for answer in answers} == {(201, None), (503, "overloaded")}
        assert {ask(service, token, one).status for one in crowd} == {201}
    finally:
        service.close()


POOL = Settings().pool_size
WAITING: LiteralString = "SELECT count(*) >= %s FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@contextmanager
def holding(service: Service, member: str) -> Iterator[None]:
    """Keep the member locked."""
    with psycopg.connect(service.owner_url) as connection:
        connection.execute("SELECT FROM holders WHERE member_id = %s FOR NO KEY UPDATE", (member,))
        yield
