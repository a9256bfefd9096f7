"""Privacy: words about members beside the books, where they can be erased, and who was erased.

An entry of before keeps its words where they are: they lie inside its hash. From here on the hash covers a salted
digest of them, and they lie in ``entry_texts``. Erasing takes words and salt away, and nothing else of the row.

Revision: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE entry_texts (
    holder_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    salt bytea CONSTRAINT entry_texts_salt_check CHECK (length(salt) = 16),
    -- JSON, not JSONB: the digest covers the bytes as they were written.
    texts json,
    CONSTRAINT entry_texts_pkey PRIMARY KEY (holder_id, entry_id),
    CONSTRAINT entry_texts_entry_id_fkey FOREIGN KEY (entry_id, holder_id) REFERENCES entries,
    CONSTRAINT entry_texts_erased_check CHECK ((salt IS NULL) = (texts IS NULL))
);

-- The first erasure of a member; what is written of him later is erased again without another row.
CREATE TABLE erasures (
    holder_id uuid NOT NULL CONSTRAINT erasures_pkey PRIMARY KEY
        CONSTRAINT erasures_holder_id_fkey REFERENCES holders,
    erased_at timestamptz NOT NULL,
    erased_by text NOT NULL,
    reason text NOT NULL
);
"""

GUARDS = """
CREATE FUNCTION refuse_all_but_erasing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR (NEW.holder_id, NEW.entry_id) IS DISTINCT FROM (OLD.holder_id, OLD.entry_id)
        OR NEW.salt IS NOT NULL OR NEW.texts IS NOT NULL
    THEN
        RAISE EXCEPTION 'words beside the books are erased, and never changed'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entry_texts_erase_only BEFORE UPDATE OR DELETE ON entry_texts
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasing();
CREATE TRIGGER entry_texts_refuse_truncate BEFORE TRUNCATE ON entry_texts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE entry_texts ENABLE ALWAYS TRIGGER entry_texts_erase_only;
ALTER TABLE entry_texts ENABLE ALWAYS TRIGGER entry_texts_refuse_truncate;

CREATE TRIGGER erasures_refuse_change BEFORE UPDATE OR DELETE ON erasures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erasures_refuse_truncate BEFORE TRUNCATE ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE erasures ENABLE ALWAYS TRIGGER erasures_refuse_change;
ALTER TABLE erasures ENABLE ALWAYS TRIGGER erasures_refuse_truncate;
"""

# Beside a decision, one more change is let through: the word "erased" in place of why an adjustment was proposed or
# rejected, with the hash of just that content. Who, how much and when stay as they were.
APPROVALS = """
CREATE OR REPLACE FUNCTION refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.program_id, NEW.approval_id, NEW.kind, NEW.subject, NEW.proposed_by, NEW.proposed_at)
        IS NOT DISTINCT FROM
        (OLD.program_id, OLD.approval_id, OLD.kind, OLD.subject, OLD.proposed_by, OLD.proposed_at)
    THEN
        IF OLD.status = 'pending' AND NEW.status <> 'pending'
            AND (NEW.content::text, NEW.content_hash) IS NOT DISTINCT FROM (OLD.content::text, OLD.content_hash)
        THEN
            RETURN NEW;
        END IF;
        IF OLD.kind = 'adjustment'
            AND (NEW.status, NEW.decided_by, NEW.decided_at)
                IS NOT DISTINCT FROM (OLD.status, OLD.decided_by, OLD.decided_at)
            AND NEW.content::jsonb = jsonb_set(OLD.content::jsonb, '{reason}', '"erased"')
            AND NEW.content_hash = sha256(convert_to(NEW.content::text, 'UTF8'))
            AND NEW.reason IS NOT DISTINCT FROM (CASE WHEN OLD.reason IS NOT NULL THEN 'erased' END)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a proposal is decided once, and as it was proposed'
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""

GRANTS = """
GRANT SELECT, INSERT ON entry_texts, erasures TO ledger_app;
GRANT UPDATE (salt, texts) ON entry_texts TO ledger_app;
GRANT UPDATE (content, content_hash) ON approvals TO ledger_app;
GRANT UPDATE (reason) ON member_lock_events TO ledger_app;
"""


def upgrade() -> None:
    for part in (TABLES, GUARDS, APPROVALS, GRANTS):
        op.execute(part)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
