"""Paths and query strings: ids that are none, parameters that nobody knows, values that mean nothing."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

import pytest

from tests.bad_input.corpus import (
    BAD_CURSORS,
    BAD_DAYS,
    BAD_IDS,
    BAD_NUMBERS,
    BAD_TIMES,
    BAD_TRUTHS,
    encoded,
)
from tests.bad_input.judging import amiss, listed
from tests.shapes import Page, Schema, pages
from tests.whole_service import Tenant

PAGES = pages()
WITH_IDS = [page for page in PAGES if page.parameters("path")]
WITH_QUERY = [page for page in PAGES if page.parameters("query")]


class Address(NamedTuple):
    """An address that is wrong in one way."""

    path: str
    field: str | None


def send(tenant: Tenant, page: Page, address: Address) -> str | None:
    """What is amiss in the answer to a request that is sound but for its address."""
    arguments = {"json": page.example(page.body)} if page.body else {}
    return amiss(tenant.send(page.route.method, address.path, **arguments), address.field)


def require_refusals(tenant: Tenant, page: Page, addresses: Iterator[Address]) -> None:
    """Fail unless each of these addresses, of which there are some, is soundly refused."""
    flaws = [(address, send(tenant, page, address)) for address in addresses]
    assert flaws, "nothing was tried"
    found = [f"{address.path[:200]}: {flaw}" for address, flaw in flaws if flaw]
    assert not found, listed(found)


def bad_paths(page: Page, facts: dict[str, str]) -> Iterator[Address]:
    for name, schema in page.parameters("path").items():
        for bad in BAD_IDS:
            # The codes of funds may be longer than other ids.
            if "%" in bad or not page.allows(schema, bad):
                yield Address(page.path({**facts, name: bad}), None)
    sound = page.path(facts)
    for tail in ("/", "/.", "/..", "/%2e%2e", "//", ";a=1", "%00", "%20", "/x"):
        yield Address(sound + tail, None)
    yield Address(sound.replace("/v1/", "/v1//"), None)
    yield Address(sound.replace("/v1/", "/V1/"), None)
    yield Address(sound.replace("/v1/", "/v1/../v1/"), None)


@pytest.mark.parametrize("page", WITH_IDS, ids=lambda page: page.route.name)
def test_no_path_leads_where_it_should_not(unchanged: None, tenant: Tenant, page: Page) -> None:
    require_refusals(tenant, page, bad_paths(page, tenant.facts))


def bad_queries(page: Page, facts: dict[str, str]) -> Iterator[Address]:
    """The route with an unknown parameter, an unreadable query, and each of its own twice and of no meaning."""
    path = page.path(facts)
    for query in ("unknown=1", "dry-run=true", "Limit=1", "%00=1", "a[]=1", "__proto__=1", "=1"):
        yield Address(f"{path}?{query}", query.partition("=")[0].replace("%00", "\\x00"))
    for query in (
        "%FF=1",
        "a=%FF",
        "a",
        "&",
        "a=1&&b=2",
        "?a=1",
        "%ED%A0%80=1",
        "&".join(f"a{n}=1" for n in range(99)),
    ):
        yield Address(f"{path}?{query}", None)
    for name, schema in page.parameters("query").items():
        sound = encoded(texts_of(page, schema))
        yield Address(f"{path}?{name}={sound}&{name}={sound}", name)
        for bad in meaningless(page, name, schema):
            yield Address(f"{path}?{name}={bad}", name if is_text(bad) else None)


def is_text(value: str) -> bool:
    """Whether a value can be read at all, so that its parameter can be named."""
    return "\ufffd" not in unquote(value) and "&" not in value


def texts_of(page: Page, schema: Schema) -> str:
    value = page.example(schema)
    return str(value).lower() if isinstance(value, bool) else str(value)


def meaningless(page: Page, name: str, schema: Schema) -> Iterator[str]:
    """Values that a query parameter of that schema cannot have."""
    kind, form = schema["type"], schema.get("format")
    if kind == "integer":
        yield from BAD_NUMBERS
        yield from (str(schema["minimum"] - 1), str(schema["maximum"] + 1))
    elif kind == "boolean":
        yield from BAD_TRUTHS
    elif form in ("date-time", "date"):
        yield from map(encoded, BAD_TIMES if form == "date-time" else BAD_DAYS)
        yield "2026-11-01T10:00:00+08:00"  # a plus sign that is not encoded is a blank
    elif "enum" in schema:
        yield from ("", "unknown", encoded(schema["enum"][0].upper()), encoded(schema["enum"][0] + " "))
    elif name == "cursor":
        yield from BAD_CURSORS
    else:
        yield from (bad for bad in BAD_IDS if not page.allows(schema, unquote_plus(bad)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route.name)
def test_no_query_is_passed_over(unchanged: None, tenant: Tenant, page: Page) -> None:
    require_refusals(tenant, page, bad_queries(page, tenant.facts))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route.name)
def test_no_route_knows_other_methods_than_its_own(unchanged: None, tenant: Tenant, page: Page) -> None:
    own = {each.route.method for each in PAGES if each.address == page.address} | {"HEAD"}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} - own:
        answer = tenant.send(method, page.path(tenant.facts))
        assert (answer.status_code, amiss(answer)) == (405, None)
        assert set(answer.headers["Allow"].split(", ")) - {"HEAD"} == own - {"HEAD"}
