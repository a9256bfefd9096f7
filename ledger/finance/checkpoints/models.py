"""Table of the checkpoints, which nothing changes."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, UniqueConstraint, Uuid

from ledger.accounts.models import Moment, metadata

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("program_id", ForeignKey("programs.program_id"), primary_key=True),
    Column("checkpoint_id", Uuid, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("holders", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    UniqueConstraint("program_id", "number"),
)
