"""A simulation's process in a thread of this one, by the same lines: a process of its own takes seconds to begin."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import orjson

from ledger.rules.simulation.jobs import Job
from ledger.rules.simulation.reading import Range
from ledger.rules.simulation.worker import work


class Replaying(Thread):
    """What a simulation sees of one of its processes."""

    def __init__(self, job: Job) -> None:
        super().__init__(daemon=True)
        (told, telling), (answered, answering) = os.pipe(), os.pipe()
        self._told, self.stdin = os.fdopen(told, "rb"), os.fdopen(telling, "wb")
        self.stdout, self._answers = os.fdopen(answered, "rb"), os.fdopen(answering, "wb")
        # As it would arrive.
        self._job = Job.restored(orjson.loads(orjson.dumps(job.sent())))
        self._code = 1

    def run(self) -> None:
        with self._told, self._answers:
            lines = iter(self._told.readline, b"")
            work(self._job, (Range(*map(int, orjson.loads(line))) for line in lines), self._answers)
            self._code = 0

    def wait(self) -> int:
        """The code that it ends with."""
        self.join()
        return self._code


@contextmanager
def in_a_thread(job: Job) -> Iterator[Replaying]:
    """In the place of a process; at its end where it is left."""
    replaying = Replaying(job)
    replaying.start()
    try:
        yield replaying
    finally:
        replaying.stdin.close()
        replaying.join()
        replaying.stdout.close()
