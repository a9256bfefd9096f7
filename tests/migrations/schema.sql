-- The schema after all migrations, as pg_dump shows it. Written by make golden.

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the books are append-only; post a reversal instead', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
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
    CONSTRAINT api_keys_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT api_keys_expires_at_check CHECK ((expires_at > created_at)),
    CONSTRAINT api_keys_key_id_check CHECK ((key_id ~ '^[0-9a-z]{12,32}$'::text))
);

CREATE TABLE public.business_references (
    program_id integer NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    holder_id uuid NOT NULL,
    entry_id uuid NOT NULL
);

CREATE TABLE public.chart (
    account smallint NOT NULL,
    name text NOT NULL,
    side text NOT NULL,
    normal_side text NOT NULL,
    unit text NOT NULL,
    CONSTRAINT chart_normal_side_check CHECK ((normal_side = ANY (ARRAY['debit'::text, 'credit'::text]))),
    CONSTRAINT chart_side_check CHECK ((side = ANY (ARRAY['member'::text, 'house'::text])))
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
    CONSTRAINT entries_kind_check CHECK ((kind = ANY (ARRAY['earn'::text, 'award'::text, 'redeem'::text, 'refund'::text, 'return'::text, 'transfer_out'::text, 'transfer_in'::text, 'expire'::text, 'reversal'::text]))),
    CONSTRAINT entries_version_check CHECK ((version > 0))
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
    CONSTRAINT holders_debt_check CHECK (((debt >= 0) AND (debt <= '9007199254740991'::bigint))),
    CONSTRAINT holders_growth_check CHECK (((growth >= 0) AND (growth <= '9007199254740991'::bigint))),
    CONSTRAINT holders_head_hash_check CHECK ((length(head_hash) = 32)),
    CONSTRAINT holders_held_check CHECK (((held >= 0) AND (held <= '9007199254740991'::bigint))),
    CONSTRAINT holders_member_id_check CHECK ((member_id ~ '^[A-Za-z0-9._:-]{1,64}$'::text)),
    CONSTRAINT holders_points_check CHECK (((points >= 0) AND (points <= '9007199254740991'::bigint))),
    CONSTRAINT holders_standing_check CHECK (((available >= 0) AND (pending >= 0) AND ((available + pending) <= points) AND ((growth_value >= 0) AND (growth_value <= growth)))),
    CONSTRAINT holders_version_check CHECK ((version >= 0))
)
WITH (fillfactor='60');

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
CASE unit
    WHEN 1 THEN ((debit = ANY (ARRAY[1, 2, 3, 50, 51, 52, 53, 54, 55])) AND (credit = ANY (ARRAY[1, 2, 3, 50, 51, 52, 53, 54, 55])))
    WHEN 2 THEN ((debit = ANY (ARRAY[4, 60, 61])) AND (credit = ANY (ARRAY[4, 60, 61])))
    ELSE false
END)
);

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
WITH (fillfactor='85');

CREATE TABLE public.member_attributes (
    holder_id uuid NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE public.outcomes (
    program_id integer NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    entry_id uuid,
    request_id text NOT NULL,
    code text,
    answer bytea NOT NULL
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

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.business_references
    ADD CONSTRAINT business_references_pkey PRIMARY KEY (program_id, kind, reference);

ALTER TABLE ONLY public.chart
    ADD CONSTRAINT chart_name_key UNIQUE (name);

ALTER TABLE ONLY public.chart
    ADD CONSTRAINT chart_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_holder_id_key UNIQUE (holder_id, version);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (entry_id, holder_id);

ALTER TABLE ONLY public.holders
    ADD CONSTRAINT holders_pkey PRIMARY KEY (holder_id);

ALTER TABLE ONLY public.lots
    ADD CONSTRAINT lots_pkey PRIMARY KEY (holder_id, lot_id);

ALTER TABLE ONLY public.member_attributes
    ADD CONSTRAINT member_attributes_pkey PRIMARY KEY (holder_id);

ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_pkey PRIMARY KEY (program_id, key);

ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (entry_id, ordinal, holder_id);

ALTER TABLE ONLY public.program_terms
    ADD CONSTRAINT program_terms_pkey PRIMARY KEY (program_id, version);

ALTER TABLE ONLY public.programs
    ADD CONSTRAINT programs_name_key UNIQUE (name);

ALTER TABLE ONLY public.programs
    ADD CONSTRAINT programs_pkey PRIMARY KEY (program_id);

CREATE INDEX entries_parent_entry_id_idx ON public.entries USING btree (parent_entry_id) WHERE (parent_entry_id IS NOT NULL);

CREATE INDEX lots_holder_id_idx ON public.lots USING btree (holder_id) WHERE is_open;

CREATE INDEX lots_program_id_idx ON public.lots USING btree (program_id, expires_at, holder_id) WHERE is_open;

CREATE TRIGGER business_references_refuse_change BEFORE DELETE OR UPDATE ON public.business_references FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.business_references ENABLE ALWAYS TRIGGER business_references_refuse_change;

CREATE TRIGGER business_references_refuse_truncate BEFORE TRUNCATE ON public.business_references FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.business_references ENABLE ALWAYS TRIGGER business_references_refuse_truncate;

CREATE TRIGGER entries_refuse_change BEFORE DELETE OR UPDATE ON public.entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entries ENABLE ALWAYS TRIGGER entries_refuse_change;

CREATE TRIGGER entries_refuse_truncate BEFORE TRUNCATE ON public.entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.entries ENABLE ALWAYS TRIGGER entries_refuse_truncate;

CREATE TRIGGER postings_refuse_change BEFORE DELETE OR UPDATE ON public.postings FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.postings ENABLE ALWAYS TRIGGER postings_refuse_change;

CREATE TRIGGER postings_refuse_truncate BEFORE TRUNCATE ON public.postings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.postings ENABLE ALWAYS TRIGGER postings_refuse_truncate;

CREATE TRIGGER program_terms_refuse_change BEFORE DELETE OR UPDATE ON public.program_terms FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.program_terms ENABLE ALWAYS TRIGGER program_terms_refuse_change;

CREATE TRIGGER program_terms_refuse_truncate BEFORE TRUNCATE ON public.program_terms FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.program_terms ENABLE ALWAYS TRIGGER program_terms_refuse_truncate;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.holders
    ADD CONSTRAINT holders_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

ALTER TABLE ONLY public.lots
    ADD CONSTRAINT lots_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.member_attributes
    ADD CONSTRAINT member_attributes_holder_id_fkey FOREIGN KEY (holder_id) REFERENCES public.holders(holder_id);

ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_entry_id_fkey FOREIGN KEY (entry_id, holder_id) REFERENCES public.entries(entry_id, holder_id);

ALTER TABLE ONLY public.program_terms
    ADD CONSTRAINT program_terms_program_id_fkey FOREIGN KEY (program_id) REFERENCES public.programs(program_id);

GRANT USAGE ON SCHEMA public TO ledger_app;

GRANT SELECT ON TABLE public.alembic_version TO ledger_app;

GRANT SELECT ON TABLE public.api_keys TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.business_references TO ledger_app;

GRANT SELECT ON TABLE public.chart TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.entries TO ledger_app;

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

GRANT SELECT,INSERT ON TABLE public.postings TO ledger_app;

GRANT SELECT ON TABLE public.legs TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.lots TO ledger_app;

GRANT UPDATE(remaining) ON TABLE public.lots TO ledger_app;

GRANT UPDATE(expired) ON TABLE public.lots TO ledger_app;

GRANT UPDATE(expires_at) ON TABLE public.lots TO ledger_app;

GRANT UPDATE(is_open) ON TABLE public.lots TO ledger_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.member_attributes TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.outcomes TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.program_terms TO ledger_app;

GRANT SELECT,INSERT ON TABLE public.programs TO ledger_app;

GRANT UPDATE(test_now) ON TABLE public.programs TO ledger_app;

GRANT UPDATE(terms_version) ON TABLE public.programs TO ledger_app;
