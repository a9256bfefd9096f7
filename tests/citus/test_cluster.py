"""The story on a real cluster, where LEDGER_TEST_CITUS_URL names one; and on PostgreSQL, so that the story is right.

LEDGER_TEST_CITUS_URL is an owner's login (with CREATEROLE) to a database on the coordinator that has the extension,
workers, and no table in its schema public. Whatever the tests make in it is removed at the end.
"""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from ledger import citus
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.migrate import upgrade
from tests.whole_service import WholeService, open_service

from .story import tell

TEST_CITUS_URL = "LEDGER_TEST_CITUS_URL"


def test_the_story_is_told_on_postgresql(cluster: Any, template: str) -> None:
    with open_service(cluster, template) as service:
        application = Database(cluster.app_url(service.database))
        try:
            tell(service, application)
        finally:
            application.close()


@pytest.fixture(scope="module")
def citus_url() -> Iterator[str]:
    """The owner's address of a distributed, empty ledger on the cluster."""
    given = os.environ.get(TEST_CITUS_URL)
    if not given:
        pytest.skip(f"{TEST_CITUS_URL} names no cluster")
    address = make_url(given).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as owner:
        tables = owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (0,), f"the schema public of {TEST_CITUS_URL} is not empty, and will not be emptied"
        try:
            citus.require(address)
            upgrade(address, citus.SETTINGS)
            citus.distribute(address)
            # Workers are spoken to as the role that the application has taken on.
            owner.execute("ALTER ROLE ledger_app LOGIN")
            yield address
        finally:
            for (name,) in owner.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall():
                owner.execute(f"DROP TABLE IF EXISTS public.{name} CASCADE")
            owner.execute(
                "DROP FUNCTION IF EXISTS refuse_change, refuse_second_decision, refuse_second_use,"
                " entry_of_lot, ordinal_of_lot CASCADE"
            )


def test_tables_lie_where_they_are_declared(citus_url: str) -> None:
    with psycopg.connect(citus_url) as owner:
        found = owner.execute(
            "SELECT table_name::text, citus_table_type, distribution_column, colocation_id FROM citus_tables"
            " WHERE citus_table_type <> 'local'"
        ).fetchall()
    assert {name: column for name, _, column, _ in found} == {
        **citus.DISTRIBUTED_BY,
        **dict.fromkeys(citus.ON_EVERY_NODE, "<none>"),
    }
    groups: dict[str, set[int]] = {}
    for name, _, column, group in found:
        if name in citus.DISTRIBUTED_BY:
            groups.setdefault(column, set()).add(group)
    assert [column for column, ids in groups.items() if len(ids) != 1] == []
    assert len({group for ids in groups.values() for group in ids}) == len(groups)


def test_a_second_placing_changes_nothing(citus_url: str) -> None:
    assert citus.distribute(citus_url) == []


def test_guards_stand_on_every_shard(citus_url: str) -> None:
    of_shard = """
        SELECT DISTINCT result FROM run_command_on_shards('entries', $$
            SELECT coalesce(string_agg(DISTINCT tgenabled::text, ''), 'none') FROM pg_trigger
             WHERE tgrelid = '%s'::regclass AND NOT tgisinternal $$)"""
    with psycopg.connect(citus_url) as owner:
        assert owner.execute(of_shard).fetchall() == [("A",)]
        with pytest.raises(psycopg.Error, match="append-only"):
            owner.execute("TRUNCATE entries CASCADE")


def test_the_story_is_told_on_the_cluster(citus_url: str) -> None:
    application = Database(citus_url)
    owner = Database(citus_url, role=None, pool_size=2)
    try:
        tell(WholeService(create_app(Settings(), application), owner, "citus"), application)
    finally:
        application.close()
        owner.close()
