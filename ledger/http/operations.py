"""Operations: what a posting route and a batch have in common, declared once.

An operation reads a payload (the members of the body, and of the path where its route has some), and
builds the command to be posted. The route and the batch run the same object, so an item of a batch is
answered exactly as its own route would answer it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from typing import Any

import orjson
from marshmallow import Schema, ValidationError
from werkzeug.routing import Map, Rule

from ledger.errors import InvalidRequest, LedgerError
from ledger.http.parsing import printable
from ledger.journal.commands import Command

MAX_ERRORS = 50
"""An answer names at most so many faults."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One way to post. ``build`` turns a validated payload into a command and cannot refuse."""

    name: str
    """What a batch calls it, such as "redemption"."""
    path: str
    """The path of its own route, such as "/v1/redemptions"."""
    scope: str
    schema: type[Schema]
    answer: type[Schema]
    build: Callable[[dict[str, Any]], Command]
    summary: str
    description: str = ""
    refusals: tuple[type[LedgerError], ...] = ()
    status: int = 201
    needs_key: bool = True
    """Whether it must come under an idempotency key: whatever moves an amount does."""
    show: Callable[[dict[str, Any]], dict[str, Any]] = dict
    """Adds to the recorded facts of an answer what is only said, not kept. Released words never change."""

    @property
    def action(self) -> str:
        """The name of its route, and what the audit log calls it wherever it comes from."""
        return f"post_{self.name}"

    @cached_property
    def path_names(self) -> frozenset[str]:
        """The members of the payload that its route takes from the path."""
        return names_in(self.path)

    @cached_property
    def is_body_optional(self) -> bool:
        """Whether the path alone makes a whole payload."""
        fields = self._schema.load_fields.items()
        return not any(field.required for name, field in fields if name not in self.path_names)

    @cached_property
    def _schema(self) -> Schema:
        return self.schema()

    def read(self, payload: Mapping[str, Any]) -> Command:
        """The command in a payload; InvalidRequest naming every field at fault."""
        return self.build(load(self._schema, payload))

    def fingerprint(self, payload: Mapping[str, Any]) -> bytes:
        """What tells this request from another under the same key: its name and its members, in any order.

        It covers what was sent, before any default is filled in, so a later release cannot change it.
        """
        return fingerprint(self.name, payload)


def fingerprint(name: str, payload: Mapping[str, Any]) -> bytes:
    """What tells a request of that name from another: its members, in any order."""
    canonical = orjson.dumps(payload, default=_exact, option=orjson.OPT_SORT_KEYS)
    return blake2b(name.encode() + b"\n" + canonical, digest_size=16).digest()


def table_of(operations: Iterable[Operation]) -> dict[str, Operation]:
    """Operations by name; no two share one."""
    table: dict[str, Operation] = {}
    for operation in operations:
        assert operation.name not in table, f"two operations are named {operation.name}"
        table[operation.name] = operation
    return table


def load(schema: Schema, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as the schema reads it; InvalidRequest naming every field at fault."""
    try:
        loaded: dict[str, Any] = schema.load(payload)
    except ValidationError as error:
        raise invalid(_faults(error.messages)) from None
    return loaded


def invalid(faults: list[dict[str, str]]) -> InvalidRequest:
    """The refusal that lists these faults, each ``{"field", "message"}``."""
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    where = f"{first['field']}: " if first["field"] else ""
    return InvalidRequest(f"{where}{first['message']}{more}", errors=faults[:MAX_ERRORS])


def names_in(path: str) -> frozenset[str]:
    """The names between angle brackets in a path."""
    rule = Rule(path)
    Map([rule])
    return frozenset(rule.arguments)


def _faults(messages: Any, *path: str) -> list[dict[str, str]]:
    if isinstance(messages, Mapping):
        faults = []
        for key, inner in messages.items():
            step = () if key == "_schema" else (printable(str(key)),)
            faults += _faults(inner, *path, *step)
        return faults
    return [{"field": ".".join(path), "message": _sentence(message)} for message in messages]


def _sentence(message: object) -> str:
    # Our own messages are fragments that follow the field's name; the library's are sentences.
    return _REPHRASED.get(str(message), str(message))


_REPHRASED = {
    "Unknown field.": "is not a known member here",
    "Missing data for required field.": "is required",
    "Field may not be null.": "must not be null",
    "Invalid input type.": "must be an object",
    "Invalid type.": "must be an array",
    "Not a valid list.": "must be an array",
}


def _exact(value: Any) -> str:
    assert isinstance(value, Decimal)
    return str(value)
