"""Health: alive is a matter of the process, ready is a matter of the database behind it."""

from typing import Any

from ledger.access import PUBLIC
from ledger.errors import DatabaseUnavailable
from ledger.http.endpoint import Routes
from ledger.http.fields import Answer, Choice
from ledger.http.services import services
from ledger.preflight import NotReadyError, check_schema

routes = Routes("Health", "For the machines that keep the service running.")


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
    try:
        services().database.run(check_schema)
    except NotReadyError as error:
        raise DatabaseUnavailable(str(error)) from error
    return {"status": "ok"}
