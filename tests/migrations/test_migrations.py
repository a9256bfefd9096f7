"""Migrations: from nothing to one head, forward only, equal to the models, and never in anybody's way for long."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import errors
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from ledger import migrate, tables
from ledger.accounts.chart import BUDGET_ACCOUNTS, MEMO_ACCOUNTS, Account, units_of
from ledger.accounts.programs import first_rate
from ledger.fx.convert import MICRO
from ledger.migrate import upgrade
from tests.conftest import EmbeddedCluster
from tests.migrations.golden import GOLDEN, MAJOR, dump

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def configuration(url: str) -> Config:
    made = migrate._configuration()
    made.attributes["url"] = make_url(url).set(drivername="postgresql+psycopg")
    return made


def revision_of(url: str) -> str | None:
    with connected(url) as connection:
        return migrate.current(connection)


def test_migrations_go_from_nothing_to_the_head_and_a_second_run_does_nothing(empty_database: Any) -> None:
    assert revision_of(empty_database.owner_url) is None
    upgrade(empty_database.owner_url)
    assert revision_of(empty_database.owner_url) == migrate.head()
    upgrade(empty_database.owner_url)
    assert revision_of(empty_database.owner_url) == migrate.head()


def test_there_is_one_head_and_one_unbroken_line_of_numbers_to_it() -> None:
    scripts = ScriptDirectory.from_config(migrate._configuration())
    line = [script.revision for script in scripts.walk_revisions()][::-1]
    assert scripts.get_heads() == [migrate.head()]
    assert line == [f"{number:04}" for number in range(1, len(line) + 1)]


@pytest.mark.parametrize("steps", ["base", "-1"])
def test_no_migration_goes_back(fresh_database: Any, steps: str) -> None:
    with pytest.raises(NotImplementedError, match="only move forward"):
        command.downgrade(configuration(fresh_database.owner_url), steps)
    assert revision_of(fresh_database.owner_url) == migrate.head()


def test_models_and_migrations_say_the_same(owner_url: str) -> None:
    with connected(owner_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_schema_is_the_golden_dump(request: pytest.FixtureRequest, cluster: Any, owner_url: str) -> None:
    with connected(owner_url) as connection:
        version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    if not isinstance(cluster, EmbeddedCluster) or int(version) // 10_000 != MAJOR:
        pytest.skip(f"the golden dump is of PostgreSQL {MAJOR}, as it comes embedded")
    assert dump(owner_url) == GOLDEN.read_text(encoding="utf-8"), "run make golden, and read what changed"


def test_chart_in_the_database_is_the_chart_of_the_code(owner_url: str) -> None:
    with connected(owner_url) as connection:
        rows = connection.execute(
            text("SELECT account, name, side, normal_side, unit FROM chart ORDER BY 1")
        ).all()
    assert [tuple(row) for row in rows] == [
        (
            int(account),
            account.name.lower(),
            "member" if account.is_members else "house",
            account.normal_side,
            account.unit.name,
        )
        for account in Account
    ]


@pytest.fixture
def tried(owner_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A table of this connection's own that is checked as postings are, and refers to nothing."""
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'postings_unit_check'"
    with psycopg.connect(owner_url) as owner:
        owner.execute("CREATE TEMPORARY TABLE tried (unit int, debit int, credit int, amount bigint)")
        ((definition,),) = owner.execute(query)
        owner.execute(f"ALTER TABLE tried ADD {definition}")
        yield owner


def test_postings_may_stand_on_exactly_the_accounts_of_their_unit(tried: Any) -> None:
    units = units_of("CNY")
    places = list(product({*units.values(), 0, 3, 7, 1_000, 1_007, 2_000}, Account, Account))
    expected = {
        (unit, debit, credit)
        for unit, debit, credit in places
        if units[debit] == unit == units[credit] and _apart(debit) == _apart(credit)
    }
    assert {place for place in places if _is_allowed(tried, *place)} == expected


@pytest.mark.parametrize("currency", ["ALL", "CNY", "JPY", "KWD", "ZWG"])
def test_postings_are_kept_in_money_of_any_currency(tried: Any, currency: str) -> None:
    units = units_of(currency)
    for debit, credit in (
        (Account.TENDER_CASH, Account.SALES),
        (Account.TRADING_RESIDUE, Account.ROUNDING),
    ):
        assert _is_allowed(tried, units[debit], debit, credit)


def test_residue_is_less_than_one_minor_unit(tried: Any) -> None:
    residue = (units_of("CNY")[Account.ROUNDING], Account.TRADING_RESIDUE, Account.ROUNDING)
    assert [_is_allowed(tried, *residue, amount) for amount in (MICRO - 1, MICRO)] == [True, False]


def _apart(account: Account) -> frozenset[Account]:
    """What is counted in points and is none of a member's: nothing moves between it and any other account."""
    return next((group for group in (BUDGET_ACCOUNTS, MEMO_ACCOUNTS) if account in group), frozenset())


def _is_allowed(
    tried: "psycopg.Connection[Any]", unit: int, debit: Account, credit: Account, amount: int = 1
) -> bool:
    try:
        with tried.transaction():
            tried.execute(
                "INSERT INTO tried VALUES (%s, %s, %s, %s)", (unit, int(debit), int(credit), amount)
            )
    except errors.CheckViolation:
        return False
    return True


def test_migration_that_cannot_get_its_lock_gives_up_and_leaves_nothing_behind(empty_database: Any) -> None:
    url = empty_database.owner_url
    command.upgrade(configuration(url), "0001")
    with psycopg.connect(url) as busy:
        # What any posting takes on its program; the migration wants to reference the table.
        busy.execute("LOCK TABLE programs IN ROW EXCLUSIVE MODE")
        with pytest.raises(OperationalError) as given_up:
            upgrade(url)
        assert isinstance(given_up.value.orig, errors.LockNotAvailable)
    assert revision_of(url) == "0001"
    upgrade(url)
    assert revision_of(url) == migrate.head()


def test_postings_go_on_beside_a_migration_that_waits(empty_database: Any) -> None:
    # The migration's lock time-out bounds how long anything queues behind it.
    url = empty_database.owner_url
    command.upgrade(configuration(url), "0001")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url) as busy, psycopg.connect(url) as other:
        busy.execute("LOCK TABLE programs IN ROW EXCLUSIVE MODE")
        waiting = pool.submit(upgrade, url)
        other.execute("SET lock_timeout = '60s'")
        other.execute("SELECT count(*) FROM programs")
        other.execute("UPDATE programs SET terms_version = terms_version")
        with pytest.raises(OperationalError):
            waiting.result(60)


UPGRADER = """
import sys
from ledger.migrate import upgrade
print("ready", flush=True)
sys.stdin.readline()
upgrade(sys.argv[1])
"""


def test_upgrades_at_once_bring_the_schema_to_the_head_once(empty_database: Any) -> None:
    command_line = (sys.executable, "-c", UPGRADER, empty_database.owner_url)
    with contextlib.ExitStack() as ends:
        upgraders = [
            ends.enter_context(
                subprocess.Popen(
                    command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
                )
            )
            for _ in range(3)
        ]
        for one in upgraders:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in upgraders:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert [one.wait(120) for one in upgraders] == [0, 0, 0]
    assert revision_of(empty_database.owner_url) == migrate.head()


def test_programs_from_before_have_the_rate_that_programs_begin_with(empty_database: Any) -> None:
    url = empty_database.owner_url
    command.upgrade(configuration(url), "0004")
    currencies = ("CNY", "JPY", "KWD", "CLF")
    with connected(url) as connection:
        for currency in currencies:
            connection.execute(
                text(
                    "INSERT INTO programs (name, currency, timezone, is_test, terms_version, created_at)"
                    " VALUES (:currency, :currency, 'UTC', false, 1, now())"
                ),
                {"currency": currency},
            )
        connection.commit()
    command.upgrade(configuration(url), "head")
    with connected(url) as connection:
        rows = connection.execute(
            text("SELECT p.currency, r.* FROM rates r JOIN programs p USING (program_id)")
        )
        found = {row["currency"]: dict(row) for row in rows.mappings()}
    for currency in currencies:
        first = first_rate(currency)
        assert {name: found[currency][name] for name in first} == first
