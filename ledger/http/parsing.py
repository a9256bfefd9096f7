"""The strict reader of every body: one way to read a document, or a refusal that says where.

JSON as the standard library reads it keeps the last of two equal keys, takes NaN for a number and rounds
what it cannot hold. Here a document means one thing or is refused: UTF-8 without a byte order mark,
each key once, numbers as integers or exact decimals, text that PostgreSQL and every other reader can
hold, at most 20 levels deep.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, Protocol

from flask import Request

from ledger.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
BODY_LIMIT = 64 * 1024
BATCH_BODY_LIMIT = 8 * 1024 * 1024
MAX_DEPTH = 20

_BLOCK = 64 * 1024
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ReadableStream(Protocol):
    """What a request's body is read from."""

    def read(self, size: int = ..., /) -> bytes: ...


class TooLong:
    """Stands for a line that was longer than the limit and was skipped."""


class _FlawError(Exception):
    """What is wrong with a value; the keys that lead to it are added on the way out."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path: list[str] = []


def media_type(request: Request, *allowed: str) -> str:
    """The request's media type, which is one of ``allowed``; UnsupportedMediaType otherwise.

    A compressed body is refused as well: inflating it would defeat every limit on its size.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding is not supported: send the body as it is")
    if request.headers.get("Transfer-Encoding", "chunked").strip().lower() != "chunked":
        raise UnsupportedMediaType("Transfer-Encoding may be chunked and nothing else")
    mimetype = request.mimetype
    if mimetype not in allowed:
        raise UnsupportedMediaType(f"Content-Type must be {' or '.join(allowed)}")
    for name, value in request.mimetype_params.items():
        if name.lower() != "charset" or value.lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(f"the only parameter of {mimetype} is charset=utf-8")
    return mimetype


def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The whole body, chunked or not; BodyTooLarge beyond ``limit`` bytes, without reading the rest.

    A body that ends before its declared length is refused, however well it reads so far.
    """
    declared = request.content_length or 0
    if declared > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while block := _read(request.stream, min(_BLOCK, limit + 1 - size)):
        parts.append(block)
        size += len(block)
        if size > limit:
            raise _too_large(limit)
    if size < declared:
        refuse("the body broke off")
    return b"".join(parts)


def read_document(raw: bytes) -> dict[str, Any]:
    """The object that ``raw`` spells, fit for every field; InvalidRequest naming the place otherwise."""
    document = read_loosely(raw)
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH or b"\\u" in raw:
        inspect(document)
    return document


def read_loosely(raw: bytes) -> dict[str, Any]:
    """Like ``read_document``, but without ``inspect``: the reader of a batch inspects item by item."""
    try:
        document = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        refuse(f"the body is not UTF-8 at byte {error.start}")
    except json.JSONDecodeError as error:
        refuse(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
    except _FlawError as flaw:
        located = _located(raw, flaw)
        refuse(located.message, *located.path)
    except (ValueError, InvalidOperation):
        # The interpreter refuses to read integers of thousands of digits.
        refuse("a number in the body has too many digits")
    if type(document) is not dict:
        refuse("the body must be a JSON object")
    return document


def inspect(document: object) -> None:
    """Refuse nesting beyond MAX_DEPTH, and text with NUL or a lone surrogate, naming the field."""
    try:
        _inspect(document, 1)
    except _FlawError as flaw:
        refuse(flaw.message, *flaw.path)


def read_lines(stream: ReadableStream, limit: int = BODY_LIMIT) -> Iterator[bytes | TooLong]:
    """The lines of a stream that are not blank, each within ``limit`` bytes; memory stays bounded.

    A longer line is skipped to its end and stands as ``TooLong`` in its place.
    """
    pending = b""
    skipping = False
    while block := _read(stream, _BLOCK):
        *lines, pending = (pending + block).split(b"\n")
        for line in lines:
            if skipping or len(line) > limit:
                yield TooLong()
            elif line.strip():
                yield line
            skipping = False
        if len(pending) > limit:
            pending, skipping = b"", True
    if skipping:
        yield TooLong()
    elif pending.strip():
        yield pending


def refuse(message: str, *path: str) -> NoReturn:
    """Raise InvalidRequest about the field at ``path``, or about the whole body without one."""
    field = ".".join(printable(key) for key in path)
    detail = f"{field}: {message}" if field else message
    raise InvalidRequest(detail, errors=[{"field": field, "message": message}])


def printable(key: str) -> str:
    """A caller's own text in a form and length that any answer or log line can carry."""
    return key[:64].encode("unicode_escape").decode("ascii")


def _inspect(value: object, depth: int) -> None:
    if type(value) is str:
        _inspect_text(value)
    elif type(value) is dict:
        _inspect_items(value.items(), depth)
        for key in value:
            _inspect_text(key)
    elif type(value) is list:
        _inspect_items(enumerate(value), depth)
    elif type(value) is _FlawError:
        raise value


def _inspect_items(items: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _FlawError(f"nested deeper than {MAX_DEPTH} levels")
    for key, item in items:
        try:
            _inspect(item, depth + 1)
        except _FlawError as flaw:
            flaw.path.insert(0, str(key))
            raise


def _inspect_text(text: str) -> None:
    if text.isascii():
        if "\0" in text:
            raise _FlawError("text must not contain the character NUL")
    elif "\0" in text or _LONE_SURROGATE.search(text):
        raise _FlawError("text must not contain NUL or half of a surrogate pair")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                flaw = _FlawError(f"the key {printable(key)!r} stands twice in one object")
                flaw.path.append(key)
                raise flaw
            seen.add(key)
    return document


def _no_constant(name: str) -> NoReturn:
    raise _flawed_number(name)


def _flawed_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _FlawError:
    try:
        return _object(pairs)
    except _FlawError as flaw:
        return flaw


def _flawed_number(name: str) -> _FlawError:
    return _FlawError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_constant)
# Leaves a flaw in the place where it was found, because a decoder cannot say how it came there.
_LOCATOR = json.JSONDecoder(
    object_pairs_hook=_flawed_object, parse_float=Decimal, parse_constant=_flawed_number
)


def _located(raw: bytes, flaw: _FlawError) -> _FlawError:
    """The flaw, or another of the same body, with all the keys that lead to it; bare when the rest is no JSON."""
    try:
        _inspect(_LOCATOR.decode(raw.decode("utf-8")), 1)
    except _FlawError as found:
        return found
    except (ValueError, InvalidOperation, RecursionError):
        pass
    return flaw


def _read(stream: ReadableStream, size: int) -> bytes:
    try:
        return stream.read(size)
    except Exception:  # noqa: BLE001  each server has its own words for a bad chunk or a client that went away
        refuse("the body broke off")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {limit} bytes", limit_bytes=limit)
