"""Servers that the tests of ledger.devdb may kill, and other processes that start them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.devdb import DevServer

# Says what it got, then stays until its input ends; it stops what it started only when told to.
STARTER = """
import json, sys
from ledger.devdb import DevServer
sys.stdin.readline()
server = DevServer.attach_or_start(sys.argv[1], prefer="wheel")
print(json.dumps({"pid": server.pid, "started_here": server.started_here}), flush=True)
sys.stdin.readline()
server.stop()
"""

SECONDS = 90


@dataclass(frozen=True)
class Answer:
    pid: int
    started_here: bool


@dataclass(frozen=True)
class OtherProcess:
    """Another process that attaches to or starts a server once it is told to."""

    process: "subprocess.Popen[str]"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> Answer:
        assert self.process.stdout is not None
        return Answer(**json.loads(self.process.stdout.readline()))

    def finish(self) -> None:
        """Let it stop what it started, and wait for its end."""
        self.go()
        assert self.process.wait(SECONDS) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[Callable[[], OtherProcess]]:
    """Makes processes that use the server of `tmp_path`; none of them outlives the test."""
    made: list[subprocess.Popen[str]] = []

    def make() -> OtherProcess:
        command = (sys.executable, "-c", STARTER, str(tmp_path))
        made.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return OtherProcess(made[-1])

    yield make
    for process in made:
        with process:
            process.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[DevServer]:
    """A server with its durability on, on `tmp_path`, of this test alone."""
    with DevServer.start(tmp_path, prefer="wheel") as running:
        yield running
