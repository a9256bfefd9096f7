"""Versions, proposals and switches by many at once: no gap, no second of anything."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from tests.whole_service import Tenant, WholeService, open_service

CROWD = 20
SECONDS = 60


@pytest.fixture
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService, cluster: Any) -> Iterator[Tenant]:
    waits = SECONDS * 1_000
    url = cluster.app_url(service.database)
    database = Database(url, pool_size=CROWD, lock_timeout_ms=waits, statement_timeout_ms=waits)
    made = service.tenant("crowd")
    made.app = create_app(Settings(), database)
    yield made
    database.close()


def at_once(ask: Callable[[int], Any]) -> list[Any]:
    """The answers to questions that all set out together, by their numbers."""
    start = Barrier(CROWD)

    def one(number: int) -> Any:
        start.wait(SECONDS)
        return ask(number)

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD), timeout=SECONDS))


def content(amount: int) -> dict[str, Any]:
    rate = {"kind": "fixed", "amount": amount}
    return {"content": {"rules": [{"code": "a", "unit": "POINT", "rate": rate}]}}


def save(tenant: Tenant, amount: int) -> Any:
    return tenant.send("POST", "/v1/rule-sets", json=content(amount))


def told(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_twenty_drafts_at_once_are_versions_without_a_gap(tenant: Tenant) -> None:
    answers = at_once(lambda number: save(tenant, number + 1))
    assert told(answers) == {201: CROWD}
    assert sorted(answer.json["version"] for answer in answers) == list(range(1, CROWD + 1))


def test_one_content_saved_twenty_times_at_once_is_one_version(tenant: Tenant) -> None:
    answers = at_once(lambda _: save(tenant, 5))
    assert told(answers) == {201: 1, 200: CROWD - 1}
    assert {answer.json["version"] for answer in answers} == {1}


def test_one_proposal_made_twenty_times_at_once_is_one(tenant: Tenant) -> None:
    save(tenant, 5)
    answers = at_once(lambda _: tenant.send("POST", "/v1/rule-sets/1/proposals"))
    assert told(answers) == {202: CROWD}
    assert len({answer.json["approval_id"] for answer in answers}) == 1
    assert len(tenant.send("GET", "/v1/approvals").json["data"]) == 1


def test_twenty_approvals_at_once_put_a_version_in_force_once(service: WholeService, tenant: Tenant) -> None:
    save(tenant, 5)
    approval_id = tenant.send("POST", "/v1/rule-sets/1/proposals").json["approval_id"]
    path = f"/v1/approvals/{approval_id}/approve"
    answers = at_once(lambda _: tenant.send("POST", path, role="approver"))
    assert told(answers) == {200: 1, 409: CROWD - 1}
    with service.owner.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM rule_activations").scalar_one() == 1


def test_twenty_turns_of_a_switch_at_once_are_one(service: WholeService, tenant: Tenant) -> None:
    body = {"on": False, "reason": "harm"}
    answers = at_once(lambda _: tenant.send("PUT", "/v1/rules/base/switch", json=body))
    assert told(answers) == {200: CROWD}
    with service.owner.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM rule_switches").scalar_one() == 1
