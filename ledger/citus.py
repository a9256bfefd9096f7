"""Where each table lives on a Citus cluster, and how the schema is taken there.

A posting changes tables that are distributed by ``holder_id`` in one group, so that what is a holder's lies on one
shard. Names and idempotency keys are looked up before anybody knows whose they are, and lie by themselves. What is
small and read by every posting is whole on every node.

``docs/citus.md`` tells what Citus does not accept, and what is done about it.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from ledger.db import Database
from ledger.preflight import NotReadyError

# A group is named after its first table.
DISTRIBUTED_BY: Final = {
    "holders": "holder_id",
    "member_attributes": "holder_id",
    "entries": "holder_id",
    "postings": "holder_id",
    "entry_texts": "holder_id",
    "erasures": "holder_id",
    "lots": "holder_id",
    "usages": "holder_id",
    "tier_events": "holder_id",
    "entitlements": "holder_id",
    "referrals": "holder_id",
    "merges": "holder_id",
    "holds": "holder_id",
    "reviews": "holder_id",
    "quotes": "holder_id",
    "member_lock_events": "holder_id",
    # Names are looked up before anybody knows whose they are.
    "business_references": "reference",
    "outcomes": "key",
    # A batch is looked up before anybody knows whose operations are in it.
    "till_batches": "device_id",
    # Requests of this minute, by who has sent them.
    "rate_counts": "subject",
    "key_uses": "key_id",
    # Kept beside the books, by whoever refreshes them.
    "totals_state": "program_id",
    "daily_totals": "program_id",
    "total_days": "program_id",
    "contract_totals": "program_id",
    "flagged_entries": "program_id",
    "alerts": "program_id",
    "audit_events": "program_id",
    # As many rows as another system has orders that the books have not.
    "reconciliations": "program_id",
    "reconciliation_exceptions": "program_id",
}
"""Each table that is cut into shards, and the column that says which shard a row is in."""

ON_EVERY_NODE: Final = (
    "programs",
    "program_terms",
    "rates",
    "chart",
    "api_keys",
    "key_events",
    "rule_sets",
    "rule_activations",
    "rule_switches",
    "approvals",
    "checkpoints",
    "period_events",
    "deferral_policies",
    "estimates",
)
"""Small tables that change rarely, each after those that it refers to: copied whole to every node."""

ON_THE_COORDINATOR: Final = ("alembic_version",)
"""What belongs to the migrations and is joined to nothing."""

# One connection for each worker, in order: a function or a foreign key that one statement has made is seen by the next.
SETTINGS: Final = {"citus.enable_unsafe_triggers": "on", "citus.multi_shard_modify_mode": "sequential"}
"""What changes of a distributed schema run with."""

LOCK_TIMEOUT_MS: Final = 3_000
STATEMENT_TIMEOUT_MS: Final = 600_000
OLDEST: Final = (13, 1)
"""The first version that takes grants on columns to the workers: the application may change some columns alone."""
ASKING: Final = frozenset({"approvals_by_keys_that_hold", "api_keys_by_two_hands"})
"""Triggers that ask another table, which none on a shard may: a cluster goes without, and the application checks."""

PLACINGS: Final = 0x6369747573
"""The key of the advisory lock that lets one placing through at a time."""

_INSTALLED: LiteralString = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_REPLICAS: LiteralString = "SELECT current_setting('citus.shard_replication_factor', true)"
_GUARDS_REFUSED: LiteralString = """
SELECT nodename || ':' || nodeport FROM run_command_on_workers('SHOW citus.enable_unsafe_triggers')
 WHERE NOT (success AND result = 'on') ORDER BY 1
"""
_PLACED: LiteralString = """
SELECT c.relname, t.distribution_column, h.relname
  FROM citus_tables t
  JOIN pg_class c ON c.oid = t.table_name::oid AND c.relnamespace = 'public'::regnamespace
  LEFT JOIN LATERAL (
       SELECT hc.relname FROM citus_tables ht JOIN pg_class hc ON hc.oid = ht.table_name::oid
        WHERE ht.colocation_id = t.colocation_id AND hc.relname = ANY(%s)) h ON true
 WHERE t.citus_table_type IN ('distributed', 'reference')
"""
_GUARDS: LiteralString = """
SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
 WHERE t.tgrelid = %s::regclass AND NOT t.tgisinternal ORDER BY 1
"""


class NotDistributableError(NotReadyError):
    """The database cannot be distributed as it is; the message says what to do about it."""


class Placement(NamedTuple):
    """Where a table lives: ``column`` says which shard a row is in, none that every node has the whole table."""

    table: str
    column: str | None = None
    group: str | None = None
    """The table whose group it joins; its own name where it begins one."""


def placements() -> Iterator[Placement]:
    """Every table, each after all that its foreign keys refer to."""
    yield from map(Placement, ON_EVERY_NODE)
    groups: dict[str, str] = {}
    for table, column in DISTRIBUTED_BY.items():
        yield Placement(table, column, groups.setdefault(column, table))


def require(owner_url: str) -> None:
    """Refuse a database that cannot be distributed, before anything is changed."""
    database = _owner(owner_url)
    try:
        with database.read() as connection:
            _require_extension(connection)
            _require_settings(connection)
    finally:
        database.close()


def distribute(owner_url: str) -> list[str]:
    """Place the tables that are not placed yet, each in a transaction of its own; their names, in order.

    Idempotent: asks Citus what is placed already. Raises NotDistributableError where a table lies otherwise than it
    should, or holds rows that would have to be moved. Locks each table while it is placed.
    """
    database = _owner(owner_url)
    try:
        with database.read() as connection:
            _require_extension(connection)
        placed = [
            placement.table
            for placement in placements()
            if database.run(partial(_place, placement=placement))
        ]
        database.run(_guard_always)
        return placed
    finally:
        database.close()


def _owner(owner_url: str) -> Database:
    return Database(
        owner_url,
        role=None,
        pool_size=1,
        lock_timeout_ms=LOCK_TIMEOUT_MS,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
    )


def _require_extension(connection: Connection) -> None:
    version = connection.exec_driver_sql(_INSTALLED).scalar()
    if version is None:
        raise NotDistributableError(
            "This database has no Citus: put citus into shared_preload_libraries of every node, run CREATE EXTENSION "
            "citus in the database, and add the workers (citus_add_node); or migrate without --citus."
        )
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
        raise NotDistributableError(
            f"This database has Citus {version}, and the ledger needs {OLDEST[0]}.{OLDEST[1]} or later: update it on "
            "every node, and run ALTER EXTENSION citus UPDATE."
        )


def _require_settings(connection: Connection) -> None:
    replicas = connection.exec_driver_sql(_REPLICAS).scalar_one()
    if replicas not in (None, "1"):
        raise NotDistributableError(
            f"citus.shard_replication_factor is {replicas}, and Citus locks no rows of shards that have copies: set it "
            "to 1, and give each worker a standby instead."
        )
    refusing = ", ".join(connection.exec_driver_sql(_GUARDS_REFUSED).scalars())
    if refusing:
        raise NotDistributableError(
            f"These workers would not take the triggers that keep the books append-only: {refusing}. Set "
            "citus.enable_unsafe_triggers = on on every node."
        )


def _take_turn(connection: Connection) -> None:
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({PLACINGS})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    for name, value in SETTINGS.items():
        connection.exec_driver_sql(f"SET LOCAL {name} = '{value}'")


def _place(connection: Connection, placement: Placement) -> bool:
    """Place a table unless it is; whether it was not."""
    _take_turn(connection)
    if _is_placed(connection, placement):
        return False
    table, column, group = placement
    if column and _say(connection, "SELECT EXISTS (SELECT FROM {table})", table=table).scalar_one():
        raise NotDistributableError(
            f"The table {table} has rows. Distribute an empty database, and load what was dumped into it."
        )
    # Citus places a table without triggers; those made afterwards it makes on every shard.
    guards = connection.exec_driver_sql(_GUARDS, (table,)).all()
    for name, _ in guards:
        _say(connection, "DROP TRIGGER {name} ON {table}", name=name, table=table)
    if column is None:
        connection.exec_driver_sql("SELECT create_reference_table(%s)", (table,))
    else:
        together = "none" if group == table else group
        connection.exec_driver_sql(
            "SELECT create_distributed_table(%s, %s, colocate_with => %s)", (table, column, together)
        )
    for name, definition in guards:
        if name not in ASKING:
            connection.exec_driver_sql(definition)
            _always(connection, table, name)
    return True


def _is_placed(connection: Connection, placement: Placement) -> bool:
    table, column, group = placement
    heads = [group] if group else []
    found = {row[0]: tuple(row[1:]) for row in connection.exec_driver_sql(_PLACED, (heads,))}
    if table not in found:
        return False
    wanted = (column or "<none>", group)
    if found[table] != wanted:
        raise NotDistributableError(
            f"The table {table} lies by {found[table][0]}, and not by {wanted[0]} beside {group or 'all tables'}: "
            f"bring it back with undistribute_table('{table}'), and run this again."
        )
    return True


def _guard_always(connection: Connection) -> None:
    """Enable every guard on every shard, whoever writes: a shard that was moved has it as an ordinary trigger."""
    _take_turn(connection)
    for placement in placements():
        for name, _ in connection.exec_driver_sql(_GUARDS, (placement.table,)).all():
            _always(connection, placement.table, name)


def _always(connection: Connection, table: str, trigger: str) -> None:
    _say(connection, "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}", table=table, name=trigger)


def _say(connection: Connection, statement: LiteralString | str, **names: str) -> Any:
    """Run a statement of this module with these identifiers."""
    form = sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()})
    return connection.exec_driver_sql(form.as_string())
