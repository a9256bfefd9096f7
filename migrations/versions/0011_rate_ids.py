"""Rates get an id like policies and estimates: what was made before an entry, where a test clock stands still.

Rates that were made before have none: they lie before every entry of the same moment.

Revision: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A constant default is kept beside the table: no row is rewritten.
RATE_ID = """
ALTER TABLE rates ADD COLUMN rate_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
"""


def upgrade() -> None:
    op.execute(RATE_ID)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
