"""Reviews: awards that are held until somebody has looked, and what was decided on them.

Checks that widen are added without reading the rows; a later revision reads them.

Revision: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BOOKS = """
ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check CHECK (kind IN (
    'earn', 'award', 'redeem', 'refund', 'return', 'transfer_out', 'transfer_in', 'expire', 'reversal',
    'activity', 'referral', 'fund_grant', 'fund_spend', 'hold', 'capture', 'release', 'adjust',
    'merge_out', 'merge_in', 'reject'
)) NOT VALID;
"""

LOCKS = """
-- Bits: 1 frozen by the house, 2 spending locked by the member, 4 what he is awarded is held for review.
ALTER TABLE holders DROP CONSTRAINT holders_locks_check;
ALTER TABLE holders ADD CONSTRAINT holders_locks_check CHECK (locks BETWEEN 0 AND 7) NOT VALID;

ALTER TABLE member_lock_events DROP CONSTRAINT member_lock_events_lock_check;
ALTER TABLE member_lock_events ADD CONSTRAINT member_lock_events_lock_check
    CHECK (lock IN ('frozen', 'spend', 'review')) NOT VALID;
"""

REVIEWS = """
-- Whether an award stands whose points are held. Whoever decides has another key than whoever has sent the award.
CREATE TABLE reviews (
    holder_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    opened_by text NOT NULL,
    program_id integer NOT NULL,
    decision text CONSTRAINT reviews_decision_check CHECK (decision IN ('released', 'rejected')),
    decided_by text CONSTRAINT reviews_decided_by_check CHECK (decided_by <> opened_by AND decided_by <> ''),
    CONSTRAINT reviews_pkey PRIMARY KEY (holder_id, hold_id),
    CONSTRAINT reviews_holder_id_fkey FOREIGN KEY (holder_id, hold_id) REFERENCES holds,
    CONSTRAINT reviews_whole_check CHECK ((decision IS NULL) = (decided_by IS NULL))
);
CREATE INDEX reviews_program_id_idx ON reviews (program_id, hold_id);

CREATE FUNCTION refuse_all_but_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.decision IS NULL AND NEW.decision IS NOT NULL
        AND (NEW.holder_id, NEW.hold_id, NEW.entry_id, NEW.opened_by, NEW.program_id)
            IS NOT DISTINCT FROM (OLD.holder_id, OLD.hold_id, OLD.entry_id, OLD.opened_by, OLD.program_id)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: a review is append-only, and decided once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER reviews_refuse_change BEFORE UPDATE OR DELETE ON reviews
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_verdict();
CREATE TRIGGER reviews_refuse_truncate BEFORE TRUNCATE ON reviews
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE reviews ENABLE ALWAYS TRIGGER reviews_refuse_change;
ALTER TABLE reviews ENABLE ALWAYS TRIGGER reviews_refuse_truncate;
"""

GRANTS = """
GRANT SELECT, INSERT ON reviews TO ledger_app;
GRANT UPDATE (decision, decided_by) ON reviews TO ledger_app;
"""


def upgrade() -> None:
    for statement in (BOOKS, LOCKS, REVIEWS, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
