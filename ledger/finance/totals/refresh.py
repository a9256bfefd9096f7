"""Refreshing the totals: whatever was posted since is added to them, outside of the posting path.

Entries become visible when they are committed, which may be a little after their ids were given. So the totals stay
behind: they take no entry younger than ``SETTLED_AFTER``, nor any that a transaction still at work might have made.
Reports read what is younger from the entries themselves, so totals are never waited for; ``ledger verify`` proves
them, and ``rebuild`` throws them away and makes them again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.db import Database
from ledger.finance.totals import contracts, moves
from ledger.ids import first_entry_id
from ledger.journal.asking import Driver, driver_of
from ledger.money import exponent

SETTLED_AFTER: Final = timedelta(minutes=2)
"""Longer than a posting may take from the giving of its ids to its commit."""

CHUNK_ENTRIES: Final = 5_000
"""Entries added in one transaction: a second's work."""

NOTHING_YET: Final = UUID(int=0)

_LOCK_CLASS: Final = 4_021

_TABLES: Final = ("daily_totals", "total_days", "contract_totals", "flagged_entries", "totals_state")

_ADD: LiteralString = (
    "WITH RECURSIVE "
    + ", ".join([moves.dated(moves.BETWEEN), moves.MOVED, moves.TRACED, *contracts.PARTS])
    + """,
days AS (
    INSERT INTO total_days AS t """
    + moves.DAYS
    + """
    ON CONFLICT (program_id, effective_on, recorded_on, booked_on) DO UPDATE SET
        entries = t.entries + excluded.entries,
        first_entry_id = least(t.first_entry_id, excluded.first_entry_id),
        last_entry_id = greatest(t.last_entry_id, excluded.last_entry_id),
        first_effective_at = least(t.first_effective_at, excluded.first_effective_at),
        last_effective_at = greatest(t.last_effective_at, excluded.last_effective_at),
        first_recorded_at = least(t.first_recorded_at, excluded.first_recorded_at),
        last_recorded_at = greatest(t.last_recorded_at, excluded.last_recorded_at),
        first_booked_at = least(t.first_booked_at, excluded.first_booked_at),
        last_booked_at = greatest(t.last_booked_at, excluded.last_booked_at)),
flags AS (INSERT INTO flagged_entries """
    + moves.FLAGGED
    + """),
contracts AS (
    INSERT INTO contract_totals AS t SELECT %(program)s, sums.* FROM ("""
    + contracts.CONTRACTS
    + """) sums
    ON CONFLICT (program_id, effective_on, recorded_on, booked_on, cohort, policy_version, measure)
        DO UPDATE SET amount = t.amount + excluded.amount)
INSERT INTO daily_totals AS t
    (program_id, dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit, amount, postings)
SELECT %(program)s, dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit, amount, postings
  FROM ("""
    + " UNION ALL ".join(f"({moves.select_of(dimension)})" for dimension in moves.DIMENSIONS)
    + ") sums ("
    + moves.SUM_COLUMNS
    + """)
ON CONFLICT (program_id, dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit)
    DO UPDATE SET amount = t.amount + excluded.amount, postings = t.postings + excluded.postings
"""
)

# The first entry of a chunk, and the first one after it.
_CHUNK: LiteralString = """
SELECT (SELECT entry_id FROM entries WHERE entry_id >= %(first)s ORDER BY entry_id LIMIT 1),
       (SELECT entry_id FROM entries WHERE entry_id >= %(first)s ORDER BY entry_id OFFSET %(chunk)s LIMIT 1)
"""

# A transaction that writes and began before then may yet commit an entry that was made before it began.
_OLDEST_WRITER: LiteralString = """
SELECT min(xact_start) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""


def refresh(
    database: Database, program: Program, system_now: datetime, *, settled_after: timedelta = SETTLED_AFTER
) -> int:
    """Bring a program's totals up to what is settled; how many chunks that took.

    Each chunk is a transaction of its own. One refresher at a time: where another is at work, nothing is done.
    ``settled_after`` may be zero where nobody else posts.
    """
    chunks = 1
    while database.run(lambda connection: _add_chunk(connection, program, system_now, settled_after)):
        chunks += 1
    return chunks


def rebuild(
    database: Database, program: Program, system_now: datetime, *, settled_after: timedelta = SETTLED_AFTER
) -> int:
    """Throw a program's totals away and make them again from its entries; how many chunks that took."""

    def clear(connection: Connection) -> None:
        driver = driver_of(connection)
        # Waits for a refresher, rather than be passed by it.
        driver.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK_CLASS, program.program_id))
        for table in _TABLES:
            statement = sql.SQL("DELETE FROM {} WHERE program_id = %s").format(sql.Identifier(table))
            driver.execute(statement, (program.program_id,))

    database.run(clear)
    return refresh(database, program, system_now, settled_after=settled_after)


def parameters_of(program: Program) -> dict[str, Any]:
    """What every part of the totals' SQL is about."""
    return {
        "program": program.program_id,
        "zone": program.timezone,
        "minor": 10 ** exponent(program.currency),
    }


def read_through(driver: Driver, program: Program) -> UUID:
    """The id below which every entry of the program is in its totals."""
    row = driver.execute(
        "SELECT through FROM totals_state WHERE program_id = %s", (program.program_id,)
    ).fetchone()
    return row[0] if row else NOTHING_YET


def _add_chunk(
    connection: Connection, program: Program, system_now: datetime, settled_after: timedelta
) -> bool:
    """Add one chunk; whether there may be more."""
    driver = driver_of(connection)
    lock = driver.execute(
        "SELECT pg_try_advisory_xact_lock(%s, %s)", (_LOCK_CLASS, program.program_id)
    ).fetchone()
    assert lock is not None
    if not lock[0]:
        return False
    first = read_through(driver, program)
    beyond = _settled(driver, system_now, settled_after)
    row = driver.execute(_CHUNK, {"first": first, "chunk": CHUNK_ENTRIES}).fetchone()
    assert row is not None
    oldest, following = row
    if oldest is None or oldest >= beyond:
        return False
    is_last = following is None or following >= beyond
    end = beyond if is_last else following
    _add(driver, parameters_of(program) | {"first": first, "beyond": end})
    driver.execute(
        "INSERT INTO totals_state (program_id, through, refreshed_at) VALUES (%s, %s, %s)"
        " ON CONFLICT (program_id) DO UPDATE SET through = excluded.through, refreshed_at = excluded.refreshed_at",
        (program.program_id, end, system_now),
    )
    return not is_last


def _add(driver: Driver, parameters: Mapping[str, Any]) -> None:
    driver.execute(moves.HASHED)
    driver.execute(_ADD, parameters)


def _settled(driver: Driver, system_now: datetime, settled_after: timedelta) -> UUID:
    settled = system_now - settled_after
    if settled_after:
        row = driver.execute(_OLDEST_WRITER).fetchone()
        if row is not None and row[0] is not None:
            settled = min(settled, row[0].astimezone(UTC) - settled_after)
    return UUID(bytes=first_entry_id(settled))
