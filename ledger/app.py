"""The application: services, routes and error handlers put together, without anything global."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import perf_counter_ns

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from ledger import clock, errors
from ledger.access import key_grants
from ledger.access import routes as decisions
from ledger.access.approvals import Handler
from ledger.access.audit_log import Denials
from ledger.access.claims import find_token_keys
from ledger.access.key_uses import KeyUses
from ledger.access.keyring import Keyring
from ledger.access.rate_limits import rate_limits
from ledger.accounts import routes as members
from ledger.alerts import routes as alerts
from ledger.config import Settings
from ledger.db import Database
from ledger.errors import LedgerError
from ledger.finance import routes as reports
from ledger.finance.breakage import routes as breakage
from ledger.finance.checkpoints import routes as checkpoints
from ledger.finance.deferral import register as deferral_register
from ledger.finance.deferral import routes as deferral
from ledger.finance.metrics import rate_routes as metrics
from ledger.finance.metrics import routes as monitoring
from ledger.finance.periods import register as period_register
from ledger.finance.periods import routes as periods
from ledger.finance.reconciliation import routes as reconciliations
from ledger.funds import grants
from ledger.funds import routes as budgets
from ledger.fx import band_switches
from ledger.fx import quote_routes as quotes
from ledger.fx import rate_routes as rates
from ledger.fx import register as rate_register
from ledger.http import answers, batches, headers, health, viewer
from ledger.http.auditing import note_denial
from ledger.http.documents import Document
from ledger.http.endpoint import Routes, posted_by, require_declared
from ledger.http.meters import Meters
from ledger.http.operations import table_of
from ledger.http.services import EXTENSION, Services, services
from ledger.journal import routes as entries
from ledger.journal.reader import Reader
from ledger.journal.writer import Writer
from ledger.limits import review_routes
from ledger.limits import routes as locks
from ledger.merging import register as merge_register
from ledger.merging import routes as merges
from ledger.privacy import routes as privacy
from ledger.redemption import adjusting
from ledger.redemption import adjustment_routes as adjustments
from ledger.redemption import device_routes as devices
from ledger.redemption import hold_routes as holds
from ledger.redemption import routes as spending
from ledger.rules import activity_routes as activities
from ledger.rules import experiment_routes as experiments
from ledger.rules import explanation_routes as explanations
from ledger.rules import program_routes as program
from ledger.rules import register
from ledger.rules import routes as earning
from ledger.rules import rule_set_routes as rule_sets
from ledger.rules.simulation import routes as simulations

ROUTES: tuple[Routes, ...] = (
    members.routes,
    privacy.routes,
    locks.routes,
    review_routes.routes,
    earning.routes,
    activities.routes,
    spending.routes,
    holds.routes,
    adjustments.routes,
    merges.routes,
    devices.routes,
    quotes.routes,
    entries.routes,
    explanations.routes,
    batches.routes,
    budgets.routes,
    program.routes,
    rule_sets.routes,
    simulations.routes,
    experiments.routes,
    rates.routes,
    decisions.routes,
    decisions.keys,
    decisions.log,
    alerts.routes,
    reports.routes,
    metrics.routes,
    deferral.routes,
    breakage.routes,
    periods.routes,
    checkpoints.routes,
    reconciliations.routes,
    health.routes,
    monitoring.routes,
    viewer.routes,
)
"""Every package's routes, in the order of the documentation."""

APPROVALS: Mapping[str, Handler] = {
    **key_grants.APPROVALS,
    **register.APPROVALS,
    **grants.APPROVALS,
    **rate_register.APPROVALS,
    **band_switches.APPROVALS,
    **adjusting.APPROVALS,
    **merge_register.APPROVALS,
    **deferral_register.APPROVALS,
    **period_register.APPROVALS,
}
"""What carries out an approved proposal, by the kind of the proposal."""

_log = logging.getLogger(__name__)


def create_app(
    settings: Settings,
    database: Database,
    system_clock: Callable[[], datetime] = clock.system_now,
    routes: Sequence[Routes] = ROUTES,
    approvals: Mapping[str, Handler] = APPROVALS,
    meters: Meters | None = None,
) -> Flask:
    """An application on this database. Fails when any address has no declared scope.

    ``meters`` are its own unless it is one of several workers'.
    """
    app = Flask("ledger", static_folder=None)
    # Werkzeug would answer OPTIONS by itself, and send // elsewhere: both past the declared routes.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    # Whatever the environment says of Flask.
    app.debug = False
    declared = [route for each in routes for route in each.declared]
    operations = table_of(route.operation for route in declared if route.operation)
    app.extensions[EXTENSION] = Services(
        settings,
        database,
        system_clock,
        operations,
        approvals,
        meters or Meters(),
        Writer(database, system_clock, room=settings.queue),
        Reader(database, system_clock, room=settings.queue),
        Keyring(),
        find_token_keys(settings.member_keys_file),
        rate_limits(settings, database),
        Denials(database, system_clock),
        KeyUses(database),
        posted_by(declared),
    )
    app.extensions[viewer.DOCUMENT] = document = Document(app)
    for each in routes:
        document.register(each)
    _register_edges(app)
    require_declared(app, declared)
    return app


def openapi_document(form: str) -> str:
    """The document of this release, as YAML or JSON, without a database."""
    app = create_app(Settings(), Database("postgresql://", role=None))
    document: Document = app.extensions[viewer.DOCUMENT]
    return document.as_yaml() if form == "yaml" else document.as_json().decode() + "\n"


def _register_edges(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    app.register_error_handler(LedgerError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)


def _begin() -> None:
    g.began_at = perf_counter_ns()
    g.meters = services().meters
    g.meters.begun()
    g.request_id = headers.request_id(request)


def _finish(answer: Response) -> Response:
    rule = request.url_rule
    took = perf_counter_ns() - g.began_at
    g.meters.answered(request.method, rule.rule if rule else None, answer.status_code, took)
    return answers.finish(answer, request.path)


def _end(_error: BaseException | None) -> None:
    if "meters" in g:
        g.meters.ended()


def _refuse(error: LedgerError) -> Response:
    services().meters.refused(error.code)
    note_denial(error)
    return answers.problem_answer(error)


def _refuse_http(error: HTTPException) -> Response:
    return _refuse(_in_our_words(error))


def _fail(error: Exception) -> Response:
    # The cause goes to the log and nowhere else.
    _log.error("request %s failed", g.request_id, exc_info=error)
    return _refuse(errors.InternalError("the ledger failed; nothing was written"))


def _in_our_words(error: HTTPException) -> LedgerError:
    if isinstance(error, NotFound):
        return errors.RouteUnknown("there is nothing at this address")
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        return errors.MethodNotAllowed(f"this address knows {', '.join(allowed)}", allowed=allowed)
    if isinstance(error, RequestEntityTooLarge):
        return errors.BodyTooLarge("the body is too large")
    if (error.code or 500) < 500:
        return errors.InvalidRequest(error.description or error.name, errors=[])
    _log.error("request %s failed", g.request_id, exc_info=error)
    return errors.InternalError("the ledger failed; nothing was written")
