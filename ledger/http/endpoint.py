"""Routes, each declared once: path, scope, what it takes, what it answers, how it may refuse.

From one declaration come the address, the check of the caller's key and scope, the reading of path, query
and body through one schema, and the page in the OpenAPI document. A route without a scope cannot be
declared, and an application with an undeclared address cannot be built.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Flask, Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema

from ledger.access import PUBLIC, SCOPES, Principal
from ledger.errors import LedgerError
from ledger.http import answers, documents, headers
from ledger.http.admission import admit, confirm, recall
from ledger.http.auditing import asked, form_of
from ledger.http.fields import Flag, Strict
from ledger.http.operations import Operation, fingerprint, load, names_in
from ledger.http.parsing import JSON, media_type, read_body, read_document, refuse
from ledger.http.problems import PROBLEM_JSON
from ledger.http.query import read_query, refuse_unknown
from ledger.http.services import Call, Deed, Posted, Services, services
from ledger.http.submit import Reply, count, reply, reply_of, submit, submit_alone
from ledger.journal import Outcome
from ledger.journal import Request as Posting
from ledger.journal.commands import Command
from ledger.journal.load import StaleProgramError

View = Callable[..., Any]
"""``view(call, **payload)``: returns a body, a body and a status, or a whole response."""


class Nothing(Strict):
    """The schema of a route that takes nothing."""


class DryRun(Strict):
    """The query of a route that posts."""

    dry_run = Flag("Answer in full, and write nothing", load_default=False)


@dataclass(frozen=True, slots=True)
class Under:
    """What a keyed write is remembered under, and whether it is only rehearsed."""

    key: str | None
    fingerprint: bytes
    request_id: str
    dry_run: bool
    caller: str
    action: str

    def posting(self, command: Command) -> Posting:
        """The request to post this command under the key."""
        return Posting(command, self.key, self.fingerprint, self.request_id, self.caller, self.action)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address and method, as declared."""

    method: str
    path: str
    scope: str
    name: str
    summary: str
    description: str = ""
    schema: type[Schema] = Nothing
    answer: type[Schema] | dict[str, Any] | None = None
    refusals: tuple[type[LedgerError], ...] = ()
    statuses: tuple[int, ...] = (200,)
    operation: Operation | None = None
    takes_dry_run: bool = False
    takes_key: bool = False
    """Whether it is answered under an idempotency key, without being an operation."""
    is_body_optional: bool = False
    """Whether the body may be left out, where it asks for nothing."""
    is_own: bool = False
    """Whether a member may read it of himself, by a token. Its path then names the member."""
    recalls: bool = False
    """Whether the caller may be admitted by what was looked up a moment ago; the view lets the database confirm it."""
    media_types: tuple[str, ...] = (JSON,)
    answer_types: tuple[str, ...] = (JSON,)

    def __post_init__(self) -> None:
        if self.scope != PUBLIC and self.scope not in SCOPES:
            raise ValueError(f"{self.method} {self.path}: there is no scope {self.scope!r}")
        if self.is_own and (self.method != "GET" or "member_id" not in self.path_names):
            raise ValueError(f"{self.method} {self.path}: nothing that a member could read of himself")

    @cached_property
    def path_names(self) -> frozenset[str]:
        """The members of the payload that come from the path."""
        return names_in(self.path)

    @property
    def has_body(self) -> bool:
        """Whether the rest of the payload is the body; it is the query string otherwise."""
        return self.method in ("POST", "PUT", "PATCH")

    @cached_property
    def loaded(self) -> Schema:
        """The one instance of the schema."""
        return self.schema()

    @cached_property
    def query_names(self) -> frozenset[str]:
        """The query parameters that it knows."""
        return frozenset() if self.has_body else frozenset(self.loaded.load_fields) - self.path_names

    def read(self, path: dict[str, str]) -> dict[str, Any]:
        """The payload of the present request; InvalidRequest naming what is wrong with it."""
        parameters = read_query(request)
        refuse_unknown(parameters, self.query_names)
        members = read_members(path, self.is_body_optional) if self.has_body else {**parameters, **path}
        return load(self.loaded, members)


class Routes(Blueprint):  # type: ignore[misc]
    """The routes of one package, under one heading of the documentation."""

    def __init__(self, heading: str, description: str = "") -> None:
        super().__init__(heading, __name__, description=description)
        self.declared: list[Route] = []

    def get(self, path: str, *, scope: str, **declaration: Any) -> Callable[[View], View]:
        """Declare a read: its schema covers path and query."""
        return self._declare("GET", path, scope, declaration)

    def post(self, path: str, *, scope: str, **declaration: Any) -> Callable[[View], View]:
        """Declare a write that is not a posting: its schema covers path and body."""
        return self._declare("POST", path, scope, declaration)

    def put(self, path: str, *, scope: str, **declaration: Any) -> Callable[[View], View]:
        """Declare a write by name: its schema covers path and body."""
        return self._declare("PUT", path, scope, declaration)

    def keyed(self, path: str, *, scope: str, **declaration: Any) -> Callable[[View], View]:
        """Declare a write under an idempotency key: ``view(call, under, **payload)`` answers with an outcome."""
        return self._declare(
            "POST", path, scope, declaration | {"takes_key": True, "takes_dry_run": True}, _serve_keyed
        )

    def posting(self, operation: Operation) -> None:
        """Declare the route of an operation; batches know the operation from here on."""
        route = Route(
            method="POST",
            path=operation.path,
            scope=operation.scope,
            name=operation.action,
            summary=operation.summary,
            description=operation.description,
            schema=operation.schema,
            answer=operation.answer,
            refusals=operation.refusals,
            statuses=(operation.status,),
            operation=operation,
            is_body_optional=operation.is_body_optional,
        )
        self.add(route, lambda **path: _post(operation, path))

    def _declare(
        self,
        method: str,
        path: str,
        scope: str,
        declaration: dict[str, Any],
        serve: "Callable[[Route, View, dict[str, str]], Response] | None" = None,
    ) -> Callable[[View], View]:
        def declare(view: View) -> View:
            summary, _, description = (view.__doc__ or "").partition("\n")
            route = Route(
                method=method,
                path=path,
                scope=scope,
                name=view.__name__,
                summary=summary.rstrip("."),
                description=documents.published_text(description),
                **declaration,
            )
            self.add(route, lambda **names: (serve or _serve)(route, view, names))
            return view

        return declare

    def add(self, route: Route, handler: Callable[..., Response]) -> None:
        """Register a route with the function that answers it; the function itself admits the caller."""
        handler.__name__ = handler.__qualname__ = route.name
        handler.__doc__ = None
        handler._apidoc = {"manual_doc": documents.operation(route)}  # type: ignore[attr-defined]
        self.declared.append(route)
        self.add_url_rule(route.path, route.name, handler, methods=[route.method])


def read_members(path: dict[str, str], is_optional: bool) -> dict[str, Any]:
    """The members of the body with those of the path; a body that repeats one of the path is refused."""
    if is_optional and not request.content_length and "Transfer-Encoding" not in request.headers:
        return dict(path)
    media_type(request, JSON)
    members = read_document(read_body(request))
    for name in path:
        if name in members:
            refuse("is given by the path", name)
    members.update(path)
    return members


def send(reply: Reply) -> Response:
    """A reply as the answer to a request of its own."""
    content_type = PROBLEM_JSON if reply.is_problem else JSON
    response = Response(reply.body, reply.status, content_type=content_type)
    response.headers.update(reply.headers)
    if reply.is_replay:
        response.headers[answers.REPLAYED] = "true"
    return response


def posted_by(declared: list[Route]) -> dict[str, Posted]:
    """What the audit log says of each route whose calls are remembered under a key."""
    kept = [route for route in declared if route.operation or route.takes_key]
    return {route.name: Posted(form_of(route.path), route.statuses[0]) for route in kept}


def call_of(route: Route, principal: Principal) -> Call:
    """The present request to a route. One that changes something and remembers nothing under a key is a deed."""
    deed = Deed(asked(), route.statuses) if route.has_body and not route.takes_key else None
    return Call(services(), principal, g.request_id, deed=deed)


def require_declared(app: Flask, declared: list[Route]) -> None:
    """Fail where the application answers at an address that no route declares."""
    known = {(route.path, route.method) for route in declared}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD"}:
            assert (rule.rule, method) in known, f"{method} {rule.rule} is not declared, so it has no scope"


def _serve(route: Route, view: View, path: dict[str, str]) -> Response:
    if route.scope == PUBLIC:
        return _answer(view(**route.read(path)), route)
    own = path["member_id"] if route.is_own else None
    if route.recalls:
        try:
            call = Call(services(), recall(route.scope, own), g.request_id, is_recalled=True)
            return _answer(view(call, **route.read(path)), route)
        except StaleProgramError:
            pass
        except LedgerError as error:
            confirm(error, route.scope, own)
            raise
    call = call_of(route, admit(route.scope, own))
    return _answer(view(call, **route.read(path)), route)


def _answer(result: Any, route: Route) -> Response:
    if isinstance(result, Response):
        return result
    body, status = result if isinstance(result, tuple) else (result, route.statuses[0])
    return answers.json_answer(body if isinstance(body, bytes) else answers.encode(body), status)


def _post(operation: Operation, path: dict[str, str]) -> Response:
    try:
        return _post_alone(operation, path)
    except LedgerError as error:
        confirm(error, operation.scope)
        raise


def _post_alone(operation: Operation, path: dict[str, str]) -> Response:
    principal = recall(operation.scope)
    dry_run = is_dry_run()
    key = headers.idempotency_key(request, required=operation.needs_key and not dry_run)
    members = read_members(path, operation.is_body_optional)
    command, told_by = operation.read(members), operation.fingerprint(members)
    posting = Posting(command, key, told_by, g.request_id, principal.key_id, operation.action)
    shared = services()
    outcome = _submit(shared, operation.scope, principal, posting, dry_run=dry_run)
    count(shared, operation.name, outcome, dry_run=dry_run)
    return send(reply_of(operation, outcome))


def _submit(
    shared: Services, scope: str, principal: Principal, posting: Posting, *, dry_run: bool
) -> Outcome:
    if not dry_run:
        with suppress(StaleProgramError):
            return submit_alone(shared, principal, posting)
    # What is looked up after this request has come is good for it.
    return submit(shared, admit(scope), [posting], dry_run=dry_run)[0]


def _serve_keyed(route: Route, view: View, path: dict[str, str]) -> Response:
    call = call_of(route, admit(route.scope))
    dry_run = is_dry_run()
    key = headers.idempotency_key(request, required=not dry_run)
    members = read_members(path, route.is_body_optional)
    payload = load(route.loaded, members)
    caller = call.principal.key_id
    under = Under(key, fingerprint(route.name, members), g.request_id, dry_run, caller, route.name)
    outcome: Outcome = view(call, under, **payload)
    count(call.services, route.name, outcome, dry_run=dry_run)
    return send(reply(outcome, route.statuses[0]))


def is_dry_run() -> bool:
    """Whether the present request says ``?dry_run=true``; InvalidRequest for any other parameter."""
    if not request.environ.get("QUERY_STRING"):
        return False
    parameters = read_query(request)
    refuse_unknown(parameters, frozenset({"dry_run"}))
    return bool(load(_DRY_RUN, parameters)["dry_run"])


_DRY_RUN = DryRun()
