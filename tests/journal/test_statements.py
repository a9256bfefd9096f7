"""A batch costs a fixed number of statements, whatever its size: counted on the wire, below every library."""

import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from ledger.db import Database
from ledger.expiry.commands import ExpireLots
from ledger.journal import Outcome, Request, post
from ledger.journal.commands import Command
from tests.builders import (
    NOW,
    Bench,
    earning,
    give_back,
    moment,
    purchase,
    redeem,
    refund,
    request,
    reverse,
    terms,
    transfer,
)
from tests.conftest import TestDatabase
from tests.ladders import tiers
from tests.model.postgres import PostgresDriver

# BEGIN; how to plan; three reads to find and lock, five more of what was locked; one write for each kind of row.
STATEMENTS_OF_ALL_KINDS = 19
_STATEMENT = re.compile(rb"\tF\t\d+\t(?:Execute|Query)\b")


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url)
    yield opened
    opened.close()


def bench_on(database: Database, name: str) -> Bench:
    driver = PostgresDriver.create(database, name, NOW, timezone="UTC", terms=terms())
    return Bench(driver)


def counted(bench: Bench, commands: list[Command]) -> tuple[int, list[Outcome]]:
    """How often the server was asked to execute something for this batch, by the protocol's own trace."""
    requests = [Request(c) if isinstance(c, ExpireLots) else request(c) for c in commands]

    def work(connection: Connection) -> tuple[int, list[Outcome]]:
        raw = connection.connection.driver_connection
        assert raw is not None
        with tempfile.TemporaryFile() as log:
            raw.pgconn.trace(log.fileno())
            outcomes = post(connection, bench.driver.program, requests, now=bench.now)
            raw.pgconn.untrace()
            log.seek(0)
            return len(_STATEMENT.findall(log.read())), outcomes

    assert isinstance(bench.driver, PostgresDriver)
    return bench.driver.database.run(work)


def mixed(bench: Bench, each: int) -> list[Command]:
    """``each`` commands of every kind, each about members and entries of its own that are there already."""
    rounds = range(each)
    given = [
        earning(50, member=f"{kind}-{n}") for kind in ("spend", "refund", "give", "take") for n in rounds
    ]
    given += [earning(5, member=f"lapse-{n}", expires_at=moment("2026-02-01")) for n in rounds]
    bought = [purchase(5_000, member=f"return-{n}") for n in rounds]
    wrong = [earning(7, member=f"wrong-{n}") for n in rounds]
    spent = [redeem(20, member=f"refund-{n}") for n in rounds]
    assert not any(answer.code for answer in bench.post(*given, *bought))
    redemptions = [(answer.body or {})["redemption_id"] for answer in bench.post(*spent)]
    awards = [(answer.body or {})["entry_id"] for answer in bench.post(*wrong)]
    bench.now = moment("2026-03-01")
    commands: list[Command] = []
    for n in rounds:
        commands += [
            purchase(5_000, member=f"new-{n}"),
            purchase(5_000, member=f"spend-{n}"),
            earning(5, member=f"give-{n}"),
            redeem(10, member=f"spend-{n}"),
            refund(redemptions[n], 5),
            give_back(bought[n].purchase_id, 2_000),
            transfer(10, sender=f"give-{n}", recipient=f"take-{n}"),
            reverse(awards[n]),
            ExpireLots(f"lapse-{n}", bench.now),
            redeem(10_000, member=f"spend-{n}"),
        ]
    return commands


def test_a_thousand_commands_of_all_kinds_cost_as_many_statements_as_ten(database: Database) -> None:
    counts = {}
    for size in (10, 1_000):
        bench = bench_on(database, f"batch-of-{size}")
        commands = mixed(bench, size // 10)
        counts[size], outcomes = counted(bench, commands)
        assert len(outcomes) == size
        refused = [outcome.error.code for outcome in outcomes if outcome.error]
        assert refused == ["insufficient_points"] * (size // 10)
        bench.check()
    assert counts == {10: STATEMENTS_OF_ALL_KINDS, 1_000: STATEMENTS_OF_ALL_KINDS}


def test_one_command_costs_a_few_statements(database: Database) -> None:
    bench = bench_on(database, "one-command")
    bench.must(earning(100))
    counts = {
        type(command).__name__: counted(bench, [command])[0]
        for command in (purchase(100), earning(1), redeem(1))
    }
    # BEGIN; how to plan; lock, key, name; then the holder, the entry, its posting, the lot, the name and the answer.
    # Only to spend must the lots be read; and only what is said in words of an award lies in a row of its own.
    assert counts == {"Purchase": 11, "Earning": 12, "Redeem": 12}


def test_a_replay_writes_nothing(database: Database) -> None:
    bench = bench_on(database, "replay")
    bench.must(earning(100))
    first = redeem(10)
    requests = [request(first, "k")]

    def work(connection: Connection) -> bytes:
        raw = connection.connection.driver_connection
        assert raw is not None
        with tempfile.TemporaryFile() as log:
            raw.pgconn.trace(log.fileno())
            post(connection, bench.driver.program, requests, now=bench.now)
            raw.pgconn.untrace()
            log.seek(0)
            return log.read()

    assert isinstance(bench.driver, PostgresDriver)
    assert b"INSERT INTO" in bench.driver.database.run(work)
    assert not re.search(
        rb"\b(INSERT|UPDATE)\s+\W?\w", bench.driver.database.run(work).replace(b"FOR NO KEY UPDATE", b"")
    )


def test_tiers_cost_two_statements_where_there_is_something_to_tell(database: Database) -> None:
    driver = PostgresDriver.create(database, "tiers", NOW, timezone="UTC", terms=terms(tiers=tiers()))
    bench = Bench(driver)
    later = NOW + timedelta(days=1)
    bench.must(purchase(100))
    bench.now = later
    in_time, crossing, late = purchase(100, at=later), purchase(100_000, at=later), purchase(100, at=NOW)
    counts = [counted(bench, [command])[0] for command in (earning(1), in_time, crossing, late, earning(1))]
    # As without tiers; what changes a tier numbers and writes an event, what comes late reads the
    # history of growth, and of whom it is made.
    assert counts == [12, 11, 13, 13, 12]
