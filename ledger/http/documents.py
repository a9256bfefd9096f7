"""The OpenAPI document: made from the declarations of routes, never written by hand."""

from collections import defaultdict
from collections.abc import Iterable
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Final

import marshmallow
import orjson
import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api
from flask_smorest.spec.plugins import FlaskPlugin

import ledger
from ledger import errors
from ledger.access import PUBLIC, SCOPES
from ledger.errors import LedgerError, error_classes
from ledger.http.examples import example_of
from ledger.http.fields import Plain
from ledger.http.parsing import CSV, NDJSON
from ledger.http.problems import PROBLEM_JSON, RETRYABLE_HEADERS, status_of

if TYPE_CHECKING:
    from ledger.http.endpoint import Route, Routes

TITLE: Final = "Loyalty ledger"
OPENAPI: Final = "3.1.0"
INTRODUCTION: Final = """\
A double-entry ledger of loyalty points and growth value.

Every request under `/v1` carries `Authorization: Bearer KEY`; a key belongs to one program. Every POST
that posts carries an `Idempotency-Key`: the same key with the same request is answered with the first
answer, byte for byte. Points, growth and money are integers; money is in minor units. Times are RFC 3339.
A refusal is `application/problem+json`; decide by its `code`.
"""

MEMBER_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": (
        "A member's own: a JWT of an issuer that the operator trusts. `exp`, `aud`, `iss`, `sub` and the header `typ`"
        " (`at+jwt`) are required; `sub` is the member's id. It reads what is that member's and nothing else: any"
        " other member is answered as one whom nobody knows."
    ),
}

_EVERY_ROUTE: Final = (errors.InvalidRequest, errors.InternalError)
_KEYED: Final = (
    errors.Unauthenticated,
    errors.Forbidden,
    errors.KeyFrozen,
    errors.TooManyRequests,
    errors.DatabaseUnavailable,
    errors.Overloaded,
    errors.InFlight,
)
_WITH_BODY: Final = (errors.BodyTooLarge, errors.UnsupportedMediaType)
_POSTING: Final = (errors.IdempotencyKeyMissing, errors.IdempotencyKeyReused, errors.OutcomeUnknown)

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457). Some codes add members that name the facts at fault.",
    "required": ["type", "title", "status", "detail", "code", "retryable", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted({kind.code for kind in error_classes()})},
        "retryable": {
            "type": "boolean",
            "description": "Whether the same request, with the same key, may be sent again",
        },
        "request_id": {
            "type": "string",
            "description": "The request that was first answered so",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


class _Paths(FlaskPlugin):  # type: ignore[misc]
    """Leaves the parameters of a path to the route's schema, which knows more than the path does."""

    def rule_to_params(self, _rule: Any) -> list[dict[str, Any]]:
        return []


class _Documented(Api):  # type: ignore[misc]
    """The registrar of blueprints and their pages; errors are answered elsewhere."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Ours are in ``ledger.app``."""

    def _register_responses(self) -> None:
        """Every route lists its own."""


class Document:
    """The document of one application: built from what is registered, and rendered, when it is first asked for."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._registered: list[Routes] = []
        self._rendered: bytes | None = None

    def register(self, routes: "Routes") -> None:
        """Add a package's routes to the application and to the document."""
        self._app.register_blueprint(routes)
        self._registered.append(routes)

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values."""
        document: dict[str, Any] = orjson.loads(self.as_json())
        return document

    def as_yaml(self) -> str:
        """The document as it is committed: the same values as ``as_json``."""
        text: str = yaml.safe_dump(self.as_dict(), sort_keys=False, allow_unicode=True, width=110)
        return text

    def as_json(self) -> bytes:
        """The document as the service serves it."""
        if self._rendered is None:
            self._rendered = orjson.dumps(self._build().to_dict(), option=orjson.OPT_INDENT_2)
        return self._rendered

    def _build(self) -> APISpec:
        app = self._app
        app.config.update(API_TITLE=TITLE, API_VERSION=ledger.__version__, OPENAPI_VERSION=OPENAPI)
        plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
        api = _Documented(
            app,
            spec_kwargs={
                "flask_plugin": _Paths(),
                "marshmallow_plugin": plugin,
                "info": {"description": INTRODUCTION},
                "servers": [{"url": "/"}],
            },
        )
        assert plugin.converter is not None
        plugin.converter.add_attribute_function(_published)  # type: ignore[no-untyped-call]
        components = api.spec.components
        components.schema("Problem", PROBLEM)
        components.security_scheme(
            "apiKey",
            {"type": "http", "scheme": "bearer", "description": _scopes()},
        )
        components.security_scheme("memberToken", MEMBER_TOKEN)
        for kind in error_classes():
            components.response(kind.code, _refusal_response([kind]))
        for routes in self._registered:
            routes.register_views_in_doc(api, app, api.spec, name=routes.name, parameters=None)
            api.spec.tag({"name": routes.name, "description": routes.description})
        built: APISpec = api.spec
        return built


def operation(route: "Route") -> dict[str, Any]:
    """The page of a route."""
    page: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _description(route),
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.scope == PUBLIC:
        page["security"] = []
    else:
        page["security"] = [{"apiKey": []}, *([{"memberToken": []}] if route.is_own else [])]
        page["x-required-scope"] = route.scope
    if body := _request_body(route):
        page["requestBody"] = body
    return page


def published_text(text: str) -> str:
    """The part of a docstring that is published: what follows ``---`` is for those who read the code."""
    return dedent(text).partition("\n---")[0].strip()


def _description(route: "Route") -> str:
    scope = "" if route.scope == PUBLIC else f"Scope: `{route.scope}`."
    return "\n\n".join(part for part in (route.description, scope) if part)


def _parameters(route: "Route") -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for place, names in (("path", route.path_names), ("query", route.query_names)):
        if names:
            parameters.append({"in": place, "schema": route.schema(only=sorted(names))})
    if route.operation or route.takes_dry_run:
        parameters.append(
            {
                "in": "query",
                "name": "dry_run",
                "description": "Answer in full, and write nothing",
                "schema": {"type": "boolean", "default": False},
            }
        )
    if route.operation or route.takes_key:
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": route.operation.needs_key if route.operation else True,
                "description": "Yours to choose, one for each request. May be left out of a dry run",
                "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
            }
        )
    return parameters


def _request_body(route: "Route") -> dict[str, Any] | None:
    names = set(route.loaded.fields) - route.path_names
    if not route.has_body or not names:
        return None
    content = {
        media: {"schema": _form(media, route.schema(exclude=sorted(route.path_names)))}
        for media in route.media_types
    }
    return {"required": not route.is_body_optional, "content": content}


def _responses(route: "Route") -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in route.statuses:
        responses[str(status)] = {"description": "Done", "headers": _success_headers(route)}
        if route.answer is not None:
            responses[str(status)]["content"] = {
                media: {"schema": _form(media, route.answer)} for media in route.answer_types
            }
    for status, found in sorted(_refusals(route).items()):
        responses[str(status)] = _refusal_response(found)
    return responses


def _form(media: str, schema: Any) -> Any:
    """The schema of a body of that media type: a stream is a text, of which a schema cannot say more."""
    lines = {NDJSON: "JSON on each line", CSV: "A head, and a row on each line"}
    return {"type": "string", "description": lines[media]} if media in lines else schema


def _success_headers(route: "Route") -> dict[str, Any]:
    shown: dict[str, Any] = {"X-Request-Id": {"schema": {"type": "string"}}}
    if route.operation or route.takes_key:
        shown["Idempotency-Replayed"] = {
            "description": "Present when this is the first answer again",
            "schema": {"type": "string", "const": "true"},
        }
    return shown


def _refusals(route: "Route") -> dict[int, list[type[LedgerError]]]:
    found: list[type[LedgerError]] = [*_EVERY_ROUTE, *route.refusals]
    if route.scope != PUBLIC:
        found += _KEYED
    if route.has_body:
        found += _WITH_BODY
    if route.operation or route.takes_key:
        found += _POSTING
    by_status: dict[int, list[type[LedgerError]]] = defaultdict(list)
    for kind in sorted(set(found), key=lambda kind: kind.code):
        by_status[status_of(kind)].append(kind)
    return by_status


def _refusal_response(found: Iterable[type[LedgerError]]) -> dict[str, Any]:
    found = list(found)
    codes = [kind.code for kind in found]
    response: dict[str, Any] = {
        "description": "\n".join(f"- `{kind.code}`: {kind.title}" for kind in found),
        "content": {
            PROBLEM_JSON: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Problem"},
                        {"properties": {"code": {"enum": codes}}},
                    ]
                }
            }
        },
    }
    if all(kind.retryable for kind in found):
        response["headers"] = RETRYABLE_HEADERS
    return response


def _published(_self: Any, field: marshmallow.fields.Field[Any], **_so_far: Any) -> dict[str, Any]:
    """What a field of ours says of itself, in place of what the library guesses from its class."""
    if not isinstance(field, Plain):
        return {}
    schema = field.published()
    if field.allow_none and schema["type"] != "null":
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if field.description:
        schema["description"] = field.description
    if (example := example_of(field)) is not None:
        schema["examples"] = [example]
    return schema


def _schema_name(schema: Any) -> str:
    kind = marshmallow.class_registry.get_class(schema) if isinstance(schema, str) else schema
    kind = kind if isinstance(kind, type) else type(kind)
    name: str = kind.__name__
    return name.removesuffix("Schema")


def _scopes() -> str:
    rows = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    return f"An API key, which has one role and so some of these scopes:\n\n{rows}"
