"""Balances of concurrent callers, read together: one statement, on one snapshot, for all who ask at the same time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from ledger.accounts.program import Program
from ledger.accounts.queries import Stored, balance_stored, unknown_member
from ledger.db import Database
from ledger.gathering import Gatherer
from ledger.ids import holder_id
from ledger.journal.asking import ask, driver_of, uuids
from ledger.journal.load import StaleProgramError

# The program's row is there, whoever is not. Columns in the order of Stored.
_STORED: LiteralString = """
SELECT p.stamp, h.holder_id, h.version, h.points, h.held, h.debt, h.recorded_at, h.available, h.pending, h.growth,
       h.growth_value, h.next_expiry_at, h.next_expiry_points, h.fresh_until,
       h.tier, h.tier_since, h.tier_ends_at, h.tier_in_grace, h.tier_terms_version, h.tier_settled_at,
       h.merged_into
  FROM programs p LEFT JOIN holders h ON h.holder_id = ANY(%b)
 WHERE p.program_id = %b
"""

ROOM = 512
"""Callers that may wait."""


class _Job(NamedTuple):
    program: Program
    member_id: str


class Reader:
    """Reads stored balances, on a connection of its own. Locks nothing."""

    def __init__(self, database: Database, clock: Callable[[], datetime], *, room: int = ROOM) -> None:
        self._database = database.alike(pool_size=1)
        self._clock = clock
        self._gather: Gatherer[_Job, dict[str, Any] | None] = Gatherer(
            self._read, lambda job: (job.program.program_id, job.program.stamp), room=room
        )

    def __call__(self, program: Program, member_id: str) -> dict[str, Any] | None:
        """The balance of a member at the program's present; None where the clock has overtaken what is stored.

        Raises MemberUnknown; StaleProgramError where the program has changed since ``program`` was read;
        Overloaded where too many wait.
        """
        found = self._gather(_Job(program, member_id))
        if found is None or found:
            return found
        raise unknown_member(member_id)

    def _read(self, jobs: Sequence[_Job]) -> list[dict[str, Any] | None]:
        """One balance for each; an empty one for a member whom nobody knows."""
        program = jobs[0].program
        names = {holder_id(program.program_id, job.member_id): job.member_id for job in jobs}
        with self._database.glance() as connection:
            rows = ask(driver_of(connection), _STORED, uuids(names), program.program_id).fetchall()
        if rows[0][0] != program.stamp:
            raise StaleProgramError(program.name)
        now = program.now(self._clock())
        stored = [Stored._make(row[1:]) for row in rows if row[1] is not None]
        found = {
            (member := names[row.holder_id.bytes]): balance_stored(row, program, member, now)
            for row in stored
        }
        return [found.get(job.member_id, {}) for job in jobs]
