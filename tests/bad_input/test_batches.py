"""Operations of batches and streams: each body spoilt as on its own route, each refused in its own place."""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

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
    return {**page.body, "properties": properties, "required": [*page.body.get("required", ()), *path]}


def spoilt_bodies(page: Page) -> list[Spoilt]:
    schema = whole_payload(page)
    return [
        spoilt
        for example in page.examples(schema)
        for spoilt in (
            *spoilt_members(page, schema, example),
            *spoilt_objects(page, schema, example),
            *spoilt_times(example),
        )
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


(BATCHES,) = [page for page in pages() if page.route.name == "post_batch"]


def numbered(sequence: int, *operations: bytes) -> bytes:
    """A batch that a till has numbered."""
    device = b'{"device_id": "d-9", "sequence": %d}' % sequence
    return b'{"device": %b, "operations": [%b]}' % (device, b",".join(operations))


def test_no_device_and_no_number_are_what_they_must_not_be(unchanged: None, tenant: Tenant) -> None:
    assert BATCHES.body is not None
    body = BATCHES.example(BATCHES.body)
    spoilt = [*spoilt_members(BATCHES, BATCHES.body, body), *spoilt_objects(BATCHES, BATCHES.body, body)]
    of_device = [each for each in spoilt if each.how.startswith("device")]
    assert of_device, "nothing was tried"
    judged = [(each, tenant.send_raw("POST", "/v1/batches", each.body)) for each in of_device]
    found = [f"{each.how}: {flaw}" for each, answer in judged if (flaw := amiss(answer, each.field))]
    assert not found, listed(found)


@pytest.mark.parametrize(
    "piece", [b'{"a": "\\ud800"}', b'{"\\ud800": 1}', b'{"a": 1e400}', b'{"a": 1.5}', b"5", b"null", b"[]"]
)
def test_a_numbered_batch_refuses_what_cannot_be_read_in_its_place(tenant: Tenant, piece: bytes) -> None:
    item = b'{"operation": "redemption", "idempotency_key": "k", "body": %b}' % piece
    number = 1_000 + crc32(piece) % 1_000_000
    first, again = (tenant.send_raw("POST", "/v1/batches", numbered(number, item)) for _ in range(2))
    for answer in (first, again):
        assert (answer.status_code, amiss(answer)) == (200, None)
    assert (first.json["device"]["repeated"], again.json["device"]["repeated"]) == (False, True)
