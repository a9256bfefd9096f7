"""Alembic's environment: one transaction a migration, and no migration may hang production.

``lock_timeout`` makes a migration that cannot get its lock give up instead of queueing every posting
behind itself; run it again when the long transaction has gone. Alembic finds the URL in the attribute
``url`` of its configuration (see ``ledger.migrate``).
"""

from alembic import context
from sqlalchemy import create_engine, pool

from ledger import tables

LOCK_TIMEOUT = "3s"
STATEMENT_TIMEOUT = "10min"


def migrate() -> None:
    engine = create_engine(
        context.config.attributes["url"],
        poolclass=pool.NullPool,
        connect_args={
            "options": f"-c lock_timeout={LOCK_TIMEOUT} -c statement_timeout={STATEMENT_TIMEOUT}",
            "application_name": "ledger migrate",
        },
    )
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=tables.metadata, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()


migrate()
