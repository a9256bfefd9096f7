"""The tables of API keys, of approvals and of the audit log. Of a key only a digest is stored."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSON

from ledger.accounts.models import Moment, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("program_id", ForeignKey("programs.program_id"), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    # The region that the key speaks for; none: headquarters.
    Column("region", Text),
    Column("frozen_at", Moment),
    Column("frozen_reason", Text),
)

approvals = Table(
    "approvals",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("approval_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("reason", Text),
)

key_events = Table(
    "key_events",
    metadata,
    Column("key_id", ForeignKey("api_keys.key_id"), primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("recorded_at", Moment, nullable=False),
    Column("change", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# To ten minutes or so.
key_uses = Table(
    "key_uses",
    metadata,
    Column("key_id", ForeignKey("api_keys.key_id"), primary_key=True),
    Column("last_used_at", Moment, nullable=False),
)

rate_counts = Table(
    "rate_counts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("begins_at", Moment, primary_key=True),
    Column("taken", BigInteger, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    # 0 where nobody knows who it was.
    Column("program_id", Integer, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, primary_key=True),
    Column("recorded_at", Moment, nullable=False),
    Column("principal", Text),
    Column("role", Text),
    Column("member_id", Text),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("code", Text),
    Column("request_id", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("before_hash", LargeBinary),
    Column("after_hash", LargeBinary),
    Index("audit_events_program_id_idx", "program_id", "recorded_at"),
    Index("audit_events_subject_idx", "program_id", "subject", "recorded_at"),
)
