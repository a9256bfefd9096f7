"""The strict reader: what is refused, and where the refusal points."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from ledger.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from ledger.http.parsing import (
    BODY_LIMIT,
    MAX_DEPTH,
    TooLong,
    inspect,
    media_type,
    read_body,
    read_document,
    read_lines,
)


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


BAD_DOCUMENTS = {
    "nothing": b"",
    "not json": b"{",
    "trailing": b"{} {}",
    "array": b"[]",
    "text": b'"a"',
    "null": b"null",
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": Infinity}',
    "minus infinity": b'{"a": -Infinity}',
    "duplicate key": b'{"a": 1, "a": 1}',
    "duplicate key by escape": b'{"a": 1, "\\u0061": 2}',
    "deep duplicate key": b'{"x": [{"a": 1, "a": 2}]}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "latin-1": b'{"a": "\xe9"}',
    "encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "nul": b'{"a": "x\\u0000y"}',
    "nul in a key": b'{"a\\u0000": 1}',
    "nul deep inside": b'{"a": {"b": ["x", {"c": "\\u0000"}]}}',
    "raw control character": b'{"a": "x\ny"}',
    "single quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // one',
    "trailing comma": b'{"a": 1,}',
    "leading zero": b'{"a": 01}',
    "plus": b'{"a": +1}',
    "hexadecimal": b'{"a": 0x10}',
    "giant integer": b'{"a": ' + b"9" * 5000 + b"}",
    "nan and an unclosed object": b'{"a": NaN, "b": {',
    "giant exponent": b'{"a": 1e99999999999999999999}',
    "one level too deep": nested(MAX_DEPTH + 1),
    "deep arrays": b'{"a": ' + b"[" * 30 + b"]" * 30 + b"}",
    "100000 arrays": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100000 arrays unclosed": b'{"a": ' + b"[" * 100_000,
    "100000 objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("raw", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS.keys())
def test_a_document_that_could_be_read_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_document(raw)
    assert caught.value.detail
    # Whatever the caller sent, the refusal itself can be written.
    assert json.dumps(caught.value.details, ensure_ascii=False).encode()


def test_a_document_at_the_depth_limit_is_read() -> None:
    assert read_document(nested(MAX_DEPTH)) == json.loads(nested(MAX_DEPTH))


def test_a_fraction_is_read_exactly_and_an_integer_as_an_integer() -> None:
    document = read_document(b'{"a": 0.1, "b": 5, "c": 5.0, "d": 1e2, "e": -0}')
    assert document == {"a": Decimal("0.1"), "b": 5, "c": Decimal("5.0"), "d": Decimal("1E+2"), "e": 0}
    assert [type(value) for value in document.values()] == [Decimal, int, Decimal, Decimal, int]


def test_text_beyond_the_basic_plane_is_read_from_its_escapes() -> None:
    assert read_document(b'{"a": "\\ud83d\\ude00 \xe7\xa7\xaf"}') == {"a": "\U0001f600 积"}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"a": 1, "b": 1, "b": 2}', "b"),
        (b'{"a": {"b": ["x", {"c": "\\u0000"}]}}', "a.b.1.c"),
        (b'{"a": {"b": ["x", {"c": 1, "\\u0063": 2}]}}', "a.b.1.c"),
        (b'{"a": {"b": ["x", {"c": NaN}]}}', "a.b.1.c"),
        (b'{"a": [{"b": 1, "b": 2}], "c": ?}', "b"),
        (nested(MAX_DEPTH + 1), ".".join("a" * MAX_DEPTH)),
    ],
)
def test_a_refusal_names_the_field(raw: bytes, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_document(raw)
    assert caught.value.details["errors"][0]["field"] == field


def test_a_syntax_error_is_located() -> None:
    with pytest.raises(InvalidRequest, match="line 2, column 6"):
        read_document(b'{\n"a": ?}')


def test_a_part_of_a_batch_is_inspected_alone() -> None:
    inspect({"a": "fine"})
    with pytest.raises(InvalidRequest):
        inspect({"a": "\0"})


def request_of(body: bytes = b"{}", **arguments: Any) -> Request:
    arguments.setdefault("content_type", "application/json")
    return Request(EnvironBuilder(method="POST", data=body, **arguments).get_environ())


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_is_accepted(content_type: str) -> None:
    assert media_type(request_of(content_type=content_type), "application/json") == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/json; version=2",
        "application/problem+json",
    ],
)
def test_another_media_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        media_type(request_of(content_type=content_type), "application/json")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_body_is_refused(coding: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="Content-Encoding"):
        media_type(request_of(headers={"Content-Encoding": coding}), "application/json")


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "identity", "chunked, chunked", ""])
def test_a_body_in_another_transfer_coding_is_refused(coding: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="Transfer-Encoding"):
        media_type(request_of(headers={"Transfer-Encoding": coding}), "application/json")
    media_type(request_of(headers={"Transfer-Encoding": "Chunked"}), "application/json")


class Server(io.BytesIO):
    """A body as a server gives it, which says itself where it ends, or fails in the server's own way."""

    failure: Exception | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.failure:
            raise self.failure
        return super().read(size)


@pytest.mark.parametrize("failure", [None, OSError("gone"), RuntimeError("no such chunk")])
def test_a_body_that_ends_before_its_declared_length_is_refused(failure: Exception | None) -> None:
    body = Server(b"{}")
    body.failure = failure
    environ = EnvironBuilder(method="POST", content_type="application/json").get_environ()
    environ |= {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": "3"}
    with pytest.raises(InvalidRequest, match="broke off"):
        read_body(Request(environ))


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    assert len(read_body(request_of(b"x" * BODY_LIMIT))) == BODY_LIMIT
    with pytest.raises(BodyTooLarge) as caught:
        read_body(request_of(b"x" * (BODY_LIMIT + 1)))
    assert caught.value.details == {"limit_bytes": BODY_LIMIT}


class Endless(io.RawIOBase):
    """A chunked body without end, which counts what is taken from it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return b"x" * size


def test_a_chunked_body_is_refused_at_the_limit_without_reading_on() -> None:
    stream = Endless()
    environ = EnvironBuilder(method="POST", content_type="application/json").get_environ()
    environ |= {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    environ.pop("CONTENT_LENGTH", None)
    with pytest.raises(BodyTooLarge):
        read_body(Request(environ))
    assert stream.taken == BODY_LIMIT + 1


def test_lines_are_read_whatever_the_blocks_they_arrive_in() -> None:
    class Dripping:
        def __init__(self, blocks: list[bytes]) -> None:
            self.blocks = blocks

        def read(self, size: int = -1, /) -> bytes:
            return self.blocks.pop(0) if self.blocks else b""

    whole = b'{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}'
    for at in range(1, len(whole)):
        lines = list(read_lines(Dripping([whole[:at], whole[at:]])))
        assert [line.strip() for line in lines if isinstance(line, bytes)] == [
            b'{"a":1}',
            b'{"b":2}',
            b'{"c":3}',
        ]


@pytest.mark.parametrize("tail", [b"", b"\n", b"\n{}"])
def test_a_line_that_is_too_long_stands_in_its_place(tail: bytes) -> None:
    body = b"{}\n" + b"x" * (5 * BODY_LIMIT) + tail
    kinds = [type(line) for line in read_lines(io.BytesIO(body))]
    assert kinds == [bytes, TooLong] + [bytes] * (tail == b"\n{}")


def test_a_line_at_the_limit_is_read() -> None:
    lines = list(read_lines(io.BytesIO(b"x" * BODY_LIMIT + b"\n" + b"y" * BODY_LIMIT)))
    assert [len(line) for line in lines if isinstance(line, bytes)] == [BODY_LIMIT, BODY_LIMIT]
