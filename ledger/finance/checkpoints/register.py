"""The register of checkpoints, as callers read it."""

from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.errors import CheckpointUnknown
from ledger.finance.checkpoints.document import PREFIX
from ledger.finance.checkpoints.making import checkpoint_of, find_checkpoint, select_checkpoints
from ledger.finance.checkpoints.models import checkpoints
from ledger.ids import read as read_id

_LIST: Final = b"C"
_NUMBER_BYTES: Final = 8


def list_checkpoints(
    connection: Connection, program: Program, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """The program's checkpoints, newest first."""
    query = select_checkpoints(program)
    if cursor is not None:
        last_seen = int.from_bytes(read_cursor(_LIST, cursor, _NUMBER_BYTES), "big", signed=True)
        query = query.where(checkpoints.c.number < last_seen)
    # One more than asked for tells whether there are more.
    rows = connection.execute(query.order_by(checkpoints.c.number.desc()).limit(limit + 1)).all()
    more = None
    if len(rows) > limit:
        more = write_cursor(_LIST, rows[limit - 1].number.to_bytes(_NUMBER_BYTES, "big"))
    return Page([checkpoint_of(program, row).shown() for row in rows[:limit]], more)


def require_checkpoint(connection: Connection, program: Program, checkpoint_id: str) -> dict[str, Any]:
    """The program's checkpoint of that id, or ``checkpoint_unknown``."""
    identifier = read_id(PREFIX, checkpoint_id)
    found = find_checkpoint(connection, program, identifier) if identifier else None
    if found is None:
        raise CheckpointUnknown(f"there is no checkpoint {checkpoint_id}", checkpoint_id=checkpoint_id)
    return found.shown()
