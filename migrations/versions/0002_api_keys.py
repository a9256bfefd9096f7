"""API keys: who may ask, for which program, as what.

The application reads keys; it may neither make nor change one. Keys are made and revoked by the owner,
with the command line, so that a leaked key cannot beget another.

Revision: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE api_keys (
    key_id text CONSTRAINT api_keys_pkey PRIMARY KEY
        CONSTRAINT api_keys_key_id_check CHECK (key_id ~ '^[0-9a-z]{12,32}$'),
    program_id integer NOT NULL CONSTRAINT api_keys_program_id_fkey REFERENCES programs,
    -- SHA-256 of the whole key. The key is random, so a slow hash would add nothing.
    digest bytea NOT NULL CONSTRAINT api_keys_digest_check CHECK (length(digest) = 32),
    role text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz CONSTRAINT api_keys_expires_at_check CHECK (expires_at > created_at),
    revoked_at timestamptz
);
GRANT SELECT ON api_keys TO ledger_app;
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
