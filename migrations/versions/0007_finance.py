"""Finance: daily totals, accounting periods, deferral policies and estimates; adjustments among the kinds of entries.

Totals and what is flagged follow from the entries and may be thrown away and made again. The rest is small, is
read by reports, and never changes: whole on every node.

Revision: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BOOKS = """
ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check CHECK (kind IN (
    'earn', 'award', 'redeem', 'refund', 'return', 'transfer_out', 'transfer_in', 'expire', 'reversal',
    'activity', 'referral', 'fund_grant', 'fund_spend', 'hold', 'capture', 'release', 'adjust'
)) NOT VALID;
"""

FUNCTIONS = """
-- A lot's id is its entry's but for the last two bytes, which number the lot.
CREATE FUNCTION entry_of_lot(lot uuid) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN overlay(lot::text PLACING '0000' FROM 33)::uuid;
CREATE FUNCTION ordinal_of_lot(lot uuid) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN get_byte(uuid_send(lot), 14) * 256 + get_byte(uuid_send(lot), 15);
"""

TOTALS = """
-- How far the totals have come: they hold the entries whose id is below this one.
CREATE TABLE totals_state (
    program_id integer NOT NULL CONSTRAINT totals_state_program_id_fkey REFERENCES programs,
    through uuid NOT NULL,
    refreshed_at timestamptz NOT NULL,
    CONSTRAINT totals_state_pkey PRIMARY KEY (program_id)
);

-- Sums of postings by day, on which they were effective, recorded and booked, under a key of a dimension.
CREATE TABLE daily_totals (
    program_id integer NOT NULL,
    dimension text NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    key text NOT NULL,
    unit smallint NOT NULL,
    debit smallint NOT NULL,
    credit smallint NOT NULL,
    amount numeric NOT NULL,
    postings bigint NOT NULL,
    CONSTRAINT daily_totals_pkey
        PRIMARY KEY (program_id, dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit)
);

-- Between which times and ids the entries of such days lie: a report takes whole days from the totals, and reads
-- the entries of the days that it cuts.
CREATE TABLE total_days (
    program_id integer NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    entries bigint NOT NULL,
    first_entry_id uuid NOT NULL,
    last_entry_id uuid NOT NULL,
    first_effective_at timestamptz NOT NULL,
    last_effective_at timestamptz NOT NULL,
    first_recorded_at timestamptz NOT NULL,
    last_recorded_at timestamptz NOT NULL,
    first_booked_at timestamptz NOT NULL,
    last_booked_at timestamptz NOT NULL,
    CONSTRAINT total_days_pkey PRIMARY KEY (program_id, effective_on, recorded_on, booked_on)
);

-- What purchases and returns did to the price that is allocated to points, by issue month and policy; minor units.
CREATE TABLE contract_totals (
    program_id integer NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    cohort date NOT NULL,
    policy_version integer NOT NULL,
    measure text NOT NULL CONSTRAINT contract_totals_measure_check
        CHECK (measure IN ('price', 'points', 'allocated', 'reversed', 'price_changed')),
    amount numeric NOT NULL,
    CONSTRAINT contract_totals_pkey
        PRIMARY KEY (program_id, effective_on, recorded_on, booked_on, cohort, policy_version, measure)
);

-- Entries that somebody will ask about: those that came late, and those that were made by hand.
CREATE TABLE flagged_entries (
    program_id integer NOT NULL,
    flag text NOT NULL CONSTRAINT flagged_entries_flag_check CHECK (flag IN ('late', 'manual')),
    entry_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    CONSTRAINT flagged_entries_pkey PRIMARY KEY (program_id, flag, entry_id, holder_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON totals_state, daily_totals, total_days, contract_totals, flagged_entries TO ledger_app;
"""

PERIODS = """
-- What has become of accounting months. Without an event, a month is open.
CREATE TABLE period_events (
    program_id integer NOT NULL CONSTRAINT period_events_program_id_fkey REFERENCES programs,
    event_id uuid NOT NULL,
    period date NOT NULL CONSTRAINT period_events_period_check CHECK (extract(day FROM period) = 1),
    status text NOT NULL CONSTRAINT period_events_status_check
        CHECK (status IN ('open', 'soft_closed', 'locked')),
    recorded_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    approved_by text,
    reason text,
    -- Of a close: what it froze, and the hash of these very bytes.
    pack json,
    pack_hash bytea,
    CONSTRAINT period_events_pkey PRIMARY KEY (program_id, event_id),
    CONSTRAINT period_events_approved_by_check CHECK (
        status <> 'open' OR (approved_by IS NOT NULL AND approved_by <> changed_by AND reason IS NOT NULL)
    ),
    CONSTRAINT period_events_pack_check
        CHECK ((status = 'locked') = (pack IS NOT NULL) AND (pack IS NULL) = (pack_hash IS NULL))
);
"""

ESTIMATES = """
-- How points are measured in money. A policy holds for the cohorts (issue months) from applies_from on.
CREATE TABLE deferral_policies (
    program_id integer NOT NULL CONSTRAINT deferral_policies_program_id_fkey REFERENCES programs,
    version integer NOT NULL CONSTRAINT deferral_policies_version_check CHECK (version > 0),
    policy_id uuid NOT NULL,
    applies_from date NOT NULL,
    method text NOT NULL CONSTRAINT deferral_policies_method_check CHECK (
        method IN ('deferral_relative_ssp', 'deferral_residual_fv', 'cost_provision', 'agent_net')
    ),
    -- Money of one point in major units; null: the bid in force.
    unit_value numeric CONSTRAINT deferral_policies_unit_value_check CHECK (unit_value > 0),
    unit_cost numeric CONSTRAINT deferral_policies_unit_cost_check CHECK (unit_cost > 0),
    settlement_price numeric CONSTRAINT deferral_policies_settlement_price_check CHECK (settlement_price >= 0),
    -- Decimals that the share of the points in a price is rounded to; null: not at all.
    share_decimals smallint CONSTRAINT deferral_policies_share_decimals_check CHECK (share_decimals BETWEEN 1 AND 12),
    -- The part of a price that is tax, on top of the net price: 0.13 where 113 are paid for 100.
    tax_rate numeric NOT NULL CONSTRAINT deferral_policies_tax_rate_check CHECK (tax_rate >= 0 AND tax_rate < 1),
    recorded_at timestamptz NOT NULL,
    reason text NOT NULL,
    proposed_by text,
    approved_by text,
    CONSTRAINT deferral_policies_pkey PRIMARY KEY (program_id, version),
    CONSTRAINT deferral_policies_settlement_check
        CHECK ((method = 'agent_net') = (settlement_price IS NOT NULL)),
    CONSTRAINT deferral_policies_approved_by_check CHECK (
        version = 1 OR (proposed_by IS NOT NULL AND approved_by IS NOT NULL AND approved_by <> proposed_by)
    )
);
INSERT INTO deferral_policies
    (program_id, version, policy_id, applies_from, method, tax_rate, recorded_at, reason)
SELECT program_id, 1, '00000000-0000-0000-0000-000000000000', '1970-01-01', 'deferral_relative_ssp', 0, now(),
       'the policy that a program begins with'
  FROM programs;

-- What share of a cohort's points will ever be redeemed; without a cohort, of every cohort that has none of its own.
CREATE TABLE estimates (
    program_id integer NOT NULL CONSTRAINT estimates_program_id_fkey REFERENCES programs,
    version integer NOT NULL CONSTRAINT estimates_version_check CHECK (version > 0),
    estimate_id uuid NOT NULL,
    cohort date CONSTRAINT estimates_cohort_check CHECK (extract(day FROM cohort) = 1),
    -- The first accounting month that goes by it.
    applies_from date NOT NULL CONSTRAINT estimates_applies_from_check
        CHECK (extract(day FROM applies_from) = 1),
    expected_redemption numeric NOT NULL CONSTRAINT estimates_expected_redemption_check
        CHECK (expected_redemption > 0 AND expected_redemption <= 1),
    method text NOT NULL,
    inputs json NOT NULL,
    recorded_at timestamptz NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    approved_by text NOT NULL CONSTRAINT estimates_approved_by_check CHECK (approved_by <> proposed_by),
    CONSTRAINT estimates_pkey PRIMARY KEY (program_id, version)
);
"""

GRANTS = """
GRANT SELECT, INSERT ON period_events, deferral_policies, estimates TO ledger_app;
"""


def upgrade() -> None:
    for part in (BOOKS, FUNCTIONS, TOTALS, PERIODS, ESTIMATES):
        op.execute(part)
    for table in ("period_events", "deferral_policies", "estimates"):
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
