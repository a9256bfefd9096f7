"""Group commit: postings that come at the same time, each from its own caller, are one batch and one commit.

Nobody is answered before the commit. A batch that fails is run again by the database's own rules (``ledger.db``);
one that fails for good is halved until each failure stands alone, and that posting runs by itself, with all the
patience of a request of its own. So a posting that cannot be made, or waits for a member whom another holds, keeps
the others up for the few runs that find it, and harms itself only.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ledger.accounts.program import Program
from ledger.db import Database
from ledger.errors import DatabaseUnavailable, OutcomeUnknown, Overloaded
from ledger.gathering import Gatherer
from ledger.journal.commands import Outcome, Request
from ledger.journal.load import StaleProgramError
from ledger.journal.post import post

LOCK_TIMEOUT_MS: Final = 250
"""How long a batch waits for a member. A batch of another worker is done in a fraction of it."""

PATIENT: Final = 4
"""Postings that run by themselves at a time. Whoever finds no place for two seconds is refused as ``overloaded``."""

ROOM: Final = 512
"""Postings that may wait: a quarter of a second's work."""


class Job(NamedTuple):
    """A posting, and the program as its caller was admitted to it."""

    program: Program
    request: Request


class Writer:
    """Posts single requests of concurrent callers together, on connections of its own."""

    def __init__(self, database: Database, clock: Callable[[], datetime], *, room: int = ROOM) -> None:
        self._hurried = database.alike(pool_size=1, lock_timeout_ms=LOCK_TIMEOUT_MS)
        # Beside the pool of the others, whom a member that somebody holds is not to keep waiting.
        self._patient = database.alike(pool_size=PATIENT)
        self._clock = clock
        self._gather: Gatherer[Job, Outcome | Exception | None] = Gatherer(
            self._post, lambda job: (job.program.program_id, job.program.stamp), room=room
        )

    def __call__(self, program: Program, request: Request) -> Outcome:
        """The outcome of a request, once it is committed. Locks as ``post`` does.

        Raises StaleProgramError where the program has changed since ``program`` was read; Overloaded where too
        many wait; and whatever ``Database.run`` raises. None of them has written anything, but OutcomeUnknown.
        """
        outcome = self._gather(Job(program, request))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or _post(self._patient, program, [request], self._clock())[0]

    def close(self) -> None:
        """Close the connections."""
        self._hurried.close()
        self._patient.close()

    def _post(self, jobs: Sequence[Job]) -> list[Outcome | Exception | None]:
        """One outcome for each, or what it ended in; None for one that has to run by itself."""
        requests = [job.request for job in jobs]
        try:
            return [*_post(self._hurried, jobs[0].program, requests, self._clock())]
        except (DatabaseUnavailable, OutcomeUnknown, Overloaded, StaleProgramError) as error:
            # These say nothing of one posting, and nothing of the other half of a split batch.
            return [error] * len(jobs)
        except Exception:  # noqa: BLE001  whoever runs by himself gets the error, and tells it
            if len(jobs) == 1:
                return [None]
            half = len(jobs) // 2
            return self._post(jobs[:half]) + self._post(jobs[half:])


def _post(database: Database, program: Program, requests: Sequence[Request], now: datetime) -> list[Outcome]:
    now = program.now(now)
    return database.run(lambda connection: post(connection, program, requests, now=now, fresh=True))
