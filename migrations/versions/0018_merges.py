"""Merges: two members who are one. What one has goes over to the other's books, and comes back where that is undone.

Checks that widen are added without reading the rows; a later revision reads them.

Revision: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BOOKS = """
ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check CHECK (kind IN (
    'earn', 'award', 'redeem', 'refund', 'return', 'transfer_out', 'transfer_in', 'expire', 'reversal',
    'activity', 'referral', 'fund_grant', 'fund_spend', 'hold', 'capture', 'release', 'adjust',
    'merge_out', 'merge_in'
)) NOT VALID;

-- Growth goes from one member's books into another's by this account alone.
INSERT INTO chart (account, name, side, normal_side, unit) VALUES
    (62, 'growth_transfer', 'house', 'debit', 'GROWTH');

ALTER TABLE postings DROP CONSTRAINT postings_unit_check;
ALTER TABLE postings ADD CONSTRAINT postings_unit_check CHECK (
    CASE
        WHEN unit = 1 THEN
            (debit IN (1, 2, 3, 50, 51, 52, 53, 54, 55) AND credit IN (1, 2, 3, 50, 51, 52, 53, 54, 55))
            OR (debit IN (5, 56, 57) AND credit IN (5, 56, 57))
            OR (debit IN (70, 71) AND credit IN (70, 71))
        WHEN unit = 2 THEN debit IN (4, 60, 61, 62) AND credit IN (4, 60, 61, 62)
        WHEN unit BETWEEN 8 AND 999 THEN debit BETWEEN 80 AND 84 AND credit BETWEEN 80 AND 84
        -- A residue is less than one minor unit.
        WHEN unit BETWEEN 1008 AND 1999 THEN
            debit IN (90, 91) AND credit IN (90, 91) AND amount < 1000000
        ELSE false
    END
) NOT VALID;
"""

MERGES = """
-- In whose books a member's points and growth are now; a posting reads it with the row that it locks.
ALTER TABLE holders ADD COLUMN merged_into uuid;

-- Who was merged into whom, and until when.
CREATE TABLE merges (
    holder_id uuid NOT NULL CONSTRAINT merges_holder_id_fkey REFERENCES holders,
    merge_id uuid NOT NULL,
    duplicate_id uuid NOT NULL CONSTRAINT merges_duplicate_id_check CHECK (duplicate_id <> holder_id),
    merged_at timestamptz NOT NULL,
    undone_at timestamptz CONSTRAINT merges_undone_at_check CHECK (undone_at >= merged_at),
    -- Lots of growth of the duplicate whose orders the survivor's growth counts already.
    uncounted uuid[] NOT NULL,
    CONSTRAINT merges_pkey PRIMARY KEY (holder_id, merge_id)
);
CREATE INDEX merges_duplicate_id_idx ON merges (duplicate_id);

CREATE FUNCTION refuse_all_but_undoing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL
        AND (NEW.holder_id, NEW.merge_id, NEW.duplicate_id, NEW.merged_at, NEW.uncounted)
            IS NOT DISTINCT FROM (OLD.holder_id, OLD.merge_id, OLD.duplicate_id, OLD.merged_at, OLD.uncounted)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: it is append-only, and a merge is undone at most', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER merges_refuse_change BEFORE UPDATE OR DELETE ON merges
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_undoing();
CREATE TRIGGER merges_refuse_truncate BEFORE TRUNCATE ON merges
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE merges ENABLE ALWAYS TRIGGER merges_refuse_change;
ALTER TABLE merges ENABLE ALWAYS TRIGGER merges_refuse_truncate;
"""

GRANTS = """
GRANT UPDATE (merged_into) ON holders TO ledger_app;
GRANT SELECT, INSERT ON merges TO ledger_app;
GRANT UPDATE (undone_at) ON merges TO ledger_app;
"""


def upgrade() -> None:
    op.execute(BOOKS)
    op.execute(MERGES)
    op.execute(GRANTS)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
