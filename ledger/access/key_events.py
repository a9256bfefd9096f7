"""What is done to a key once it is there: the change, a new stamp for its program, and who did it and why.

With the new stamp nobody goes on with what he remembers of the key.
"""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from ledger.access.models import api_keys, key_events
from ledger.accounts.listing import newest_rows
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.programs import touch
from ledger.clock import show
from ledger.ids import new_entry_id
from ledger.ids import show as show_id

Change = Literal["freeze", "unfreeze", "rotate", "revoke"]
CHANGES: Final[tuple[Change, ...]] = ("freeze", "unfreeze", "rotate", "revoke")
PREFIX: Final = "kev"

_LIST: Final = b"Y"


def change_key(
    connection: Connection,
    key_id: str,
    change: Change,
    now: datetime,
    *conditions: Any,
    by: str,
    reason: str,
    **values: Any,
) -> int | None:
    """Change a key where the conditions hold; its program, or None where nothing was changed.

    Locks the key's row and the program's.
    """
    changed = connection.execute(
        update(api_keys)
        .where(api_keys.c.key_id == key_id, *conditions)
        .values(**values)
        .returning(api_keys.c.program_id)
    ).scalar_one_or_none()
    if changed is None:
        return None
    touch(connection, changed)
    connection.execute(
        insert(key_events).values(
            key_id=key_id,
            event_id=UUID(bytes=new_entry_id()),
            recorded_at=now,
            change=change,
            changed_by=by,
            reason=reason,
        )
    )
    return int(changed)


def list_key_events(
    connection: Connection, key_id: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """What was done to a key, newest first."""
    query = select(key_events).where(key_events.c.key_id == key_id)
    rows, more = newest_rows(connection, query, key_events.c.event_id, _LIST, limit=limit, cursor=cursor)
    return Page([_shown(row) for row in rows], more)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "event_id": show_id(PREFIX, row.event_id.bytes),
        "change": row.change,
        "changed_by": row.changed_by,
        "reason": row.reason,
        "recorded_at": show(row.recorded_at),
    }
