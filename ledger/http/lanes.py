"""A short way through a schema for what is sound; whatever is not takes marshmallow's whole way.

Marshmallow collects every fault of a payload as it goes, and pays for that with each member, sound or not. A lane
reads the members by the same fields and runs the same validators, and gives up at the first thing that is odd: it
says yes with the same result, or it says nothing. So no refusal is worded here.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from marshmallow import RAISE, Schema, ValidationError, fields, missing

Read = Callable[[Any], Any]

OTHER_HOOKS: Final = ("pre_load", "post_load", "validates")


class OddError(Exception):
    """There may be something wrong with the payload."""


class Member(NamedTuple):
    """A member by its name in the payload and in the result, what reads it, and what it is where it is missing."""

    name: str
    target: str
    read: Read
    default: Any
    """``OddError`` where it must not be missing, ``missing`` where it then stays away."""


def lane_of(schema: Schema) -> Read | None:
    """What reads a payload as ``schema`` does, and raises OddError or ValidationError where it might not.

    None for a schema that does more than its fields and its ``validates_schema`` say.
    """
    hooks = type(schema).resolve_hooks()
    checks = hooks.get("validates_schema", [])
    members = [_member(name, field) for name, field in schema.load_fields.items()]
    if (
        schema.unknown != RAISE
        or schema.many
        or schema.partial
        or any(hooks.get(each) for each in OTHER_HOOKS)
        or any(how.get("pass_original") for _, _, how in checks)
        or any("." in member.target for member in members)
    ):
        return None
    return partial(_read, members, [getattr(schema, name) for name, _, _ in checks])


def _read(members: Sequence[Member], checks: Sequence[Callable[..., Any]], payload: Any) -> dict[str, Any]:
    if type(payload) is not dict:
        raise OddError
    found, known = {}, 0
    for name, target, read, default in members:
        value = payload.get(name, missing)
        if value is not missing:
            known += 1
            found[target] = read(value)
        elif default is OddError:
            raise OddError
        elif default is not missing:
            found[target] = default() if callable(default) else default
    if known != len(payload):
        raise OddError
    for check in checks:
        check(found, partial=None, many=False, unknown=RAISE)
    return found


def _member(name: str, field: "fields.Field[Any]") -> Member:
    default = OddError if field.required else field.load_default
    return Member(field.data_key or name, field.attribute or name, _reader(field), default)


def _reader(field: "fields.Field[Any]") -> Read:
    inner = _inner(field)
    if inner is None:
        return field.deserialize
    validators, allows_none = tuple(field.validators), field.allow_none

    def read(value: Any) -> Any:
        if value is None:
            if allows_none:
                return None
            raise OddError
        found = inner(value)
        for validate in validators:
            validate(found)
        return found

    return read


def _inner(field: "fields.Field[Any]") -> Read | None:
    """What reads a value that is there, before its validators; None where only the field itself can."""
    if field.pre_load or field.post_load:
        return None
    if isinstance(field, fields.Nested):
        return None if field.many or field.unknown else lane_of(field.schema)
    if isinstance(field, fields.List):
        read = _reader(field.inner)

        def read_list(value: Any) -> list[Any]:
            if type(value) is not list:
                raise OddError
            return [read(each) for each in value]

        return read_list
    plain: Read | None = getattr(field, "read", None)
    return plain


def loaded(read: Read | None, payload: Any) -> dict[str, Any] | None:
    """What a lane makes of a payload; None where it does not say."""
    if read is None:
        return None
    try:
        found: dict[str, Any] = read(payload)
    except (OddError, ValidationError):
        return None
    return found
