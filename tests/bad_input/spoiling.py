"""Sound bodies spoilt one member at a time, in every way that we know of."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tests.bad_input.corpus import BAD_TIMES, MOSTLY_WRONG, NEVER_RIGHT, UNREADABLE
from tests.shapes import Page, Place, Schema, places, put, without

SPOT = "here stands something else"


class Spoilt(NamedTuple):
    """A body that is wrong in one way."""

    how: str
    body: bytes
    field: str | None
    """The member at fault; None where the body cannot be read at all."""


def spoilt_members(page: Page, schema: Schema, body: Any) -> Iterator[Spoilt]:
    """The body with each of its members in turn replaced by what it must not be."""
    for place, _ in places(body):
        field = dotted(place)
        for name, piece in UNREADABLE.items():
            raw = with_piece(body, place, piece)
            # Of a list that may be empty, the only item may be nothing.
            if piece or not is_allowed(page, schema, raw):
                yield Spoilt(f"{field} is {name}", raw, None)
        for name, piece in NEVER_RIGHT.items():
            yield Spoilt(f"{field} is {name}", with_piece(body, place, piece), field)
        for name, piece in MOSTLY_WRONG.items():
            wrong = put(body, place, orjson.loads(piece))
            if not page.allows(schema, wrong):
                yield Spoilt(f"{field} is {name}", with_piece(body, place, piece), field)


def spoilt_times(body: Any) -> Iterator[Spoilt]:
    """The body with each of its times replaced by what is none."""
    for place, value in places(body):
        if is_time(value):
            for time in BAD_TIMES:
                wrong = put(body, place, time)
                yield Spoilt(f"{dotted(place)} is {time!r}", orjson.dumps(wrong), dotted(place))


def spoilt_objects(page: Page, schema: Schema, body: Any) -> Iterator[Spoilt]:
    """The body with each of its objects in turn having a member too many, too few, or twice."""
    for place, value in ((), body), *places(body):
        if not isinstance(value, dict):
            continue
        for unknown in ("unknown", "__proto__", "", "Member_id", "memberId"):
            wrong = put(body, (*place, unknown), 1)
            if not page.allows(schema, wrong):
                yield Spoilt(
                    f"{dotted(place)} has {unknown!r}", orjson.dumps(wrong), dotted((*place, unknown)) or None
                )
        for key in (b'"\\ud800"', b'"\\u0000"', b'"a\x00"', b'"\xff"', b"a", b"5"):
            raw = orjson.dumps(put(body, (*place, SPOT), 1))
            yield Spoilt(f"{dotted(place)} has {key!r}", raw.replace(b'"%b"' % SPOT.encode(), key), None)
        for name in value:
            twice = orjson.dumps(put(body, (*place, SPOT), value[name]))
            field = dotted((*place, name))
            yield Spoilt(f"{field} twice", twice.replace(SPOT.encode(), name.encode()), field)
            missing = without(body, (*place, name))
            if not page.allows(schema, missing):
                yield Spoilt(f"{field} is missing", orjson.dumps(missing), field)


def with_piece(body: Any, place: Place, piece: bytes) -> bytes:
    """The body as bytes, with a piece that no library would write at that place."""
    return orjson.dumps(put(body, place, SPOT)).replace(orjson.dumps(SPOT), piece)


def is_allowed(page: Page, schema: Schema, raw: bytes) -> bool:
    try:
        return page.allows(schema, orjson.loads(raw))
    except orjson.JSONDecodeError:
        return False


def dotted(place: Place) -> str:
    return ".".join(str(step) for step in place)


def is_time(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("20") and "T" in value
