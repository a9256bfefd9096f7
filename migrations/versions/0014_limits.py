"""Limits: locks of members with their history, and holders whose limits are counted.

A terminal, a store and a key become holders as operators are: rows to lock and to count by, and no books. Checks that
widen are added without reading the rows; 0017 reads them.

Revision: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

HOLDERS = """
-- Bits: 1 frozen by the house, 2 spending locked by the member. A posting reads them with the row that it locks.
ALTER TABLE holders ADD COLUMN locks smallint NOT NULL DEFAULT 0;
ALTER TABLE holders ADD CONSTRAINT holders_locks_check CHECK (locks BETWEEN 0 AND 3) NOT VALID;

ALTER TABLE holders DROP CONSTRAINT holders_member_id_check;
ALTER TABLE holders ADD CONSTRAINT holders_member_id_check CHECK (
    member_id ~ '^([A-Za-z0-9._:-]{1,64}|(fund|operator|terminal|store|key)/[A-Za-z0-9._:-]{1,96})$'
) NOT VALID;
"""

EVENTS = """
-- Who has put a lock on a member or taken it off, and why.
CREATE TABLE member_lock_events (
    holder_id uuid NOT NULL CONSTRAINT member_lock_events_holder_id_fkey REFERENCES holders,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    is_on boolean NOT NULL,
    lock text NOT NULL CONSTRAINT member_lock_events_lock_check CHECK (lock IN ('frozen', 'spend')),
    changed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT member_lock_events_pkey PRIMARY KEY (holder_id, event_id)
);

-- The reason is in words, which may have to be erased: that change of it is let through, and no other.
CREATE FUNCTION refuse_all_but_erased_reason() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.reason = 'erased'
        AND (NEW.holder_id, NEW.event_id, NEW.recorded_at, NEW.is_on, NEW.lock, NEW.changed_by)
            IS NOT DISTINCT FROM
            (OLD.holder_id, OLD.event_id, OLD.recorded_at, OLD.is_on, OLD.lock, OLD.changed_by)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: it is append-only, and a reason is erased at most', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER member_lock_events_refuse_change BEFORE UPDATE OR DELETE ON member_lock_events
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erased_reason();
CREATE TRIGGER member_lock_events_refuse_truncate BEFORE TRUNCATE ON member_lock_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE member_lock_events ENABLE ALWAYS TRIGGER member_lock_events_refuse_change;
ALTER TABLE member_lock_events ENABLE ALWAYS TRIGGER member_lock_events_refuse_truncate;
"""

SHARED = """
-- Members with the same attribute, where the terms of a program limit how many there may be.
CREATE INDEX member_attributes_attributes_idx ON member_attributes USING gin (attributes jsonb_path_ops);
"""

GRANTS = """
GRANT UPDATE (locks) ON holders TO ledger_app;
GRANT SELECT, INSERT ON member_lock_events TO ledger_app;
"""


def upgrade() -> None:
    op.execute(HOLDERS)
    op.execute(EVENTS)
    op.execute(SHARED)
    op.execute(GRANTS)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
