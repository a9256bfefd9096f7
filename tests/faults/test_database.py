"""The unit of work against what a database does to it: rivals, time-outs, terminated sessions, full pools."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import Connection, text

from ledger.db import MAX_RUNS, Database
from ledger.devdb import SUPERUSER, DevServer
from ledger.errors import DatabaseUnavailable, InFlight, MemberUnknown, OutcomeUnknown

from .counter import Counter, impatient
from .link import Link

SECONDS = 30


@contextmanager
def holding(counter: Counter, member: str) -> Iterator[None]:
    """Keep the member locked, as a posting under way would."""
    with counter.books.read() as connection:
        lock = text("SELECT FROM holders WHERE member_id = :member FOR NO KEY UPDATE")
        connection.execute(lock, {"member": member})
        yield


def test_a_member_that_is_held_too_long_is_in_flight_and_the_key_is_free_again(counter: Counter) -> None:
    assert counter.buy("p-1").status == 201
    with holding(counter, "m-1"):
        refused = counter.redeem("r-1", 10)
        assert refused.refusal == (409, "in_flight")
        assert (refused.body["retryable"], refused.retry_after) == (True, "1")
        assert counter.buy("p-2", member="m-2").status == 201
    assert counter.effects("r-1") == 0
    answer = counter.redeem("r-1", 10)
    assert (answer.status, answer.is_replay) == (201, False)


def test_a_pool_without_a_free_connection_is_overloaded_while_the_process_is_alive(
    counter: Counter, database: Database
) -> None:
    with database.read(), database.read():
        refused = counter.buy("p-1")
        assert refused.refusal == (503, "overloaded")
        assert (refused.body["retryable"], refused.retry_after) == (True, "1")
        assert counter.get("/livez").status == 200
    assert counter.buy("p-1").status == 201


def test_two_units_in_each_others_way_both_finish(counter: Counter, fresh_database: Any) -> None:
    for member in ("m-1", "m-2"):
        assert counter.buy(f"p-{member}", member=member).status == 201
    patient = Database(fresh_database.app_url, pool_size=2)
    both_hold = threading.Barrier(2, timeout=SECONDS)
    runs: list[str] = []

    def cross(first: str, second: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            runs.append(first)
            lock = text("SELECT FROM holders WHERE member_id = :member FOR NO KEY UPDATE")
            connection.execute(lock, {"member": first})
            if len(runs) <= 2:
                both_hold.wait()
            connection.execute(lock, {"member": second})

        return work

    with ThreadPoolExecutor(2) as pool:
        units = [pool.submit(patient.run, cross(*pair)) for pair in (("m-1", "m-2"), ("m-2", "m-1"))]
        for unit in units:
            unit.result(SECONDS)
    patient.close()
    # One of the two is the victim, again and again if it comes back too soon.
    assert len(runs) > 2


@pytest.mark.parametrize("error", [pg.DeadlockDetected, pg.SerializationFailure, pg.UniqueViolation])
def test_a_unit_that_loses_every_race_is_in_flight(database: Database, error: type[Exception]) -> None:
    runs = []

    def lose(connection: Connection) -> None:
        runs.append(connection)
        raise error("another was quicker")

    with pytest.raises(InFlight):
        database.run(lose)
    assert len(runs) == MAX_RUNS


def test_a_statement_that_takes_too_long_is_given_up(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="too long"):
        database.run(lambda connection: connection.execute(text("SELECT pg_sleep(60)")))


def test_a_session_that_is_terminated_in_the_middle_goes_unnoticed(
    counter: Counter, database: Database
) -> None:
    sessions: list[int] = []

    def work(connection: Connection) -> int:
        sessions.append(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        if len(sessions) == 1:
            with counter.books.read() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": sessions[0]})
        answer: int = connection.execute(text("SELECT 42")).scalar_one()
        return answer

    assert database.run(work) == 42
    assert len(set(sessions)) == 2


def test_a_session_that_idled_away_in_a_transaction_goes_unnoticed(
    counter: Counter, database: Database, link: Link
) -> None:
    sessions: list[int] = []

    def work(connection: Connection) -> int:
        sessions.append(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        if len(sessions) == 1:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
            eventually_gone(counter, sessions[0])
        answer: int = connection.execute(text("SELECT 42")).scalar_one()
        return answer

    assert database.run(work) == 42
    assert len(set(sessions)) == 2


def eventually_gone(counter: Counter, pid: int) -> None:
    """Wait until the server has no such session; each look is a round trip of its own."""
    for _ in range(10_000):
        with counter.books.read() as other:
            query = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
            if not other.execute(query, {"pid": pid}).scalar_one():
                return
    raise AssertionError("the session did not end")


def test_a_refusal_is_told_though_its_connection_died(
    counter: Counter, database: Database, link: Link
) -> None:
    def refuse(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        link.cut()
        raise MemberUnknown("there is no member m-1", member_id="m-1")

    with pytest.raises(MemberUnknown):
        database.run(refuse)
    with pytest.raises(MemberUnknown), database.read() as connection:
        refuse(connection)
    assert counter.buy("p-1").status == 201


def test_a_read_never_meets_a_connection_that_died_in_the_pool(database: Database, link: Link) -> None:
    for _ in range(3):
        with database.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
        link.cut()


def test_a_unit_that_hides_an_error_is_never_taken_for_committed(database: Database) -> None:
    def hide(connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        with pytest.raises(pg.DivisionByZero):
            raw.execute("SELECT 1 / 0")

    with pytest.raises(AssertionError, match="hidden"):
        database.run(hide)


@pytest.fixture
def replicated(tmp_path: Path) -> Iterator[DevServer]:
    """A server that waits for a standby which never comes, with everybody but its administrator."""
    with DevServer.start(tmp_path, prefer="wheel") as server:
        administer(server, "CREATE TABLE notes (note text)", "GRANT ALL ON notes TO ledger_app")
        administer(server, "ALTER ROLE postgres SET synchronous_commit = local")
    with DevServer.start(
        tmp_path, settings={"synchronous_standby_names": "nobody"}, prefer="wheel"
    ) as server:
        yield server


def administer(server: DevServer, *statements: LiteralString) -> list[tuple[Any, ...]]:
    """Run statements, each on its own; the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with psycopg.connect(server.url(role=SUPERUSER), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    return rows


BREAK_OFF: LiteralString = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def note(connection: Connection) -> None:
    connection.execute(text("INSERT INTO notes VALUES ('kept')"))


def test_a_commit_that_no_standby_confirms_is_unknown(replicated: DevServer) -> None:
    database = impatient(replicated.url())
    with pytest.raises(OutcomeUnknown):
        database.run(note)
    database.close()


def test_a_wait_for_the_standby_that_is_broken_off_is_unknown_though_the_server_confirms(
    replicated: DevServer,
) -> None:
    # The server answers such a COMMIT with success and a warning.
    database = Database(replicated.url(), pool_size=1)
    with ThreadPoolExecutor(1) as pool:
        unit = pool.submit(database.run, note)
        while not administer(replicated, BREAK_OFF):
            assert not unit.done()
        with pytest.raises(OutcomeUnknown):
            unit.result(SECONDS)
    database.close()
