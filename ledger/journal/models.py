"""Tables of the journal: entries and postings, which nothing changes; claims and outcomes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from ledger.accounts.models import Moment, metadata

entries = Table(
    "entries",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("effective_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("points_after", BigInteger, nullable=False),
    Column("held_after", BigInteger, nullable=False),
    Column("debt_after", BigInteger, nullable=False),
    Column("growth_after", BigInteger, nullable=False),
    Column("terms_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("parent_entry_id", Uuid),
    Column("peer_holder_id", Uuid),
    Column("extends_to", Moment),
    Column("reference", Text),
    Column("channel", Text),
    Column("store", Text),
    Column("region", Text),
    Column("operator", Text),
    Column("terminal", Text),
    # JSON, not JSONB: the hash covers the bytes as they were written.
    Column("details", JSON),
    UniqueConstraint("holder_id", "version"),
    Index(
        "entries_parent_entry_id_idx", "parent_entry_id", postgresql_where=text("parent_entry_id IS NOT NULL")
    ),
)

postings = Table(
    "postings",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True),
    Column("holder_id", Uuid, primary_key=True),
    Column("debit", SmallInteger, nullable=False),
    Column("credit", SmallInteger, nullable=False),
    Column("unit", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("lot_id", Uuid),
    Column("available_at", Moment),
    Column("expires_at", Moment),
    Column("rolling", Boolean),
    ForeignKeyConstraint(["entry_id", "holder_id"], ["entries.entry_id", "entries.holder_id"]),
)

entry_texts = Table(
    "entry_texts",
    metadata,
    Column("holder_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("salt", LargeBinary),
    # JSON, not JSONB: the digest covers the bytes as they were written.
    Column("texts", JSON),
    ForeignKeyConstraint(["entry_id", "holder_id"], ["entries.entry_id", "entries.holder_id"]),
)

business_references = Table(
    "business_references",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("holder_id", Uuid, nullable=False),
    Column("entry_id", Uuid, nullable=False),
)

usages = Table(
    "usages",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
    Index("usages_overrun_idx", "period", "holder_id", postgresql_where=text("subject LIKE 'overrun:%'")),
)

referrals = Table(
    "referrals",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("referrer_holder_id", Uuid, nullable=False),
    Column("referrer_id", Text, nullable=False),
    Column("activity_entry_id", Uuid, nullable=False),
    Column("settled_entry_id", Uuid),
    Column("recorded_at", Moment, nullable=False),
    Index("referrals_referrer_holder_id_idx", "referrer_holder_id", "recorded_at", "holder_id"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("entry_id", Uuid),
    Column("request_id", Text, nullable=False),
    # The code of the refusal; none for a success.
    Column("code", Text),
    Column("answer", LargeBinary, nullable=False),
    # Who has sent it, and what he asked for by name; none where the ledger itself did.
    Column("caller", Text),
    Column("action", Text),
    Index(
        "outcomes_program_id_idx", "program_id", "recorded_at", postgresql_where=text("action IS NOT NULL")
    ),
)

till_batches = Table(
    "till_batches",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("operations", Integer, nullable=False),
    Column("received_at", Moment, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("alert_id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Text),
    Column("note", Text),
    UniqueConstraint("program_id", "code", "subject"),
)
