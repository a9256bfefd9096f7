"""Alembic's environment: one transaction a migration, and no migration may hang production.

``lock_timeout`` makes a migration that cannot get its lock give up instead of queueing every posting
behind itself; run it again when the long transaction has gone. Of several upgrades at once, one goes
first and the others then find it done. Alembic finds the URL in the attribute ``url`` of its
configuration, and settings of the server for its session in ``settings`` (see ``ledger.migrate``).
"""

from alembic import context
from sqlalchemy import Connection, create_engine, pool

from ledger import tables

LOCK_TIMEOUT = "3s"
STATEMENT_TIMEOUT = "10min"

UPGRADES = 0x6C6F79616C74
"""The key of the advisory lock that lets one upgrade through at a time."""


def migrate() -> None:
    settings = {"lock_timeout": LOCK_TIMEOUT, "statement_timeout": STATEMENT_TIMEOUT}
    settings |= context.config.attributes.get("settings", {})
    engine = create_engine(
        context.config.attributes["url"],
        poolclass=pool.NullPool,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "application_name": "ledger migrate",
        },
    )
    with engine.connect() as connection:
        take_turn(connection)
        context.configure(
            connection=connection, target_metadata=tables.metadata, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()


def take_turn(connection: Connection) -> None:
    """Wait for other upgrades of this database to end, and keep them waiting while this session lasts."""
    with connection.begin():
        # Nothing of the books queues behind this lock, so it may be waited for.
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({UPGRADES})")


migrate()
