"""Tables of the accounts: programs and their terms, holders, lots.

The migrations are the truth about constraints, triggers and grants; these tables are what queries are
written with. A test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Moment = DateTime(timezone=True)

programs = Table(
    "programs",
    metadata,
    Column("program_id", Integer, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("is_test", Boolean, nullable=False),
    Column("test_now", Moment),
    Column("terms_version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("stamp", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
)

program_terms = Table(
    "program_terms",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # JSON, not JSONB: the bytes that were approved are the bytes that are kept.
    Column("terms", JSON, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

rule_sets = Table(
    "rule_sets",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", JSON, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

rule_activations = Table(
    "rule_activations",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("activation_id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("active_from", Moment, nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("reason", Text),
    Column("recorded_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["program_id", "owner", "version"],
        ["rule_sets.program_id", "rule_sets.owner", "rule_sets.version"],
    ),
)

rule_switches = Table(
    "rule_switches",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("switch_id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("switched_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

rates = Table(
    "rates",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("bid", Numeric, nullable=False),
    Column("ask", Numeric, nullable=False),
    Column("floor", Numeric, nullable=False),
    Column("ceiling", Numeric, nullable=False),
    Column("max_step", Numeric, nullable=False),
    Column("valid_from", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text),
    Column("approved_by", Text),
    # In the order in which rates and entries were made, also where a test clock stands; the first rate has none.
    Column("rate_id", Uuid, nullable=False, server_default="00000000-0000-0000-0000-000000000000"),
)

deferral_policies = Table(
    "deferral_policies",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("policy_id", Uuid, nullable=False),
    Column("applies_from", Date, nullable=False),
    Column("method", Text, nullable=False),
    Column("unit_value", Numeric),
    Column("unit_cost", Numeric),
    Column("settlement_price", Numeric),
    Column("share_decimals", SmallInteger),
    Column("tax_rate", Numeric, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text),
    Column("approved_by", Text),
)

holders = Table(
    "holders",
    metadata,
    Column("holder_id", Uuid, primary_key=True),
    Column("program_id", ForeignKey("programs.program_id"), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("growth", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("growth_value", BigInteger, nullable=False),
    Column("next_expiry_points", BigInteger, nullable=False),
    Column("next_expiry_at", Moment),
    Column("fresh_until", Moment),
    Column("recorded_at", Moment),
    Column("enrolled_at", Moment, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("member_id", Text, nullable=False),
    Column("region", Text),
    Column("store", Text),
    Column("tier_since", Moment),
    Column("tier_ends_at", Moment),
    Column("tier_settled_at", Moment),
    Column("tier_terms_version", Integer, nullable=False),
    Column("tier_in_grace", Boolean, nullable=False),
    Column("tier", Text),
    Column("locks", SmallInteger, nullable=False, server_default=text("0")),
    Column("merged_into", Uuid),
    Index(
        "holders_program_id_idx",
        "program_id",
        "tier_ends_at",
        "holder_id",
        postgresql_where=text("tier_ends_at IS NOT NULL"),
    ),
    Index("holders_funds_idx", "program_id", "member_id", postgresql_where=text("member_id LIKE 'fund/%'")),
)

member_attributes = Table(
    "member_attributes",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("attributes", JSONB, nullable=False),
    Index(
        "member_attributes_attributes_idx",
        "attributes",
        postgresql_using="gin",
        postgresql_ops={"attributes": "jsonb_path_ops"},
    ),
)

member_lock_events = Table(
    "member_lock_events",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("recorded_at", Moment, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("lock", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

merges = Table(
    "merges",
    metadata,
    # The survivor.
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    # The entry by which the duplicate's points left.
    Column("merge_id", Uuid, primary_key=True),
    Column("duplicate_id", Uuid, nullable=False),
    Column("merged_at", Moment, nullable=False),
    Column("undone_at", Moment),
    Column("uncounted", ARRAY(Uuid), nullable=False),
    Index("merges_duplicate_id_idx", "duplicate_id"),
)

lots = Table(
    "lots",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("lot_id", Uuid, primary_key=True),
    Column("original", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("earned_at", Moment, nullable=False),
    Column("available_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("program_id", Integer, nullable=False),
    Column("unit", SmallInteger, nullable=False),
    Column("rolling", Boolean, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Index("lots_holder_id_idx", "holder_id", postgresql_where=text("is_open")),
    Index("lots_program_id_idx", "program_id", "expires_at", "holder_id", postgresql_where=text("is_open")),
)

holds = Table(
    "holds",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    # The id of the entry that made it.
    Column("hold_id", Uuid, primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False, server_default=text("0")),
    Column("expires_at", Moment, nullable=False),
    Column("closed_entry_id", Uuid),
    Column("quote_id", Uuid),
    Column("program_id", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Index("holds_holder_id_idx", "holder_id", postgresql_where=text("status = 'open'")),
    Index(
        "holds_program_id_idx",
        "program_id",
        "expires_at",
        "holder_id",
        postgresql_where=text("status = 'open'"),
    ),
)

# Awards that are held until somebody has looked. All of it follows from the entries; it is kept to be found.
reviews = Table(
    "reviews",
    metadata,
    Column("holder_id", Uuid, primary_key=True),
    Column("hold_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, nullable=False),
    # The key that has sent the award; whoever decides has another.
    Column("opened_by", Text, nullable=False),
    Column("program_id", Integer, nullable=False),
    Column("decision", Text),
    Column("decided_by", Text),
    ForeignKeyConstraint(["holder_id", "hold_id"], ["holds.holder_id", "holds.hold_id"]),
    Index("reviews_program_id_idx", "program_id", "hold_id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("erased_at", Moment, nullable=False),
    Column("erased_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

quotes = Table(
    "quotes",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("quote_id", Uuid, primary_key=True),
    # Amounts of money in minor units of the program's currency.
    Column("points", BigInteger, nullable=False),
    Column("points_value", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("rate_version", Integer, nullable=False),
    Column("used_entry_id", Uuid),
    Column("store", Text),
    Column("sku", Text),
    Index("quotes_holder_id_idx", "holder_id", "expires_at", postgresql_where=text("used_entry_id IS NULL")),
)

tier_events = Table(
    "tier_events",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("terms_version", Integer, nullable=False),
    Column("effective_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("growth", BigInteger, nullable=False),
    Column("entry_id", Uuid),
    Column("from_tier", Text),
    Column("to_tier", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

entitlements = Table(
    "entitlements",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("tier", Text, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

chart = Table(
    "chart",
    metadata,
    Column("account", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("side", Text, nullable=False),
    Column("normal_side", Text, nullable=False),
    Column("unit", Text, nullable=False),
)
