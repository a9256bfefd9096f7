"""Pages of a list, newest first: a cursor names the last row seen, so rows that arrive meanwhile shift nothing.

A cursor is opaque to callers: the name of its list and the key of its row. One that another list has
given, or that nobody has, is refused by name.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

from ledger.errors import InvalidRequest

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


class Page(NamedTuple):
    """Some rows of a list; ``next_cursor`` leads to the rows after them, None at the end."""

    items: list[dict[str, Any]]
    next_cursor: str | None

    def shown(self) -> dict[str, Any]:
        """The page as answers show it."""
        return {"data": self.items, "next_cursor": self.next_cursor}


def write_cursor(name: bytes, key: bytes) -> str:
    """The cursor of the row with that key in the list of that name."""
    return urlsafe_b64encode(name + key).decode("ascii").rstrip("=")


def read_cursor(name: bytes, cursor: str, length: int) -> bytes:
    """The key in a cursor of that list, ``length`` bytes; InvalidRequest naming ``cursor`` otherwise."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    # Spelled back, because the decoder passes over characters that it does not know.
    if (
        not raw.startswith(name)
        or len(raw) != len(name) + length
        or write_cursor(name, raw[len(name) :]) != cursor
    ):
        raise refused("cursor", "was not given by this list")
    return raw[len(name) :]


def refused(field: str, message: str) -> InvalidRequest:
    """The refusal of one parameter."""
    return InvalidRequest(f"{field}: {message}", errors=[{"field": field, "message": message}])
