"""Keys from the command line: regions, rotation, freezing, and what the list shows."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from click.testing import CliRunner, Result

from ledger import clock
from ledger.access import authenticate
from ledger.access.keys import key_id_of
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


def rows(command: Callable[..., Result]) -> list[list[str]]:
    return [line.split("\t") for line in command("list").stdout.splitlines()]


def test_a_rotated_key_is_of_the_same_kind_and_the_old_one_lapses(command: Callable[..., Result]) -> None:
    old = key_id_of(
        command("create", "--role", "operator", "--region", "east", "--name", "Li").stdout.strip()
    )
    made = command("rotate", str(old), "--grace-days", "3")
    assert made.exit_code == 0
    before, after = rows(command)
    assert (before[0], after[0]) == (old, key_id_of(made.stdout.strip()))
    assert before[1:5] == after[1:5] == ["default", "operator", "east", "Li"]
    in_three_days = clock.show(clock.system_now() + timedelta(days=3))
    assert before[5][:10] == in_three_days[:10]
    assert after[5] == "-"


@pytest.mark.parametrize("end", ["revoke", "freeze"])
def test_what_is_no_good_is_not_rotated(command: Callable[..., Result], end: str) -> None:
    key_id = str(key_id_of(command("create", "--role", "pos").stdout.strip()))
    command(end, key_id, *(["--reason", "lost"] if end == "freeze" else []))
    assert command("rotate", key_id).exit_code == 1
    assert command("rotate", "nowhere").exit_code == 1
    assert len(rows(command)) == 1


def test_rotation_makes_no_key_live_longer_than_it_was_to(command: Callable[..., Result]) -> None:
    made = command("create", "--role", "pos", "--expires-in", "2")
    (before,) = rows(command)
    command("rotate", str(key_id_of(made.stdout.strip())), "--grace-days", "30")
    assert rows(command)[0] == before


def test_a_key_is_frozen_with_a_reason_and_set_free(command: Callable[..., Result]) -> None:
    key_id = str(key_id_of(command("create", "--role", "pos").stdout.strip()))
    assert command("freeze", key_id).exit_code == 2
    assert command("freeze", key_id, "--reason", "till lost").exit_code == 0
    ((*_, frozen_at, reason),) = rows(command)
    assert (frozen_at != "-", reason) == (True, "till lost")
    command("freeze", key_id, "--reason", "later")
    assert rows(command)[0][-2:] == [frozen_at, "till lost"]
    assert command("unfreeze", key_id).exit_code == 0
    assert rows(command)[0][-2:] == ["-", "-"]
    for change in (("freeze", "nowhere", "--reason", "x"), ("unfreeze", "nowhere")):
        assert command(*change).exit_code == 1


def test_what_has_not_ended_and_is_old_is_due_to_be_rotated(
    command: Callable[..., Result], fresh_database: TestDatabase
) -> None:
    old, revoked, frozen = (
        str(key_id_of(command("create", "--role", "pos").stdout.strip())) for _ in range(3)
    )
    command("revoke", revoked)
    command("freeze", frozen, "--reason", "till lost")
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE api_keys SET created_at = now() - interval '366 days'")
    command("create", "--role", "pos")
    due = command("list", "--older-than", "365")
    assert {line.split("\t")[0] for line in due.stdout.splitlines()} == {old, frozen}
    assert command("list", "--older-than", "367").stdout == ""
    assert len(rows(command)) == 4


def test_a_reason_is_kept_with_whatever_the_owner_does(
    command: Callable[..., Result], fresh_database: TestDatabase
) -> None:
    key_id = str(key_id_of(command("create", "--role", "admin").stdout.strip()))
    for change in ("rotate", "freeze", "unfreeze", "revoke"):
        assert command(change, key_id, "--reason", f"to {change}").exit_code == 0
    with psycopg.connect(fresh_database.owner_url) as owner:
        query = "SELECT change, reason, changed_by FROM key_events ORDER BY event_id"
        found = owner.execute(query).fetchall()
    assert found == [
        (change, f"to {change}", "owner") for change in ("rotate", "freeze", "unfreeze", "revoke")
    ]


def test_whatever_is_done_to_keys_is_in_the_audit_log_without_the_keys(
    command: Callable[..., Result], fresh_database: TestDatabase
) -> None:
    made = command("create", "--role", "pos").stdout.strip()
    key_id = str(key_id_of(made))
    new = command("rotate", key_id).stdout.strip()
    command("freeze", key_id, "--reason", "lost")
    command("unfreeze", key_id)
    command("revoke", key_id)
    with psycopg.connect(fresh_database.owner_url) as owner:
        query = "SELECT action, subject, principal FROM audit_events ORDER BY event_id"
        found = owner.execute(query).fetchall()
        everything = str(owner.execute("SELECT string_agg(e::text, ' ') FROM audit_events e").fetchall())
    changes = ["create_key", "rotate_key", "freeze_key", "unfreeze_key", "revoke_key"]
    assert [action for action, subject, _ in found if subject == f"keys/{key_id}"] == changes
    assert [action for action, subject, _ in found if subject == f"keys/{key_id_of(new)}"] == ["create_key"]
    assert {principal for *_, principal in found} == {"owner"}
    for token in (made, new):
        assert token.rpartition("_")[2] not in everything
