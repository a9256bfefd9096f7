"""Keys that are frozen, set free, rotated and revoked over HTTP; who has done it, and why.

The application gets the right to change what ends a key, and a trigger that lets it end keys and nothing more: what is
revoked stays revoked, no key lives longer than it was to, and one that approves is set free by the owner alone.

Revision: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

EVENTS = """
CREATE TABLE key_events (
    key_id text NOT NULL CONSTRAINT key_events_key_id_fkey REFERENCES api_keys,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    change text NOT NULL
        CONSTRAINT key_events_change_check CHECK (change IN ('freeze', 'unfreeze', 'rotate', 'revoke')),
    changed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT key_events_pkey PRIMARY KEY (key_id, event_id)
);
CREATE TRIGGER key_events_refuse_change BEFORE UPDATE OR DELETE ON key_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER key_events_refuse_truncate BEFORE TRUNCATE ON key_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE key_events ENABLE ALWAYS TRIGGER key_events_refuse_change;
ALTER TABLE key_events ENABLE ALWAYS TRIGGER key_events_refuse_truncate;
"""

CHANGES = """
CREATE FUNCTION refuse_looser_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') AND (
        OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
        OR OLD.expires_at IS NOT NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at)
        OR NEW.role IN ('admin', 'approver') AND (
            OLD.frozen_at IS NOT NULL AND NEW.frozen_at IS NULL
            OR NEW.expires_at IS DISTINCT FROM OLD.expires_at))
    THEN
        RAISE EXCEPTION 'the application ends keys, and neither revives nor prolongs them'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER api_keys_only_end BEFORE UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION refuse_looser_keys();
ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_only_end;
"""

GRANTS = """
GRANT UPDATE (expires_at, revoked_at, frozen_at, frozen_reason) ON api_keys TO ledger_app;
GRANT SELECT, INSERT ON key_events TO ledger_app;
"""


def upgrade() -> None:
    for statement in (EVENTS, CHANGES, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
