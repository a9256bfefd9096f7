"""Tables of reconciliations, which nothing changes."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSON

from ledger.accounts.models import Moment, metadata

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("reconciliation_id", Uuid, primary_key=True),
    Column("matched", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("extra", BigInteger, nullable=False),
    Column("different", BigInteger, nullable=False),
    Column("uploaded", BigInteger, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("previous_id", Uuid),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Column("ageing", JSON, nullable=False),
    Index("reconciliations_program_id_idx", "program_id", "kind", "first_day", "last_day"),
)

exceptions = Table(
    "reconciliation_exceptions",
    metadata,
    Column("program_id", Integer, primary_key=True),
    Column("reconciliation_id", Uuid, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("details", JSON, nullable=False),
    ForeignKeyConstraint(
        ["program_id", "reconciliation_id"],
        ["reconciliations.program_id", "reconciliations.reconciliation_id"],
        deferrable=True,
        initially="DEFERRED",
    ),
)
