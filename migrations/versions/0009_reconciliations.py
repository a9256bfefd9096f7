"""Reconciliations: what other systems say, and what came of holding it against the books.

Revision: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
-- An upload of what another system has, held against the books as they were known at recorded_at. Its exceptions are
-- written first, while they are found, and this row when they are counted.
CREATE TABLE reconciliations (
    program_id integer NOT NULL CONSTRAINT reconciliations_program_id_fkey REFERENCES programs,
    reconciliation_id uuid NOT NULL,
    matched bigint NOT NULL,
    missing bigint NOT NULL,
    extra bigint NOT NULL,
    different bigint NOT NULL,
    uploaded bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    previous_id uuid,
    first_day date NOT NULL,
    last_day date NOT NULL,
    kind text NOT NULL CONSTRAINT reconciliations_kind_check CHECK (kind IN ('orders', 'payments')),
    digest bytea NOT NULL CONSTRAINT reconciliations_digest_check CHECK (length(digest) = 32),
    uploaded_by text NOT NULL,
    ageing json NOT NULL,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (program_id, reconciliation_id),
    CONSTRAINT reconciliations_last_day_check CHECK (last_day >= first_day),
    -- Every row that was uploaded has exactly one end.
    CONSTRAINT reconciliations_uploaded_check CHECK (uploaded = matched + missing + different)
);
CREATE INDEX reconciliations_program_id_idx ON reconciliations (program_id, kind, first_day, last_day);

CREATE TABLE reconciliation_exceptions (
    program_id integer NOT NULL,
    reconciliation_id uuid NOT NULL,
    ordinal bigint NOT NULL CONSTRAINT reconciliation_exceptions_ordinal_check CHECK (ordinal > 0),
    outcome text NOT NULL CONSTRAINT reconciliation_exceptions_outcome_check
        CHECK (outcome IN ('missing', 'extra', 'different')),
    type text NOT NULL,
    reference text NOT NULL,
    details json NOT NULL,
    CONSTRAINT reconciliation_exceptions_pkey PRIMARY KEY (program_id, reconciliation_id, ordinal),
    CONSTRAINT reconciliation_exceptions_program_id_fkey FOREIGN KEY (program_id, reconciliation_id)
        REFERENCES reconciliations DEFERRABLE INITIALLY DEFERRED
);

GRANT SELECT, INSERT ON reconciliations, reconciliation_exceptions TO ledger_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
    for table in ("reconciliations", "reconciliation_exceptions"):
        op.execute(_append_only(table))


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
