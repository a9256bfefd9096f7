"""The route of the page that Prometheus reads."""

import hmac

from flask import Response, request

from ledger.access import PUBLIC
from ledger.errors import Unauthenticated
from ledger.finance.metrics.page import CONTENT_TYPE, Page
from ledger.http import headers
from ledger.http.endpoint import Routes
from ledger.http.services import services

routes = Routes("Monitoring", "For the machines that watch the service.")


@routes.get(
    "/metrics",
    scope=PUBLIC,
    answer={"type": "string"},
    answer_types=("text/plain",),
    refusals=(Unauthenticated,),
)
def show_metrics() -> Response:
    """Show what Prometheus reads.

    The text format, version 0.0.4. Where the operator has set a token, it is demanded as `Authorization: Bearer`.
    """
    shared = services()
    if shared.settings.metrics_token is not None:
        _require(shared.settings.metrics_token)
    page = Page(shared.meters, shared.database, shared.clock())
    return Response(page.render(), content_type=CONTENT_TYPE)


def _require(token: str) -> None:
    headers.refuse_ambiguous(request)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Compared as bytes in constant time, whatever was sent.
    is_given = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not is_given:
        raise Unauthenticated("send the token of the metrics as Authorization: Bearer TOKEN")
