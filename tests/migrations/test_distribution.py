"""The schema distributes by ``holder_id``: every key of the books carries it, so a posting touches one shard."""

from typing import Any, NamedTuple

import psycopg
import pytest

DISTRIBUTED_BY = {
    "alerts": "program_id",
    "holders": "holder_id",
    "member_attributes": "holder_id",
    "entries": "holder_id",
    "postings": "holder_id",
    "lots": "holder_id",
    "usages": "holder_id",
    "tier_events": "holder_id",
    "entitlements": "holder_id",
    "referrals": "holder_id",
    "holds": "holder_id",
    "quotes": "holder_id",
    # Names are looked up before anybody knows whose they are.
    "business_references": "reference",
    "outcomes": "key",
    # A batch is looked up before anybody knows whose operations are in it.
    "till_batches": "device_id",
    # Kept beside the books, by whoever refreshes them.
    "totals_state": "program_id",
    "daily_totals": "program_id",
    "total_days": "program_id",
    "contract_totals": "program_id",
    "flagged_entries": "program_id",
    # As many rows as another system has orders that the books have not.
    "reconciliations": "program_id",
    "reconciliation_exceptions": "program_id",
}

ON_EVERY_NODE = {
    "programs",
    "program_terms",
    "rates",
    "chart",
    "api_keys",
    "rule_sets",
    "rule_activations",
    "rule_switches",
    "approvals",
    "checkpoints",
    "period_events",
    "deferral_policies",
    "estimates",
    "alembic_version",
}
"""Small tables that change rarely: copied whole to every node."""


class Key(NamedTuple):
    table: str
    name: str
    kind: str
    columns: list[str]
    target: str | None
    target_columns: list[str] | None


@pytest.fixture(scope="module")
def keys(owner_url: str) -> list[Key]:
    query = """
        SELECT c.conrelid::regclass::text, c.conname, c.contype::text,
               ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (number, place)
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY place),
               nullif(c.confrelid, 0)::regclass::text,
               ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (number, place)
                       JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number ORDER BY place)
          FROM pg_constraint c
         WHERE c.contype IN ('p', 'u', 'f') AND c.connamespace = 'public'::regnamespace"""
    with psycopg.connect(owner_url) as owner:
        return [Key(*row) for row in owner.execute(query)]


def test_every_table_is_placed(owner_url: str) -> None:
    with psycopg.connect(owner_url) as owner:
        found = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {name for (name,) in found} == DISTRIBUTED_BY.keys() | ON_EVERY_NODE


def test_every_primary_key_and_unique_key_holds_the_column_of_distribution(keys: list[Key]) -> None:
    unique = [key for key in keys if key.kind in "pu" and key.table in DISTRIBUTED_BY]
    assert {key.table for key in unique if key.kind == "p"} == DISTRIBUTED_BY.keys()
    assert [key for key in unique if DISTRIBUTED_BY[key.table] not in key.columns] == []


def test_no_unique_index_stands_beside_the_keys(owner_url: str, keys: list[Key]) -> None:
    with psycopg.connect(owner_url) as owner:
        found = owner.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique"
            " AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        ).fetchall()
    assert {name for (name,) in found} == {key.name for key in keys if key.kind in "pu"}


def test_every_foreign_key_between_distributed_tables_stays_on_its_shard(keys: list[Key]) -> None:
    foreign = [key for key in keys if key.kind == "f"]
    between = [key for key in foreign if key.table in DISTRIBUTED_BY and key.target in DISTRIBUTED_BY]
    assert {key.table for key in between} == {
        "reconciliation_exceptions",
        *(table for table, column in DISTRIBUTED_BY.items() if column == "holder_id" and table != "holders"),
    }
    for key in between:
        assert key.target is not None
        assert key.target_columns is not None
        # The column of distribution refers to the column of distribution, place by place.
        pairs = list(zip(key.columns, key.target_columns, strict=True))
        assert (DISTRIBUTED_BY[key.table], DISTRIBUTED_BY[key.target]) in pairs
    others = [key for key in foreign if key not in between]
    assert {key.target for key in others} <= ON_EVERY_NODE


def test_column_of_distribution_is_never_null(owner_url: str) -> None:
    with psycopg.connect(owner_url) as owner:
        nullable = owner.execute(
            "SELECT table_name::text, column_name::text FROM information_schema.columns"
            " WHERE table_schema = 'public' AND is_nullable = 'YES'"
        ).fetchall()
    assert not set(DISTRIBUTED_BY.items()) & set(nullable)


def test_only_tables_that_are_not_distributed_number_their_own_rows(owner_url: str) -> None:
    query = "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND {}"
    with psycopg.connect(owner_url) as owner:
        counted: list[tuple[Any, ...]] = owner.execute(
            query.format("(is_identity = 'YES' OR column_default LIKE 'nextval%')")
        ).fetchall()
    assert {name for (name,) in counted} <= ON_EVERY_NODE
