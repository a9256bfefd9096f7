"""The tables of API keys and of approvals. What a key says is never stored: only a digest of it."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text, Uuid
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

rate_counts = Table(
    "rate_counts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("begins_at", Moment, primary_key=True),
    Column("taken", BigInteger, nullable=False),
)
