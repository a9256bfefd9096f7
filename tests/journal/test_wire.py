"""Values on the wire: PostgreSQL reads every array as it was meant, NULLs, empties and extremes included."""

import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from ledger.journal import wire
from tests.conftest import TestDatabase
from tests.model.snapshot import decode
from tests.profiles import examples

NOW = datetime(2026, 11, 22, 4, 5, 6, 789, tzinfo=UTC)

CASES: list[tuple[type[wire.Array], str, Callable[[Any], bytes], list[Any]]] = [
    (wire.Int8s, "bigint", wire.int8, [0, 1, -1, 2**53 - 1, 2**63 - 1, -(2**63)]),
    (wire.Int4s, "integer", wire.int4, [0, 1, -1, 2**31 - 1, -(2**31)]),
    (wire.Int2s, "smallint", wire.int2, [0, 1, -1, 2**15 - 1, -(2**15)]),
    (wire.Booleans, "boolean", wire.boolean, [True, False]),
    (wire.Uuids, "uuid", wire.uuid, [bytes(16), b"\xff" * 16, bytes(range(16)), None]),
    (wire.Bytes, "bytea", wire.raw, [b"", b"\0", bytes(range(256)), b"x" * 100_000, None]),
    (wire.Jsons, "json", wire.raw, [b"{}", b'{"b": 1,  "a": [null]}', b'"\\u00e9"', '"积分"'.encode(), None]),
    (wire.Texts, "text", wire.text, ["", "a", "积分", "😀", '{"', "a,b", "NULL", "\\", "x" * 100_000, None]),
    (
        wire.Moments,
        "timestamptz",
        wire.moment,
        [
            NOW,
            datetime(2000, 1, 1, tzinfo=UTC),
            datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            None,
        ],
    ),
]
NAMES = [name for _, name, _, _ in CASES]


@pytest.fixture(scope="module")
def connection(shared_database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    address = shared_database.app_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True, options="-c timezone=UTC") as connected:
        yield connected


def returned(connection: psycopg.Connection[Any], kind: type[wire.Array], elements: list[bytes]) -> list[Any]:
    """The elements as the server unpacks them, one row each, in order."""
    cursor = connection.execute(
        "SELECT value FROM unnest(%b) WITH ORDINALITY AS t (value, n) ORDER BY n",
        [kind.of(elements)],
        binary=True,
    )
    return [plain(row[0]) for row in cursor.fetchall()]


def plain(value: Any) -> Any:
    return value.bytes if isinstance(value, UUID) else value


# The driver would parse JSON; its bytes are compared further down.
PARSED = [case for case in CASES if case[0] is not wire.Jsons]


@pytest.mark.parametrize(("kind", "name", "encode", "values"), PARSED, ids=[name for _, name, _, _ in PARSED])
def test_array_comes_back_as_it_went(
    connection: psycopg.Connection[Any],
    kind: type[wire.Array],
    name: str,
    encode: Callable[[Any], bytes],
    values: list[Any],
) -> None:
    for chosen in (values, values[:1], []):
        elements = [encode(value) for value in chosen]
        assert returned(connection, kind, elements) == chosen
        assert [decode(kind, element) for element in elements] == chosen


@pytest.mark.parametrize(("kind", "name", "encode", "values"), CASES, ids=NAMES)
def test_array_is_byte_for_byte_what_the_server_would_send(
    connection: psycopg.Connection[Any],
    kind: type[wire.Array],
    name: str,
    encode: Callable[[Any], bytes],
    values: list[Any],
) -> None:
    for chosen in (values, [value for value in values if value is not None], []):
        sent = kind.of([encode(value) for value in chosen])
        query = sql.SQL("SELECT array_send(%b::{})").format(sql.SQL(f"{name}[]"))
        ((received,),) = connection.execute(query, [sent], binary=True).fetchall()
        # The server's own form says whether there are NULLs, which it does not ask of its callers.
        assert received[8:] == sent[8:]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name, _, _ in CASES], ids=NAMES)
def test_array_is_of_the_type_that_its_name_says(
    connection: psycopg.Connection[Any], kind: type[wire.Array], name: str
) -> None:
    ((array, element),) = connection.execute(
        "SELECT %s::regtype::oid::int, %s::regtype::oid::int", [f"{name}[]", name]
    ).fetchall()
    assert (kind.array, kind.element) == (array, element)
    ((server_side,),) = connection.execute("SELECT pg_typeof(%b)::text", [kind.of([])]).fetchall()
    assert server_side in (f"{name}[]", "timestamp with time zone[]")


def test_json_keeps_its_bytes(connection: psycopg.Connection[Any]) -> None:
    values = [b'{"b": 1,  "a": [null]}', b"{}", '"积分"'.encode()]
    cursor = connection.execute(
        "SELECT convert_to(v::text, 'UTF8') FROM unnest(%b) v", [wire.Jsons.of(list(map(wire.raw, values)))]
    )
    assert [row[0] for row in cursor.fetchall()] == values


def test_null_is_null_and_empty_is_empty(connection: psycopg.Connection[Any]) -> None:
    ((nulls, empties),) = connection.execute(
        "SELECT array_length(%b, 1), count(*) FILTER (WHERE v = '') FROM unnest(%b) v",
        [wire.Booleans.of([wire.NULL, wire.NULL]), wire.Texts.of([wire.text(None), wire.text("")])],
    ).fetchall()
    assert (nulls, empties) == (2, 1)


@examples(100)
@given(
    st.lists(
        st.none() | st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC)),
        max_size=5,
    )
)
def test_a_moment_is_exact_to_the_microsecond(values: list[datetime | None]) -> None:
    assert [decode(wire.Moments, wire.moment(value)) for value in values] == values


def test_a_moment_of_another_zone_is_the_same_instant() -> None:
    shanghai = datetime.fromisoformat("2026-11-22T12:00:00+08:00")
    assert wire.moment(shanghai) == wire.moment(shanghai.astimezone(UTC))
    assert wire.moment(shanghai) != wire.moment(shanghai + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("encode", "value"),
    [(wire.int8, 2**63), (wire.int4, 2**31), (wire.int2, 2**15), (wire.int8, -(2**63) - 1)],
)
def test_a_number_that_does_not_fit_is_refused_and_never_wraps(
    encode: Callable[[int], bytes], value: int
) -> None:
    with pytest.raises((struct.error, OverflowError)):
        encode(value)
