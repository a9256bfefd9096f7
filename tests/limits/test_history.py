"""The history of locks is what the rows of the holders come to: checked by verify, and in order whatever clocks do."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from ledger.access.principals import Principal
from ledger.accounts.member_locks import FROZEN, SPEND, MemberLock
from ledger.db import Database
from ledger.finance.verify import verify
from ledger.finance.verify.locks import CHECKS
from ledger.limits import register
from tests.builders import Bench, earning
from tests.concurrency.rivals import open_bench, open_database
from tests.conftest import TestDatabase
from tests.finance.tampering import tampering
from tests.model.postgres import PostgresDriver


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    opened = open_bench(database)
    for member in ("ann", "bob"):
        opened.must(earning(10, member=member))
    return opened


def change(bench: Bench, member: str, lock: MemberLock, *, is_on: bool) -> None:
    assert isinstance(bench.driver, PostgresDriver)
    program = bench.driver.program
    by = Principal("a-key", program, "admin", frozenset())
    bench.driver.database.run(
        lambda c: register.change_lock(
            c, program, member, lock, is_on=is_on, reason="a call", by=by, now=bench.now
        )
    )


def test_ids_tell_the_order_though_a_clock_has_run_ahead(
    bench: Bench, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(bench, "ann", FROZEN, is_on=True)
    # Another machine, whose clock is years behind.
    monkeypatch.setattr(register, "new_entry_id", lambda: bytes(16))
    for is_on in (False, True, False):
        change(bench, "ann", FROZEN, is_on=is_on)
    with database.read() as connection:
        told = connection.execute(text("SELECT is_on FROM member_lock_events ORDER BY event_id")).scalars()
        assert list(told) == [True, False, True, False]
        assert all(found.is_sound for found in verify(connection, checks=CHECKS))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE holders SET locks = locks # 1 WHERE member_id = 'ann'",
        "UPDATE holders SET locks = locks # 2 WHERE member_id = 'ann'",
        "UPDATE holders SET locks = 1 WHERE member_id = 'bob'",
        "DELETE FROM member_lock_events",
        "UPDATE member_lock_events SET is_on = NOT is_on",
        "UPDATE member_lock_events SET lock = 'spend'",
    ],
)
def test_a_lock_that_nobody_has_put_on_or_taken_off_is_found(
    bench: Bench, fresh_database: TestDatabase, damage: str
) -> None:
    change(bench, "ann", FROZEN, is_on=True)
    change(bench, "bob", SPEND, is_on=True)
    change(bench, "bob", SPEND, is_on=False)
    with tampering(fresh_database) as connection:
        connection.exec_driver_sql("ALTER TABLE member_lock_events DISABLE TRIGGER USER")
        assert all(found.is_sound for found in verify(connection, checks=CHECKS))
        connection.exec_driver_sql(damage)
        assert not all(found.is_sound for found in verify(connection, checks=CHECKS))
