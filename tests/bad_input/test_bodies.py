"""Bodies: every member of every body of every route, spoilt in every way that we know of."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pytest

from tests.bad_input.corpus import BAD_BODIES
from tests.bad_input.judging import amiss, listed
from tests.bad_input.spoiling import Spoilt, is_time, spoilt_members, spoilt_objects, spoilt_times
from tests.profiles import FACTOR
from tests.shapes import Page, Schema, pages, places, without
from tests.whole_service import Tenant

PAGES = [page for page in pages() if page.body is not None]
each_route = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route.name)


def shape(page: Page) -> Schema:
    assert page.body is not None
    return page.body


def examples(page: Page) -> list[Any]:
    """Sound bodies; a batch without its number, which one batch takes from all that follow: see ``test_batches``."""
    return [without(body, ("device",)) for body in page.examples(shape(page))]


ONE_IN: Final = 3 if FACTOR == 1 else 1
"""Of some thirty thousand spoilt bodies every third is sent with each change; ``make test-long`` sends all of them."""


def require_refusals(tenant: Tenant, page: Page, spoilt: Iterator[Spoilt]) -> None:
    """Fail unless each of these bodies, of which there are some, is soundly refused."""
    path, found, sent = page.path(tenant.facts), [], 0
    for how, body, field in islice(spoilt, 0, None, ONE_IN):
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
    for body in examples(page):
        answer = tenant.send(page.route.method, page.path(tenant.facts) + query, json=body)
        assert answer.status_code != 400, answer.json["detail"]


@each_route
def test_no_member_takes_what_it_must_not_be(unchanged: None, tenant: Tenant, page: Page) -> None:
    for body in examples(page):
        require_refusals(tenant, page, spoilt_members(page, shape(page), body))


@each_route
def test_no_member_may_be_missing_unknown_or_there_twice(unchanged: None, tenant: Tenant, page: Page) -> None:
    for body in examples(page):
        require_refusals(tenant, page, spoilt_objects(page, shape(page), body))


def has_times(page: Page) -> bool:
    return any(is_time(item) for body in examples(page) for _, item in places(body))


WITH_TIMES = [page for page in PAGES if has_times(page)]


@pytest.mark.parametrize("page", WITH_TIMES, ids=lambda page: page.route.name)
def test_no_time_is_guessed(unchanged: None, tenant: Tenant, page: Page) -> None:
    spoilt = (each for body in examples(page) for each in spoilt_times(body))
    require_refusals(tenant, page, spoilt)


@each_route
def test_what_is_no_object_is_not_read(unchanged: None, tenant: Tenant, page: Page) -> None:
    bodies = {name: body for name, body in BAD_BODIES.items() if body or not page.route.is_body_optional}
    whole = (Spoilt(name, body, None) for name, body in bodies.items())
    require_refusals(tenant, page, whole)
