"""Rate limits: what callers have sent in this minute, counted for all workers together.

Revision: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COUNTS = """
CREATE TABLE rate_counts (
    subject text NOT NULL CONSTRAINT rate_counts_subject_check CHECK (length(subject) <= 400),
    begins_at timestamptz NOT NULL,
    taken bigint NOT NULL CONSTRAINT rate_counts_taken_check CHECK (taken > 0),
    CONSTRAINT rate_counts_pkey PRIMARY KEY (subject, begins_at)
) WITH (fillfactor = 50)
"""


def upgrade() -> None:
    op.execute(COUNTS)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON rate_counts TO ledger_app")


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
