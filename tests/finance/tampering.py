"""The database as its owner can change it once every guard is down, and what a check that fails has named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from ledger.finance.verify import Finding
from tests.conftest import TestDatabase

GUARDED = (
    "entries",
    "postings",
    "entry_texts",
    "erasures",
    "business_references",
    "program_terms",
    "tier_events",
    "rule_sets",
    "rule_activations",
    "approvals",
    "rates",
    "rule_switches",
    "quotes",
    "checkpoints",
    "period_events",
    "reviews",
    "merges",
)

ANOTHER = {
    "uuid": "gen_random_uuid()",
    "bigint": "coalesce({0}, 0) + 100",
    "integer": "coalesce({0}, 0) + 100",
    "smallint": "coalesce({0}, 0) + 100",
    "timestamp with time zone": "coalesce({0}, '2026-01-01') + interval '1 second'",
    "text": "coalesce({0}, '') || 'x'",
    "bytea": "set_byte({0}, 7, 255 - get_byte({0}, 7))",
    "json": "'{{\"another\": 1}}'::json",
    "ARRAY": "{0} || gen_random_uuid()",
    "boolean": "NOT coalesce({0}, false)",
}
"""Another value of each type, of a column that is named."""


@contextmanager
def tampering(database: TestDatabase) -> Iterator[Connection]:
    """The database as its owner can change it once every guard is down; rolled back in the end."""
    engine = create_engine(make_url(database.owner_url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            lower_guards(connection)
            yield connection
    finally:
        engine.dispose()


def lower_guards(connection: Connection) -> None:
    guards = connection.execute(
        text(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace"
        )
    ).all()
    for table, name in guards:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for table in GUARDED:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def named(finding: Finding) -> set[Any]:
    assert finding.first is not None
    return set(finding.first.key.values())
