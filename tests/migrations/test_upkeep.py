"""Vacuum comes by rows, not by shares: its pieces stay as small when the books are a thousand times as large."""

from typing import Any

import psycopg
import pytest

GROWING = ("business_references", "entries", "lots", "outcomes", "postings")

# When autovacuum comes for rows that were inserted, as PostgreSQL works it out from a table's size.
INSERT_THRESHOLD = """
SELECT coalesce(o.options ->> 'autovacuum_vacuum_insert_threshold',
                current_setting('autovacuum_vacuum_insert_threshold'))::numeric
     + coalesce(o.options ->> 'autovacuum_vacuum_insert_scale_factor',
                current_setting('autovacuum_vacuum_insert_scale_factor'))::numeric * %(rows)s
  FROM pg_class c, LATERAL (
       SELECT coalesce(json_object_agg(option_name, option_value), '{}') AS options
         FROM pg_options_to_table(c.reloptions)) o
 WHERE c.oid = %(table)s::regclass
"""


@pytest.mark.parametrize("table", GROWING)
def test_vacuum_of_what_was_added_is_no_larger_on_larger_books(owner_url: str, table: str) -> None:
    with psycopg.connect(owner_url) as owner:
        small, large = (_one(owner, INSERT_THRESHOLD, rows=rows, table=table) for rows in (10**4, 10**9))
    assert small == large <= 200_000


def test_every_table_that_grows_with_postings_is_looked_after(owner_url: str) -> None:
    query = """
    SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class c
     WHERE 'autovacuum_vacuum_insert_scale_factor=0' = ANY(c.reloptions)
    """
    with psycopg.connect(owner_url) as owner:
        assert _one(owner, query) == list(GROWING)


def test_rows_that_every_posting_updates_find_room_on_their_page(owner_url: str) -> None:
    with psycopg.connect(owner_url) as owner:
        for table, room in (("holders", 60), ("lots", 85)):
            query = "SELECT %(option)s = ANY(reloptions) FROM pg_class WHERE oid = %(table)s::regclass"
            assert _one(owner, query, option=f"fillfactor={room}", table=table)


def _one(connection: "psycopg.Connection[Any]", query: Any, **values: Any) -> Any:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]
