"""Finance: adjustments among the kinds of entries.

Revision: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BOOKS = """
ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check CHECK (kind IN (
    'earn', 'award', 'redeem', 'refund', 'return', 'transfer_out', 'transfer_in', 'expire', 'reversal',
    'activity', 'referral', 'fund_grant', 'fund_spend', 'hold', 'capture', 'release', 'adjust'
)) NOT VALID;
"""


def upgrade() -> None:
    op.execute(BOOKS)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
