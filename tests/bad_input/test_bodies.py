"""Bodies: every member of every body of every route, spoilt in every way that we know of."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pytest

from tests.bad_input.corpus import BAD_BODIES, BAD_TIMES, MOSTLY_WRONG, NEVER_RIGHT, UNREADABLE
from tests.bad_input.judging import amiss, listed
from tests.shapes import Page, Place, Schema, at, pages, places, put, without
from tests.whole_service import Tenant

PAGES = [page for page in pages() if page.body is not None]
SPOT = "here stands something else"

each_route = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route.name)


class Spoilt(NamedTuple):
    """A body that is wrong in one way."""

    how: str
    body: bytes
    field: str | None
    """The member at fault; None where the body cannot be read at all."""


def spoilt_members(page: Page, body: Any) -> Iterator[Spoilt]:
    """The body with each of its members in turn replaced by what it must not be."""
    for place, _ in places(body):
        field = dotted(place)
        for name, piece in UNREADABLE.items():
            yield Spoilt(f"{field} is {name}", with_piece(body, place, piece), None)
        for name, piece in NEVER_RIGHT.items():
            yield Spoilt(f"{field} is {name}", with_piece(body, place, piece), field)
        for name, piece in MOSTLY_WRONG.items():
            wrong = put(body, place, orjson.loads(piece))
            if not page.allows(page.body or {}, wrong):
                yield Spoilt(f"{field} is {name}", with_piece(body, place, piece), field)


def spoilt_times(page: Page, body: Any) -> Iterator[Spoilt]:
    """The body with each of its times replaced by what is none."""
    for place, _ in places(body):
        if "T" in str(at(body, place)):
            for time in BAD_TIMES:
                wrong = put(body, place, time)
                yield Spoilt(f"{dotted(place)} is {time!r}", orjson.dumps(wrong), dotted(place))


def spoilt_objects(page: Page, body: Any) -> Iterator[Spoilt]:
    """The body with each of its objects in turn having a member too many, too few, or twice."""
    for place, value in ((), body), *places(body):
        if not isinstance(value, dict):
            continue
        for unknown in ("unknown", "__proto__", "", "Member_id", "memberId"):
            wrong = put(body, (*place, unknown), 1)
            if not page.allows(page.body or {}, wrong):
                yield Spoilt(
                    f"{dotted(place)} has {unknown!r}", orjson.dumps(wrong), dotted((*place, unknown)) or None
                )
        for key in (b'"\\ud800"', b'"\\u0000"', b'"a\x00"', b'"\xff"', b"a", b"5"):
            raw = orjson.dumps(put(body, (*place, SPOT), 1))
            yield Spoilt(f"{dotted(place)} has {key!r}", raw.replace(b'"%b"' % SPOT.encode(), key), None)
        for name in value:
            twice = orjson.dumps(put(body, (*place, SPOT), value[name]))
            field = dotted((*place, name))
            yield Spoilt(f"{field} twice", twice.replace(SPOT.encode(), name.encode()), field)
            missing = without(body, (*place, name))
            if not page.allows(page.body or {}, missing):
                yield Spoilt(f"{field} is missing", orjson.dumps(missing), field)


def with_piece(body: Any, place: Place, piece: bytes) -> bytes:
    """The body as bytes, with a piece that no library would write at that place."""
    return orjson.dumps(put(body, place, SPOT)).replace(orjson.dumps(SPOT), piece)


def dotted(place: Place) -> str:
    return ".".join(str(step) for step in place)


def example(page: Page) -> Any:
    schema: Schema = page.body or {}
    return page.example(schema)


def require_refusals(tenant: Tenant, page: Page, spoilt: Iterator[Spoilt]) -> None:
    """Fail unless each of these bodies, of which there are some, is soundly refused."""
    path, found, sent = page.path(tenant.facts), [], 0
    for how, body, field in spoilt:
        answer = tenant.send_raw(page.route.method, path, body)
        sent += 1
        if flaw := amiss(answer, field):
            found.append(f"{how}: {flaw}")
    assert sent, "nothing was tried"
    assert not found, listed(found)


@each_route
def test_the_body_that_is_spoilt_below_is_a_sound_one(tenant: Tenant, page: Page) -> None:
    # As a rehearsal, or else where there is nothing to be changed.
    query = "?dry_run=true" if page.route.operation else ""
    answer = tenant.send(page.route.method, page.path(tenant.facts) + query, json=example(page))
    assert answer.status_code != 400, answer.json["detail"]


@each_route
def test_no_member_takes_what_it_must_not_be(unchanged: None, tenant: Tenant, page: Page) -> None:
    require_refusals(tenant, page, spoilt_members(page, example(page)))


@each_route
def test_no_member_may_be_missing_unknown_or_there_twice(unchanged: None, tenant: Tenant, page: Page) -> None:
    require_refusals(tenant, page, spoilt_objects(page, example(page)))


WITH_TIMES = [page for page in PAGES if any("T" in str(item) for _, item in places(example(page)))]


@pytest.mark.parametrize("page", WITH_TIMES, ids=lambda page: page.route.name)
def test_no_time_is_guessed(unchanged: None, tenant: Tenant, page: Page) -> None:
    require_refusals(tenant, page, spoilt_times(page, example(page)))


@each_route
def test_what_is_no_object_is_not_read(unchanged: None, tenant: Tenant, page: Page) -> None:
    whole = (Spoilt(name, body, None) for name, body in BAD_BODIES.items())
    require_refusals(tenant, page, whole)
