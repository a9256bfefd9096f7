"""Audit log: who has done what, and who was denied it; keys that are frozen, and when each was used last.

A posting is told by its outcome, which says from now on whose it is: no row of its own. The index covers what says so,
so that it begins empty on the longest books. The application still changes nothing of a key: uses are noted elsewhere.
It makes a key where two others have agreed on it.

Revision: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OUTCOMES = """
ALTER TABLE outcomes ADD COLUMN caller text, ADD COLUMN action text;
CREATE INDEX outcomes_program_id_idx ON outcomes (program_id, recorded_at) WHERE action IS NOT NULL;
"""

# Program 0 is nobody's: whoever has not said who he is has no program.
EVENTS = """
CREATE TABLE audit_events (
    program_id integer NOT NULL CONSTRAINT audit_events_program_id_check CHECK (program_id >= 0),
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    principal text,
    role text,
    member_id text,
    address text,
    action text NOT NULL,
    subject text NOT NULL CONSTRAINT audit_events_subject_check CHECK (length(subject) <= 512),
    status smallint NOT NULL CONSTRAINT audit_events_status_check CHECK (status BETWEEN 100 AND 599),
    code text,
    request_id text NOT NULL,
    times integer NOT NULL CONSTRAINT audit_events_times_check CHECK (times > 0),
    before_hash bytea CONSTRAINT audit_events_before_hash_check CHECK (length(before_hash) = 32),
    after_hash bytea CONSTRAINT audit_events_after_hash_check CHECK (length(after_hash) = 32),
    CONSTRAINT audit_events_pkey PRIMARY KEY (program_id, event_id),
    CONSTRAINT audit_events_principal_check CHECK ((principal IS NULL) = (program_id = 0)),
    -- What was refused has changed nothing.
    CONSTRAINT audit_events_code_check CHECK (code IS NULL OR after_hash IS NULL)
);
CREATE INDEX audit_events_program_id_idx ON audit_events (program_id, recorded_at);
CREATE INDEX audit_events_subject_idx ON audit_events (program_id, subject, recorded_at);
GRANT SELECT, INSERT ON audit_events TO ledger_app;
"""

GUARDS = """
CREATE TRIGGER audit_events_refuse_change BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_refuse_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_refuse_change;
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_refuse_truncate;
"""

KEYS = """
ALTER TABLE api_keys
    ADD COLUMN frozen_at timestamptz,
    ADD COLUMN frozen_reason text,
    ADD CONSTRAINT api_keys_frozen_reason_check CHECK ((frozen_at IS NULL) = (frozen_reason IS NULL));
CREATE TABLE key_uses (
    key_id text CONSTRAINT key_uses_pkey PRIMARY KEY CONSTRAINT key_uses_key_id_fkey REFERENCES api_keys,
    last_used_at timestamptz NOT NULL
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON key_uses TO ledger_app;
"""

# What the application makes is what one key has proposed and another approved, and nothing that approves. The owner,
# who makes keys by the command line, is not asked.
GRANTS = """
CREATE FUNCTION refuse_ungranted_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') AND (
        NEW.role IN ('admin', 'approver') OR NEW.revoked_at IS NOT NULL OR NOT EXISTS (
            SELECT FROM approvals a
             WHERE a.program_id = NEW.program_id AND a.kind = 'key' AND a.status = 'approved'
               AND a.subject = NEW.key_id
               AND a.content ->> 'digest' = encode(NEW.digest, 'hex')
               AND a.content ->> 'role' = NEW.role
               AND a.content ->> 'region' IS NOT DISTINCT FROM NEW.region))
    THEN
        RAISE EXCEPTION 'a key is what one key has proposed and another approved'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER api_keys_by_two_hands BEFORE INSERT ON api_keys
    FOR EACH ROW EXECUTE FUNCTION refuse_ungranted_keys();
ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_by_two_hands;
GRANT INSERT ON api_keys TO ledger_app;
"""


def upgrade() -> None:
    for statement in (OUTCOMES, EVENTS, GUARDS, KEYS, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
