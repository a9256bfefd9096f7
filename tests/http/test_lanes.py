"""The short way through a schema says what marshmallow says, of every route's payload, or nothing."""

from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, post_load, pre_load

from ledger.http.fields import Strict
from ledger.http.lanes import lane_of, loaded
from tests.shapes import Page, pages, places, put, without

BODIES = [page for page in pages() if page.body is not None]
SPOILED: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**53,
    "",
    "a b",
    "x" * 300,
    "2026-02-30",
    [],
    [None],
    {},
    {"x": 1},
)


def whole_way(schema: Schema, payload: Any) -> Any:
    """What marshmallow says, without the short way."""
    try:
        return Schema.load(schema, payload)
    except ValidationError as error:
        return error.messages


def said(schema: Schema, payload: Any) -> Any:
    try:
        return schema.load(payload)
    except ValidationError as error:
        return error.messages


def spoiled(example: Any) -> list[Any]:
    """The example, with each of its members left out or replaced, and with one that nobody knows."""
    found = [example, {**example, "unheard_of": 1}]
    for place, _ in places(example):
        found += [put(example, place, value) for value in SPOILED]
        if isinstance(place[-1], str):
            found.append(without(example, place))
    return found


def examples(page: Page) -> list[Any]:
    """Payloads of the route as its schema reads them: the body, and what the path gives."""
    assert page.body is not None
    path = dict.fromkeys(page.route.path_names, "m-1")
    return [{**example, **path} for example in page.examples(page.body)]


@pytest.mark.parametrize("page", BODIES, ids=lambda page: f"{page.route.method} {page.route.path}")
def test_the_short_way_agrees_with_the_whole(page: Page) -> None:
    schema = page.route.loaded
    for example in examples(page):
        for payload in spoiled(example):
            expected = whole_way(schema, payload)
            assert said(schema, payload) == expected
            short = loaded(lane_of(schema), payload)
            assert short is None or short == expected


@pytest.mark.parametrize("path", ["/v1/purchases", "/v1/redemptions", "/v1/purchases/<purchase_id>/returns"])
def test_what_checkout_sends_goes_the_short_way(path: str) -> None:
    (page,) = [page for page in BODIES if (page.route.path, page.route.method) == (path, "POST")]
    schema = page.route.loaded
    assert isinstance(schema, Strict)
    taken = [loaded(lane_of(schema), example) for example in examples(page)]
    assert any(found is not None for found in taken)


def test_a_schema_that_does_more_than_its_fields_say_has_no_short_way() -> None:
    class Changing(Strict):
        @post_load
        def change(self, payload: Any, **_how: Any) -> Any:
            return payload

    class Preparing(Strict):
        @pre_load
        def change(self, payload: Any, **_how: Any) -> Any:
            return payload

    assert lane_of(Strict()) is not None
    assert [lane_of(schema) for schema in (Changing(), Preparing(), Strict(unknown=EXCLUDE))] == [None] * 3
