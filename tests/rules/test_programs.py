"""Programs from the command line, and the clock of a test program over HTTP."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from ledger.accounts.programs import create_program, find_program, set_test_clock
from ledger.cli import main
from ledger.clock import system_now
from ledger.db import Database
from ledger.errors import ClockBackwards, NotATestProgram
from ledger.journal import Request, post
from ledger.rules.terms import DEFAULT_TERMS
from tests.builders import earning
from tests.conftest import TestDatabase

EARLY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url)
    yield opened
    opened.close()


@pytest.fixture
def command(fresh_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)
    monkeypatch.setenv("LEDGER_OWNER_DATABASE_URL", fresh_database.owner_url)
    return lambda *arguments: CliRunner().invoke(main, ["programs", *arguments])


def make(database: Database, name: str = "shop", *, is_test: bool = True) -> None:
    database.run(
        lambda connection: create_program(
            connection,
            name,
            currency="CNY",
            timezone="Asia/Shanghai",
            terms=DEFAULT_TERMS,
            now=system_now(),
            is_test=is_test,
        )
    )


def set_clock(database: Database, now: datetime, name: str = "shop") -> None:
    with database.read() as connection:
        program = find_program(connection, name)
    assert program is not None
    database.run(lambda connection: set_test_clock(connection, program, now))


def test_a_program_is_made_and_listed(command: Callable[..., Result]) -> None:
    assert command("create", "shop", "--test", "--currency", "JPY", "--timezone", "Asia/Tokyo").exit_code == 0
    assert command("create", "market").exit_code == 0
    assert command("list").stdout == "market\tCNY\tAsia/Shanghai\t-\nshop\tJPY\tAsia/Tokyo\ttest\n"


@pytest.mark.parametrize(
    "arguments",
    [("shop",), ("no name",), ("new", "--currency", "XAU"), ("new", "--timezone", "Asia/Nowhere")],
)
def test_a_taken_name_and_what_does_not_exist_are_refused(
    command: Callable[..., Result], arguments: tuple[str, ...]
) -> None:
    assert command("create", "shop").exit_code == 0
    refused = command("create", *arguments)
    assert refused.exit_code != 0
    assert arguments[-1] in refused.output
    assert command("list").stdout.count("\n") == 1


def test_a_test_clock_starts_anywhere_and_then_only_moves_forward(database: Database) -> None:
    make(database)
    set_clock(database, EARLY)
    set_clock(database, EARLY)
    with pytest.raises(ClockBackwards):
        set_clock(database, EARLY - timedelta(microseconds=1))
    set_clock(database, EARLY + timedelta(days=400))


def test_a_test_clock_never_starts_before_what_is_in_the_books(database: Database) -> None:
    make(database)
    with database.read() as connection:
        program = find_program(connection, "shop")
    assert program is not None
    posted_at = system_now()
    database.run(lambda c: post(c, program, [Request(earning(5), "k", b"f", "r")], now=posted_at))
    with pytest.raises(ClockBackwards):
        set_clock(database, posted_at - timedelta(microseconds=1))
    set_clock(database, posted_at)


def test_only_a_test_program_has_a_clock(database: Database) -> None:
    make(database, is_test=False)
    with pytest.raises(NotATestProgram):
        set_clock(database, EARLY)
