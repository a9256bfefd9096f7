"""Tables of finance: totals that follow from the entries, accounting periods and estimates."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSON

from ledger.accounts.models import Moment, metadata

totals_state = Table(
    "totals_state",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("through", Uuid, nullable=False),
    Column("refreshed_at", Moment, nullable=False),
)

daily_totals = Table(
    "daily_totals",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("dimension", Text, primary_key=True),
    Column("effective_on", Date, primary_key=True),
    Column("recorded_on", Date, primary_key=True),
    Column("booked_on", Date, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("unit", SmallInteger, primary_key=True),
    Column("debit", SmallInteger, primary_key=True),
    Column("credit", SmallInteger, primary_key=True),
    Column("amount", Numeric, nullable=False),
    Column("postings", BigInteger, nullable=False),
)

total_days = Table(
    "total_days",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("effective_on", Date, primary_key=True),
    Column("recorded_on", Date, primary_key=True),
    Column("booked_on", Date, primary_key=True),
    Column("entries", BigInteger, nullable=False),
    Column("first_entry_id", Uuid, nullable=False),
    Column("last_entry_id", Uuid, nullable=False),
    Column("first_effective_at", Moment, nullable=False),
    Column("last_effective_at", Moment, nullable=False),
    Column("first_recorded_at", Moment, nullable=False),
    Column("last_recorded_at", Moment, nullable=False),
    Column("first_booked_at", Moment, nullable=False),
    Column("last_booked_at", Moment, nullable=False),
)

contract_totals = Table(
    "contract_totals",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("effective_on", Date, primary_key=True),
    Column("recorded_on", Date, primary_key=True),
    Column("booked_on", Date, primary_key=True),
    Column("cohort", Date, primary_key=True),
    Column("policy_version", Integer, primary_key=True, autoincrement=False),
    Column("measure", Text, primary_key=True),
    Column("amount", Numeric, nullable=False),
)

flagged_entries = Table(
    "flagged_entries",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("flag", Text, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("holder_id", Uuid, primary_key=True),
    Column("effective_on", Date, nullable=False),
    Column("recorded_on", Date, nullable=False),
    Column("booked_on", Date, nullable=False),
)

period_events = Table(
    "period_events",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("period", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("reason", Text),
    # JSON, not JSONB: the hash covers the bytes as they were written.
    Column("pack", JSON),
    Column("pack_hash", LargeBinary),
)

estimates = Table(
    "estimates",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("estimate_id", Uuid, nullable=False),
    Column("cohort", Date),
    Column("applies_from", Date, nullable=False),
    Column("expected_redemption", Numeric, nullable=False),
    Column("method", Text, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
)
