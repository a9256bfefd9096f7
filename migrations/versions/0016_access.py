"""Access: what callers have sent in this minute, for all workers together; and no approval by or for a revoked key.

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


# A key that was taken away decides nothing more, and nothing more is done in its name; to reject that is allowed.
DECISIONS = """
CREATE FUNCTION refuse_revoked_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM api_keys
         WHERE revoked_at IS NOT NULL
           AND (key_id = NEW.decided_by OR key_id = NEW.proposed_by AND NEW.status = 'approved'))
    THEN
        RAISE EXCEPTION 'a revoked key neither approves nor has anything approved'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_by_keys_that_hold BEFORE UPDATE ON approvals
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION refuse_revoked_keys();
ALTER TABLE approvals ENABLE ALWAYS TRIGGER approvals_by_keys_that_hold;
"""


def upgrade() -> None:
    op.execute(COUNTS)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON rate_counts TO ledger_app")
    op.execute(DECISIONS)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
