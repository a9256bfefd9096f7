"""Shapes as the published document gives them: an example of each, and whether a value has one.

Whatever the document says of a route is enough to send it something sound, and so to spoil one member of
it at a time. A route that is added is covered as soon as it is declared.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import orjson
from openapi_schema_validator import OAS31Validator

from ledger.app import ROUTES, openapi_document
from ledger.http.endpoint import Route

Schema = dict[str, Any]
Place = tuple[str | int, ...]

# Members that never stand together, which a schema cannot say; the first of them are in the first example.
_APART = {
    "points": {"quote_id"},
    "points_value": {"quote_id", "offline"},
    "offline": {"quote_id", "points_value"},
    "quote_id": {"points", "points_value", "offline"},
}

# Members that must lie in this order.
BAND = {"low": "0.01", "target": "0.02", "high": "0.03"}

# One of these fits every text that the service takes.
_CSV = "purchase_id,occurred_at,amount\norder-1,2026-11-01T10:00:00+08:00,5\n"
_TEXTS = (
    "m-1",
    "sign_in",
    "2026-11-01T10:00:00+08:00",
    "2026-11-01",
    "2026-11",
    "0.0100",
    "Asia/Shanghai",
    "0" * 64,
    _CSV,
)


@dataclass(frozen=True)
class Page:
    """What the document says of a route."""

    route: Route
    document: Schema = field(repr=False)

    @property
    def address(self) -> str:
        """Its path as the document writes it."""
        return re.sub("<(.*?)>", r"{\1}", self.route.path)

    def path(self, facts: dict[str, str]) -> str:
        """Its path with these ids in it."""
        return self.address.format(**{name: facts.get(name, "m-1") for name in self.parameters("path")})

    @cached_property
    def page(self) -> Schema:
        found: Schema = self.document["paths"][self.address][self.route.method.lower()]
        return found

    def parameters(self, place: str) -> dict[str, Schema]:
        """The schemas of its parameters in path, query or header."""
        return {each["name"]: each["schema"] for each in self.page["parameters"] if each["in"] == place}

    def required(self, place: str) -> set[str]:
        return {each["name"] for each in self.page["parameters"] if each["in"] == place and each["required"]}

    @cached_property
    def body(self) -> Schema | None:
        """The schema of its body, where it takes one."""
        asked = self.page.get("requestBody")
        return self.resolved(asked["content"]["application/json"]["schema"]) if asked else None

    def resolved(self, schema: Schema) -> Schema:
        """A schema, or that which it refers to."""
        while "$ref" in schema:
            found: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    def examples(self, schema: Schema) -> list[Any]:
        """Sound values that show every member between them: one for each choice among those that exclude others."""
        whole = self._whole(schema)
        if not isinstance(whole, dict):
            return [whole]
        found = [apart(whole, first) for first in (None, *(name for name in _APART if name in whole))]
        return [each for number, each in enumerate(found) if each not in found[:number]]

    def example(self, schema: Schema) -> Any:
        """The first of them."""
        return self.examples(schema)[0]

    def allows(self, schema: Schema, value: Any) -> bool:
        """Whether the document calls ``value`` valid, read strictly: only an integer is an integer."""
        complete = {**schema, "components": self.document["components"]}
        return bool(OAS31Validator(complete, format_checker=OAS31Validator.FORMAT_CHECKER).is_valid(value))

    def _whole(self, schema: Schema) -> Any:
        """A value with every member that there is, those that exclude each other included."""
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for either in ("oneOf", "anyOf"):
            if either in schema:
                return self._whole(max(schema[either], key=lambda kind: len(kind.get("properties", ()))))
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return getattr(self, f"_{kinds[0]}")(schema)

    def _object(self, schema: Schema) -> dict[str, Any]:
        members = {name: self._whole(inner) for name, inner in schema.get("properties", {}).items()}
        if members.keys() >= BAND.keys():
            members |= BAND
        if "settlement_price" in members:
            # A partner's price goes with the policy for partners, and is required there.
            members |= {"method": "agent_net"}
        # The lowest level of a ladder, which is the only one here, is reached by everybody.
        return members | {"threshold": 0} if "threshold" in members else members

    def _array(self, schema: Schema) -> list[Any]:
        return [self._whole(schema["items"])]

    def _string(self, schema: Schema) -> str:
        return next(text for text in _TEXTS if self.allows(schema, text))

    def _integer(self, schema: Schema) -> int:
        return next(number for number in (5, schema["minimum"]) if self.allows(schema, number))

    def _boolean(self, _schema: Schema) -> bool:
        return False

    def _null(self, _schema: Schema) -> None:
        return None


def apart(members: dict[str, Any], first: str | None = None) -> dict[str, Any]:
    """The members without those that the first one excludes, and then each of the others in turn."""
    out: set[str] = set()
    for name in (first, *_APART):
        if name in members and name not in out:
            out |= _APART[name]
    return {name: value for name, value in members.items() if name not in out}


def pages() -> list[Page]:
    """The pages of all routes of the service."""
    document = _document()
    return [Page(route, document) for routes in ROUTES for route in routes.declared]


@cache
def _document() -> Schema:
    """The document, made once for all files that ask for pages while tests are collected."""
    document: Schema = orjson.loads(openapi_document("json"))
    return document


def places(value: Any, *way: str | int) -> Iterator[tuple[Place, Any]]:
    """Every value within a value, itself left out, with the way to it."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for step, item in inner:
        yield (*way, step), item
        yield from places(item, *way, step)


def put(value: Any, place: Place, new: Any) -> Any:
    """A copy of a value with ``new`` at that place."""
    if not place:
        return new
    step, rest = place[0], place[1:]
    if isinstance(value, dict):
        return {**value, step: put(value.get(step), rest, new)}
    return [put(item, rest, new) if index == step else item for index, item in enumerate(value)]


def without(value: Any, place: Place) -> Any:
    """A copy of a value without the member at that place."""
    holder = at(value, place[:-1])
    return put(value, place[:-1], {name: item for name, item in holder.items() if name != place[-1]})


def at(value: Any, place: Place) -> Any:
    """The value at that place."""
    for step in place:
        value = value[step]
    return value
