"""The service that is measured: the real ``ledger serve``, or its own server with nothing in it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.requests import Caller
from ledger.access.register import create_key
from ledger.accounts.program import Program
from ledger.clock import system_now
from ledger.db import Database

LEDGER = ("-c", "from ledger.cli import main; main()", "serve")
EMPTY = ("-m", "benchmarks.empty")
_READY = "Ledger ready on "
_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and a key to it."""

    pid: int
    host: str
    port: int
    token: str

    def caller(self, token: str | None = None) -> Caller:
        """Who asks it, with its own key or another."""
        return Caller(self.host, token or self.token)


@contextmanager
def serving(
    app_url: str, owner_url: str, token: str = "none", command: tuple[str, ...] = LEDGER
) -> Iterator[Service]:
    """Run it with its default workers and threads on a database that is there."""
    environ = {
        **os.environ,
        "LEDGER_DATABASE_URL": app_url,
        "LEDGER_OWNER_DATABASE_URL": owner_url,
        "LEDGER_PORT": "0",
        "LEDGER_LOG_LEVEL": "WARNING",
        # It would add up all that the engine has posted here before, in the middle of a load.
        "LEDGER_UPKEEP_SECONDS": "0",
    }
    process = subprocess.Popen([sys.executable, *command], env=environ, stdout=subprocess.PIPE, text=True)
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


def make_key(owner_url: str, program: Program, role: str = "checkout") -> str:
    """A key of that role; by default one that may post and read."""
    database = Database(owner_url, role=None, pool_size=1)
    key = database.run(lambda connection: create_key(connection, program, role, now=system_now()))
    database.close()
    return key.token
