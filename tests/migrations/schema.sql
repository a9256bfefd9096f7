-- The schema after all migrations, as pg_dump shows it. Written by make golden.

CREATE FUNCTION public.entry_of_lot(lot uuid) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (OVERLAY((lot)::text PLACING '0000'::text FROM 33))::uuid;

CREATE FUNCTION public.ordinal_of_lot(lot uuid) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ((get_byte(uuid_send(lot), 14) * 256) + get_byte(uuid_send(lot), 15));

CREATE FUNCTION public.refuse_all_but_erased_reason() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_all_but_erasing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR (NEW.holder_id, NEW.entry_id) IS DISTINCT FROM (OLD.holder_id, OLD.entry_id)
        OR NEW.salt IS NOT NULL OR NEW.texts IS NOT NULL
    THEN
        RAISE EXCEPTION 'words beside the books are erased, and never changed'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.refuse_all_but_undoing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_all_but_verdict() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the books are append-only; post a reversal instead', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION public.refuse_looser_keys() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_revoked_keys() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM api_keys
         WHERE revoked_at IS NOT NULL
           AND (key_id = NEW.decided_by OR key_id = NEW.proposed_by AND NEW.status = 'approved'))
    THEN
        RAISE EXCEPTION 'a revoked key neither approves nor has anything approved'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.refuse_second_decision() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_second_use() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'a quote is used once' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION public.refuse_ungranted_keys() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.alerts (
    program_id integer NOT NULL,
    alert_id uuid NOT NULL,
    code text NOT NULL,
    subject text NOT NULL,
    details json NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    note text,
    CONSTRAINT alerts_acknowledged_by_check CHECK ((((acknowledged_at IS NULL) = (acknowledged_by IS NULL)) AND ((acknowledged_at IS NULL) = (note IS NULL))))
);

CREATE TABLE public.api_keys (
    key_id text NOT NULL,
    program_id integer NOT NULL,
    digest bytea NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    region text,
    frozen_at timestamp with time zone,
    frozen_reason text,
    CONSTRAINT api_keys_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_keys_expires_at_check CHECK ((expires_at > created_at)),
    CONSTRAINT api_keys_frozen_reason_check CHECK (((frozen_at IS NULL) = (frozen_reason IS NULL))),
    CONSTRAINT api_keys_key_id_check CHECK ((key_id ~ '^[0-9a-z]{12,32}$'::text))
);

CREATE TABLE public.approvals (
    program_id integer NOT NULL,
    approval_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    content json NOT NULL,
    content_hash bytea NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    reason text,
    CONSTRAINT approvals_content_hash_check CHECK ((length(content_hash) = 32)),
    CONSTRAINT approvals_decided_by_check CHECK ((decided_by <> proposed_by)),
    CONSTRAINT approvals_decision_check CHECK ((((status = 'pending'::text) = (decided_by IS NULL)) AND ((decided_by IS NULL) = (decided_at IS NULL)))),
    CONSTRAINT approvals_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text])))
);

CREATE TABLE public.audit_events (
    program_id integer NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    principal text,
    role text,
    member_id text,
    address text,
    action text NOT NULL,
    subject text NOT NULL,
    status smallint NOT NULL,
    code text,
    request_id text NOT NULL,
    times integer NOT NULL,
    before_hash bytea,
    after_hash bytea,
    CONSTRAINT audit_events_after_hash_check CHECK ((length(after_hash) = 32)),
    CONSTRAINT audit_events_before_hash_check CHECK ((length(before_hash) = 32)),
    CONSTRAINT audit_events_code_check CHECK (((code IS NULL) OR (after_hash IS NULL))),
    CONSTRAINT audit_events_principal_check CHECK (((principal IS NULL) = (program_id = 0))),
    CONSTRAINT audit_events_program_id_check CHECK ((program_id >= 0)),
    CONSTRAINT audit_events_status_check CHECK (((status >= 100) AND (status <= 599))),
    CONSTRAINT audit_events_subject_check CHECK ((length(subject) <= 512)),
    CONSTRAINT audit_events_times_check CHECK ((times > 0))
);

CREATE TABLE public.business_references (
    program_id integer NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    holder_id uuid NOT NULL,
    entry_id uuid NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='200000');

CREATE TABLE public.chart (
    account smallint NOT NULL,
    name text NOT NULL,
    side text NOT NULL,
    normal_side text NOT NULL,
    unit text NOT NULL,
    CONSTRAINT chart_normal_side_check CHECK ((normal_side = ANY (ARRAY['debit'::text, 'credit'::text]))),
    CONSTRAINT chart_side_check CHECK ((side = ANY (ARRAY['member'::text, 'house'::text])))
);

CREATE TABLE public.checkpoints (
    program_id integer NOT NULL,
    checkpoint_id uuid NOT NULL,
    number bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    holders bigint NOT NULL,
    entries bigint NOT NULL,
    root bytea NOT NULL,
    previous bytea,
    public_key bytea NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT checkpoints_entries_check CHECK ((entries >= holders)),
    CONSTRAINT checkpoints_holders_check CHECK ((holders >= 0)),
    CONSTRAINT checkpoints_number_check CHECK ((number > 0)),
    CONSTRAINT checkpoints_previous_check CHECK (
CASE number
    WHEN 1 THEN (previous IS NULL)
    ELSE ((previous IS NOT NULL) AND (length(previous) = 32))
END),
    CONSTRAINT checkpoints_public_key_check CHECK ((length(public_key) = 32)),
    CONSTRAINT checkpoints_root_check CHECK ((length(root) = 32)),
    CONSTRAINT checkpoints_signature_check CHECK ((length(signature) = 64))
);

CREATE TABLE public.contract_totals (
    program_id integer NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    cohort date NOT NULL,
    policy_version integer NOT NULL,
    measure text NOT NULL,
    amount numeric NOT NULL,
    CONSTRAINT contract_totals_measure_check CHECK ((measure = ANY (ARRAY['price'::text, 'points'::text, 'allocated'::text, 'reversed'::text, 'price_changed'::text])))
);

CREATE TABLE public.daily_totals (
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
    postings bigint NOT NULL
);

CREATE TABLE public.deferral_policies (
    program_id integer NOT NULL,
    version integer NOT NULL,
    policy_id uuid NOT NULL,
    applies_from date NOT NULL,
    method text NOT NULL,
    unit_value numeric,
    unit_cost numeric,
    settlement_price numeric,
    share_decimals smallint,
    tax_rate numeric NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    proposed_by text,
    approved_by text,
    CONSTRAINT deferral_policies_approved_by_check CHECK (((version = 1) OR ((proposed_by IS NOT NULL) AND (approved_by IS NOT NULL) AND (approved_by <> proposed_by)))),
    CONSTRAINT deferral_policies_method_check CHECK ((method = ANY (ARRAY['deferral_relative_ssp'::text, 'deferral_residual_fv'::text, 'cost_provision'::text, 'agent_net'::text]))),
    CONSTRAINT deferral_policies_settlement_check CHECK (((method = 'agent_net'::text) = (settlement_price IS NOT NULL))),
    CONSTRAINT deferral_policies_settlement_price_check CHECK ((settlement_price >= (0)::numeric)),
    CONSTRAINT deferral_policies_share_decimals_check CHECK (((share_decimals >= 1) AND (share_decimals <= 12))),
    CONSTRAINT deferral_policies_tax_rate_check CHECK (((tax_rate >= (0)::numeric) AND (tax_rate < (1)::numeric))),
    CONSTRAINT deferral_policies_unit_cost_check CHECK ((unit_cost > (0)::numeric)),
    CONSTRAINT deferral_policies_unit_value_check CHECK ((unit_value > (0)::numeric)),
    CONSTRAINT deferral_policies_version_check CHECK ((version > 0))
);

CREATE TABLE public.entitlements (
    holder_id uuid NOT NULL,
    code text NOT NULL,
    period text NOT NULL,
    tier text NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);

CREATE TABLE public.entries (
    entry_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    version bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    points_after bigint NOT NULL,
    held_after bigint NOT NULL,
    debt_after bigint NOT NULL,
    growth_after bigint NOT NULL,
    terms_version integer NOT NULL,
    kind text NOT NULL,
    hash bytea NOT NULL,
    parent_entry_id uuid,
    peer_holder_id uuid,
    extends_to timestamp with time zone,
    reference text,
    channel text,
    store text,
    region text,
    operator text,
    terminal text,
    details json,
    CONSTRAINT entries_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT entries_kind_check CHECK ((kind = ANY (ARRAY['earn'::text, 'award'::text, 'redeem'::text, 'refund'::text, 'return'::text, 'transfer_out'::text, 'transfer_in'::text, 'expire'::text, 'reversal'::text, 'activity'::text, 'referral'::text, 'fund_grant'::text, 'fund_spend'::text, 'hold'::text, 'capture'::text, 'release'::text, 'adjust'::text, 'merge_out'::text, 'merge_in'::text, 'reject'::text]))),
    CONSTRAINT entries_version_check CHECK ((version > 0))
)
WITH (autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='200000');

CREATE TABLE public.entry_texts (
    holder_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    salt bytea,
    texts json,
    CONSTRAINT entry_texts_erased_check CHECK (((salt IS NULL) = (texts IS NULL))),
    CONSTRAINT entry_texts_salt_check CHECK ((length(salt) = 16))
);

CREATE TABLE public.erasures (
    holder_id uuid NOT NULL,
    erased_at timestamp with time zone NOT NULL,
    erased_by text NOT NULL,
    reason text NOT NULL
);

CREATE TABLE public.estimates (
    program_id integer NOT NULL,
    version integer NOT NULL,
    estimate_id uuid NOT NULL,
    cohort date,
    applies_from date NOT NULL,
    expected_redemption numeric NOT NULL,
    method text NOT NULL,
    inputs json NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    approved_by text NOT NULL,
    CONSTRAINT estimates_applies_from_check CHECK ((EXTRACT(day FROM applies_from) = (1)::numeric)),
    CONSTRAINT estimates_approved_by_check CHECK ((approved_by <> proposed_by)),
    CONSTRAINT estimates_cohort_check CHECK ((EXTRACT(day FROM cohort) = (1)::numeric)),
    CONSTRAINT estimates_expected_redemption_check CHECK (((expected_redemption > (0)::numeric) AND (expected_redemption <= (1)::numeric))),
    CONSTRAINT estimates_version_check CHECK ((version > 0))
);

CREATE TABLE public.flagged_entries (
    program_id integer NOT NULL,
    flag text NOT NULL,
    entry_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    CONSTRAINT flagged_entries_flag_check CHECK ((flag = ANY (ARRAY['late'::text, 'manual'::text])))
);

CREATE TABLE public.holders (
    holder_id uuid NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    points bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    debt bigint DEFAULT 0 NOT NULL,
    growth bigint DEFAULT 0 NOT NULL,
    available bigint DEFAULT 0 NOT NULL,
    pending bigint DEFAULT 0 NOT NULL,
    growth_value bigint DEFAULT 0 NOT NULL,
    next_expiry_points bigint DEFAULT 0 NOT NULL,
    next_expiry_at timestamp with time zone,
    fresh_until timestamp with time zone,
    recorded_at timestamp with time zone,
    enrolled_at timestamp with time zone NOT NULL,
    program_id integer NOT NULL,
    head_hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    member_id text NOT NULL,
    region text,
    store text,
    tier_since timestamp with time zone,
    tier_ends_at timestamp with time zone,
    tier_settled_at timestamp with time zone,
    tier_terms_version integer DEFAULT 0 NOT NULL,
    tier_in_grace boolean DEFAULT false NOT NULL,
    tier text,
    locks smallint DEFAULT 0 NOT NULL,
    merged_into uuid,
    CONSTRAINT holders_debt_check CHECK (((debt >= 0) AND (debt <= '9007199254740991'::bigint))),
    CONSTRAINT holders_growth_check CHECK (((growth >= 0) AND (growth <= '9007199254740991'::bigint))),
    CONSTRAINT holders_head_hash_check CHECK ((length(head_hash) = 32)),
    CONSTRAINT holders_held_check CHECK (((held >= 0) AND (held <= '9007199254740991'::bigint))),
    CONSTRAINT holders_locks_check CHECK (((locks >= 0) AND (locks <= 7))),
    CONSTRAINT holders_member_id_check CHECK ((member_id ~ '^([A-Za-z0-9._:-]{1,64}|(fund|operator|terminal|store|key)/[A-Za-z0-9._:-]{1,96})$'::text)),
    CONSTRAINT holders_points_check CHECK (((points >= 0) AND (points <= '9007199254740991'::bigint))),
    CONSTRAINT holders_standing_check CHECK (((available >= 0) AND (pending >= 0) AND ((available + pending) <= points) AND ((growth_value >= 0) AND (growth_value <= growth)))),
    CONSTRAINT holders_version_check CHECK ((version >= 0))
)
WITH (fillfactor='60');

CREATE TABLE public.holds (
    holder_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    points bigint NOT NULL,
    captured bigint DEFAULT 0 NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    closed_entry_id uuid,
    quote_id uuid,
    program_id integer NOT NULL,
    status text NOT NULL,
    CONSTRAINT holds_captured_check CHECK (((captured >= 0) AND (captured <= points))),
    CONSTRAINT holds_captured_status_check CHECK (((captured > 0) = (status = 'captured'::text))),
    CONSTRAINT holds_closed_entry_id_check CHECK (((status = 'open'::text) = (closed_entry_id IS NULL))),
    CONSTRAINT holds_points_check CHECK (((points >= 1) AND (points <= '9007199254740991'::bigint))),
    CONSTRAINT holds_status_check CHECK ((status = ANY (ARRAY['open'::text, 'captured'::text, 'released'::text, 'lapsed'::text])))
)
WITH (fillfactor='85');

CREATE TABLE public.key_events (
    key_id text NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    change text NOT NULL,
    changed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT key_events_change_check CHECK ((change = ANY (ARRAY['freeze'::text, 'unfreeze'::text, 'rotate'::text, 'revoke'::text])))
);

CREATE TABLE public.key_uses (
    key_id text NOT NULL,
    last_used_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.postings (
    entry_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    amount bigint NOT NULL,
    ordinal smallint NOT NULL,
    debit smallint NOT NULL,
    credit smallint NOT NULL,
    unit smallint NOT NULL,
    lot_id uuid,
    available_at timestamp with time zone,
    expires_at timestamp with time zone,
    rolling boolean,
    CONSTRAINT postings_amount_check CHECK (((amount >= 1) AND (amount <= '9007199254740991'::bigint))),
    CONSTRAINT postings_lot_check CHECK (((lot_id IS NOT NULL) = ((debit = ANY (ARRAY[1, 2, 4])) OR (credit = ANY (ARRAY[1, 2, 4]))))),
    CONSTRAINT postings_opening_check CHECK ((((available_at IS NULL) = (rolling IS NULL)) AND ((available_at IS NOT NULL) OR (expires_at IS NULL)) AND ((available_at IS NULL) OR (credit = ANY (ARRAY[1, 4]))))),
    CONSTRAINT postings_ordinal_check CHECK ((ordinal > 0)),
    CONSTRAINT postings_sides_check CHECK ((debit <> credit)),
    CONSTRAINT postings_unit_check CHECK (
CASE
    WHEN (unit = 1) THEN (((debit = ANY (ARRAY[1, 2, 3, 50, 51, 52, 53, 54, 55])) AND (credit = ANY (ARRAY[1, 2, 3, 50, 51, 52, 53, 54, 55]))) OR ((debit = ANY (ARRAY[5, 56, 57])) AND (credit = ANY (ARRAY[5, 56, 57]))) OR ((debit = ANY (ARRAY[70, 71])) AND (credit = ANY (ARRAY[70, 71]))))
    WHEN (unit = 2) THEN ((debit = ANY (ARRAY[4, 60, 61, 62])) AND (credit = ANY (ARRAY[4, 60, 61, 62])))
    WHEN ((unit >= 8) AND (unit <= 999)) THEN (((debit >= 80) AND (debit <= 84)) AND ((credit >= 80) AND (credit <= 84)))
    WHEN ((unit >= 1008) AND (unit <= 1999)) THEN ((debit = ANY (ARRAY[90, 91])) AND (credit = ANY (ARRAY[90, 91])) AND (amount < 1000000))
    ELSE false
END)
)
WITH (autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='200000');

CREATE VIEW public.legs AS
 SELECT p.entry_id,
    p.holder_id,
    p.ordinal,
    leg.side,
    a.name AS account,
    a.side AS kept_by,
    a.unit,
    p.amount,
    p.lot_id
   FROM ((public.postings p
     CROSS JOIN LATERAL ( VALUES ('debit'::text,p.debit), ('credit'::text,p.credit)) leg(side, account))
     JOIN public.chart a USING (account));

CREATE TABLE public.lots (
    holder_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    original bigint NOT NULL,
    remaining bigint NOT NULL,
    expired bigint DEFAULT 0 NOT NULL,
    earned_at timestamp with time zone NOT NULL,
    available_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    program_id integer NOT NULL,
    unit smallint NOT NULL,
    rolling boolean NOT NULL,
    is_open boolean NOT NULL,
    CONSTRAINT lots_is_open_check CHECK ((is_open = (remaining > 0))),
    CONSTRAINT lots_remaining_check CHECK ((((original >= 1) AND (original <= '9007199254740991'::bigint)) AND ((remaining >= 0) AND (remaining <= original)) AND ((expired >= 0) AND (expired <= original)))),
    CONSTRAINT lots_unit_check CHECK ((unit = ANY (ARRAY[1, 2])))
)
WITH (fillfactor='85', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='200000');

CREATE TABLE public.member_attributes (
    holder_id uuid NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE public.member_lock_events (
    holder_id uuid NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    is_on boolean NOT NULL,
    lock text NOT NULL,
    changed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT member_lock_events_lock_check CHECK ((lock = ANY (ARRAY['frozen'::text, 'spend'::text, 'review'::text])))
);

CREATE TABLE public.merges (
    holder_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    duplicate_id uuid NOT NULL,
    merged_at timestamp with time zone NOT NULL,
    undone_at timestamp with time zone,
    uncounted uuid[] NOT NULL,
    CONSTRAINT merges_duplicate_id_check CHECK ((duplicate_id <> holder_id)),
    CONSTRAINT merges_undone_at_check CHECK ((undone_at >= merged_at))
);

CREATE TABLE public.outcomes (
    program_id integer NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    entry_id uuid,
    request_id text NOT NULL,
    code text,
    answer bytea NOT NULL,
    caller text,
    action text
)
WITH (autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='200000');

CREATE TABLE public.period_events (
    program_id integer NOT NULL,
    event_id uuid NOT NULL,
    period date NOT NULL,
    status text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    approved_by text,
    reason text,
    pack json,
    pack_hash bytea,
    CONSTRAINT period_events_approved_by_check CHECK (((status <> 'open'::text) OR ((approved_by IS NOT NULL) AND (approved_by <> changed_by) AND (reason IS NOT NULL)))),
    CONSTRAINT period_events_pack_check CHECK ((((status = 'locked'::text) = (pack IS NOT NULL)) AND ((pack IS NULL) = (pack_hash IS NULL)))),
    CONSTRAINT period_events_period_check CHECK ((EXTRACT(day FROM period) = (1)::numeric)),
    CONSTRAINT period_events_status_check CHECK ((status = ANY (ARRAY['open'::text, 'soft_closed'::text, 'locked'::text])))
);

CREATE TABLE public.program_terms (
    program_id integer NOT NULL,
    version integer NOT NULL,
    terms json NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT program_terms_version_check CHECK ((version > 0))
);

CREATE TABLE public.programs (
    program_id integer NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    timezone text NOT NULL,
    is_test boolean NOT NULL,
    test_now timestamp with time zone,
    terms_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    stamp uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT programs_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT programs_test_now_check CHECK ((is_test OR (test_now IS NULL)))
);

ALTER TABLE public.programs ALTER COLUMN program_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.programs_program_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.quotes (
    holder_id uuid NOT NULL,
    quote_id uuid NOT NULL,
    points bigint NOT NULL,
    points_value bigint NOT NULL,
    price bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    rate_version integer NOT NULL,
    used_entry_id uuid,
    store text,
    sku text,
    CONSTRAINT quotes_expires_at_check CHECK ((expires_at > made_at)),
    CONSTRAINT quotes_points_check CHECK (((points >= 1) AND (points <= '9007199254740991'::bigint))),
    CONSTRAINT quotes_points_value_check CHECK (((points_value >= 1) AND (points_value <= price))),
    CONSTRAINT quotes_price_check CHECK (((price >= 1) AND (price <= '9007199254740991'::bigint)))
);

CREATE TABLE public.rate_counts (
    subject text NOT NULL,
    begins_at timestamp with time zone NOT NULL,
    taken bigint NOT NULL,
    CONSTRAINT rate_counts_subject_check CHECK ((length(subject) <= 400)),
    CONSTRAINT rate_counts_taken_check CHECK ((taken > 0))
)
WITH (fillfactor='50');

CREATE TABLE public.rates (
    program_id integer NOT NULL,
    version integer NOT NULL,
    bid numeric NOT NULL,
    ask numeric NOT NULL,
    floor numeric NOT NULL,
    ceiling numeric NOT NULL,
    max_step numeric NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    proposed_by text,
    approved_by text,
    rate_id uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    CONSTRAINT rates_approved_by_check CHECK (((version = 1) OR ((proposed_by IS NOT NULL) AND (approved_by IS NOT NULL) AND (approved_by <> proposed_by)))),
    CONSTRAINT rates_ask_check CHECK ((ask >= bid)),
    CONSTRAINT rates_bid_check CHECK (((bid >= floor) AND (bid <= ceiling))),
    CONSTRAINT rates_floor_check CHECK ((floor > (0)::numeric)),
    CONSTRAINT rates_max_step_check CHECK (((max_step > (0)::numeric) AND (max_step <= (1)::numeric))),
    CONSTRAINT rates_valid_from_check CHECK (((valid_from >= recorded_at) OR (version = 1))),
    CONSTRAINT rates_version_check CHECK ((version > 0))
);

CREATE TABLE public.reconciliation_exceptions (
    program_id integer NOT NULL,
    reconciliation_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    outcome text NOT NULL,
    type text NOT NULL,
    reference text NOT NULL,
    details json NOT NULL,
    CONSTRAINT reconciliation_exceptions_ordinal_check CHECK ((ordinal > 0)),
    CONSTRAINT reconciliation_exceptions_outcome_check CHECK ((outcome = ANY (ARRAY['missing'::text, 'extra'::text, 'different'::text])))
);

CREATE TABLE public.reconciliations (
    program_id integer NOT NULL,
    reconciliation_id uuid NOT NULL,
    matched bigint NOT NULL,
    missing bigint NOT NULL,
    extra bigint NOT NULL,
    different bigint NOT NULL,
    uploaded bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    previous_id uuid,
    first_day date NOT NULL,
    last_day date NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL,
    uploaded_by text NOT NULL,
    ageing json NOT NULL,
    CONSTRAINT reconciliations_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT reconciliations_kind_check CHECK ((kind = ANY (ARRAY['orders'::text, 'payments'::text]))),
    CONSTRAINT reconciliations_last_day_check CHECK ((last_day >= first_day)),
    CONSTRAINT reconciliations_uploaded_check CHECK ((uploaded = ((matched + missing) + different)))
);

CREATE TABLE public.referrals (
    holder_id uuid NOT NULL,
    referrer_holder_id uuid NOT NULL,
    referrer_id text NOT NULL,
    activity_entry_id uuid NOT NULL,
    settled_entry_id uuid,
    recorded_at timestamp with time zone NOT NULL
);

CREATE TABLE public.reviews (
    holder_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    opened_by text NOT NULL,
    program_id integer NOT NULL,
    decision text,
    decided_by text,
    CONSTRAINT reviews_decided_by_check CHECK (((decided_by <> opened_by) AND (decided_by <> ''::text))),
    CONSTRAINT reviews_decision_check CHECK ((decision = ANY (ARRAY['released'::text, 'rejected'::text]))),
    CONSTRAINT reviews_whole_check CHECK (((decision IS NULL) = (decided_by IS NULL)))
);

CREATE TABLE public.rule_activations (
    program_id integer NOT NULL,
    activation_id bigint NOT NULL,
    owner text NOT NULL,
    version integer NOT NULL,
    active_from timestamp with time zone NOT NULL,
    activated_by text NOT NULL,
    reason text,
    recorded_at timestamp with time zone NOT NULL
);

ALTER TABLE public.rule_activations ALTER COLUMN activation_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_activations_activation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rule_sets (
    program_id integer NOT NULL,
    owner text NOT NULL,
    version integer NOT NULL,
    content json NOT NULL,
    content_hash bytea NOT NULL,
    made_by text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT rule_sets_content_hash_check CHECK ((length(content_hash) = 32)),
    CONSTRAINT rule_sets_version_check CHECK ((version > 0))
);

CREATE TABLE public.rule_switches (
    program_id integer NOT NULL,
    switch_id bigint NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    is_on boolean NOT NULL,
    reason text NOT NULL,
    switched_by text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT rule_switches_kind_check CHECK ((kind = ANY (ARRAY['rule'::text, 'campaign'::text, 'band'::text])))
);

ALTER TABLE public.rule_switches ALTER COLUMN switch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_switches_switch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.tier_events (
    holder_id uuid NOT NULL,
    ordinal integer NOT NULL,
    terms_version integer NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    growth bigint NOT NULL,
    entry_id uuid,
    from_tier text,
    to_tier text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT tier_events_ordinal_check CHECK ((ordinal > 0))
);

CREATE TABLE public.till_batches (
    program_id integer NOT NULL,
    device_id text NOT NULL,
    sequence bigint NOT NULL,
    digest bytea NOT NULL,
    operations integer NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT till_batches_sequence_check CHECK ((sequence > 0))
);

CREATE TABLE public.total_days (
    program_id integer NOT NULL,
    effective_on date NOT NULL,
    recorded_on date NOT NULL,
    booked_on date NOT NULL,
    entries bigint NOT NULL,
    first_entry_id uuid NOT NULL,
    last_entry_id uuid NOT NULL,
    first_effective_at timestamp with time zone NOT NULL,
    last_effective_at timestamp with time zone NOT NULL,
    first_recorded_at timestamp with time zone NOT NULL,
    last_recorded_at timestamp with time zone NOT NULL,
    first_booked_at timestamp with time zone NOT NULL,
    last_booked_at timestamp with time zone NOT NULL
);

CREATE TABLE public.totals_state (
    program_id integer NOT NULL,
    through uuid NOT NULL,
    refreshed_at timestamp with time zone NOT NULL
);

CREATE TABLE public.usages (
    holder_id uuid NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    amount bigint NOT NULL,
    times bigint NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (program_id, alert_id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_program_id_key UNIQUE (program_id, code, subject);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (program_id, approval_id);

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (program_id, event_id);

ALTER TABLE ONLY public.business_references
    ADD CONSTRAINT business_references_pkey PRIMARY KEY (program_id, kind, reference);

ALTER TABLE ONLY public.chart
    ADD CONSTRAINT chart_name_key UNIQUE (name);

ALTER TABLE ONLY public.chart
    ADD CONSTRAINT chart_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (program_id, checkpoint_id);

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_program_id_key UNIQUE (program_id, number);

ALTER TABLE ONLY public.contract_totals
    ADD CONSTRAINT contract_totals_pkey PRIMARY KEY (program_id, effective_on, recorded_on, booked_on, cohort, policy_version, measure);

ALTER TABLE ONLY public.daily_totals
    ADD CONSTRAINT daily_totals_pkey PRIMARY KEY (program_id, dimension, effective_on, recorded_on, booked_on, key, unit, debit, credit);

ALTER TABLE ONLY public.deferral_policies
    ADD CONSTRAINT deferral_policies_pkey PRIMARY KEY (program_id, version);

ALTER TABLE ONLY public.entitlements
    ADD CONSTRAINT entitlements_pkey PRIMARY KEY (holder_id, code, period);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_holder_id_key UNIQUE (holder_id, version);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (entry_id, holder_id);

ALTER TABLE ONLY public.entry_texts
    ADD CONSTRAINT entry_texts_pkey PRIMARY KEY (holder_id, entry_id);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (holder_id);

ALTER TABLE ONLY public.estimates
    ADD CONSTRAINT estimates_pkey PRIMARY KEY (program_id, version);

ALTER TABLE ONLY public.flagged_entries
    ADD CONSTRAINT flagged_entries_pkey PRIMARY KEY (program_id, flag, entry_id, holder_id);

ALTER TABLE ONLY public.holders
    ADD CONSTRAINT holders_pkey PRIMARY KEY (holder_id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (holder_id, hold_id);

ALTER TABLE ONLY public.key_events
    ADD CONSTRAINT key_events_pkey PRIMARY KEY (key_id, event_id);

ALTER TABLE ONLY public.key_uses
    ADD CONSTRAINT key_uses_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.lots
    ADD CONSTRAINT lots_pkey PRIMARY KEY (holder_id, lot_id);

ALTER TABLE ONLY public.member_attributes
    ADD CONSTRAINT member_attributes_pkey PRIMARY KEY (holder_id);

ALTER TABLE ONLY public.member_lock_events
    ADD CONSTRAINT member_lock_events_pkey PRIMARY KEY (holder_id, event_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_pkey PRIMARY KEY (holder_id, merge_id);

ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_pkey PRIMARY KEY (program_id, key);

ALTER TABLE ONLY public.period_events
    ADD CONSTRAINT period_events_pkey PRIMARY KEY (program_id, event_id);

ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (entry_id, ordinal, holder_id);

ALTER TABLE ONLY public.program_terms
    ADD CONSTRAINT program_terms_pkey PRIMARY KEY (program_id, version);

ALTER TABLE ONLY public.programs
    ADD CONSTRAINT programs_name_key UNIQUE (name);

ALTER TABLE ONLY public.programs
    ADD CONSTRAINT programs_pkey PRIMARY KEY (program_id);

ALTER TABLE ONLY public.quotes
    ADD CONSTRAINT quotes_pkey PRIMARY KEY (holder_id, quote_id);

ALTER TABLE ONLY public.rate_counts
    ADD CONSTRAINT rate_counts_pkey PRIMARY KEY (subject, begins_at);

ALTER TABLE ONLY public.rates
    ADD CONSTRAINT rates_pkey PRIMARY KEY (program_id, version);

ALTER TABLE ONLY public.reconciliation_exceptions
    ADD CONSTRAINT reconciliation_exceptions_pkey PRIMARY KEY (program_id, reconciliation_id, ordinal);

ALTER TABLE ONLY public.reconciliations
    ADD CONSTRAINT reconciliations_pkey PRIMARY KEY (program_id, reconciliation_id);

ALTER TABLE ONLY public.referrals
    ADD CONSTRAINT referrals_pkey PRIMARY KEY (holder_id);

ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT reviews_pkey PRIMARY KEY (holder_id, hold_id);

ALTER TABLE ONLY public.rule_activations
    ADD CONSTRAINT rule_activations_pkey PRIMARY KEY (program_id, activation_id);

ALTER TABLE ONLY public.rule_sets
    ADD CONSTRAINT rule_sets_pkey PRIMARY KEY (program_id, owner, version);

ALTER TABLE ONLY public.rule_switches
    ADD CONSTRAINT rule_switches_pkey PRIMARY KEY (program_id, switch_id);

ALTER TABLE ONLY public.tier_events
    ADD CONSTRAINT tier_events_pkey PRIMARY KEY (holder_id, ordinal);

ALTER TABLE ONLY public.till_batches
    ADD CONSTRAINT till_batches_pkey PRIMARY KEY (program_id, device_id, sequence);

ALTER TABLE ONLY public.total_days
    ADD CONSTRAINT total_days_pkey PRIMARY KEY (program_id, effective_on, recorded_on, booked_on);

ALTER TABLE ONLY public.totals_state
    ADD CONSTRAINT totals_state_pkey PRIMARY KEY (program_id);

ALTER TABLE ONLY public.usages
    ADD CONSTRAINT usages_pkey PRIMARY KEY (holder_id, subject, period);

CREATE INDEX audit_events_program_id_idx ON public.audit_events USING btree (program_id, recorded_at);

CREATE INDEX audit_events_subject_idx ON public.audit_events USING btree (program_id, subject, recorded_at);

CREATE INDEX entries_parent_entry_id_idx ON public.entries USING btree (parent_entry_id) WHERE (parent_entry_id IS NOT NULL);

CREATE INDEX holders_funds_idx ON public.holders USING btree (program_id, member_id) WHERE (member_id ~~ 'fund/%'::text);

CREATE INDEX holders_program_id_idx ON public.holders USING btree (program_id, tier_ends_at, holder_id) WHERE (tier_ends_at IS NOT NULL);

CREATE INDEX holds_holder_id_idx ON public.holds USING btree (holder_id) WHERE (status = 'open'::text);

CREATE INDEX holds_program_id_idx ON public.holds USING btree (program_id, expires_at, holder_id) WHERE (status = 'open'::text);

CREATE INDEX lots_holder_id_idx ON public.lots USING btree (holder_id) WHERE is_open;

CREATE INDEX lots_program_id_idx ON public.lots USING btree (program_id, expires_at, holder_id) WHERE is_open;

CREATE INDEX member_attributes_attributes_idx ON public.member_attributes USING gin (attributes jsonb_path_ops);

CREATE INDEX merges_duplicate_id_idx ON public.merges USING btree (duplicate_id);

CREATE INDEX outcomes_program_id_idx ON public.outcomes USING btree (program_id, recorded_at) WHERE (action IS NOT NULL);

CREATE INDEX quotes_holder_id_idx ON public.quotes USING btree (holder_id, expires_at) WHERE (used_entry_id IS NULL);

CREATE INDEX reconciliations_program_id_idx ON public.reconciliations USING btree (program_id, kind, first_day, last_day);

CREATE INDEX referrals_referrer_holder_id_idx ON public.referrals USING btree (referrer_holder_id, recorded_at, holder_id);

CREATE INDEX reviews_program_id_idx ON public.reviews USING btree (program_id, hold_id);

CREATE INDEX usages_overrun_idx ON public.usages USING btree (period, holder_id) WHERE (subject ~~ 'overrun:%'::text);

CREATE TRIGGER api_keys_by_two_hands BEFORE INSERT ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.refuse_ungranted_keys();

ALTER TABLE public.api_keys ENABLE ALWAYS TRIGGER api_keys_by_two_hands;

CREATE TRIGGER api_keys_only_end BEFORE UPDATE ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.refuse_looser_keys();

ALTER TABLE public.api_keys ENABLE ALWAYS TRIGGER api_keys_only_end;

CREATE TRIGGER approvals_by_keys_that_hold BEFORE UPDATE ON public.approvals FOR EACH ROW WHEN ((new.status <> old.status)) EXECUTE FUNCTION public.refuse_revoked_keys();

ALTER TABLE public.approvals ENABLE ALWAYS TRIGGER approvals_by_keys_that_hold;

CREATE TRIGGER approvals_decide_once BEFORE UPDATE ON public.approvals FOR EACH ROW EXECUTE FUNCTION public.refuse_second_decision();

ALTER TABLE public.approvals ENABLE ALWAYS TRIGGER approvals_decide_once;

CREATE TRIGGER audit_events_refuse_change BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.audit_events ENABLE ALWAYS TRIGGER audit_events_refuse_change;

CREATE TRIGGER audit_events_refuse_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.audit_events ENABLE ALWAYS TRIGGER audit_events_refuse_truncate;

CREATE TRIGGER business_references_refuse_change BEFORE DELETE OR UPDATE ON public.business_references FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.business_references ENABLE ALWAYS TRIGGER business_references_refuse_change;

CREATE TRIGGER business_references_refuse_truncate BEFORE TRUNCATE ON public.business_references FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.business_references ENABLE ALWAYS TRIGGER business_references_refuse_truncate;

CREATE TRIGGER checkpoints_refuse_change BEFORE DELETE OR UPDATE ON public.checkpoints FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.checkpoints ENABLE ALWAYS TRIGGER checkpoints_refuse_change;

CREATE TRIGGER checkpoints_refuse_truncate BEFORE TRUNCATE ON public.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.checkpoints ENABLE ALWAYS TRIGGER checkpoints_refuse_truncate;

CREATE TRIGGER deferral_policies_refuse_change BEFORE DELETE OR UPDATE ON public.deferral_policies FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.deferral_policies ENABLE ALWAYS TRIGGER deferral_policies_refuse_change;

CREATE TRIGGER deferral_policies_refuse_truncate BEFORE TRUNCATE ON public.deferral_policies FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.deferral_policies ENABLE ALWAYS TRIGGER deferral_policies_refuse_truncate;

CREATE TRIGGER entitlements_refuse_change BEFORE DELETE OR UPDATE ON public.entitlements FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entitlements ENABLE ALWAYS TRIGGER entitlements_refuse_change;

CREATE TRIGGER entitlements_refuse_truncate BEFORE TRUNCATE ON public.entitlements FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entitlements ENABLE ALWAYS TRIGGER entitlements_refuse_truncate;

CREATE TRIGGER entries_refuse_change BEFORE DELETE OR UPDATE ON public.entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entries ENABLE ALWAYS TRIGGER entries_refuse_change;

CREATE TRIGGER entries_refuse_truncate BEFORE TRUNCATE ON public.entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entries ENABLE ALWAYS TRIGGER entries_refuse_truncate;

CREATE TRIGGER entry_texts_erase_only BEFORE DELETE OR UPDATE ON public.entry_texts FOR EACH ROW EXECUTE FUNCTION public.refuse_all_but_erasing();

ALTER TABLE public.entry_texts ENABLE ALWAYS TRIGGER entry_texts_erase_only;

CREATE TRIGGER entry_texts_refuse_truncate BEFORE TRUNCATE ON public.entry_texts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entry_texts ENABLE ALWAYS TRIGGER entry_texts_refuse_truncate;

CREATE TRIGGER erasures_refuse_change BEFORE DELETE OR UPDATE ON public.erasures FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.erasures ENABLE ALWAYS TRIGGER erasures_refuse_change;

CREATE TRIGGER erasures_refuse_truncate BEFORE TRUNCATE ON public.erasures FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.erasures ENABLE ALWAYS TRIGGER erasures_refuse_truncate;

CREATE TRIGGER estimates_refuse_change BEFORE DELETE OR UPDATE ON public.estimates FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.estimates ENABLE ALWAYS TRIGGER estimates_refuse_change;

CREATE TRIGGER estimates_refuse_truncate BEFORE TRUNCATE ON public.estimates FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.estimates ENABLE ALWAYS TRIGGER estimates_refuse_truncate;

CREATE TRIGGER key_events_refuse_change BEFORE DELETE OR UPDATE ON public.key_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.key_events ENABLE ALWAYS TRIGGER key_events_refuse_change;

CREATE TRIGGER key_events_refuse_truncate BEFORE TRUNCATE ON public.key_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.key_events ENABLE ALWAYS TRIGGER key_events_refuse_truncate;

CREATE TRIGGER member_lock_events_refuse_change BEFORE DELETE OR UPDATE ON public.member_lock_events FOR EACH ROW EXECUTE FUNCTION public.refuse_all_but_erased_reason();

ALTER TABLE public.member_lock_events ENABLE ALWAYS TRIGGER member_lock_events_refuse_change;

CREATE TRIGGER member_lock_events_refuse_truncate BEFORE TRUNCATE ON public.member_lock_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.member_lock_events ENABLE ALWAYS TRIGGER member_lock_events_refuse_truncate;

CREATE TRIGGER merges_refuse_change BEFORE DELETE OR UPDATE ON public.merges FOR EACH ROW EXECUTE FUNCTION public.refuse_all_but_undoing();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merges_refuse_change;

CREATE TRIGGER merges_refuse_truncate BEFORE TRUNCATE ON public.merges FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merges_refuse_truncate;

CREATE TRIGGER period_events_refuse_change BEFORE DELETE OR UPDATE ON public.period_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.period_events ENABLE ALWAYS TRIGGER period_events_refuse_change;

CREATE TRIGGER period_events_refuse_truncate BEFORE TRUNCATE ON public.period_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.period_events ENABLE ALWAYS TRIGGER period_events_refuse_truncate;

CREATE TRIGGER postings_refuse_change BEFORE DELETE OR UPDATE ON public.postings FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.postings ENABLE ALWAYS TRIGGER postings_refuse_change;

CREATE TRIGGER postings_refuse_truncate BEFORE TRUNCATE ON public.postings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.postings ENABLE ALWAYS TRIGGER postings_refuse_truncate;

CREATE TRIGGER program_terms_refuse_change BEFORE DELETE OR UPDATE ON public.program_terms FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.program_terms ENABLE ALWAYS TRIGGER program_terms_refuse_change;

CREATE TRIGGER program_terms_refuse_truncate BEFORE TRUNCATE ON public.program_terms FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.program_terms ENABLE ALWAYS TRIGGER program_terms_refuse_truncate;

CREATE TRIGGER quotes_use_once BEFORE UPDATE ON public.quotes FOR EACH ROW WHEN (((old.used_entry_id IS NOT NULL) OR (new.used_entry_id IS NULL))) EXECUTE FUNCTION public.refuse_second_use();

ALTER TABLE public.quotes ENABLE ALWAYS TRIGGER quotes_use_once;

CREATE TRIGGER rates_refuse_change BEFORE DELETE OR UPDATE ON public.rates FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rates ENABLE ALWAYS TRIGGER rates_refuse_change;

CREATE TRIGGER rates_refuse_truncate BEFORE TRUNCATE ON public.rates FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rates ENABLE ALWAYS TRIGGER rates_refuse_truncate;

CREATE TRIGGER reconciliation_exceptions_refuse_change BEFORE DELETE OR UPDATE ON public.reconciliation_exceptions FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.reconciliation_exceptions ENABLE ALWAYS TRIGGER reconciliation_exceptions_refuse_change;

CREATE TRIGGER reconciliation_exceptions_refuse_truncate BEFORE TRUNCATE ON public.reconciliation_exceptions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.reconciliation_exceptions ENABLE ALWAYS TRIGGER reconciliation_exceptions_refuse_truncate;

CREATE TRIGGER reconciliations_refuse_change BEFORE DELETE OR UPDATE ON public.reconciliations FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.reconciliations ENABLE ALWAYS TRIGGER reconciliations_refuse_change;

CREATE TRIGGER reconciliations_refuse_truncate BEFORE TRUNCATE ON public.reconciliations FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.reconciliations ENABLE ALWAYS TRIGGER reconciliations_refuse_truncate;

CREATE TRIGGER reviews_refuse_change BEFORE DELETE OR UPDATE ON public.reviews FOR EACH ROW EXECUTE FUNCTION public.refuse_all_but_verdict();

ALTER TABLE public.reviews ENABLE ALWAYS TRIGGER reviews_refuse_change;

CREATE TRIGGER reviews_refuse_truncate BEFORE TRUNCATE ON public.reviews FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.reviews ENABLE ALWAYS TRIGGER reviews_refuse_truncate;

CREATE TRIGGER rule_activations_refuse_change BEFORE DELETE OR UPDATE ON public.rule_activations FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rule_activations ENABLE ALWAYS TRIGGER rule_activations_refuse_change;

CREATE TRIGGER rule_activations_refuse_truncate BEFORE TRUNCATE ON public.rule_activations FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rule_activations ENABLE ALWAYS TRIGGER rule_activations_refuse_truncate;

CREATE TRIGGER rule_sets_refuse_change BEFORE DELETE OR UPDATE ON public.rule_sets FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rule_sets ENABLE ALWAYS TRIGGER rule_sets_refuse_change;

CREATE TRIGGER rule_sets_refuse_truncate BEFORE TRUNCATE ON public.rule_sets FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rule_sets ENABLE ALWAYS TRIGGER rule_sets_refuse_truncate;

CREATE TRIGGER rule_switches_refuse_change BEFORE DELETE OR UPDATE ON public.rule_switches FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rule_switches ENABLE ALWAYS TRIGGER rule_switches_refuse_change;

CREATE TRIGGER rule_switches_refuse_truncate BEFORE TRUNCATE ON public.rule_switches FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.rule_switches ENABLE ALWAYS TRIGGER rule_switches_refuse_truncate;

CREATE TRIGGER tier_events_refuse_change BEFORE DELETE OR UPDATE ON public.tier_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.tier_events ENABLE ALWAYS TRIGGER tier_events_refuse_change;

CREATE TRIGGER tier_events_refuse_truncate BEFORE TRUNCATE ON public.tier_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.tier_events ENABLE ALWAYS TRIGGER tier_events_refuse_truncate;

CREATE TRIGGER till_batches_refuse_change BEFORE DELETE OR UPDATE ON public.till_batches FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.till_batches ENABLE ALWAYS TRIGGER till_batches_refuse_change;

CREATE TRIGGER till_batches_refuse_truncate BEFORE TRUNCATE ON public.till_batches FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.till_batches ENABLE ALWAYS TRIGGER till_batches_refuse_truncate;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.deferral_policies
    ADD CONSTRAINT deferral_policies_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.entitlements
    ADD CONSTRAINT entitlements_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.entry_texts
    ADD CONSTRAINT entry_texts_entry_id_fkey FOREIGN KEY (entry_id, holder_id) REFERENCES public.entries(entry_id, holder_id);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.estimates
    ADD CONSTRAINT estimates_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.holders
    ADD CONSTRAINT holders_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.key_events
    ADD CONSTRAINT key_events_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.api_keys(key_id);

ALTER TABLE ONLY public.key_uses
    ADD CONSTRAINT key_uses_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.api_keys(key_id);

ALTER TABLE ONLY public.lots
    ADD CONSTRAINT lots_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.member_attributes
    ADD CONSTRAINT member_attributes_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.member_lock_events
    ADD CONSTRAINT member_lock_events_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.period_events
    ADD CONSTRAINT period_events_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_entry_id_fkey FOREIGN KEY (entry_id, holder_id) REFERENCES public.entries(entry_id, holder_id);

ALTER TABLE ONLY public.program_terms
    ADD CONSTRAINT program_terms_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.quotes
    ADD CONSTRAINT quotes_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.rates
    ADD CONSTRAINT rates_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.reconciliation_exceptions
    ADD CONSTRAINT reconciliation_exceptions_program_id_fkey FOREIGN KEY (program_id, reconciliation_id) REFERENCES public.reconciliations(program_id, reconciliation_id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.reconciliations
    ADD CONSTRAINT reconciliations_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.referrals
    ADD CONSTRAINT referrals_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT reviews_holder_id_fkey FOREIGN KEY (holder_id, hold_id) REFERENCES public.holds(holder_id, hold_id);

ALTER TABLE ONLY public.rule_activations
    ADD CONSTRAINT rule_activations_program_id_fkey FOREIGN KEY (program_id, owner, version) REFERENCES public.rule_sets(program_id, owner, version);

ALTER TABLE ONLY public.rule_sets
    ADD CONSTRAINT rule_sets_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.rule_switches
    ADD CONSTRAINT rule_switches_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.tier_events
    ADD CONSTRAINT tier_events_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.totals_state
    ADD CONSTRAINT totals_state_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.usages
    ADD CONSTRAINT usages_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

GRANT USAGE ON SCHEMA public TO ledger_app;

GRANT SELECT ON TABLE public.alembic_version TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.alerts TO ledger_app;

GRANT UPDATE(acknowledged_at) ON TABLE public.alerts TO ledger_app;

GRANT UPDATE(acknowledged_by) ON TABLE public.alerts TO ledger_app;

GRANT UPDATE(note) ON TABLE public.alerts TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.api_keys TO ledger_app;

GRANT UPDATE(expires_at) ON TABLE public.api_keys TO ledger_app;

GRANT UPDATE(revoked_at) ON TABLE public.api_keys TO ledger_app;

GRANT UPDATE(frozen_at) ON TABLE public.api_keys TO ledger_app;

GRANT UPDATE(frozen_reason) ON TABLE public.api_keys TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.approvals TO ledger_app;

GRANT UPDATE(content) ON TABLE public.approvals TO ledger_app;

GRANT UPDATE(content_hash) ON TABLE public.approvals TO ledger_app;

GRANT UPDATE(status) ON TABLE public.approvals TO ledger_app;

GRANT UPDATE(decided_by) ON TABLE public.approvals TO ledger_app;

GRANT UPDATE(decided_at) ON TABLE public.approvals TO ledger_app;

GRANT UPDATE(reason) ON TABLE public.approvals TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.audit_events TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.business_references TO ledger_app;

GRANT SELECT ON TABLE public.chart TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.checkpoints TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contract_totals TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.daily_totals TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.deferral_policies TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.entitlements TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.entries TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.entry_texts TO ledger_app;

GRANT UPDATE(salt) ON TABLE public.entry_texts TO ledger_app;

GRANT UPDATE(texts) ON TABLE public.entry_texts TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.erasures TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.estimates TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.flagged_entries TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.holders TO ledger_app;

GRANT UPDATE(version) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(points) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(held) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(debt) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(growth) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(available) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(pending) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(growth_value) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(next_expiry_points) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(next_expiry_at) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(fresh_until) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(recorded_at) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(enrolled_at) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(head_hash) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(region) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(store) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(tier_since) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(tier_ends_at) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(tier_settled_at) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(tier_terms_version) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(tier_in_grace) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(tier) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(locks) ON TABLE public.holders TO ledger_app;

GRANT UPDATE(merged_into) ON TABLE public.holders TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.holds TO ledger_app;

GRANT UPDATE(captured) ON TABLE public.holds TO ledger_app;

GRANT UPDATE(closed_entry_id) ON TABLE public.holds TO ledger_app;

GRANT UPDATE(status) ON TABLE public.holds TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.key_events TO ledger_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.key_uses TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.postings TO ledger_app;

GRANT SELECT ON TABLE public.legs TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.lots TO ledger_app;

GRANT UPDATE(remaining) ON TABLE public.lots TO ledger_app;

GRANT UPDATE(expired) ON TABLE public.lots TO ledger_app;

GRANT UPDATE(expires_at) ON TABLE public.lots TO ledger_app;

GRANT UPDATE(is_open) ON TABLE public.lots TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.member_attributes TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.member_lock_events TO ledger_app;

GRANT UPDATE(reason) ON TABLE public.member_lock_events TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.merges TO ledger_app;

GRANT UPDATE(undone_at) ON TABLE public.merges TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.outcomes TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.period_events TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.program_terms TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.programs TO ledger_app;

GRANT UPDATE(test_now) ON TABLE public.programs TO ledger_app;

GRANT UPDATE(terms_version) ON TABLE public.programs TO ledger_app;

GRANT UPDATE(stamp) ON TABLE public.programs TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.quotes TO ledger_app;

GRANT UPDATE(used_entry_id) ON TABLE public.quotes TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rate_counts TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.rates TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.reconciliation_exceptions TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.reconciliations TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.referrals TO ledger_app;

GRANT UPDATE(settled_entry_id) ON TABLE public.referrals TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.reviews TO ledger_app;

GRANT UPDATE(decision) ON TABLE public.reviews TO ledger_app;

GRANT UPDATE(decided_by) ON TABLE public.reviews TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.rule_activations TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.rule_sets TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.rule_switches TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.tier_events TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.till_batches TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.total_days TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.totals_state TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.usages TO ledger_app;

GRANT UPDATE(amount) ON TABLE public.usages TO ledger_app;

GRANT UPDATE(times) ON TABLE public.usages TO ledger_app;
