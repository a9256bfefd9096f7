"""Tables of the accounts: programs and their terms, holders, lots.

The migrations are the truth about constraints, triggers and grants; these tables are what queries are
written with. A test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

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
)

member_attributes = Table(
    "member_attributes",
    metadata,
    Column("holder_id", ForeignKey("holders.holder_id"), primary_key=True),
    Column("attributes", JSONB, nullable=False),
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

chart = Table(
    "chart",
    metadata,
    Column("account", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("side", Text, nullable=False),
    Column("normal_side", Text, nullable=False),
    Column("unit", Text, nullable=False),
)
