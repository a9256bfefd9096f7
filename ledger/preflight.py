"""What must be true of a database before the service posts to it; refused with advice otherwise."""

import logging
from functools import cache
from typing import Final

from sqlalchemy import Connection, text

from ledger import migrate
from ledger.config import Settings, is_remote, is_verified
from ledger.db import Database


class NotReadyError(RuntimeError):
    """The database is not fit to keep books; the message says what to do about it."""


_log = logging.getLogger(__name__)

DURABILITY: Final = ("fsync", "full_page_writes", "synchronous_commit")
_BOOKS: Final = ("entries", "postings")
_GUARDS: Final = 4
"""Triggers against change and against truncation, on entries and on postings."""

_SETTINGS = text("SELECT name FROM pg_settings WHERE name = ANY(:names) AND setting = 'off' ORDER BY name")
_PRIVILEGES = text(
    """
    SELECT privilege || ' on ' || book
      FROM unnest(CAST(:books AS text[])) AS book, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
     WHERE has_table_privilege(book, privilege)
    """
)
_TRIGGERS = text(
    """
    SELECT count(*) FROM pg_trigger
     WHERE tgrelid IN (to_regclass('entries'), to_regclass('postings'))
       AND NOT tgisinternal AND tgenabled = 'A'
    """
)


def check(database: Database, settings: Settings) -> None:
    """Refuse a database that is not fit; say aloud what is tolerated in spite of that."""
    address = settings.database_url
    if address is not None and is_remote(address) and not is_verified(address):
        _log.warning(
            "THE DATABASE IS REACHED OVER A NETWORK AND NEED NOT PROVE WHO IT IS: set LEDGER_DATABASE_TLS=verify-full."
        )
    with database.read() as connection:
        check_schema(connection)
        check_grants(connection)
        unsafe = ", ".join(unsafe_settings(connection))
    if not unsafe:
        return
    if not settings.unsafe_durability:
        raise NotReadyError(
            f"The server may lose what it has confirmed: {unsafe} is off. Turn it on; or, where losing "
            "points does not matter, set LEDGER_UNSAFE_DURABILITY=1."
        )
    _log.warning("THIS SERVER MAY LOSE WHAT IT HAS CONFIRMED: %s is off. Not for production.", unsafe)


def check_schema(connection: Connection) -> None:
    """Refuse a schema that this release is not written for, or whose guards of the books are gone."""
    current, head = migrate.current(connection), _head()
    if current != head:
        raise NotReadyError(
            f"The schema is at {current or 'nothing'}, and this release needs {head}: run `ledger migrate`."
        )
    if connection.execute(_TRIGGERS).scalar_one() < _GUARDS:
        raise NotReadyError(
            "The triggers that keep entries and postings append-only are not all enabled: restore them."
        )


def check_grants(connection: Connection) -> None:
    """Refuse a role that could change what is in the books."""
    found = connection.execute(_PRIVILEGES, {"books": list(_BOOKS)}).scalars().all()
    if found:
        raise NotReadyError(
            f"The application's role holds {', '.join(found)}. It must own nothing and change nothing: set "
            "LEDGER_APP_ROLE to the role that the migrations made, and let the login be a member of it only."
        )


def unsafe_settings(connection: Connection) -> list[str]:
    """The settings that let a server confirm what it may lose."""
    return list(connection.execute(_SETTINGS, {"names": list(DURABILITY)}).scalars())


@cache
def _head() -> str:
    return migrate.head()
