"""Validate the checks that 0007 has widened: reads every row, while postings go on beside it.

Revision: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHECKS = {
    "entries": "entries_kind_check",
}


def upgrade() -> None:
    for table, check in CHECKS.items():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
