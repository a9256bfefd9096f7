"""Reads the journal for export: one query, sorted by the server and fetched some thousand rows at a time.

The balances that exports assert are not summed from these rows: they are read by the trial balance.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.program import Program
from ledger.finance.exports.legs import Entry, Move
from ledger.journal.history import Times

ROWS_AT_ONCE: Final = 5_000

BEGINNING: Final = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
"""Before everything: an entry is effective after it. No request may say that anything is older."""

# All rows will be read, so the plan that is done first is wanted, and not the one that begins first.
_SETTINGS: LiteralString = (
    "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true),"
    " set_config('cursor_tuple_fraction', '1', true)"
)

# An entry that earns says a lot; only what names a rate or who decided is exported of it.
_ENTRIES: LiteralString = """
SELECT e.entry_id, e.holder_id, h.member_id, e.version, e.kind, e.effective_at, e.recorded_at, e.terms_version,
       e.hash, e.parent_entry_id, e.reference, e.channel, e.store, e.region, e.operator, e.terminal,
       CASE WHEN e.details::text ~ '"(rate_version|proposed_by)"' THEN e.details::text END,
       p.ordinal, p.debit, p.credit, p.unit, p.amount, p.lot_id
  FROM holders h
  JOIN entries e USING (holder_id)
  JOIN postings p USING (entry_id, holder_id)
 WHERE h.program_id = %(program)s AND e.effective_at > %(start)s AND e.effective_at <= %(end)s
   AND e.recorded_at <= %(known)s
 ORDER BY e.effective_at, e.entry_id, e.holder_id, p.ordinal
"""

_SUB_ACCOUNTS: LiteralString = """
SELECT DISTINCT leg.account, e.holder_id
  FROM holders h
  JOIN entries e USING (holder_id)
  JOIN postings p USING (entry_id, holder_id)
 CROSS JOIN LATERAL (VALUES (p.debit), (p.credit)) AS leg (account)
 WHERE h.program_id = %(program)s AND e.effective_at > %(start)s AND e.effective_at <= %(end)s
   AND e.recorded_at <= %(known)s AND leg.account < 50
 ORDER BY 1, 2
"""

_MOVES_FROM: Final = len(Entry._fields) - 1


def read_entries(
    connection: Connection, program: Program, start: datetime | None, times: Times
) -> Iterator[Entry]:
    """The entries that move something, after ``start`` up to ``times``: by when they happened, then by id."""
    rows = _stream(connection, _ENTRIES, _window(program, start, times))
    for head, moves in groupby(rows, key=lambda row: row[:_MOVES_FROM]):
        yield Entry._make((*head, tuple(Move._make(row[_MOVES_FROM:]) for row in moves)))


def read_sub_accounts(
    connection: Connection, program: Program, start: datetime | None, times: Times
) -> Iterator[tuple[Account, UUID]]:
    """The accounts of holders that these entries move anything on."""
    for account, holder in _stream(connection, _SUB_ACCOUNTS, _window(program, start, times)):
        yield Account(account), holder


def _window(program: Program, start: datetime | None, times: Times) -> dict[str, Any]:
    return {
        "program": program.program_id,
        "start": start or BEGINNING,
        "end": times.as_of,
        "known": times.known_as_of,
    }


def _stream(
    connection: Connection, query: LiteralString, parameters: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    raw.execute(_SETTINGS)
    with raw.cursor("export", binary=True) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(query, parameters)
        yield from cursor
