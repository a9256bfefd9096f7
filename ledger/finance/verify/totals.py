"""Check of the daily totals: they are what the entries that they hold come to, summed anew all at once.

It is the SQL of the totals that sums, not the code that kept them up: chunk by chunk, through every restart and
rebuild, they must have come to the same. What reads by them, reads what the rows say.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, LiteralString

from ledger.accounts.programs import list_programs
from ledger.finance.totals import contracts, moves
from ledger.finance.totals.refresh import NOTHING_YET, parameters_of, read_through
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_walk
from ledger.journal.asking import Driver, driver_of

_DAYS: Final = ("effective_on", "recorded_on", "booked_on")
_DAY_COLUMNS: Final = (
    "entries",
    "first_entry_id",
    "last_entry_id",
    "first_effective_at",
    "last_effective_at",
    "first_recorded_at",
    "last_recorded_at",
    "first_booked_at",
    "last_booked_at",
)

_ALL_SUMS: LiteralString = (
    "SELECT dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit, amount,"
    # A rule's sums that come to nothing are left out, chunk by chunk: how many they were is not kept.
    " CASE dimension WHEN 'rule' THEN 0 ELSE postings END AS postings FROM ("
    + " UNION ALL ".join(f"({moves.select_of(dimension)})" for dimension in moves.DIMENSIONS)
    + f") sums ({moves.SUM_COLUMNS})"
)


class _Compared:
    """A table of the totals: its key, what is compared, and the query that sums it anew after some parts."""

    def __init__(
        self,
        table: LiteralString,
        key: Sequence[str],
        columns: Sequence[str],
        parts: Sequence[LiteralString],
        anew: LiteralString,
        kept: LiteralString = "*",
    ) -> None:
        self.table = table
        self.key = key
        self.columns = columns
        self._parts = parts
        self._anew = anew
        self._kept = kept

    def faults(self, driver: Driver, values: dict[str, Any]) -> Iterator[Fault]:
        """Every row that is missing, too much or another. A sum of nothing may stand there or not."""
        parts = ", ".join([moves.dated(moves.BETWEEN), *self._parts])
        statement = f"""
        WITH RECURSIVE {parts}, anew AS ({self._anew}),
        kept AS (SELECT {self._kept} FROM {self.table} WHERE program_id = %(program)s)
        SELECT {", ".join((*self.key, *self._pairs()))} FROM anew FULL JOIN kept USING ({", ".join(self.key)})
         WHERE {" OR ".join(self._differs(column) for column in self.columns)}
         ORDER BY {", ".join(self.key)}
        """
        with driver.cursor() as cursor:
            for row in cursor.execute(statement, values):
                key = dict(zip(self.key, row, strict=False))
                said = row[len(self.key) :]
                for column, expected, found in zip(self.columns, said[::2], said[1::2], strict=True):
                    if expected != found:
                        yield Fault(self.table, key, column, str(expected), str(found))

    def _pairs(self) -> Iterator[str]:
        for column in self.columns:
            yield from (self._said("anew", column), self._said("kept", column))

    def _differs(self, column: str) -> str:
        return f"{self._said('anew', column)} IS DISTINCT FROM {self._said('kept', column)}"

    def _said(self, side: str, column: str) -> str:
        is_sum = column in ("amount", "postings")
        return f"coalesce({side}.{column}, 0)" if is_sum else f"{side}.{column}"


_COMPARED: Final = (
    _Compared(
        "total_days",
        _DAYS,
        _DAY_COLUMNS,
        (),
        f"SELECT * FROM ({moves.DAYS}) days (program_id, {', '.join((*_DAYS, *_DAY_COLUMNS))})",
    ),
    _Compared(
        "daily_totals",
        ("dimension", *_DAYS, "key", "unit", "debit", "credit"),
        ("amount", "postings"),
        (moves.MOVED, moves.TRACED),
        _ALL_SUMS,
        "dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit, amount,"
        " CASE dimension WHEN 'rule' THEN 0 ELSE postings END AS postings",
    ),
    _Compared(
        "contract_totals",
        (*_DAYS, "cohort", "policy_version", "measure"),
        ("amount",),
        contracts.PARTS,
        f"""SELECT * FROM ({contracts.CONTRACTS}) sums
                   (effective_on, recorded_on, booked_on, cohort, policy_version, measure, amount)""",
    ),
    _Compared(
        "flagged_entries",
        ("flag", "entry_id", "holder_id"),
        _DAYS,
        (),
        f"""SELECT * FROM ({moves.FLAGGED}) flagged
                   (program_id, flag, entry_id, holder_id, effective_on, recorded_on, booked_on)""",
    ),
)


def _broken_totals(rows: Rows) -> Iterator[Fault]:
    driver = driver_of(rows.connection)
    programs = [rows.program] if rows.program else list_programs(rows.connection)
    for program in programs:
        values = parameters_of(program) | {"first": NOTHING_YET, "beyond": read_through(driver, program)}
        driver.execute(moves.HASHED)
        for compared in _COMPARED:
            yield from compared.faults(driver, values)


CHECKS = (
    by_walk(
        "daily totals",
        "the totals that reports are read from are the sums of the entries that they hold",
        ("daily_totals", "total_days", "contract_totals", "flagged_entries"),
        _broken_totals,
    ),
)
