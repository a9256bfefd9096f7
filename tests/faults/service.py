"""A running `ledger serve` with an embedded server of its own, as its operator and its enemies see it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from click.testing import CliRunner, Result

from ledger.cli import main
from ledger.devdb import OWNER_ROLE
from ledger.devdb.account import Account, becoming
from ledger.devdb.folder import PORT, Folder
from ledger.devdb.process import children

ROOT: Final = Path(__file__).resolve().parents[2]
LEDGER: Final = (sys.executable, "-c", "from ledger.cli import main; main()")
SECONDS: Final = 60
_PAUSE_SECONDS: Final = 0.05


class Service:
    """A service on ``folder``, with its books there unless ``data`` names others. ``close`` ends it for certain."""

    def __init__(self, folder: Path, *arguments: str, data: Path | None = None, **settings: str) -> None:
        self.data = data or folder / "books"
        self.log = folder / "log"
        self.said: list[str] = []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                (*LEDGER, "serve", "--port", "0", "--data", str(self.data), *arguments),
                env=environment(**settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Nothing of it outlives a test run that is itself killed.
                preexec_fn=becoming(Account()),  # noqa: PLW1509
            )
        self._announced = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._announced.wait(SECONDS)
        before, _, port = "".join(self.said).rpartition(":")
        if before != "Ledger ready on http://127.0.0.1":
            self.close()
            raise AssertionError(f"it does not serve: {self.said} {self.last_of_log()}")
        self.port = int(port)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            self._announced.set()
        self._announced.set()

    def last_of_log(self) -> str:
        return self.log.read_text()[-4_000:]

    def create_key(self, role: str = "admin") -> str:
        """A fresh key, made by the operator's command."""
        return ledger("keys", "create", "--role", role, "--data", str(self.data)).stdout.strip()

    @property
    def owner_url(self) -> str:
        """The address of the books for their owner."""
        sockets = Folder.open(self.data).recorded_sockets()
        return f"postgresql://{OWNER_ROLE}@/ledger?host={sockets}&port={PORT}"

    def status(self, path: str = "/readyz") -> int | None:
        """The status of a request without a key; None where nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("GET", path)
            with contextlib.closing(connection.getresponse()) as answer:
                return answer.status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def await_status(self, status: int, path: str = "/readyz", seconds: int = SECONDS) -> None:
        """Ask until the answer is this one; fails when it has not come within the time."""
        for _ in turns(seconds):
            if (found := self.status(path)) == status:
                return
        raise AssertionError(f"{path} still answers {found} after {seconds} s\n{self.last_of_log()}")

    def workers(self) -> list[int]:
        """The processes that answer requests, oldest first."""
        return sorted(set(children(self.process.pid)) - {self.postmaster()})

    def postmaster(self) -> int | None:
        """The first process of the embedded server, while it is the service's child."""
        recorded = Folder.open(self.data).recorded_pid()
        return recorded if recorded in children(self.process.pid) else None

    def below(self) -> list[int]:
        """Every process that the service has started, directly or not."""
        found = [self.process.pid]
        for member in found:
            found += children(member)
        return found[1:]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def close(self) -> None:
        """End it with all that it has started, however it is."""
        if self.process.poll() is None:
            below = self.below()
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(SECONDS)
                below = []
            self.process.kill()
            for member in below:
                kill(member)
        self.process.wait(SECONDS)
        self._listener.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


def await_fact(fact: Callable[[], object], seconds: int = SECONDS) -> None:
    """Look until it is so; fails when it has not become so within the time."""
    for _ in turns(seconds):
        if fact():
            return
    raise AssertionError(f"it has not come true within {seconds} s")


def kill(process: int, number: int = signal.SIGKILL) -> bool:
    """Send a process a signal; whether it was still there."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return False
    return True


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with no settings of the ledger but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def ledger(*arguments: str, **settings: str) -> Result:
    """Run one of the operator's commands to its end; it must succeed.

    In this process: one of its own takes seconds to begin, and how it begins is ``tests/service/test_serving.py``'s.
    """
    unset = {name: None for name in os.environ if name.startswith("LEDGER_")}
    done = CliRunner().invoke(main, arguments, env={**unset, **settings}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def turns(seconds: int = SECONDS) -> Iterator[None]:
    """Turns of a loop that looks for a fact again and again, until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        _NEVER.wait(_PAUSE_SECONDS)


_NEVER: Final = threading.Event()
