"""The service under gunicorn: its master forks workers, heals the embedded server, says when it is ready.

Everything happens in the master's one loop, without threads: PostgreSQL stays a child of the master, and
its death wakes the loop as a worker's death does.
"""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Final, NoReturn

import click
import orjson
from flask import Flask
from gunicorn import arbiter, util
from gunicorn.app.base import BaseApplication
from gunicorn.errors import HaltServer
from gunicorn.http import wsgi as gunicorn_wsgi
from prometheus_client.multiprocess import mark_process_dead

from ledger import upkeep
from ledger.app import create_app
from ledger.command_line import Place
from ledger.config import ConfigurationError
from ledger.devdb import DevServer
from ledger.http.headers import REPEATED, SINGLE
from ledger.http.meters import Meters, share
from ledger.http.problems import PROBLEM_JSON
from ledger.http.viewer import DOCUMENT
from ledger.log_lines import JsonLogger
from ledger.worker import Worker

_PROBE_SECONDS: Final = 2
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  a heartbeat on a busy disk would look like a dead worker
_log = logging.getLogger(__name__)


class Service(BaseApplication):  # type: ignore[misc]
    """The application in gunicorn's terms. Each worker builds its own, so no connection crosses a fork."""

    def __init__(self, place: Place, counts: Path) -> None:
        self.place = place
        self.counts = counts
        super().__init__()

    def load_config(self) -> None:
        settings = self.place.settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        for name, value in {
            "bind": f"{host}:{settings.port}",
            "workers": settings.workers,
            "worker_connections": settings.connections,
            "worker_class": "ledger.worker.Worker",
            "keepalive": 30,
            "graceful_timeout": 20,
            "limit_request_line": 4094,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            "loglevel": settings.log_level.lower(),
            "control_socket_disable": True,
            "worker_tmp_dir": str(_MEMORY) if _MEMORY.is_dir() else None,
            # What a proxy says of the caller decides nothing here, so nobody need be told apart.
            "forwarded_allow_ips": "*",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "pre_request": mark_repeated_headers,
            "child_exit": self._forget_live_counts,
            "proc_name": "ledger",
        }.items():
            self.cfg.set(name, value)
        if settings.log_format == "json":
            self.cfg.set("logger_class", JsonLogger)

    def _forget_live_counts(self, _master: Any, worker: Any) -> None:
        """Of a worker that has ended stays what it had counted, and not what it was about to do."""
        mark_process_dead(worker.pid, str(self.counts))  # type: ignore[no-untyped-call]

    def load(self) -> Flask:
        Worker.caller_ms = self.place.settings.caller_timeout_ms
        share(self.counts)
        upkeep.start(self.place)
        try:
            app = create_app(self.place.settings, self.place.database(), meters=Meters(self.counts))
            # Now, and not while somebody waits at a till.
            app.extensions[DOCUMENT].as_json()
            return app
        except ConfigurationError as error:
            # Read by a worker, because what reads it is loaded there; told in one line, as the master would.
            click.echo(f"Error: {error}", err=True)
            sys.exit(arbiter.Arbiter.APP_LOAD_ERROR)

    def run(self) -> NoReturn:
        """Serve until told to stop; ends by SystemExit."""
        # Of the software behind the service, answers say nothing.
        gunicorn_wsgi.SERVER = "ledger"
        util.write_error = _write_problem
        master = Master(self)
        try:
            master.run()
        except HaltServer as halted:
            # A second worker has not come up, while the end of the first was being told.
            sys.exit(halted.exit_status)
        finally:
            if master.server is not None:
                master.server.stop()
        raise AssertionError("the master's loop only ends by SystemExit")


class Master(arbiter.Arbiter):  # type: ignore[misc]
    """Gunicorn's master, which also looks after the embedded server and announces readiness once."""

    def __init__(self, service: Service) -> None:
        self.server = service.place.server
        self.is_announced = False
        super().__init__(service)

    def wait_for_signals(self, timeout: Any = 1) -> list[int]:
        signals: list[int] = super().wait_for_signals(timeout=timeout if self.is_announced else 1 / 20)
        return signals

    def manage_workers(self) -> None:
        self._heal()
        super().manage_workers()
        if not self.is_announced and self._is_ready():
            self.is_announced = True
            host, port = self.listening
            click.echo(f"Ledger ready on http://{host}:{port}")

    @property
    def listening(self) -> tuple[str, int]:
        """Where the service listens; the port is the real one, also where 0 was asked for."""
        host, port = self.LISTENERS[0].sock.getsockname()[:2]
        return (f"[{host}]" if ":" in host else host), port

    def _heal(self) -> None:
        """Start the embedded server again when it has died; the workers find it at its old address."""
        try:
            if self.server is None or self.server.pid is not None:
                return
            self.log.error("PostgreSQL has stopped; starting it again")
            self.server = DevServer.attach_or_start(self.server.data_dir)
        except Exception as error:  # noqa: BLE001  the master must outlive it, and try again
            self.log.error("PostgreSQL does not start, trying again: %s", error)

    def _is_ready(self) -> bool:
        host, port = self.listening
        # Whoever listens everywhere is asked at home.
        reachable = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104
        connection = HTTPConnection(reachable, port, timeout=_PROBE_SECONDS)
        try:
            connection.request("GET", "/readyz", headers={"Connection": "close"})
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def serve(place: Place) -> NoReturn:
    """Run the service on a place that has been checked; ends by SystemExit when it is told to stop."""
    with _folder_of_counts() as counts:
        Service(place, counts).run()
    raise AssertionError("the service only ends by SystemExit")


@contextmanager
def _folder_of_counts() -> Iterator[Path]:
    """A fresh private folder in which the workers keep what they count; in memory where there is some."""
    parent = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    master, counts = os.getpid(), Path(mkdtemp(prefix="ledger-counts-", dir=parent))
    try:
        yield counts
    finally:
        # A worker leaves by this way as well.
        if os.getpid() == master:
            rmtree(counts, ignore_errors=True)


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT end the process cleanly until gunicorn takes them over."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def mark_repeated_headers(_worker: Any, request: Any) -> None:
    """Tell the application of a header that came twice; WSGI would show it as one, joined by a comma."""
    names = [name for name, _ in request.headers]
    for name in SINGLE:
        if names.count(name) > 1:
            request.headers.append((REPEATED.removeprefix("HTTP_").replace("_", "-"), name))
            return


def _write_problem(sock: Any, status: int, reason: str, _message: str) -> None:
    """Answer what could not be read as HTTP; in place of gunicorn's page."""
    if status == HTTPStatus.NOT_IMPLEMENTED:
        # A transfer coding that nobody knows. It is the caller's, and no alarm for those who watch for 5xx.
        status, reason = HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase
    code = "internal_error" if status >= 500 else "invalid_request"
    body = orjson.dumps(
        {
            "type": f"/docs/errors#{code}",
            "title": reason,
            "status": status,
            "detail": "the request could not be read as HTTP",
            "code": code,
            "retryable": status >= 500,
            "request_id": f"req_{os.urandom(16).hex()}",
        }
    )
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {PROBLEM_JSON}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin1") + body)
