"""Values in PostgreSQL's binary form, each encoded once and used twice: in array parameters and in hashes.

An element is a 4-byte big-endian length and the binary form of the value; NULL is the length -1. A column
of elements joined behind a header is a binary array, which the server reads several times faster than
text; a row of elements joined is what an entry's hash covers.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

NULL = b"\xff\xff\xff\xff"
TRUE = b"\0\0\0\x01\x01"
FALSE = b"\0\0\0\x01\0"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_INT8 = Struct(">iq").pack
_INT4 = Struct(">ii").pack
_INT2 = Struct(">ih").pack
_LENGTH = Struct(">i").pack
_HEADER = Struct(">iiIii").pack


def int8(value: int) -> bytes:
    """A bigint."""
    return _INT8(8, value)


def int4(value: int) -> bytes:
    """An integer."""
    return _INT4(4, value)


def int2(value: int) -> bytes:
    """A smallint."""
    return _INT2(2, value)


def boolean(value: bool) -> bytes:
    """A boolean."""
    return TRUE if value else FALSE


def uuid(value: bytes | None) -> bytes:
    """A uuid of 16 bytes."""
    return NULL if value is None else b"\0\0\0\x10" + value


def raw(value: bytes | None) -> bytes:
    """A bytea."""
    return NULL if value is None else _LENGTH(len(value)) + value


def text(value: str | None) -> bytes:
    """A text, as UTF-8."""
    if value is None:
        return NULL
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def moment(value: datetime | None) -> bytes:
    """A timestamptz: microseconds since 2000-01-01 UTC."""
    if value is None:
        return NULL
    since = value - _EPOCH
    return _INT8(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


class Array(bytes):
    """A binary array parameter. Subclasses name the element's type by its object id in PostgreSQL."""

    element: ClassVar[int]
    array: ClassVar[int]

    @classmethod
    def of(cls, elements: Sequence[bytes]) -> "Array":
        """The array of these elements."""
        if not elements:
            return cls(_HEADER(0, 0, cls.element, 0, 1)[:12])
        return cls(_HEADER(1, 1, cls.element, len(elements), 1) + b"".join(elements))


class Booleans(Array):
    """``boolean[]``"""

    element, array = 16, 1000


class Bytes(Array):
    """``bytea[]``"""

    element, array = 17, 1001


class Int8s(Array):
    """``bigint[]``"""

    element, array = 20, 1016


class Int2s(Array):
    """``smallint[]``"""

    element, array = 21, 1005


class Int4s(Array):
    """``integer[]``"""

    element, array = 23, 1007


class Texts(Array):
    """``text[]``"""

    element, array = 25, 1009


class Jsons(Array):
    """``json[]``, of texts"""

    element, array = 114, 199


class Moments(Array):
    """``timestamptz[]``"""

    element, array = 1184, 1185


class Uuids(Array):
    """``uuid[]``"""

    element, array = 2950, 2951


def _register(kind: type[Array]) -> None:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = kind.array

        def dump(self, obj: Array) -> bytes:
            return obj

    psycopg.adapters.register_dumper(kind, ArrayDumper)


for _kind in (Booleans, Bytes, Int8s, Int2s, Int4s, Texts, Jsons, Moments, Uuids):
    _register(_kind)
