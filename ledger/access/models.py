"""The table of API keys. What a key says is never stored: only a digest of it."""

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, Text

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
)
