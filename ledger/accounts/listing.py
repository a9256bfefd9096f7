"""Pages read from the database: one row more than asked for tells whether there are more."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select

from ledger.accounts.paging import read_cursor, write_cursor

_ID_BYTES = 16


def newest_rows(
    connection: Connection,
    query: Select[Any],
    identifier: ColumnElement[UUID],
    name: bytes,
    *,
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[Row[Any]], str | None]:
    """Rows of a query, newest first by an id that grows with time; and the cursor to those after them.

    ``name`` is the list's; refuses a cursor of another (``invalid_request``). ``identifier`` is a column of the query.
    """
    if cursor is not None:
        query = query.where(identifier < UUID(bytes=read_cursor(name, cursor, _ID_BYTES)))
    rows = connection.execute(query.order_by(identifier.desc()).limit(limit + 1)).all()
    more = write_cursor(name, rows[limit - 1]._mapping[identifier].bytes) if len(rows) > limit else None
    return rows[:limit], more
