"""Operations of batches and streams: each body spoilt as on its own route, each refused in its own place."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.bad_input.corpus import BAD_BODIES
from tests.bad_input.judging import amiss, amiss_in, listed
from tests.bad_input.spoiling import Spoilt, spoilt_members, spoilt_objects, spoilt_times
from tests.shapes import Page, Schema, pages
from tests.whole_service import Tenant

PAGES = [page for page in pages() if page.route.operation]
NDJSON = "application/x-ndjson"
CHUNK = 1_000

each_operation = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route.name)


def whole_payload(page: Page) -> Schema:
    """The shape of the body of an operation in a batch: the members of the path are among its own."""
    assert page.body is not None
    path = page.parameters("path")
    properties = {**page.body["properties"], **path}
    return {**page.body, "properties": properties, "required": [*page.body["required"], *path]}


def spoilt_bodies(page: Page) -> list[Spoilt]:
    schema = whole_payload(page)
    example = page.example(schema)
    return [
        *spoilt_members(page, schema, example),
        *spoilt_objects(page, schema, example),
        *spoilt_times(example),
    ]


def operation_of(page: Page, body: bytes) -> bytes:
    assert page.route.operation
    name = page.route.operation.name.encode()
    return b'{"operation": "%b", "idempotency_key": "k", "body": %b}' % (name, body)


def chunks(spoilt: list[Spoilt]) -> Iterator[list[Spoilt]]:
    for start in range(0, len(spoilt), CHUNK):
        yield spoilt[start : start + CHUNK]


def flaws(spoilt: list[Spoilt], results: list[dict[str, Any]]) -> list[str]:
    """What is amiss in the results of these operations."""
    judged = [
        (each.how, amiss_in(result["status"], result["body"], each.field))
        for each, result in zip(spoilt, results, strict=True)
    ]
    assert judged, "nothing was tried"
    return [f"{how}: {flaw}" for how, flaw in judged if flaw]


@each_operation
def test_a_bad_line_of_a_stream_is_refused_in_its_place(unchanged: None, tenant: Tenant, page: Page) -> None:
    whole = [Spoilt(name, body, None) for name, body in BAD_BODIES.items()]
    # A line that ends early is two lines.
    spoilt = [each for each in [*spoilt_bodies(page), *whole] if b"\n" not in each.body]
    lines = b"\n".join(operation_of(page, each.body) for each in spoilt)
    answer = tenant.send_raw("POST", "/v1/batches", lines, content_type=NDJSON)
    found = flaws(spoilt, [orjson.loads(line) for line in answer.data.splitlines()])
    assert not found, listed(found)


@each_operation
def test_a_bad_operation_of_a_batch_is_refused_in_its_place(
    unchanged: None, tenant: Tenant, page: Page
) -> None:
    for spoilt in chunks([each for each in spoilt_bodies(page) if is_plain(each)]):
        answer = tenant.send_raw("POST", "/v1/batches", batch_of(page, spoilt))
        found = flaws(spoilt, answer.json["results"])
        assert not found, listed(found)


@each_operation
def test_an_operation_that_could_be_read_two_ways_is_refused_with_its_batch_or_in_its_place(
    unchanged: None, tenant: Tenant, page: Page
) -> None:
    for each in spoilt_bodies(page):
        if not is_plain(each):
            answer = tenant.send_raw("POST", "/v1/batches", batch_of(page, [each]))
            assert amiss(answer) is None, each.how


def batch_of(page: Page, spoilt: list[Spoilt]) -> bytes:
    operations = b",".join(operation_of(page, each.body) for each in spoilt)
    return b'{"operations": [%b]}' % operations


def is_plain(spoilt: Spoilt) -> bool:
    """Whether it is JSON to everybody, so that it spoils no more than the operation it stands in."""
    if "twice" in spoilt.how:
        return False
    try:
        orjson.loads(spoilt.body)
    except orjson.JSONDecodeError:
        return False
    return True
