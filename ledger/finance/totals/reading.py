"""Sums as of two times: whole days from the totals, and the entries themselves of the days that the times cut.

A report takes one ``Cut``. Days of the totals that lie wholly before both of its times are summed as they are; of
those that it cuts, and of what the totals do not hold yet, the entries are read and summed by the very same SQL. So a
report is exact to the microsecond, reads little of the books, and is the same however far the totals have come.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection

from ledger.accounts.chart import POINT_LOT_ACCOUNTS, Account
from ledger.accounts.program import Program
from ledger.finance.totals import contracts, moves
from ledger.finance.totals.refresh import parameters_of, read_through
from ledger.journal.asking import Driver, driver_of

MAX_RANGES = 64
"""Days that are read apart; more are read as one range from the first to the last."""


class Cut(NamedTuple):
    """Up to when entries count: effective by ``until`` and recorded by ``known_as_of``.

    ``booked``: by the accounting month that an entry was booked in, rather than by when it was effective. A late entry
    counts from the beginning of the month that was open when it came.
    """

    until: datetime
    known_as_of: datetime
    booked: bool = False


class Sum(NamedTuple):
    """Postings of one pair of accounts, summed under a key.

    ``month`` is that of the cut's axis, where it is asked for. ``step`` is how many of the given instants had passed.
    """

    key: str
    month: date | None
    step: int
    unit: int
    debit: Account
    credit: Account
    amount: int

    @property
    def into_lots(self) -> int:
        """By how much these postings let the points in lots grow."""
        return self.amount * ((self.credit in POINT_LOT_ACCOUNTS) - (self.debit in POINT_LOT_ACCOUNTS))


class ContractSum(NamedTuple):
    """A measure of ``contract_totals``, by the month in which it was booked."""

    month: date
    cohort: date
    policy_version: int
    measure: str
    amount: int


class Flagged(NamedTuple):
    """An entry that is late, or was made by hand."""

    entry_id: UUID
    holder_id: UUID
    effective_on: date
    recorded_on: date
    booked_on: date


def read_sums(
    connection: Connection,
    program: Program,
    dimension: str,
    cut: Cut,
    *,
    monthly: bool = False,
    steps: Sequence[datetime] = (),
    made: Sequence[UUID] = (),
) -> list[Sum]:
    """The sums under each key of a dimension of ``moves.DIMENSIONS``, in no order.

    ``steps`` are instants in order, on the cut's axis: what lies at one of them or after it is summed apart. Where
    ``made`` has an id for each, entries of that very instant lie before it if theirs is less: a test program's clock
    may stand still.
    """
    reader = _Reader(connection, program, cut, steps, made)
    month = f"date_trunc('month', {reader.day})::date" if monthly else "NULL::date"
    whole = f"""
    SELECT key, {month} AS month, {reader.step_of_day} AS step, unit, debit, credit, amount
      FROM daily_totals JOIN total_days USING (program_id, effective_on, recorded_on, booked_on)
     WHERE program_id = %(program)s AND dimension = %(dimension)s AND {reader.is_whole}
    """
    cut_days = f"""
    SELECT key, {month}, step, unit, debit, credit, amount
      FROM ({moves.select_of(dimension)}) s ({moves.SUM_COLUMNS})
    """
    rows = reader.run(
        [moves.MOVED, moves.TRACED],
        f"SELECT key, month, step, unit, debit, credit, sum(amount)::numeric FROM ({whole} UNION ALL {cut_days}) sums"
        " GROUP BY key, month, step, unit, debit, credit",
        dimension=dimension,
    )
    return [
        Sum(key, month, step, unit, Account(debit), Account(credit), int(amount))
        for key, month, step, unit, debit, credit, amount in rows
        if amount
    ]


def read_contracts(connection: Connection, program: Program, cut: Cut) -> list[ContractSum]:
    """What was allocated, reversed and changed, by booked month, cohort and policy."""
    reader = _Reader(connection, program, cut)
    query = f"""
    SELECT date_trunc('month', booked_on)::date AS month, cohort, policy_version, measure, sum(amount)
      FROM (SELECT booked_on, cohort, policy_version, measure, amount
              FROM contract_totals JOIN total_days USING (program_id, effective_on, recorded_on, booked_on)
             WHERE program_id = %(program)s AND {reader.is_whole}
            UNION ALL
            SELECT booked_on, cohort, policy_version, measure, amount
              FROM ({contracts.CONTRACTS}) s (effective_on, recorded_on, booked_on,
                                              cohort, policy_version, measure, amount)) sums
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """
    rows = reader.run(contracts.PARTS, query)
    return [
        ContractSum(month, cohort, policy_version, measure, int(amount))
        for month, cohort, policy_version, measure, amount in rows
    ]


def read_flagged(
    connection: Connection, program: Program, flag: str, cut: Cut, *, booked_from: date | None = None
) -> list[Flagged]:
    """The entries with a flag, in the order of their ids; those that were booked from a day on."""
    reader = _Reader(connection, program, cut)
    query = f"""
    SELECT entry_id, holder_id, effective_on, recorded_on, booked_on
      FROM (SELECT entry_id, holder_id, effective_on, recorded_on, booked_on, flag
              FROM flagged_entries JOIN total_days USING (program_id, effective_on, recorded_on, booked_on)
             WHERE program_id = %(program)s AND {reader.is_whole}
            UNION ALL
            SELECT entry_id, holder_id, effective_on, recorded_on, booked_on, flag
              FROM ({moves.FLAGGED}) s (program_id, flag, entry_id, holder_id, effective_on, recorded_on, booked_on)
           ) flagged
     WHERE flag = %(flag)s AND booked_on >= %(booked_from)s ORDER BY entry_id, holder_id
    """
    rows = reader.run([], query, flag=flag, booked_from=booked_from or date.min)
    return [Flagged(*row) for row in rows]


class _Reader:
    """One cut of a program's entries: which days are whole, and which entries must be read."""

    def __init__(
        self,
        connection: Connection,
        program: Program,
        cut: Cut,
        steps: Sequence[datetime] = (),
        made: Sequence[UUID] = (),
    ) -> None:
        self._driver = driver_of(connection)
        self._values: dict[str, Any] = parameters_of(program) | {
            "until": cut.until,
            "known_as_of": cut.known_as_of,
            "through": read_through(self._driver, program),
            "steps": list(steps),
            "made": list(made),
        }
        axis: LiteralString = "booked" if cut.booked else "effective"
        self.day: LiteralString = f"{axis}_on"
        self.step_of_day = _step(f"first_{axis}_at") if steps else "0"
        self._step_of_entry = _step(f"{axis}_at") if steps else "0"
        in_one_step: LiteralString = f"{self.step_of_day} = {_step(f'last_{axis}_at')}" if steps else "true"
        if made:
            self._step_of_entry = f"{self._step_of_entry} - {_made_later(f'{axis}_at')}"
            in_one_step = f"{in_one_step} AND first_{axis}_at <> ALL (%(steps)s)"
        self.is_whole: LiteralString = (
            f"last_{axis}_at <= %(until)s AND last_recorded_at <= %(known_as_of)s AND {in_one_step}"
        )
        self._is_cut: LiteralString = (
            f"first_{axis}_at <= %(until)s AND first_recorded_at <= %(known_as_of)s AND NOT ({self.is_whole})"
        )
        # What is younger than the totals, and what lies in days that are cut.
        self._dates: LiteralString = f"""
            {axis}_at <= %(until)s AND recorded_at <= %(known_as_of)s
            AND (entry_id >= %(through)s OR EXISTS (
                SELECT FROM total_days t
                 WHERE t.program_id = %(program)s AND t.effective_on = d.effective_on
                   AND t.recorded_on = d.recorded_on AND t.booked_on = d.booked_on AND NOT ({self.is_whole})))
        """

    def run(self, parts: Sequence[LiteralString], query: LiteralString, **values: Any) -> list[Any]:
        """The rows of a query that names ``dated`` for the entries that are cut, and parts after it."""
        self._driver.execute(moves.HASHED)
        together = ", ".join([moves.dated(self._entries(), self._dates, self._step_of_entry), *parts])
        statement = f"WITH RECURSIVE {together} {query}"
        with self._driver.cursor() as cursor:
            return cursor.execute(statement, self._values | values).fetchall()

    def _entries(self) -> LiteralString:
        """The ids between which entries must be read, as a condition on them."""
        ranges = _ranges(self._driver, self._is_cut, self._values)
        conditions: list[LiteralString] = ["e.entry_id >= %(through)s"]
        for number, (first, last) in enumerate(ranges):
            self._values |= {f"first_{number}": first, f"last_{number}": last}
            conditions.append(f"e.entry_id BETWEEN %(first_{number})s AND %(last_{number})s")
        return " OR ".join(conditions)


def _step(instant: LiteralString) -> LiteralString:
    return f"width_bucket({instant}, %(steps)s::timestamptz[])"


def _made_later(instant: LiteralString) -> LiteralString:
    """How many of the steps that begin at that very instant were made after the entry."""
    return f"""(SELECT count(*) FROM unnest(%(steps)s::timestamptz[], %(made)s::uuid[]) step (at, made)
                 WHERE step.at = {instant} AND step.made > entry_id)"""


def _ranges(driver: Driver, is_cut: LiteralString, values: dict[str, Any]) -> list[tuple[UUID, UUID]]:
    """First and last ids of the days that are cut."""
    rows = driver.execute(
        sql.SQL(
            "SELECT first_entry_id, last_entry_id FROM total_days WHERE program_id = %(program)s AND {}"
            " ORDER BY first_entry_id"
        ).format(sql.SQL(is_cut)),
        values,
    ).fetchall()
    if len(rows) > MAX_RANGES:
        return [(rows[0][0], max(last for _, last in rows))]
    return [(first, last) for first, last in rows]
