"""The service as its operator sees it: one line when ready, healing, a clean end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final

import pytest

from ledger.db import Database
from ledger.devdb import OWNER_ROLE, DevServer
from ledger.devdb.process import children

LEDGER: Final = (sys.executable, "-c", "from ledger.cli import main; main()")
ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 60


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def ledger(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*LEDGER, *arguments),
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Service:
    """A running `ledger serve`."""

    def __init__(self, log: Path, *arguments: str, **settings: str) -> None:
        self.log = log
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                (*LEDGER, "serve", "--port", "0", *arguments),
                env=environment(**settings),
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        assert self.process.stdout is not None
        self.announcement = self.process.stdout.readline()
        before, _, port = self.announcement.rpartition(":")
        assert before == "Ledger ready on http://127.0.0.1", self.announcement + log.read_text()
        self.port = int(port)

    def status(self, path: str = "/readyz", **headers: str) -> int | None:
        """The status of a request; None where nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def workers(self, server: int | None) -> set[int]:
        """The processes of the workers."""
        return set(children(self.process.pid)) - {server}

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        assert self.process.stdout is not None
        self.said = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(SECONDS)


def server_of(data: Path) -> int:
    """The process of the embedded server."""
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(fact: Callable[[], Any]) -> Any:
    """The first true answer of ``fact``, which itself takes a round trip each time it is asked."""
    for _ in range(5_000):
        if found := fact():
            return found
    raise AssertionError("it never came true")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "books"


@pytest.fixture
def service(tmp_path: Path, data: Path) -> Iterator[Service]:
    running = Service(tmp_path / "log", "--data", str(data))
    yield running
    if running.process.returncode is None:
        running.stop()


def test_the_service_answers_when_it_says_so_and_leaves_nothing_behind(service: Service, data: Path) -> None:
    assert service.status() == 200
    key = ledger("keys", "create", "--role", "readonly", "--data", str(data))
    assert (key.returncode, key.stderr) == (0, "")
    assert re.fullmatch(r"lk_[0-9a-z]{12}_[0-9A-Za-z]{49}\n", key.stdout)
    assert service.status("/v1/nope", Authorization=f"Bearer {key.stdout.strip()}") == 404
    below = [server_of(data), *children(server_of(data)), *service.workers(None)]
    assert service.stop() == 0
    assert service.said == ""
    assert not [process for process in below if lives(process)]


def test_an_interrupt_ends_the_service_cleanly(service: Service) -> None:
    assert service.stop(signal.SIGINT) == 0


def test_a_killed_worker_is_replaced(service: Service, data: Path) -> None:
    server = server_of(data)
    before = service.workers(server)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    after = eventually(
        lambda: victim not in (now := service.workers(server)) and len(now) == len(before) and now
    )
    assert len(after - before) == 1
    assert eventually(lambda: service.status() == 200)


def test_a_killed_server_is_started_again_and_its_dead_connections_are_not_seen(
    service: Service, data: Path
) -> None:
    for _ in range(8):
        assert service.status() == 200
    server = server_of(data)
    os.kill(server, signal.SIGKILL)
    eventually(lambda: service.status() == 503 or not lives(server))
    eventually(lambda: service.status() == 200 and server_of(data) != server)
    # Both workers' pools hold connections to the dead server; no request may meet one.
    assert [service.status() for _ in range(20)] == [200] * 20
    assert service.stop() == 0


def test_a_caller_who_sends_everything_before_reading_is_answered_in_full(
    service: Service, data: Path
) -> None:
    key = ledger("keys", "create", "--role", "pos", "--data", str(data)).stdout.strip()
    # Far more in both directions than the buffers between the two can hold.
    line = b'{"operation": "' + b"x" * 1000 + b'"}\n'
    count = 40_000
    head = (
        f"POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(line) * count}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=SECONDS) as connection:
        connection.sendall(head.encode())
        for _ in range(count // 1000):
            connection.sendall(line * 1000)
        response = HTTPResponse(connection)
        response.begin()
        answers = response.read().splitlines()
        response.close()
    assert len(answers) == count
    assert all(answer.startswith(b'{"status":400,') for answer in answers)


def test_two_services_do_not_share_a_port_and_the_second_ends_with_a_failure(
    service: Service, tmp_path: Path
) -> None:
    second = ledger("serve", "--port", str(service.port), "--data", str(tmp_path / "other"))
    assert second.returncode != 0
    assert second.stdout == ""
    assert service.status() == 200


@pytest.fixture
def books(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer.start(tmp_path / "elsewhere", prefer="wheel") as server:
        yield server


def test_a_database_of_ones_own_must_be_migrated_first(books: DevServer, tmp_path: Path) -> None:
    url, owner_url = books.url(), books.url(role=OWNER_ROLE)
    refused = ledger("serve", "--port", "0", LEDGER_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "ledger migrate" in refused.stderr
    migrated = ledger("migrate", LEDGER_DATABASE_URL=url, LEDGER_OWNER_DATABASE_URL=owner_url)
    assert migrated.returncode == 0, migrated.stderr
    service = Service(tmp_path / "log", LEDGER_DATABASE_URL=url)
    assert service.status() == 200
    assert service.stop() == 0
    assert books.pid is not None


def test_a_server_that_may_lose_what_it_confirms_is_refused(tmp_path: Path) -> None:
    with DevServer.start(tmp_path / "unsafe", fsync=False, prefer="wheel") as server:
        urls = {"LEDGER_DATABASE_URL": server.url(), "LEDGER_OWNER_DATABASE_URL": server.url(role=OWNER_ROLE)}
        ledger("migrate", **urls)
        refused = ledger("serve", "--port", "0", **urls)
        assert refused.returncode == 1
        assert "fsync, full_page_writes, synchronous_commit is off" in refused.stderr
        service = Service(tmp_path / "log", LEDGER_UNSAFE_DURABILITY="1", **urls)
        assert service.stop() == 0
        assert "MAY LOSE WHAT IT HAS CONFIRMED" in service.log.read_text()


def test_a_role_that_could_change_the_books_is_refused(books: DevServer) -> None:
    owner_url = books.url(role=OWNER_ROLE)
    urls = {"LEDGER_DATABASE_URL": books.url(), "LEDGER_OWNER_DATABASE_URL": owner_url}
    ledger("migrate", **urls)
    owner = Database(owner_url, role=None, pool_size=1)
    owner.run(lambda connection: connection.exec_driver_sql("GRANT UPDATE ON postings TO ledger_app"))
    owner.close()
    refused = ledger("serve", "--port", "0", **urls)
    assert refused.returncode == 1
    assert "UPDATE on postings" in refused.stderr


def test_an_unreachable_database_is_told_in_one_line(tmp_path: Path) -> None:
    refused = ledger("serve", "--port", "0", LEDGER_DATABASE_URL=f"postgresql://x@/x?host={tmp_path}")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "database cannot be reached" in refused.stderr
