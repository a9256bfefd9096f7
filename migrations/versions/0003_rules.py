"""Rules: rule sets and who approved them, budgets as funds in the books, caps, tiers, referrals.

Rule sets, activations and switches are small and read by every posting, so they are whole on every node;
what belongs to a holder carries ``holder_id`` in its key. A fund and an operator are holders too: rows to
lock. Their names carry a slash, which no member's id can have.

Checks that widen hold for every row there is, so they are added without reading it; 0004 reads the rows with
postings going on beside it.

Revision: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HOLDERS = """
ALTER TABLE holders DROP CONSTRAINT holders_member_id_check;
ALTER TABLE holders ADD CONSTRAINT holders_member_id_check
    CHECK (member_id ~ '^([A-Za-z0-9._:-]{1,64}|(fund|operator)/[A-Za-z0-9._:-]{1,96})$') NOT VALID;

-- The tier as far as it is settled; what the clock has decided since is judged by whoever reads.
ALTER TABLE holders
    ADD COLUMN tier_since timestamptz,
    ADD COLUMN tier_ends_at timestamptz,
    ADD COLUMN tier_settled_at timestamptz,
    ADD COLUMN tier_terms_version integer NOT NULL DEFAULT 0,
    ADD COLUMN tier_in_grace boolean NOT NULL DEFAULT false,
    ADD COLUMN tier text;

-- What the jobs read: tiers whose time is up.
CREATE INDEX holders_program_id_idx ON holders (program_id, tier_ends_at, holder_id) WHERE tier_ends_at IS NOT NULL;

-- The funds of a program by their codes: a few among all its members.
CREATE INDEX holders_funds_idx ON holders (program_id, member_id) WHERE member_id LIKE 'fund/%';

ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check CHECK (kind IN (
    'earn', 'award', 'redeem', 'refund', 'return', 'transfer_out', 'transfer_in', 'expire', 'reversal',
    'activity', 'referral', 'fund_grant', 'fund_spend'
)) NOT VALID;

INSERT INTO chart (account, name, side, normal_side, unit) VALUES
    (5, 'fund', 'member', 'credit', 'POINT'),
    (56, 'fund_granted', 'house', 'debit', 'POINT'),
    (57, 'fund_spent', 'house', 'credit', 'POINT');

ALTER TABLE postings DROP CONSTRAINT postings_unit_check;
ALTER TABLE postings ADD CONSTRAINT postings_unit_check CHECK (
    CASE unit
        WHEN 1 THEN (debit IN (1, 2, 3, 50, 51, 52, 53, 54, 55) AND credit IN (1, 2, 3, 50, 51, 52, 53, 54, 55))
            OR (debit IN (5, 56, 57) AND credit IN (5, 56, 57))
        WHEN 2 THEN debit IN (4, 60, 61) AND credit IN (4, 60, 61)
        ELSE false
    END
) NOT VALID;

-- Changes with all that decides postings (terms, rule sets in force, switches): who has read that under a
-- stamp need not read it again while the stamp is the same.
ALTER TABLE programs ADD COLUMN stamp uuid NOT NULL DEFAULT gen_random_uuid();

-- The region that a key speaks for; none: headquarters.
ALTER TABLE api_keys ADD COLUMN region text;
"""

TABLES = """
-- An immutable version of somebody's rules. The owner is a region, or '' for headquarters.
CREATE TABLE rule_sets (
    program_id integer NOT NULL CONSTRAINT rule_sets_program_id_fkey REFERENCES programs,
    owner text NOT NULL,
    version integer NOT NULL CONSTRAINT rule_sets_version_check CHECK (version > 0),
    -- JSON, not JSONB: the bytes that were approved are the bytes that are kept.
    content json NOT NULL,
    content_hash bytea NOT NULL CONSTRAINT rule_sets_content_hash_check CHECK (length(content_hash) = 32),
    made_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT rule_sets_pkey PRIMARY KEY (program_id, owner, version)
);

-- From when on which version is in force: of the activations that have begun, the latest to begin counts,
-- and of those that begin together the latest recorded.
CREATE TABLE rule_activations (
    program_id integer NOT NULL,
    activation_id bigint GENERATED ALWAYS AS IDENTITY,
    owner text NOT NULL,
    version integer NOT NULL,
    active_from timestamptz NOT NULL,
    activated_by text NOT NULL,
    -- Why, where it was not approved for the first time but activated again.
    reason text,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT rule_activations_pkey PRIMARY KEY (program_id, activation_id),
    CONSTRAINT rule_activations_program_id_fkey FOREIGN KEY (program_id, owner, version) REFERENCES rule_sets
);

-- Rules and campaigns turned off and on again; the latest row of a name counts, from when it is recorded.
CREATE TABLE rule_switches (
    program_id integer NOT NULL CONSTRAINT rule_switches_program_id_fkey REFERENCES programs,
    switch_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CONSTRAINT rule_switches_kind_check CHECK (kind IN ('rule', 'campaign')),
    code text NOT NULL,
    is_on boolean NOT NULL,
    reason text NOT NULL,
    switched_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT rule_switches_pkey PRIMARY KEY (program_id, switch_id)
);

-- What one principal proposes and another decides. The content is hashed when it is proposed, and the
-- hash is what is approved; nobody decides on his own proposal, and nobody decides twice.
CREATE TABLE approvals (
    program_id integer NOT NULL CONSTRAINT approvals_program_id_fkey REFERENCES programs,
    approval_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    content json NOT NULL,
    content_hash bytea NOT NULL CONSTRAINT approvals_content_hash_check CHECK (length(content_hash) = 32),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending'
        CONSTRAINT approvals_status_check CHECK (status IN ('pending', 'approved', 'rejected')),
    decided_by text,
    decided_at timestamptz,
    reason text,
    CONSTRAINT approvals_pkey PRIMARY KEY (program_id, approval_id),
    CONSTRAINT approvals_decision_check CHECK (
        (status = 'pending') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)
    ),
    CONSTRAINT approvals_decided_by_check CHECK (decided_by <> proposed_by)
);

CREATE FUNCTION refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'pending' OR NEW.status = 'pending'
        OR (NEW.program_id, NEW.approval_id, NEW.kind, NEW.subject, NEW.content::text, NEW.content_hash,
            NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM (OLD.program_id, OLD.approval_id, OLD.kind, OLD.subject, OLD.content::text,
            OLD.content_hash, OLD.proposed_by, OLD.proposed_at)
    THEN
        RAISE EXCEPTION 'a proposal is decided once, and as it was proposed'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_decide_once BEFORE UPDATE ON approvals
    FOR EACH ROW EXECUTE FUNCTION refuse_second_decision();
ALTER TABLE approvals ENABLE ALWAYS TRIGGER approvals_decide_once;

-- How much of a cap, or how many visits, a holder has used. Subject and period are the rules' own names.
CREATE TABLE usages (
    holder_id uuid NOT NULL CONSTRAINT usages_holder_id_fkey REFERENCES holders,
    subject text NOT NULL,
    period text NOT NULL,
    amount bigint NOT NULL,
    times bigint NOT NULL,
    CONSTRAINT usages_pkey PRIMARY KEY (holder_id, subject, period)
) WITH (fillfactor = 80);

-- Every change of a member's tier, and every period for which it was kept, with its reason.
CREATE TABLE tier_events (
    holder_id uuid NOT NULL CONSTRAINT tier_events_holder_id_fkey REFERENCES holders,
    ordinal integer NOT NULL CONSTRAINT tier_events_ordinal_check CHECK (ordinal > 0),
    terms_version integer NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    ends_at timestamptz,
    growth bigint NOT NULL,
    entry_id uuid,
    from_tier text,
    to_tier text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT tier_events_pkey PRIMARY KEY (holder_id, ordinal)
);

-- Benefits of a tier, each issued once for its period, however often the event is replayed.
CREATE TABLE entitlements (
    holder_id uuid NOT NULL CONSTRAINT entitlements_holder_id_fkey REFERENCES holders,
    code text NOT NULL,
    period text NOT NULL,
    tier text NOT NULL,
    issued_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT entitlements_pkey PRIMARY KEY (holder_id, code, period)
);

-- Who brought whom. ``settled_entry_id`` is the referee's first purchase, once it is there.
CREATE TABLE referrals (
    holder_id uuid NOT NULL CONSTRAINT referrals_holder_id_fkey REFERENCES holders,
    referrer_holder_id uuid NOT NULL,
    referrer_id text NOT NULL,
    activity_entry_id uuid NOT NULL,
    settled_entry_id uuid,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT referrals_pkey PRIMARY KEY (holder_id)
);
CREATE INDEX referrals_referrer_holder_id_idx ON referrals (referrer_holder_id, recorded_at, holder_id);
"""

GRANTS = """
GRANT SELECT ON rule_sets, rule_activations, rule_switches, approvals, usages, tier_events, entitlements,
    referrals TO ledger_app;
GRANT INSERT ON rule_sets, rule_activations, rule_switches, approvals, usages, tier_events, entitlements,
    referrals TO ledger_app;
GRANT UPDATE (stamp) ON programs TO ledger_app;
GRANT UPDATE (tier_since, tier_ends_at, tier_settled_at, tier_terms_version, tier_in_grace, tier)
    ON holders TO ledger_app;
GRANT UPDATE (status, decided_by, decided_at, reason) ON approvals TO ledger_app;
GRANT UPDATE (amount, times) ON usages TO ledger_app;
GRANT UPDATE (settled_entry_id) ON referrals TO ledger_app;
"""


def upgrade() -> None:
    op.execute(HOLDERS)
    op.execute(TABLES)
    for table in ("rule_sets", "rule_activations", "rule_switches", "tier_events", "entitlements"):
        op.execute(_append_only(table))
    op.execute(GRANTS)


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
