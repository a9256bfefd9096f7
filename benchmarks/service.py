"""The service: single requests over HTTP to the real ``ledger serve``, on the same server."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import orjson

from benchmarks.books import CURRENCY, member
from benchmarks.cpu import of_tree, spent
from benchmarks.load import Load, generate
from benchmarks.measure import Measurement
from ledger.access.register import create_key
from ledger.accounts.program import Program
from ledger.clock import show, system_now
from ledger.db import Database

CONNECTIONS = 32
_READY = "Ledger ready on "
_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Service:
    """A running ``ledger serve`` and a key to it."""

    pid: int
    host: str
    port: int
    token: str


@contextmanager
def serving(app_url: str, owner_url: str, token: str) -> Iterator[Service]:
    """Run ``ledger serve`` with its default workers and threads on a database that is there."""
    environ = {
        **os.environ,
        "LEDGER_DATABASE_URL": app_url,
        "LEDGER_OWNER_DATABASE_URL": owner_url,
        "LEDGER_PORT": "0",
        "LEDGER_LOG_LEVEL": "WARNING",
        # It would add up all that the engine has posted here before, in the middle of a load.
        "LEDGER_UPKEEP_SECONDS": "0",
    }
    command = [sys.executable, "-c", "from ledger.cli import main; main()", "serve"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith(_READY)), "")
        watchdog.cancel()
        assert line, "the service did not start"
        address = urlsplit(line.removeprefix(_READY).strip())
        assert address.hostname is not None and address.port is not None
        yield Service(process.pid, address.hostname, address.port, token)
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)


def make_key(owner_url: str, program: Program) -> str:
    """A key that may post and read."""
    database = Database(owner_url, role=None, pool_size=1)
    key = database.run(lambda connection: create_key(connection, program, "checkout", now=system_now()))
    database.close()
    return key.token


def measure_service(service: Service, postmaster: int, members: int, seconds: float) -> list[Measurement]:
    """The service's own ceiling, a balance, and a purchase, one after the other."""
    return [
        _measure(service, postmaster, name, _warm(service, request), seconds)
        for name, request in {
            "HTTP GET /livez": livez(service),
            "HTTP GET balance": balances(service, members),
            "HTTP POST /v1/purchases": purchases(service, members),
        }.items()
    ]


def _warm(service: Service, request: Callable[[], bytes]) -> Callable[[], bytes]:
    generate(service.host, service.port, CONNECTIONS, 1, request)
    return request


def _measure(
    service: Service, postmaster: int, name: str, request: Callable[[], bytes], seconds: float
) -> Measurement:
    before, spent_before = spent(postmaster), of_tree(service.pid)
    load = generate(service.host, service.port, CONNECTIONS, seconds, request)
    after, spent_after = spent(postmaster), of_tree(service.pid)
    return Measurement(
        f"{name}, {CONNECTIONS} connections",
        sum(load.statuses.values()),
        load.seconds,
        load.cpu,
        after.since(before),
        service=spent_after - spent_before,
        notes=_notes(load),
    )


def _notes(load: Load) -> dict[str, float | int | str]:
    return {
        "statuses": " ".join(f"{status}:{times}" for status, times in sorted(load.statuses.items())),
        "p50_ms": round(load.percentile(0.50), 1),
        "p99_ms": round(load.percentile(0.99), 1),
    }


def livez(service: Service) -> Callable[[], bytes]:
    """A request that asks nothing of the database: what the service can do at most."""
    request = _request(service, "GET", "/livez", b"", "")
    return lambda: request


def balances(service: Service, members: int) -> Callable[[], bytes]:
    """Balances of random members."""
    chance = random.Random("balances")
    return lambda: _request(
        service, "GET", f"/v1/members/{member(chance.randrange(members))}/balance", b"", ""
    )


def purchases(service: Service, members: int) -> Callable[[], bytes]:
    """Purchases of one line by random members."""
    chance, numbers = random.Random("purchases"), count()
    occurred_at = show(system_now())
    run = os.urandom(4).hex()

    def next_request() -> bytes:
        name = f"http-{run}-{next(numbers)}"
        line = {"line_id": "1", "sku": "sku-1", "category": "grocery", "quantity": 1}
        body = {
            "purchase_id": name,
            "member_id": member(chance.randrange(members)),
            "occurred_at": occurred_at,
            "currency": CURRENCY,
            "lines": [{**line, "amount": chance.randrange(1_000, 90_000)}],
        }
        return _request(service, "POST", "/v1/purchases", orjson.dumps(body), f"Idempotency-Key: {name}\r\n")

    return next_request


def _request(service: Service, method: str, path: str, body: bytes, headers: str) -> bytes:
    content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {service.host}\r\nAuthorization: Bearer {service.token}\r\n"
        f"{content}{headers}\r\n"
    )
    return head.encode() + body
