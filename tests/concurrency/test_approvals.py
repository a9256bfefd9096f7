"""Twenty approvals of one proposal at once: one of them carries it out."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from ledger import clock
from ledger.access.register import create_key
from ledger.db import Database
from tests.deeds import Office, open_office
from tests.whole_service import WholeService, open_service

CROWD = 20
SECONDS = 60


@pytest.fixture
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def office(service: WholeService, cluster: Any) -> Iterator[Office]:
    url = cluster.app_url(service.database)
    waits = SECONDS * 1_000
    database = Database(url, pool_size=CROWD, lock_timeout_ms=waits, statement_timeout_ms=waits)
    yield open_office(service.tenant("office"), database)
    database.close()


def at_once(office: Office, approval_id: str, decisions: list[tuple[str, str]]) -> list[Any]:
    """The answers to (way, key) decisions that all set out together."""
    start = Barrier(len(decisions))

    def decide(way: str, key: str) -> Any:
        body = {"json": {"reason": "no"}} if way == "reject" else {}
        start.wait(SECONDS)
        return office.decide(approval_id, way, role=key, **body)

    with ThreadPoolExecutor(len(decisions)) as pool:
        return list(pool.map(lambda each: decide(*each), decisions, timeout=SECONDS))


def told(answers: list[Any]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.json.get("code")) for answer in answers)


def test_twenty_approvals_at_once_do_it_once(office: Office) -> None:
    approval_id = office.propose()
    answers = at_once(office, approval_id, [("approve", "approver")] * CROWD)
    assert told(answers) == {(200, None): 1, (409, "approval_decided"): CROWD - 1}
    assert office.done() == 1


def test_twenty_approvers_at_once_do_it_once(service: WholeService, office: Office) -> None:
    now, program = clock.system_now(), office.tenant.program
    names = [f"approver {number}" for number in range(CROWD)]
    for name in names:
        made = service.owner.run(lambda connection: create_key(connection, program, "approver", now=now))
        office.tenant.keys[name] = made.token
    approval_id = office.propose()
    answers = at_once(office, approval_id, [("approve", name) for name in names])
    assert told(answers) == {(200, None): 1, (409, "approval_decided"): CROWD - 1}
    assert office.done() == 1


def test_of_approvals_and_rejections_at_once_one_counts(office: Office) -> None:
    approval_id = office.propose()
    ways = [("approve", "approver"), ("reject", "admin")] * (CROWD // 2)
    answers = at_once(office, approval_id, ways)
    assert told(answers) == {(200, None): 1, (409, "approval_decided"): CROWD - 1}
    (winner,) = [answer.json["status"] for answer in answers if answer.status_code == 200]
    assert office.show(approval_id)["status"] == winner
    assert office.done() == (1 if winner == "approved" else 0)
