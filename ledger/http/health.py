"""Health: alive is a matter of the process, ready is a matter of the database behind it."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, text

from ledger import migrate
from ledger.access import PUBLIC
from ledger.errors import DatabaseUnavailable
from ledger.http.endpoint import Routes
from ledger.http.fields import Answer, Choice
from ledger.http.services import services

routes = Routes("Health", "For the machines that keep the service running.")

_GUARDS = text(
    """
    SELECT count(*) FROM pg_trigger
     WHERE tgrelid IN (to_regclass('entries'), to_regclass('postings')) AND NOT tgisinternal
       AND tgenabled = 'A'
    """
)
_GUARDS_EXPECTED = 4
"""Against change and against truncation, on entries and on postings."""


class HealthSchema(Answer):
    """A sign of life."""

    status = Choice(("ok",), required=True)


@routes.get("/livez", scope=PUBLIC, answer=HealthSchema)
def show_liveness() -> dict[str, Any]:
    """Tell whether the process answers.

    Restart it when it does not. The database is not asked: restarting would not help it.
    """
    return {"status": "ok"}


@routes.get("/readyz", scope=PUBLIC, answer=HealthSchema, refusals=(DatabaseUnavailable,))
def show_readiness() -> dict[str, Any]:
    """Tell whether requests can be served.

    The database answers, its schema is the one this release is written for, and its guards against
    changing the books stand. Send traffic elsewhere while this is 503.
    """
    with services().database.read() as connection:
        check_ready(connection)
    return {"status": "ok"}


def check_ready(connection: Connection) -> None:
    """Refuse unless the schema is at the head and its guards stand (``database_unavailable``)."""
    current, head = migrate.current(connection), _head()
    if current != head:
        raise DatabaseUnavailable(f"the schema is at {current or 'nothing'}, and this release needs {head}")
    if connection.execute(_GUARDS).scalar_one() < _GUARDS_EXPECTED:
        raise DatabaseUnavailable("the triggers that keep the books append-only are not all enabled")


@cache
def _head() -> str:
    return migrate.head()
