"""Validate the checks that 0003 has widened: reads every row, while postings go on beside it.

Revision: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CHECKS = {
    "holders": "holders_member_id_check",
    "entries": "entries_kind_check",
    "postings": "postings_unit_check",
}


def upgrade() -> None:
    for table, check in CHECKS.items():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
