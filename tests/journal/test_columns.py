"""Columns on the wire: encoded together they are, byte for byte, what their values are one by one."""

import struct
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import wire
from tests.profiles import examples

moments = st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC))
KINDS: list[tuple[type[wire.Array], Callable[[Any], bytes], st.SearchStrategy[Any]]] = [
    (wire.Int8s, wire.int8, st.integers(-(2**63), 2**63 - 1)),
    (wire.Int4s, wire.int4, st.integers(-(2**31), 2**31 - 1)),
    (wire.Int2s, wire.int2, st.integers(-(2**15), 2**15 - 1)),
    (wire.Booleans, wire.boolean, st.booleans()),
    (wire.Uuids, wire.uuid, st.none() | st.binary(min_size=16, max_size=16)),
    (wire.Bytes, wire.raw, st.none() | st.binary(max_size=9)),
    (wire.Jsons, wire.raw, st.none() | st.just(b'{"a": 1}')),
    (wire.Texts, wire.text, st.none() | st.text(max_size=9)),
    # Few of them, so that neighbours are often one and the same.
    (wire.Moments, wire.moment, st.none() | moments),
]
NAMES = [kind.__name__ for kind, _, _ in KINDS]


@pytest.mark.parametrize(("kind", "encode", "values"), KINDS, ids=NAMES)
def test_a_column_is_its_values_one_by_one(
    kind: type[wire.Array], encode: Callable[[Any], bytes], values: st.SearchStrategy[Any]
) -> None:
    @examples(60)
    @given(
        st.lists(values, max_size=4).flatmap(lambda few: st.lists(st.sampled_from(few or [None]), max_size=6))
    )
    def compare(column: list[Any]) -> None:
        column = [value for value in column if value is not None or issubclass(kind, NULLABLE)]
        elements = [encode(value) for value in column]
        assert kind.column(column) == elements
        assert kind.of_values(column) == kind.of(elements)

    compare()


NULLABLE = (wire.Uuids, wire.Bytes, wire.Texts, wire.Moments)


def test_a_truth_that_is_not_given_is_null() -> None:
    assert wire.Booleans.column([True, None, False]) == [wire.TRUE, wire.NULL, wire.FALSE]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(wire.Int8s, 2**63), (wire.Int4s, 2**31), (wire.Int2s, -(2**15) - 1), (wire.Int8s, None)],
)
def test_a_column_refuses_what_does_not_fit(kind: type[wire.Array], value: int | None) -> None:
    for encode in (kind.column, kind.of_values):
        with pytest.raises((struct.error, OverflowError, TypeError)):
            encode([1, value])
