"""The schema distributes by ``holder_id``: every key of the books carries it, so a posting touches one shard."""

from typing import Any, NamedTuple

import psycopg
import pytest

from ledger.citus import ASKING, DISTRIBUTED_BY, ON_EVERY_NODE, ON_THE_COORDINATOR, placements


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
    assert sorted(name for (name,) in found) == sorted((*DISTRIBUTED_BY, *ON_EVERY_NODE, *ON_THE_COORDINATOR))


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
    assert {key.target for key in others} <= set(ON_EVERY_NODE)


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
    assert {name for (name,) in counted} <= set(ON_EVERY_NODE)


def test_no_table_is_placed_before_one_that_it_refers_to(keys: list[Key]) -> None:
    order = [placement.table for placement in placements()]
    foreign = [key for key in keys if key.kind == "f"]
    assert foreign
    for key in foreign:
        assert key.target is not None
        assert order.index(key.target) < order.index(key.table), key.name
        # A table on every node would have to ask a shard.
        assert key.table in DISTRIBUTED_BY or key.target in ON_EVERY_NODE, key.name


def test_foreign_keys_change_nothing_but_what_they_check(owner_url: str) -> None:
    # Citus refuses SET NULL and SET DEFAULT on the column of distribution, and follows CASCADE one by one.
    with psycopg.connect(owner_url) as owner:
        found = owner.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND (confdeltype, confupdtype) <> ('a', 'a')"
        ).fetchall()
    assert found == []


def test_nothing_that_a_shard_cannot_check_alone_is_declared(owner_url: str) -> None:
    with psycopg.connect(owner_url) as owner:
        found = owner.execute(
            """
            SELECT 'excludes', conname::text FROM pg_constraint WHERE contype = 'x'
            UNION ALL SELECT 'is not logged', relname::text FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relpersistence <> 'p'
            UNION ALL SELECT 'is generated', c.relname::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND attgenerated <> ''
            UNION ALL SELECT 'has policies', polname::text FROM pg_policy
            UNION ALL SELECT 'has rules', rulename::text FROM pg_rules WHERE schemaname = 'public'
            UNION ALL SELECT 'has a default that is not constant', c.relname::text
              FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s)
               AND pg_get_expr(d.adbin, d.adrelid) ~ '(random|now|clock|nextval|current_)'
            UNION ALL SELECT 'collates', attrelid::regclass::text || '.' || attname FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
               AND a.attcollation NOT IN (0, 'pg_catalog."default"'::regcollation)
            """,
            (list(DISTRIBUTED_BY),),
        ).fetchall()
    assert found == []


def test_triggers_see_the_row_alone_or_guard_against_truncation(owner_url: str) -> None:
    # Citus refuses what a trigger on a shard asks of another table, and makes no trigger of truncation there.
    query = """
        SELECT t.tgname::text, t.tgtype & 1 = 1, t.tgtype & 32 = 32, p.prosrc
          FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"""
    with psycopg.connect(owner_url) as owner:
        found = owner.execute(query).fetchall()
    assert found
    for name, is_of_rows, is_of_truncation, body in found:
        assert is_of_rows or is_of_truncation, name
        words = set(body.lower().split())
        asks = bool(words & {"select", "insert", "update", "delete", "perform", "execute"})
        assert asks == (name in ASKING), name


def test_tables_in_one_group_are_distributed_by_one_type(owner_url: str) -> None:
    query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"
    types: dict[str | None, set[Any]] = {}
    with psycopg.connect(owner_url) as owner:
        for table, column, group in placements():
            if column:
                types.setdefault(group, set()).update(owner.execute(query, (table, column)).fetchall())
    assert types["holders"] == {("uuid",)}
    assert [group for group, found in types.items() if len(found) != 1] == []
