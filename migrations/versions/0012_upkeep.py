"""Upkeep in small pieces: vacuum tables that grow by rows that came, and not by a share of all that is kept.

By default a table that only grows is vacuumed once a fifth as much has come as it has unfrozen: the larger the
books, the later and the larger each vacuum. The locks that these settings take let postings go on.

Revision: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("entries", "postings", "lots", "business_references", "outcomes")

# Freezes, and marks as visible, what has just been written and is still in memory.
UPKEEP = """
ALTER TABLE {table} SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000)
"""


def upgrade() -> None:
    for table in TABLES:
        op.execute(UPKEEP.format(table=table))


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
