"""Totals are refreshed beside the posting path: never too early, by one at a time, and from nothing at any time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ledger.clock import system_now
from ledger.db import Database
from ledger.finance.models import contract_totals, daily_totals, flagged_entries, total_days
from ledger.finance.totals import refresh as refreshing
from ledger.finance.totals.refresh import NOTHING_YET, SETTLED_AFTER, read_through, rebuild, refresh
from ledger.ids import first_entry_id, made_at
from ledger.journal import Request, post
from ledger.journal.asking import driver_of
from ledger.redemption.commands import Redeem
from tests.finance.histories import TERMS, History
from tests.till import START, Till, day, open_till

TABLES = (daily_totals, total_days, contract_totals, flagged_entries)
NOW = timedelta(0)


def through(till: Till) -> UUID:
    with till.reading() as connection:
        return read_through(driver_of(connection), till.program)


def kept(till: Till) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the totals. A sum of nothing may stand there or not."""
    with till.reading() as connection:
        found = {}
        for table in TABLES:
            rows = [tuple(row) for row in connection.execute(table.select())]
            found[table.name] = sorted(
                (row[:9] if table is daily_totals else row for row in rows if 0 not in row[-2:-1]), key=repr
            )
        return found


def added(till: Till) -> int:
    """Entries in the totals."""
    return int(till.rows("SELECT coalesce(sum(entries), 0) FROM total_days")[0][0])


def test_what_is_not_settled_stays_with_the_entries(till: Till) -> None:
    till.buy("m-1", 10_000)
    refresh(till.database, till.program, system_now())
    assert (added(till), through(till)) == (0, NOTHING_YET)
    refresh(till.database, till.program, system_now() + SETTLED_AFTER)
    assert added(till) == 1


def test_time_is_told_by_ids_where_a_test_clock_stands_still(till: Till) -> None:
    """The program's clock is in 2026; what was settled is told by the time at which the ids were given."""
    till.buy("m-1", 10_000)
    assert till.now == START
    refresh(till.database, till.program, START + timedelta(days=10_000), settled_after=NOW)
    assert added(till) == 1
    till.buy("m-1", 5_000)
    assert made_at(through(till).bytes) == START + timedelta(days=10_000)


def test_an_open_transaction_that_writes_holds_the_totals_back(till: Till) -> None:
    """It may yet commit an entry that was made before everything that has been committed since."""
    till.buy("m-1", 10_000)
    with posting(till, "m-1", 10):
        till.buy("m-2", 10_000)
        refresh(till.database, till.program, system_now() + timedelta(hours=1))
        began = made_at(through(till).bytes)
        assert added(till) <= 1
        assert began < system_now()
    refresh(till.database, till.program, system_now() + timedelta(hours=1))
    assert added(till) == 3


def test_totals_hold_every_entry_once_whatever_the_chunks(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    History(till, Random(5)).run(100)
    rebuild(till.database, till.program, system_now(), settled_after=NOW)
    whole = kept(till)
    assert added(till) == till.rows("SELECT count(*) FROM entries")[0][0]
    for size in (1, 7):
        monkeypatch.setattr(refreshing, "CHUNK_ENTRIES", size)
        assert rebuild(till.database, till.program, system_now(), settled_after=NOW) > 60 // size
        assert kept(till) == whole


def test_totals_that_are_refreshed_now_and_then_are_those_made_at_once(fresh_database: Any) -> None:
    with open_till(fresh_database.app_url, **TERMS[2]) as till:
        history = History(till, Random(11))
        for _ in range(6):
            history.run(15)
            refresh(till.database, till.program, system_now(), settled_after=NOW)
        bit_by_bit = kept(till)
        rebuild(till.database, till.program, system_now(), settled_after=NOW)
        assert kept(till) == bit_by_bit


def test_one_refreshes_at_a_time(till: Till) -> None:
    till.buy("m-1", 10_000)
    with till.database.read() as connection:
        lock = "SELECT pg_advisory_xact_lock(%s, %s)"
        driver_of(connection).execute(lock, (refreshing._LOCK_CLASS, till.program.program_id))
        refresh(till.database, till.program, system_now(), settled_after=NOW)
        assert added(till) == 0
    refresh(till.database, till.program, system_now(), settled_after=NOW)
    assert added(till) == 1


def test_nothing_new_writes_nothing(till: Till) -> None:
    till.buy("m-1", 10_000)
    refresh(till.database, till.program, system_now(), settled_after=NOW)
    before = till.rows("SELECT through, refreshed_at, xmin::text FROM totals_state")
    refresh(till.database, till.program, system_now() + timedelta(hours=1), settled_after=NOW)
    assert till.rows("SELECT through, refreshed_at, xmin::text FROM totals_state") == before


def test_each_program_has_totals_of_its_own(fresh_database: Any) -> None:
    with open_till(fresh_database.app_url) as till, open_till(fresh_database.app_url, "other") as other:
        till.buy("m-1", 10_000)
        other.buy("m-1", 7_000)
        refresh(till.database, till.program, system_now(), settled_after=NOW)
        assert till.rows("SELECT DISTINCT program_id FROM daily_totals") == [(till.program.program_id,)]
        issued = "SELECT sum(amount) FROM daily_totals WHERE dimension = 'all' AND debit = 50"
        assert till.rows(issued) == [(100,)]


def test_totals_are_no_part_of_the_books(till: Till) -> None:
    """Thrown away by anybody, they are made again; the application may do so, and may not touch an entry."""
    till.at(day(1)).buy("m-1", 10_000)
    refresh(till.database, till.program, system_now(), settled_after=NOW)
    before = kept(till)
    rebuild(till.database, till.program, system_now(), settled_after=NOW)
    assert kept(till) == before != {}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        till.database.run(lambda connection: driver_of(connection).execute("DELETE FROM entries"))


def test_the_least_id_of_a_moment_is_below_every_id_made_from_then_on() -> None:
    at = datetime.fromisoformat("2026-03-04T05:06:07.008+00:00")
    assert made_at(first_entry_id(at)) == at
    assert first_entry_id(at) < first_entry_id(at + timedelta(milliseconds=1))


@contextmanager
def posting(till: Till, member: str, points: int) -> Iterator[None]:
    """A redemption that is posted, and committed at the end."""
    other = Database(till.database.engine.url.render_as_string(hide_password=False))
    try:
        with other.engine.connect() as connection:
            connection.begin()
            request = Request(Redeem(member, points, "x-open"), "key-open", b"f" * 16, "req")
            (outcome,) = post(connection, till.program, [request], now=till.now)
            assert outcome.error is None
            yield
            connection.commit()
    finally:
        other.close()
