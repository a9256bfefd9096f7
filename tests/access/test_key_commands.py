"""Keys from the command line: the region that a key speaks for."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from ledger import clock
from ledger.access import authenticate
from ledger.cli import main
from ledger.db import Database
from ledger.errors import OtherRegion
from tests.conftest import TestDatabase


@pytest.fixture
def command(fresh_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)
    monkeypatch.setenv("LEDGER_OWNER_DATABASE_URL", fresh_database.owner_url)
    CliRunner().invoke(main, ["programs", "create", "default"])
    return lambda *arguments: CliRunner().invoke(main, ["keys", *arguments])


def test_a_key_speaks_for_the_region_that_it_was_made_for(
    command: Callable[..., Result], fresh_database: TestDatabase
) -> None:
    made = command("create", "--role", "approver", "--region", "east")
    assert made.exit_code == 0
    database = Database(fresh_database.app_url, pool_size=1)
    found = database.run(
        lambda connection: authenticate(connection, f"Bearer {made.stdout.strip()}", clock.system_now())
    )
    database.close()
    assert found.region == "east"
    found.require_region("east")
    for other in ("west", None):
        with pytest.raises(OtherRegion):
            found.require_region(other)


def test_the_list_shows_the_regions(command: Callable[..., Result]) -> None:
    command("create", "--role", "operator", "--region", "east", "--name", "Li")
    command("create", "--role", "operator")
    rows = [line.split("\t")[1:5] for line in command("list").stdout.splitlines()]
    assert rows == [["default", "operator", "east", "Li"], ["default", "operator", "-", "-"]]


@pytest.mark.parametrize("region", ["", "a:b", "a b", "东", "x" * 64])
def test_what_cannot_be_a_region_is_refused(command: Callable[..., Result], region: str) -> None:
    assert command("create", "--role", "operator", "--region", region).exit_code == 2
    assert command("list").stdout == ""


def test_an_admin_speaks_for_headquarters(command: Callable[..., Result]) -> None:
    refused = command("create", "--role", "admin", "--region", "east")
    assert refused.exit_code == 2
    assert "headquarters" in refused.output
    assert command("list").stdout == ""
