"""Tiers under crowds: a level is reached once and its benefits are issued once, whoever comes at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from ledger.db import Database
from ledger.expiry.sweep import sweep
from ledger.finance.verify import verify
from tests.builders import NOW, Bench, purchase, request
from tests.concurrency.rivals import open_bench, open_database
from tests.concurrency.test_crowds import Crowd
from tests.conftest import TestDatabase
from tests.ladders import tiers
from tests.model.postgres import PostgresDriver


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url, connections=20) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    ladder = tiers({"member": 0, "silver": 100, "gold": 1_000}, period={"kind": "fixed_days", "days": 30})
    for level in ladder["levels"]:
        level["entitlements"] = [{"code": f"{level['code']}-voucher", "per": "year", "name": level["name"]}]
    return open_bench(database, tiers=ladder, growth_expiry={"kind": "fixed_days", "days": 30})


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        assert [found.told() for found in verify(connection) if not found.is_sound] == []
        return [tuple(row) for row in connection.execute(text(statement))]


EVENTS = "SELECT ordinal, reason, to_tier FROM tier_events ORDER BY ordinal"
ISSUED = "SELECT code FROM entitlements ORDER BY code"


def test_two_purchases_that_cross_together_lift_the_member_once(database: Database, bench: Bench) -> None:
    bench.must(purchase(1_000))
    crowd = Crowd(bench)
    # Six thousand fen each: neither crosses alone.
    crowd.post_at_once([request(purchase(6_000)) for _ in range(2)])
    assert rows(database, EVENTS) == [(1, "entered", "member"), (2, "upgraded", "silver")]
    assert rows(database, ISSUED) == [("member-voucher",), ("silver-voucher",)]


def test_late_and_early_purchases_at_the_same_moment_end_where_a_replay_ends(
    database: Database, bench: Bench
) -> None:
    bench.must(purchase(1_000))
    late = [NOW - timedelta(hours=n % 5) for n in range(12)]
    answers = Crowd(bench).post_at_once([request(purchase(1_000, at=at)) for at in late])
    assert not [answer.code for answer in answers if answer.code]
    assert rows(database, "SELECT tier, growth FROM holders") == [("silver", 130)]
    assert rows(database, ISSUED) == [("member-voucher",), ("silver-voucher",)]


def test_two_sweeps_judge_a_period_once(database: Database, bench: Bench) -> None:
    bench.must(purchase(200_000))
    later, driver = NOW + timedelta(days=40), bench.driver
    assert isinstance(driver, PostgresDriver)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: sweep(database, driver.program, later, now=later), range(2)))
    assert rows(database, EVENTS) == [(1, "entered", "gold"), (2, "kept", "gold")]
