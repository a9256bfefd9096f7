"""Checkpoints: signed roots over the heads of all holders.

Revision: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Few rows, one for each time that somebody signs. Each names the one before it by its hash; the leaves under the root
# are in the files that leave the box, and nowhere here.
CHECKPOINTS = """
CREATE TABLE checkpoints (
    program_id integer NOT NULL CONSTRAINT checkpoints_program_id_fkey REFERENCES programs,
    checkpoint_id uuid NOT NULL,
    number bigint NOT NULL CONSTRAINT checkpoints_number_check CHECK (number > 0),
    made_at timestamptz NOT NULL,
    holders bigint NOT NULL CONSTRAINT checkpoints_holders_check CHECK (holders >= 0),
    entries bigint NOT NULL CONSTRAINT checkpoints_entries_check CHECK (entries >= holders),
    root bytea NOT NULL CONSTRAINT checkpoints_root_check CHECK (length(root) = 32),
    previous bytea,
    public_key bytea NOT NULL CONSTRAINT checkpoints_public_key_check CHECK (length(public_key) = 32),
    signature bytea NOT NULL CONSTRAINT checkpoints_signature_check CHECK (length(signature) = 64),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (program_id, checkpoint_id),
    CONSTRAINT checkpoints_program_id_key UNIQUE (program_id, number),
    -- The first follows none; every other one follows one.
    CONSTRAINT checkpoints_previous_check CHECK (
        CASE number WHEN 1 THEN previous IS NULL ELSE previous IS NOT NULL AND length(previous) = 32 END
    )
);
GRANT SELECT, INSERT ON checkpoints TO ledger_app;
"""


def upgrade() -> None:
    op.execute(CHECKPOINTS)
    op.execute(_append_only("checkpoints"))


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")


def _append_only(table: str) -> str:
    return f"""
    CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuse_change;
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuse_truncate;
    """
