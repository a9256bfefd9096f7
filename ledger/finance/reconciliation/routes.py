"""Routes of reconciliations: an upload is held against the books at once, and what came of it is kept."""

from io import BytesIO
from typing import Any, Final

from flask import Response, request

from ledger import errors
from ledger.accounts.schemas import PageQuery, page_of
from ledger.finance.reconciliation.register import (
    days_of,
    list_reconciliations,
    reconcile,
    require_reconciliation,
)
from ledger.finance.reconciliation.schemas import (
    ReconcileQuery,
    ReconcileSchema,
    ReconciliationHeadSchema,
    ReconciliationQuery,
    ReconciliationSchema,
)
from ledger.finance.reconciliation.uploads import Upload
from ledger.http.admission import admit
from ledger.http.answers import encode, json_answer
from ledger.http.endpoint import Route, Routes, call_of
from ledger.http.operations import load
from ledger.http.parsing import BATCH_BODY_LIMIT, CSV, JSON, media_type, read_body, read_document
from ledger.http.query import read_query, refuse_unknown
from ledger.http.services import Call

routes = Routes("Reconciliations", "What other systems say was ordered and paid, held against the books.")

_BODY: Final = ReconcileSchema()
_QUERY: Final = ReconcileQuery()


def post_reconciliation() -> Response:
    """Answer an upload."""
    call = call_of(_ROUTE, admit(_ROUTE.scope))
    parameters = read_query(request)
    refuse_unknown(parameters, frozenset(_QUERY.load_fields))
    if media_type(request, JSON, CSV) == CSV:
        asked, raw = load(_QUERY, parameters), read_body(request, BATCH_BODY_LIMIT)
    else:
        refuse_unknown(parameters, frozenset())
        asked = load(_BODY, read_document(read_body(request)))
        raw = asked["csv"]
    program, now = call.program, call.now
    with Upload(asked["kind"], BytesIO(raw), program.timezone) as upload:
        days = days_of(upload, asked.get("from"), asked.get("to"), program.timezone, now)
        made = call.database.run(
            lambda connection: reconcile(connection, program, upload, days, by=call.principal.key_id, now=now)
        )
    return json_answer(encode(made), 201)


_ROUTE: Final = Route(
    method="POST",
    path="/v1/reconciliations",
    scope="finance",
    name="post_reconciliation",
    summary="Hold an upload against the books",
    description=(
        "Every row ends as matched, missing in the books or different from them; what only the books have in these "
        "days is extra. Orders are compared with purchases and their returns, payments with what was paid in points "
        "and in money and what was given back. As `text/csv` the body is the file itself, up to 8 MiB, and `kind`, "
        "`from` and `to` stand in the query; `ledger reconcile` takes files of any length. The same file again is "
        "another reconciliation, because the books have moved on."
    ),
    schema=ReconcileSchema,
    answer=ReconciliationSchema,
    statuses=(201,),
    refusals=(errors.OutcomeUnknown,),
    media_types=(JSON, CSV),
)
routes.add(_ROUTE, post_reconciliation)


@routes.get(
    "/v1/reconciliations", scope="finance", schema=PageQuery, answer=page_of(ReconciliationHeadSchema)
)
def list_program_reconciliations(call: Call, **page: Any) -> dict[str, Any]:
    """List the reconciliations, newest first."""
    with call.database.read() as connection:
        return list_reconciliations(connection, call.program, **page).shown()


@routes.get(
    "/v1/reconciliations/<reconciliation_id>",
    scope="finance",
    schema=ReconciliationQuery,
    answer=ReconciliationSchema,
    refusals=(errors.ReconciliationUnknown,),
)
def show_reconciliation(call: Call, reconciliation_id: str, **page: Any) -> dict[str, Any]:
    """Show a reconciliation and its exceptions.

    Exceptions come by type and reference, a page of them at a time.
    """
    with call.database.read() as connection:
        return require_reconciliation(connection, call.program, reconciliation_id, **page)
