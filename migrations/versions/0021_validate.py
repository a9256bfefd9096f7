"""Validate the checks that 0018 and 0019 have widened: reads every row, while postings go on beside it.

Revision: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CHECKS = {
    "entries": ("entries_kind_check",),
    "postings": ("postings_unit_check",),
    "holders": ("holders_locks_check",),
    "member_lock_events": ("member_lock_events_lock_check",),
}


def upgrade() -> None:
    for table, checks in CHECKS.items():
        for check in checks:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
