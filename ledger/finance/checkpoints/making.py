"""Checkpoints are made from the heads of all holders of a program, as one statement of SQL sees them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, insert, select

from ledger.accounts.models import holders
from ledger.accounts.program import Program
from ledger.finance.checkpoints.document import Checkpoint, Leaf, Statement
from ledger.finance.checkpoints.merkle import Tree
from ledger.finance.checkpoints.models import checkpoints
from ledger.finance.checkpoints.signing import Signer
from ledger.ids import new_entry_id

_ROWS_AT_A_TIME = 5_000


def make_checkpoint(
    connection: Connection,
    program: Program,
    signer: Signer,
    now: datetime,
    keep: Callable[[Leaf], object] | None = None,
) -> Checkpoint:
    """Make the program's next checkpoint, ``now`` being the program's present; it stays if the unit commits.

    ``keep`` is given every leaf, in the order of the holders: the database keeps none of them, so what is not kept
    here cannot be held against the books later. Locks nothing, and memory does not grow with the holders. Where two
    are made at a time, the later one loses a race for its number, and its unit of work runs again.
    """
    before = last_checkpoint(connection, program)
    tree, entries = Tree(), 0
    for leaf in read_leaves(connection, program):
        tree.add(leaf.encoded())
        entries += leaf.version
        if keep is not None:
            keep(leaf)
    statement = Statement(
        program.name,
        new_entry_id(),
        before.statement.number + 1 if before else 1,
        now,
        tree.size,
        entries,
        tree.root(),
        before.statement.digest() if before else None,
        signer.public_key,
    )
    made = Checkpoint(statement, signer.sign(statement.encoded()))
    connection.execute(insert(checkpoints).values(_row_of(program, made)))
    return made


def read_leaves(connection: Connection, program: Program) -> Iterator[Leaf]:
    """Where the chain of each holder of the program ends, by holder; members, funds and whoever else has entries."""
    heads = (
        select(holders.c.holder_id, holders.c.version, holders.c.head_hash)
        .where(holders.c.program_id == program.program_id, holders.c.version > 0)
        .order_by(holders.c.holder_id)
    )
    for row in connection.execute(heads, execution_options={"yield_per": _ROWS_AT_A_TIME}):
        yield Leaf(row.holder_id.bytes, row.version, row.head_hash)


def last_checkpoint(connection: Connection, program: Program) -> Checkpoint | None:
    """The program's checkpoint of the highest number."""
    newest = select_checkpoints(program).order_by(checkpoints.c.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return None if row is None else checkpoint_of(program, row)


def find_checkpoint(connection: Connection, program: Program, checkpoint_id: bytes) -> Checkpoint | None:
    """The program's checkpoint of that id."""
    one = select_checkpoints(program).where(checkpoints.c.checkpoint_id == UUID(bytes=checkpoint_id))
    row = connection.execute(one).one_or_none()
    return None if row is None else checkpoint_of(program, row)


def select_checkpoints(program: Program) -> Select[Any]:
    """The rows of the program's checkpoints."""
    return select(checkpoints).where(checkpoints.c.program_id == program.program_id)


def checkpoint_of(program: Program, row: Row[Any]) -> Checkpoint:
    """The checkpoint of a row."""
    statement = Statement(
        program.name,
        row.checkpoint_id.bytes,
        row.number,
        row.made_at,
        row.holders,
        row.entries,
        row.root,
        row.previous,
        row.public_key,
    )
    return Checkpoint(statement, row.signature)


def _row_of(program: Program, made: Checkpoint) -> dict[str, Any]:
    said = made.statement
    return {
        "program_id": program.program_id,
        "checkpoint_id": UUID(bytes=said.checkpoint_id),
        "number": said.number,
        "made_at": said.made_at,
        "holders": said.holders,
        "entries": said.entries,
        "root": said.root,
        "previous": said.previous,
        "public_key": said.public_key,
        "signature": made.signature,
    }
