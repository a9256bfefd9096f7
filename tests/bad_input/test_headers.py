"""Headers: keys that are none, media types and codings that are not read, bodies beyond the limit."""

import io
from typing import Any

import pytest

from ledger.http.headers import REPEATED, SINGLE
from ledger.http.parsing import BATCH_BODY_LIMIT, BODY_LIMIT, ReadableStream
from tests.bad_input.judging import amiss
from tests.shapes import Page, pages
from tests.whole_service import Tenant

PAGES = pages()
KEYED = [page for page in PAGES if page.parameters("header")]
WITH_BODY = [page for page in PAGES if page.body is not None]
PRIVATE = [page for page in PAGES if page.page["security"]]

BAD_KEYS = ("", " ", "x" * 256, "x" * 8_000, "a b", "a\tb", "\x01", "\x7f", "é", "１", "\xa0", "k\x00")
BAD_TYPES = (
    None,
    "",
    "application",
    "text/json",
    "text/plain",
    "application/json5",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/merge-patch+json",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/json; version=2",
    "application/json, text/plain",
)
BAD_CODINGS = ("gzip", "deflate", "br", "zstd", "compress", "x-gzip", "identity, gzip", "GZIP", "unknown")
BAD_CREDENTIALS = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer \x00",
    "Bearer é",
    "Bearer " + "x" * 8_000,
    "Bearer lk_000000000000_" + "0" * 49,
    "Basic eDp5",
    "Digest username=x",
)

each_keyed = pytest.mark.parametrize("page", KEYED, ids=lambda page: page.route.name)
each_with_body = pytest.mark.parametrize("page", WITH_BODY, ids=lambda page: page.route.name)
each_private = pytest.mark.parametrize("page", PRIVATE, ids=lambda page: page.route.name)


def send(tenant: Tenant, page: Page, **arguments: Any) -> Any:
    """A request that is sound but for what the arguments say."""
    if page.body is not None and not {"data", "environ_overrides"} & set(arguments):
        arguments["json"] = page.example(page.body)
    return tenant.send(page.route.method, page.path(tenant.facts), **arguments)


@each_keyed
def test_nothing_is_posted_without_a_sound_key(unchanged: None, tenant: Tenant, page: Page) -> None:
    if "Idempotency-Key" in page.required("header"):
        missing = send(tenant, page, headers={"Idempotency-Key": None})
        assert (amiss(missing), missing.json["code"]) == (None, "idempotency_key_missing")
    for key in BAD_KEYS:
        overrides = {"HTTP_IDEMPOTENCY_KEY": key}
        answer = send(tenant, page, data=b"{}", environ_overrides=overrides)
        assert amiss(answer, "Idempotency-Key") is None, repr(key)


def test_a_key_is_needed_by_all_that_posts_but_a_quote_which_moves_nothing() -> None:
    free = [page for page in KEYED if "Idempotency-Key" not in page.required("header")]
    assert [page.route.name for page in free] == ["post_quote"]


@each_keyed
@pytest.mark.parametrize(
    "name", ["X-Idempotency-Key", "Idempotency-Token", "Idempotence-Key", "Idempotencykey"]
)
def test_a_key_under_another_name_is_not_passed_over(
    unchanged: None, tenant: Tenant, page: Page, name: str
) -> None:
    assert amiss(send(tenant, page, headers={name: "k-1"}), name) is None


@each_private
@pytest.mark.parametrize("name", sorted(SINGLE))
def test_no_header_that_decides_comes_twice(unchanged: None, tenant: Tenant, page: Page, name: str) -> None:
    answer = send(tenant, page, environ_overrides={REPEATED: name})
    assert amiss(answer, name.title()) is None


@each_private
def test_nobody_is_served_without_a_key_of_ours(unchanged: None, tenant: Tenant, page: Page) -> None:
    for credentials in BAD_CREDENTIALS:
        headers = {"Authorization": None}
        given = {} if credentials is None else {"HTTP_AUTHORIZATION": credentials}
        answer = send(tenant, page, headers=headers, environ_overrides=given)
        assert (answer.status_code, amiss(answer)) == (401, None), repr(credentials)


@each_with_body
def test_no_other_media_type_is_read(unchanged: None, tenant: Tenant, page: Page) -> None:
    for kind in BAD_TYPES:
        answer = send(tenant, page, data=b"{}", content_type=kind)
        assert (answer.status_code, amiss(answer)) == (415, None), repr(kind)


@each_with_body
def test_no_coding_is_undone(unchanged: None, tenant: Tenant, page: Page) -> None:
    for coding in BAD_CODINGS:
        answer = send(tenant, page, headers={"Content-Encoding": coding})
        assert (answer.status_code, amiss(answer)) == (415, None), coding


class Endless:
    """A body without end; counts what is taken from it."""

    taken = 0

    def read(self, size: int = -1, /) -> bytes:
        self.taken += size
        return b" " * size


def limit_of(page: Page) -> int:
    return BATCH_BODY_LIMIT if page.route.name == "post_batch" else BODY_LIMIT


def from_stream(stream: ReadableStream, **environ: Any) -> dict[str, Any]:
    """The arguments of a request whose body is read from that stream."""
    return {"environ_overrides": {"CONTENT_TYPE": "application/json", "wsgi.input": stream, **environ}}


@each_with_body
def test_no_body_is_read_beyond_its_limit(unchanged: None, tenant: Tenant, page: Page) -> None:
    answer = send(tenant, page, data=b" " * limit_of(page) + b"{}", content_type="application/json")
    assert (answer.status_code, answer.json["limit_bytes"]) == (413, limit_of(page))
    for length in (limit_of(page) + 1, 2**31, 2**63, 2**64, 10**30):
        body = Endless()
        answer = send(tenant, page, **from_stream(body, CONTENT_LENGTH=str(length)))
        assert (answer.status_code, amiss(answer), body.taken) == (413, None, 0), (
            "it is long by its own words"
        )


@each_with_body
def test_no_body_in_chunks_is_read_beyond_its_limit(unchanged: None, tenant: Tenant, page: Page) -> None:
    body = Endless()
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = send(tenant, page, **from_stream(body, **chunked))
    assert (answer.status_code, amiss(answer)) == (413, None)
    assert body.taken == limit_of(page) + 1


class Broken:
    """A body whose sender goes away."""

    def read(self, size: int = -1, /) -> bytes:
        raise OSError("gone")


@each_with_body
def test_a_body_that_breaks_off_is_no_body(unchanged: None, tenant: Tenant, page: Page) -> None:
    answer = send(tenant, page, **from_stream(Broken(), CONTENT_LENGTH="100"))
    assert (answer.status_code, amiss(answer)) == (400, None)
    short = send(tenant, page, **from_stream(io.BytesIO(b"{"), CONTENT_LENGTH="100"))
    assert (short.status_code, amiss(short)) == (400, None)
