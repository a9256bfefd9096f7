"""Validate the checks that 0014 has widened: reads every row, while postings go on beside it.

Revision: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CHECKS = {
    "holders": ("holders_locks_check", "holders_member_id_check"),
}


def upgrade() -> None:
    for table, checks in CHECKS.items():
        for check in checks:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
