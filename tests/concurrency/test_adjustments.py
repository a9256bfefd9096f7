"""Many decisions on one adjustment at once, by whatever route: one of them posts it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from ledger import clock
from ledger.access.register import create_key
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.finance.verify import verify
from tests.whole_service import Tenant, WholeService, open_service

CROWD = 20
SECONDS = 60


@pytest.fixture
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService, cluster: Any) -> Iterator[Tenant]:
    """A program whose member m-1 has 100 points, and a crowd of approvers."""
    waits = SECONDS * 1_000
    url = cluster.app_url(service.database)
    database = Database(url, pool_size=CROWD, lock_timeout_ms=waits, statement_timeout_ms=waits)
    tenant = replace(service.tenant("shop"), app=create_app(Settings(), database))
    tenant.post("/v1/earnings", {"member_id": "m-1", "points": 100, "reason": "gift", "reference": "a-1"})
    for number in range(CROWD):
        made = service.owner.run(
            lambda connection: create_key(connection, tenant.program, "approver", now=clock.system_now())
        )
        tenant.keys[str(number)] = made.token
    yield tenant
    database.close()
    with service.owner.read() as connection:
        assert [found.told() for found in verify(connection) if not found.is_sound] == []


def propose(shop: Tenant, points: int, **more: Any) -> str:
    body = {"member_id": "m-1", "points": points, "reason": "a mistake", **more}
    answer = shop.send("POST", "/v1/adjustments", role="operator", json=body)
    assert answer.status_code == 202, answer.data
    made: str = answer.json["adjustment_id"]
    return made


def at_once(shop: Tenant, asked: list[tuple[str, str, dict[str, Any]]]) -> list[Any]:
    """The answers to (path, key, arguments) that all set out together."""
    start = Barrier(len(asked))

    def ask(path: str, role: str, arguments: dict[str, Any]) -> Any:
        start.wait(SECONDS)
        return shop.send("POST", path, role=role, **arguments)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda each: ask(*each), asked, timeout=SECONDS))


def told(answers: list[Any]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.json.get("code")) for answer in answers)


def available(shop: Tenant) -> int:
    return int(shop.send("GET", "/v1/members/m-1/balance").json["points"]["available"])


@pytest.mark.parametrize("points", [70, -70])
def test_of_many_approvers_at_once_one_posts_it(shop: Tenant, points: int) -> None:
    path = f"/v1/adjustments/{propose(shop, points)}/approve"
    answers = at_once(shop, [(path, str(number), {}) for number in range(CROWD)])
    assert told(answers) == {(201, None): 1, (409, "approval_decided"): CROWD - 1}
    assert available(shop) == 100 + points


def test_both_routes_at_once_post_it_once(shop: Tenant) -> None:
    made = propose(shop, -70)
    paths = (f"/v1/adjustments/{made}/approve", f"/v1/approvals/{made.replace('adj_', 'apr_')}/approve")
    answers = at_once(shop, [(paths[number % 2], str(number), {}) for number in range(CROWD)])
    counted = told(answers)
    assert counted.pop((409, "approval_decided")) == CROWD - 1
    assert counted in ({(201, None): 1}, {(200, None): 1})
    assert available(shop) == 30


def test_of_approvals_and_rejections_at_once_one_counts(shop: Tenant) -> None:
    made = propose(shop, -70)
    ways: list[tuple[str, dict[str, Any]]] = [("approve", {}), ("reject", {"json": {"reason": "no"}})]
    asked = [
        (f"/v1/adjustments/{made}/{way}", str(number), how)
        for number in range(CROWD)
        for way, how in [ways[number % 2]]
    ]
    counted = told(at_once(shop, asked))
    assert counted.pop((409, "approval_decided")) == CROWD - 1
    assert available(shop) == (30 if counted == {(201, None): 1} else 100)


def test_one_key_sent_many_times_at_once_is_one_proposal_and_one_entry(shop: Tenant) -> None:
    once = {"headers": {"Idempotency-Key": "proposed-once"}}
    body = {"json": {"member_id": "m-1", "points": -70, "reason": "a mistake"}}
    answers = at_once(shop, [("/v1/adjustments", "operator", {**body, **once})] * CROWD)
    assert told(answers) == {(202, None): CROWD}
    (made,) = {answer.json["adjustment_id"] for answer in answers}
    assert len(shop.send("GET", "/v1/adjustments").json["data"]) == 1
    again = {"headers": {"Idempotency-Key": "approved-once"}}
    answers = at_once(shop, [(f"/v1/adjustments/{made}/approve", "approver", again)] * CROWD)
    assert told(answers) == {(201, None): CROWD}
    assert len({answer.data for answer in answers}) == 1
    assert available(shop) == 30


def test_many_adjustments_at_once_take_no_more_than_there_is(shop: Tenant) -> None:
    made = [propose(shop, -30) for _ in range(CROWD)]
    answers = at_once(shop, [(f"/v1/adjustments/{each}/approve", "approver", {}) for each in made])
    assert told(answers) == {(201, None): 3, (422, "insufficient_points"): CROWD - 3}
    assert available(shop) == 10


def test_of_many_with_one_reference_one_is_posted(shop: Tenant) -> None:
    made = [propose(shop, 1, reference="ticket-1") for _ in range(CROWD)]
    answers = at_once(shop, [(f"/v1/adjustments/{each}/approve", "approver", {}) for each in made])
    assert told(answers) == {(201, None): 1, (409, "reference_exists"): CROWD - 1}
    assert available(shop) == 101
