"""A run: one snapshot of the books, a process for each core, and what comes of it.

One run at a time in a database: whoever comes second is told to come again (``overloaded``). Nothing here can
write, and nothing of it happens in a thread of the service but waiting.
"""

import os
import select
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.config import Settings
from ledger.db import Database
from ledger.errors import InternalError, Overloaded
from ledger.journal.asking import driver_of
from ledger.rules.simulation.drafts import Draft, Selection
from ledger.rules.simulation.jobs import Job
from ledger.rules.simulation.reading import Range, count_history, ranges_of, read_switches
from ledger.rules.simulation.report import report_of
from ledger.rules.simulation.tally import Tally

Process = subprocess.Popen[bytes]

_TURN: Final = 0x7369_6D75  # "simu"
_STILL_ALIVE_SECONDS: Final = 10


class Progress(NamedTuple):
    """How far a run is: purchases and activities replayed, of about so many entries."""

    baskets: int
    of: int


class Simulation:
    """A run that has its turn. ``steps`` replays; whatever becomes of it, ``close`` gives the turn back."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        name: str,
        draft: Draft,
        selection: Selection,
        system_now: datetime,
    ) -> None:
        self._stack = ExitStack()
        self._settings = settings
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.processes: list[Process] = []
        self.draft = draft
        self.selection = selection
        try:
            # A connection of its own, so that the service's pool has all of its for members.
            database = Database(url, role=settings.app_role, pool_size=1, statement_timeout_ms=60_000)
            self._stack.callback(database.close)
            self._connection = self._stack.enter_context(database.read())
            self._take_turn()
            program = find_program(self._connection, name)
            assert program is not None
            self.program = program
            self._end = selection.end or program.now(system_now)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the turn back; the processes that still run are ended."""
        self._stack.close()

    def steps(self, workers: int | None = None) -> Generator[Progress, None, dict[str, Any]]:
        """Replay, yielding how far it is; returns the report."""
        driver = driver_of(self._connection)
        members, entries = count_history(driver, self.program)
        ranges = ranges_of(members)
        number = min(workers or len(os.sched_getaffinity(0)), len(ranges))
        job = self._job()
        self.processes += [self._stack.enter_context(_process(job)) for _ in range(number)]
        total, baskets, left = Tally(), 0, iter(ranges)
        for process in self.processes:
            _hand_out(process, left)
        for process, answer in _answers(self.processes, self._stay):
            if "tally" in answer:
                total.add(Tally.restored(answer["tally"]))
                continue
            # Whoever is done with a range gets the next, so that all end at about the same time.
            _hand_out(process, left)
            baskets += answer["progress"]
            yield Progress(baskets, entries)
        if any(process.wait() for process in self.processes):
            raise InternalError("a process of the simulation failed")
        yield Progress(baskets, baskets)
        funds = read_left(self._connection, self.program)
        return report_of(job.worlds(), job.end, total, funds)

    def _take_turn(self) -> None:
        self._connection.execute(text("SET TRANSACTION READ ONLY"))
        # Of the transaction, not of the session: it is given back with the rollback, before that returns.
        taken = self._connection.execute(text("SELECT pg_try_advisory_xact_lock(:turn)"), {"turn": _TURN})
        if not taken.scalar_one():
            raise Overloaded("another simulation is under way; there is one at a time")

    def _job(self) -> Job:
        snapshot = self._connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        switched = read_switches(driver_of(self._connection), self.program)
        role = self._settings.app_role
        return Job(self._url, role, snapshot, self.program, switched, self.draft, self.selection, self._end)

    def _stay(self) -> None:
        # A transaction that is idle for a minute would be ended, and the turn with it.
        self._connection.execute(text("SELECT 1"))


def read_left(connection: Connection, program: Program) -> dict[str, int]:
    """What is left in the funds of a program."""
    rows = connection.execute(
        text("SELECT member_id, points FROM holders WHERE program_id = :program AND member_id LIKE 'fund/%'"),
        {"program": program.program_id},
    )
    return {name.removeprefix("fund/"): points for name, points in rows}


@contextmanager
def _process(job: Job) -> Iterator[Process]:
    """A process at its work; ended where it is left before it has ended itself."""
    command = [sys.executable, "-m", "ledger.rules.simulation.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        try:
            assert process.stdin is not None
            process.stdin.write(orjson.dumps(job.sent()) + b"\n")
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _hand_out(process: Process, ranges: Iterator[Range]) -> None:
    """Give a process the next range; where there is none, say so, and it ends."""
    assert process.stdin is not None
    if process.stdin.closed:
        return
    within = next(ranges, None)
    try:
        if within is not None:
            # Numbers of 128 bits are no numbers of JSON.
            process.stdin.write(orjson.dumps([str(bound) for bound in within]) + b"\n")
            process.stdin.flush()
        else:
            process.stdin.close()
    except BrokenPipeError:
        # It has failed; its exit says so.
        return


def _answers(
    processes: Sequence[Process], idle: Callable[[], None]
) -> Iterator[tuple[Process, dict[str, Any]]]:
    """The lines of all processes as they come, until all have ended."""
    outputs = {process.stdout.fileno(): process for process in processes if process.stdout is not None}
    pending = dict.fromkeys(outputs, b"")
    while pending:
        ready, _, _ = select.select(list(pending), [], [], _STILL_ALIVE_SECONDS)
        idle()
        for number in ready:
            block = os.read(number, 1 << 16)
            if not block:
                del pending[number]
                continue
            *lines, pending[number] = (pending[number] + block).split(b"\n")
            for line in lines:
                yield outputs[number], orjson.loads(line)
