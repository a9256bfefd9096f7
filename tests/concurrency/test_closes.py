"""Months closed while tills post: every purchase is booked in one month, and none reaches a month that is locked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier, Event
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection

from ledger.clock import system_now
from ledger.errors import LedgerError, Overloaded
from ledger.finance.periods.register import list_periods
from ledger.finance.verify import verify
from ledger.ids import first_entry_id
from ledger.journal import Request, post
from ledger.rules.commands import Line, Purchase
from tests.concurrency.rivals import open_database
from tests.finance.closing import bytes_of_pack, locked, pack_of, reopened, soft_closed
from tests.finance.reporting import total_up
from tests.till import Till, day, new_program

POSTERS = 4
PURCHASES = 40
CLOSERS = 8
SECONDS = 60


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    with open_database(fresh_database.app_url, POSTERS + CLOSERS) as database:
        made = Till(database, new_program(database, "shop"))
        yield made.at(day(40))
        with made.reading() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []


def buy(till: Till, connection: Connection, number: int, occurred_at: datetime) -> None:
    """A purchase of one point, of a member of its own."""
    purchase = Purchase(f"p-{number}", f"m-{number}", occurred_at, "CNY", (Line("1", 1, 100),))
    (outcome,) = post(
        connection, till.program, [Request(purchase, f"k-{number}", b"f" * 16, "r")], now=till.now
    )
    assert outcome.error is None


def until_locked(till: Till, period: str) -> None:
    """Lock a month as an operator does: again, while it is refused because tills are at work."""
    tick = Event()
    for _ in range(SECONDS * 100):
        try:
            locked(till, period)
            return
        except Overloaded:
            tick.wait(0.01)
    raise AssertionError("it was never quiet enough to lock")


def test_every_purchase_is_in_exactly_one_month_and_none_reaches_a_locked_pack(till: Till) -> None:
    start, half = Barrier(POSTERS + 1), Barrier(POSTERS + 1)

    def post_all(poster: int) -> None:
        start.wait(SECONDS)
        for number in range(PURCHASES):
            if number == PURCHASES // 2:
                half.wait(SECONDS)
            serial = poster * PURCHASES + number
            till.database.run(
                lambda connection, serial=serial: buy(till, connection, serial, day(20))  # type: ignore[misc]
            )

    with ThreadPoolExecutor(POSTERS) as pool:
        posting = [pool.submit(post_all, poster) for poster in range(POSTERS)]
        start.wait(SECONDS)
        soft_closed(till, "2026-01")
        half.wait(SECONDS)
        until_locked(till, "2026-01")
        total_up(till)
        kept = bytes_of_pack(till, "2026-01")
        for each in posting:
            each.result(SECONDS)
    assert bytes_of_pack(till, "2026-01") == kept
    january = pack_of(till, "2026-01")["points"]
    till.at(day(62))
    soft_closed(till, "2026-02")
    locked(till, "2026-02")
    february = pack_of(till, "2026-02")["points"]
    assert january["issued"] + february["issued"] == POSTERS * PURCHASES
    # The second half of them set out after the soft close.
    assert february["issued"] >= POSTERS * PURCHASES // 2
    assert february["opening"] == january["closing"] == january["issued"]


def test_lock_waits_for_a_posting_that_began_before_the_soft_close(till: Till) -> None:
    posted, may_commit = Event(), Event()

    def hold(connection: Connection) -> None:
        buy(till, connection, 1, day(20))
        posted.set()
        assert may_commit.wait(SECONDS)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(till.database.run, hold)
        try:
            assert posted.wait(SECONDS)
            soft_closed(till, "2026-01")
            for _ in range(2):
                with pytest.raises(Overloaded) as refused:
                    locked(till, "2026-01")
            assert refused.value.retryable
            with till.reading() as connection:
                assert [month["status"] for month in list_periods(connection, till.program)] == [
                    "soft_closed"
                ]
        finally:
            may_commit.set()
        held.result(SECONDS)
    locked(till, "2026-01")
    # It had its id before the soft close: it is January's.
    assert pack_of(till, "2026-01")["points"]["issued"] == 1


def test_where_sessions_are_hidden_what_they_did_must_have_had_time_to_end(fresh_database: Any) -> None:
    """A login that takes on the application's role may not see what its other sessions do."""
    with open_database(fresh_database.owner_url, 2) as database:
        till = Till(database, new_program(database, "shop")).at(day(40))
        with till.reading() as other:
            other.exec_driver_sql("SELECT 1")
            soft_closed(till, "2026-01")
            with pytest.raises(Overloaded, match="two minutes"):
                locked(till, "2026-01")
        aged = "UPDATE period_events SET event_id = %s"
        with psycopg.connect(fresh_database.owner_url) as owner:
            owner.execute("ALTER TABLE period_events DISABLE TRIGGER USER")
            owner.execute(aged, (UUID(bytes=first_entry_id(system_now() - timedelta(minutes=3))),))
            owner.execute("ALTER TABLE period_events ENABLE ALWAYS TRIGGER period_events_refuse_change")
        with till.reading() as other:
            other.exec_driver_sql("SELECT 1")
            locked(till, "2026-01")


def at_once(number: int, work: Any) -> list[Any]:
    """What came of that many at once: an answer, or the code of a refusal."""
    start = Barrier(number)

    def run(_: int) -> Any:
        start.wait(SECONDS)
        try:
            return work()
        except LedgerError as error:
            return error.code

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number), timeout=SECONDS))


def test_of_many_that_close_a_month_at_once_one_does(till: Till) -> None:
    till.buy("m-1", 5_000, occurred_at=day(20))
    codes = at_once(CLOSERS, lambda: soft_closed(till, "2026-01")["status"])
    assert sorted(codes) == ["period_out_of_turn"] * (CLOSERS - 1) + ["soft_closed"]
    codes = at_once(CLOSERS, lambda: attempt(till))
    assert codes.count("locked") == 1
    assert set(codes) <= {"locked", "period_out_of_turn"}
    events = till.rows("SELECT status, count(*) FROM period_events GROUP BY status ORDER BY status")
    assert events == [("locked", 1), ("soft_closed", 1)]


def attempt(till: Till) -> str:
    """Lock the month, until it is locked or somebody else has done it."""
    until_locked(till, "2026-01")
    return "locked"


def test_month_opened_again_while_tills_post_keeps_every_purchase(till: Till) -> None:
    soft_closed(till, "2026-01")
    locked(till, "2026-01")
    start = Barrier(POSTERS + 1)

    def post_all(poster: int) -> None:
        start.wait(SECONDS)
        for number in range(PURCHASES // 2):
            serial = poster * PURCHASES + number
            till.database.run(
                lambda connection, serial=serial: buy(till, connection, serial, day(20))  # type: ignore[misc]
            )

    with ThreadPoolExecutor(POSTERS) as pool:
        posting = [pool.submit(post_all, poster) for poster in range(POSTERS)]
        start.wait(SECONDS)
        reopened(till, "2026-01")
        soft_closed(till, "2026-01")
        for each in posting:
            each.result(SECONDS)
    until_locked(till, "2026-01")
    till.at(till.now + timedelta(days=25))
    soft_closed(till, "2026-02")
    locked(till, "2026-02")
    issued = [pack_of(till, period)["points"]["issued"] for period in ("2026-01", "2026-02")]
    assert sum(issued) == POSTERS * PURCHASES // 2
