"""``ledger migrate --citus``: what is placed, in which order, once; and what it refuses."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import errors

from ledger import citus
from ledger.cli import main
from ledger.migrate import upgrade

from .extension import Extension


@pytest.fixture
def owner(empty_database: Any) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(empty_database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def extension(owner: Any) -> Extension:
    return Extension(owner)


@pytest.fixture
def call(empty_database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LEDGER_DATABASE_URL", empty_database.app_url)
    monkeypatch.setenv("LEDGER_OWNER_DATABASE_URL", empty_database.owner_url)

    def migrate(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["migrate", *arguments])

    return migrate


def guards_of(owner: Any) -> list[Any]:
    found: list[Any] = owner.execute(
        "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid), tgenabled FROM pg_trigger"
        " WHERE NOT tgisinternal ORDER BY 1, 2"
    ).fetchall()
    return found


def test_every_table_is_placed_as_it_is_declared_and_in_that_order(call: Any, extension: Extension) -> None:
    extension.install()
    result = call("--citus")
    assert result.exit_code == 0, result.output
    calls = extension.calls()
    assert calls[: len(citus.ON_EVERY_NODE)] == [f"reference {table}" for table in citus.ON_EVERY_NODE]
    assert calls[len(citus.ON_EVERY_NODE) :] == [
        "holders by holder_id with none",
        *(f"{table} by holder_id with holders" for table in tables_by("holder_id")[1:]),
        "business_references by reference with none",
        "outcomes by key with none",
        "till_batches by device_id with none",
        "rate_counts by subject with none",
        "key_uses by key_id with none",
        "totals_state by program_id with none",
        *(f"{table} by program_id with totals_state" for table in tables_by("program_id")[1:]),
    ]
    placed = ", ".join((*citus.ON_EVERY_NODE, *citus.DISTRIBUTED_BY))
    assert result.stdout.splitlines()[1] == f"Tables that were placed now: {placed}."


def tables_by(column: str) -> list[str]:
    return [table for table, found in citus.DISTRIBUTED_BY.items() if found == column]


def test_a_second_run_places_nothing_and_a_later_table_alone_is_placed(
    call: Any, extension: Extension, owner: Any
) -> None:
    extension.install()
    assert call("--citus").exit_code == 0
    before = extension.calls()
    again = call("--citus")
    assert again.stdout.splitlines()[1] == "Tables that were placed now: none."
    assert extension.calls() == before
    extension.forget("usages")
    extension.forget("rates")
    assert call("--citus").stdout.splitlines()[1] == "Tables that were placed now: rates, usages."
    assert extension.calls()[len(before) :] == ["reference rates", "usages by holder_id with holders"]


def test_a_run_that_broke_off_goes_on_where_it_stopped(call: Any, extension: Extension, owner: Any) -> None:
    extension.install()
    owner.execute(
        "ALTER FUNCTION beside.create_distributed_table(regclass, text, text, text, integer) RENAME TO away"
    )
    broken = call("--citus")
    assert broken.exit_code != 0
    assert extension.calls() == [f"reference {table}" for table in citus.ON_EVERY_NODE]
    owner.execute(
        "ALTER FUNCTION beside.away(regclass, text, text, text, integer) RENAME TO create_distributed_table"
    )
    assert call("--citus").exit_code == 0
    assert len(extension.calls()) == len(citus.ON_EVERY_NODE) + len(citus.DISTRIBUTED_BY)


def test_guards_are_the_same_before_and_after(
    call: Any, extension: Extension, owner: Any, empty_database: Any
) -> None:
    upgrade(empty_database.owner_url)
    before = guards_of(owner)
    assert {state for _, _, state in before} == {"A"}
    # What asks another table is no guard on a cluster.
    before = [guard for guard in before if not any(name in guard[1] for name in citus.ASKING)]
    extension.install()
    assert call("--citus").exit_code == 0
    assert guards_of(owner) == before
    with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
        owner.execute("TRUNCATE entries CASCADE")


def test_a_guard_that_came_back_as_an_ordinary_trigger_is_made_to_fire_always(
    call: Any, extension: Extension, owner: Any
) -> None:
    extension.install()
    assert call("--citus").exit_code == 0
    owner.execute("ALTER TABLE entries ENABLE TRIGGER entries_refuse_change")
    assert call("--citus").exit_code == 0
    assert {state for _, _, state in guards_of(owner)} == {"A"}


def test_without_the_option_nothing_is_placed(call: Any, extension: Extension) -> None:
    extension.install()
    assert call().exit_code == 0
    assert extension.calls() == []


def test_a_database_without_citus_is_refused_before_anything_is_changed(call: Any, owner: Any) -> None:
    refused = call("--citus")
    assert refused.exit_code == 1
    assert "CREATE EXTENSION citus" in refused.output
    assert owner.execute("SELECT to_regclass('programs')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"version": "12.1-1"}, "needs 13.1 or later"),
        ({"replicas": "2"}, "set it to 1"),
        ({"guards": "off"}, "worker-1:5432. Set citus.enable_unsafe_triggers = on"),
    ],
)
def test_a_cluster_that_cannot_keep_books_is_refused_with_advice(
    call: Any, extension: Extension, settings: dict[str, str], advice: str
) -> None:
    extension.install(**settings)
    refused = call("--citus")
    assert refused.exit_code == 1
    assert advice in " ".join(refused.output.split())
    assert extension.calls() == []


def test_books_with_rows_are_not_moved(
    call: Any, extension: Extension, owner: Any, empty_database: Any
) -> None:
    upgrade(empty_database.owner_url)
    owner.execute(
        """
        INSERT INTO programs (name, currency, timezone, is_test, terms_version, created_at)
             VALUES ('p', 'CNY', 'UTC', false, 1, now());
        INSERT INTO holders (holder_id, enrolled_at, program_id, member_id)
             SELECT gen_random_uuid(), now(), program_id, 'm-1' FROM programs;
        """
    )
    extension.install()
    refused = call("--citus")
    assert refused.exit_code == 1
    assert "The table holders has rows" in refused.output
    # The programs are on every node, with the guards that they had.
    assert extension.calls() == [f"reference {table}" for table in citus.ON_EVERY_NODE]


@pytest.mark.parametrize(
    "otherwise",
    [
        "UPDATE beside.placed SET distribution_column = 'entry_id' WHERE table_name = 'postings'::regclass",
        "UPDATE beside.placed SET colocation_id = 99 WHERE table_name = 'postings'::regclass",
        "UPDATE beside.placed SET citus_table_type = 'reference', distribution_column = '<none>', colocation_id = 1"
        " WHERE table_name = 'postings'::regclass",
    ],
)
def test_a_table_that_lies_otherwise_is_refused(
    call: Any, extension: Extension, owner: Any, otherwise: str
) -> None:
    extension.install()
    assert call("--citus").exit_code == 0
    owner.execute(otherwise)
    refused = call("--citus")
    assert refused.exit_code == 1
    assert "undistribute_table('postings')" in refused.output


def test_tables_that_citus_keeps_on_the_coordinator_only_are_still_to_be_placed(
    call: Any, extension: Extension, owner: Any
) -> None:
    # A table with a foreign key to one on every node becomes such a table by itself.
    extension.install()
    assert call("--citus").exit_code == 0
    extension.forget("usages")
    owner.execute("INSERT INTO beside.placed VALUES ('usages', 'local', '<none>', 0)")
    # The extension says that it is a table of its own already, so it was asked.
    refused = call("--citus")
    assert 'table "usages" is already distributed' in str(refused.exception)
