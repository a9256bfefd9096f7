"""Validate the checks that 0005 has widened: reads every row, while postings go on beside it.

Revision: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHECKS = {
    "entries": "entries_kind_check",
    "postings": "postings_unit_check",
    "rule_switches": "rule_switches_kind_check",
}


def upgrade() -> None:
    for table, check in CHECKS.items():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
