"""Points plus cash: rates, quotes, holds, money in the books, and the batches of tills that were offline.

What belongs to a holder carries ``holder_id`` in its key; rates are small and read by every posting, so they are
whole on every node. Checks that widen are added without reading the rows; 0006 reads them.

Revision: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MAX = 2**53 - 1

BOOKS = """
ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check CHECK (kind IN (
    'earn', 'award', 'redeem', 'refund', 'return', 'transfer_out', 'transfer_in', 'expire', 'reversal',
    'activity', 'referral', 'fund_grant', 'fund_spend', 'hold', 'capture', 'release'
)) NOT VALID;

-- Money is kept in the program's currency: the unit is its ISO 4217 number, or 1000 more for millionths of a
-- minor unit.
INSERT INTO chart (account, name, side, normal_side, unit) VALUES
    (70, 'trading_points', 'house', 'debit', 'POINT'),
    (71, 'converted', 'house', 'credit', 'POINT'),
    (80, 'tender_cash', 'house', 'debit', 'MONEY'),
    (81, 'sales', 'house', 'credit', 'MONEY'),
    (82, 'points_discount', 'house', 'debit', 'MONEY'),
    (83, 'trading_money', 'house', 'credit', 'MONEY'),
    (84, 'points_sold', 'house', 'credit', 'MONEY'),
    (90, 'rounding', 'house', 'credit', 'MICRO'),
    (91, 'trading_residue', 'house', 'debit', 'MICRO');

ALTER TABLE postings DROP CONSTRAINT postings_unit_check;
ALTER TABLE postings ADD CONSTRAINT postings_unit_check CHECK (
    CASE
        WHEN unit = 1 THEN
            (debit IN (1, 2, 3, 50, 51, 52, 53, 54, 55) AND credit IN (1, 2, 3, 50, 51, 52, 53, 54, 55))
            OR (debit IN (5, 56, 57) AND credit IN (5, 56, 57))
            OR (debit IN (70, 71) AND credit IN (70, 71))
        WHEN unit = 2 THEN debit IN (4, 60, 61) AND credit IN (4, 60, 61)
        WHEN unit BETWEEN 8 AND 999 THEN debit BETWEEN 80 AND 84 AND credit BETWEEN 80 AND 84
        -- A residue is less than one minor unit.
        WHEN unit BETWEEN 1008 AND 1999 THEN
            debit IN (90, 91) AND credit IN (90, 91) AND amount < 1000000
        ELSE false
    END
) NOT VALID;

ALTER TABLE rule_switches DROP CONSTRAINT rule_switches_kind_check;
ALTER TABLE rule_switches ADD CONSTRAINT rule_switches_kind_check
    CHECK (kind IN ('rule', 'campaign', 'band')) NOT VALID;
"""

TABLES = f"""
-- What a point is worth, in major units of the program's currency: versions that never change, in force from
-- valid_from until the next one begins. The first is there from the beginning; every other one was proposed by
-- one principal and approved by another.
CREATE TABLE rates (
    program_id integer NOT NULL CONSTRAINT rates_program_id_fkey REFERENCES programs,
    version integer NOT NULL CONSTRAINT rates_version_check CHECK (version > 0),
    bid numeric NOT NULL,
    ask numeric NOT NULL CONSTRAINT rates_ask_check CHECK (ask >= bid),
    floor numeric NOT NULL CONSTRAINT rates_floor_check CHECK (floor > 0),
    ceiling numeric NOT NULL,
    max_step numeric NOT NULL CONSTRAINT rates_max_step_check CHECK (max_step > 0 AND max_step <= 1),
    valid_from timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    reason text NOT NULL,
    proposed_by text,
    approved_by text,
    CONSTRAINT rates_pkey PRIMARY KEY (program_id, version),
    CONSTRAINT rates_bid_check CHECK (bid BETWEEN floor AND ceiling),
    CONSTRAINT rates_valid_from_check CHECK (valid_from >= recorded_at OR version = 1),
    CONSTRAINT rates_approved_by_check CHECK (
        version = 1 OR (proposed_by IS NOT NULL AND approved_by IS NOT NULL AND approved_by <> proposed_by)
    )
);

-- What a member was told that points are worth against a price. Used once, by the entry that is named.
CREATE TABLE quotes (
    holder_id uuid NOT NULL CONSTRAINT quotes_holder_id_fkey REFERENCES holders,
    quote_id uuid NOT NULL,
    points bigint NOT NULL CONSTRAINT quotes_points_check CHECK (points BETWEEN 1 AND {MAX}),
    points_value bigint NOT NULL,
    price bigint NOT NULL CONSTRAINT quotes_price_check CHECK (price BETWEEN 1 AND {MAX}),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    rate_version integer NOT NULL,
    used_entry_id uuid,
    store text,
    sku text,
    CONSTRAINT quotes_pkey PRIMARY KEY (holder_id, quote_id),
    CONSTRAINT quotes_points_value_check CHECK (points_value BETWEEN 1 AND price),
    CONSTRAINT quotes_expires_at_check CHECK (expires_at > made_at)
);
CREATE INDEX quotes_holder_id_idx ON quotes (holder_id, expires_at) WHERE used_entry_id IS NULL;

CREATE FUNCTION refuse_second_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a quote is used once' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER quotes_use_once BEFORE UPDATE ON quotes
    FOR EACH ROW WHEN (OLD.used_entry_id IS NOT NULL OR NEW.used_entry_id IS NULL)
    EXECUTE FUNCTION refuse_second_use();
ALTER TABLE quotes ENABLE ALWAYS TRIGGER quotes_use_once;

-- Holds are what the postings make of them (ledger verify proves it), like lots. The hold's id is its entry's.
CREATE TABLE holds (
    holder_id uuid NOT NULL CONSTRAINT holds_holder_id_fkey REFERENCES holders,
    hold_id uuid NOT NULL,
    points bigint NOT NULL CONSTRAINT holds_points_check CHECK (points BETWEEN 1 AND {MAX}),
    captured bigint NOT NULL DEFAULT 0 CONSTRAINT holds_captured_check CHECK (captured BETWEEN 0 AND points),
    expires_at timestamptz NOT NULL,
    closed_entry_id uuid,
    quote_id uuid,
    program_id integer NOT NULL,
    status text NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (holder_id, hold_id),
    CONSTRAINT holds_status_check CHECK (status IN ('open', 'captured', 'released', 'lapsed')),
    CONSTRAINT holds_closed_entry_id_check CHECK ((status = 'open') = (closed_entry_id IS NULL)),
    CONSTRAINT holds_captured_status_check CHECK ((captured > 0) = (status = 'captured'))
) WITH (fillfactor = 85);
CREATE INDEX holds_holder_id_idx ON holds (holder_id) WHERE status = 'open';
CREATE INDEX holds_program_id_idx ON holds (program_id, expires_at, holder_id) WHERE status = 'open';

-- Which batches of which device have arrived: so that a gap is seen, and another batch under the same number refused.
CREATE TABLE till_batches (
    program_id integer NOT NULL,
    device_id text NOT NULL,
    sequence bigint NOT NULL CONSTRAINT till_batches_sequence_check CHECK (sequence > 0),
    digest bytea NOT NULL,
    operations integer NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT till_batches_pkey PRIMARY KEY (program_id, device_id, sequence)
);
"""

ALERTS = """
-- What somebody should look at: once for each code and subject.
CREATE TABLE alerts (
    program_id integer NOT NULL CONSTRAINT alerts_program_id_fkey REFERENCES programs,
    alert_id uuid NOT NULL,
    code text NOT NULL,
    subject text NOT NULL,
    details json NOT NULL,
    raised_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note text,
    CONSTRAINT alerts_pkey PRIMARY KEY (program_id, alert_id),
    CONSTRAINT alerts_program_id_key UNIQUE (program_id, code, subject),
    CONSTRAINT alerts_acknowledged_by_check CHECK (
        (acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (acknowledged_at IS NULL) = (note IS NULL)
    )
);
GRANT SELECT, INSERT ON alerts TO ledger_app;
GRANT UPDATE (acknowledged_at, acknowledged_by, note) ON alerts TO ledger_app;
"""

INDEXES = """
-- What tills took offline and nothing covered: a few rows among all usages.
CREATE INDEX usages_overrun_idx ON usages (period, holder_id) WHERE subject LIKE 'overrun:%';
"""

# One point is one minor unit: what programs begin with, by the digits of their currency.
FIRST_RATES = """
INSERT INTO rates (program_id, version, bid, ask, floor, ceiling, max_step, valid_from, recorded_at, reason)
SELECT program_id, 1, minor, minor, minor * 0.7, minor * 1.3, 0.2, '1970-01-01T00:00:00Z', now(),
       'the rate that a program begins with'
  FROM programs
 CROSS JOIN LATERAL (SELECT CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI',
            'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 1
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
        WHEN currency IN ('CLF', 'UYW') THEN 0.0001
        ELSE 0.01 END AS minor) AS units;
"""

GRANTS = """
GRANT SELECT, INSERT ON rates, quotes, holds, till_batches TO ledger_app;
GRANT UPDATE (used_entry_id) ON quotes TO ledger_app;
GRANT UPDATE (captured, closed_entry_id, status) ON holds TO ledger_app;
"""


def upgrade() -> None:
    op.execute(BOOKS)
    op.execute(TABLES)
    op.execute(ALERTS)
    op.execute(INDEXES)
    op.execute(FIRST_RATES)
    for table in ("rates", "till_batches"):
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
