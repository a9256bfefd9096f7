"""Keys are remembered for a moment, and nothing is done or told by what is not so any more.

Two applications on one database stand for two workers: each has a ring of its own, and hears of what the other
has changed from the database alone.
"""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from ledger import clock
from ledger.access import ROLES, Principal
from ledger.access.keyring import KEPT, MOST_AGE, Keyring
from ledger.access.keys import NewKey, key_id_of, new_key
from ledger.access.register import create_key, freeze_key, revoke_key, rotate_key, unfreeze_key
from ledger.app import create_app
from ledger.db import Database
from ledger.http.services import EXTENSION
from ledger.rules.terms import DEFAULT_TERMS
from tests import builders
from tests.whole_service import SETTINGS, Tenant, WholeService, purchase_of, put_terms

NOW = datetime(2026, 1, 15, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def principal(expires_at: datetime | None = None) -> Principal:
    return Principal("id", builders.program(), "pos", ROLES["pos"], expires_at=expires_at)


def header(token: str) -> str:
    return f"Bearer {token}"


def test_a_key_is_remembered_for_a_moment_and_as_it_was_sent() -> None:
    ring, found = Keyring(), principal()
    ring.keep("Bearer a", found, NOW)
    assert ring.find("Bearer a", NOW) is found
    assert ring.find("Bearer a", NOW + MOST_AGE - TICK) is found
    for other in ("Bearer b", "bearer a", "Bearer a ", "Bearer é€", "", None):
        assert ring.find(other, NOW) is None
    assert ring.find("Bearer a", NOW + MOST_AGE) is None


def test_what_was_looked_up_again_is_remembered_anew() -> None:
    ring, first, second = Keyring(), principal(), principal()
    ring.keep("Bearer a", first, NOW)
    ring.keep("Bearer a", second, NOW + MOST_AGE / 2)
    assert ring.find("Bearer a", NOW + MOST_AGE) is second


def test_nobody_is_remembered_beyond_the_end_of_his_key() -> None:
    ring, end = Keyring(), NOW + MOST_AGE / 2
    found = principal(end)
    ring.keep("Bearer a", found, NOW)
    assert ring.find("Bearer a", end - TICK) is found
    assert ring.find("Bearer a", end) is None


def test_whoever_shows_no_key_is_not_remembered() -> None:
    ring = Keyring()
    ring.keep(None, principal(), NOW)
    assert ring.find(None, NOW) is None


def test_no_more_are_kept_than_there_is_room_for_and_the_newest_of_them() -> None:
    ring, found = Keyring(), principal()
    for number in range(KEPT):
        ring.keep(f"Bearer {number}", found, NOW)
    ring.keep("Bearer 0", found, NOW)
    ring.keep("Bearer new", found, NOW)
    known = [number for number in range(KEPT) if ring.find(f"Bearer {number}", NOW)]
    assert known == [0, *range(2, KEPT)]
    assert ring.find("Bearer new", NOW) is found
    for number in range(10 * KEPT):
        ring.keep(f"Bearer other {number}", found, NOW)
    assert len(ring._known) == KEPT


def test_the_ring_holds_no_key_in_clear() -> None:
    ring, token = Keyring(), new_key().token
    ring.keep(header(token), principal(), NOW)
    secret = token.rpartition("_")[2]
    kept = texts_below(ring)
    assert kept and not any(secret in text for text in kept)


def texts_below(ring: Keyring) -> list[str]:
    """All text that the ring leads to."""
    found, seen, left = [], set(), [vars(ring)]
    while left:
        each: Any = left.pop()
        if id(each) in seen or isinstance(each, type | ModuleType) or callable(each):
            continue
        seen.add(id(each))
        if isinstance(each, bytes | str):
            found.append(each if isinstance(each, str) else each.decode("latin-1"))
        left += gc.get_referents(each)
    return found


class Clock:
    """The system's time, which the test may move."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return clock.system_now() + self.ahead


@dataclass
class Two:
    """The service as two workers of one database run it. Only the second one's clock is moved."""

    service: WholeService
    other: Flask
    clock: Clock

    def tenant(self, name: str, **program: Any) -> tuple[Tenant, Tenant]:
        """A program, and its callers at the one worker and at the other, which remembers their keys."""
        here = self.service.tenant(name, **program)
        there = replace(here, app=self.other)
        there.post("/v1/earnings", award("before"))
        self.remember(there, here.keys["admin"])
        return here, there

    def remember(self, tenant: Tenant, token: str) -> None:
        """Let the other worker look a key up, if it has not."""
        answer = tenant.send("GET", "/v1/program", headers={"Authorization": header(token)})
        assert answer.status_code == 200
        assert self.knows(token)

    def knows(self, token: str) -> bool:
        ring: Keyring = self.other.extensions[EXTENSION].keyring
        return ring.find(header(token), self.clock()) is not None

    def revoke(self, token: str) -> None:
        key_id = key_id_of(token)
        assert key_id
        assert self.service.owner.run(lambda connection: revoke_key(connection, key_id, clock.system_now()))


def award(reference: str, points: int = 5) -> dict[str, Any]:
    return {"member_id": "m-1", "points": points, "reason": "gift", "reference": reference}


@pytest.fixture
def two(service: WholeService, cluster: Any) -> Iterator[Two]:
    database, moving = Database(cluster.app_url(service.database), pool_size=2), Clock()
    yield Two(service, create_app(SETTINGS, database, moving), moving)
    database.close()


def balance_of(tenant: Tenant) -> Any:
    return tenant.send("GET", "/v1/members/m-1/balance")


def points_of(tenant: Tenant) -> int:
    points: int = balance_of(tenant).json["points"]["available"]
    return points


def refuses(answer: Any) -> bool:
    return (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "ask",
    [
        lambda tenant: tenant.send("POST", "/v1/earnings", json=award("after")),
        lambda tenant: tenant.send("POST", "/v1/earnings?dry_run=true", json=award("after")),
        lambda tenant: tenant.send("POST", "/v1/batches", json={"operations": []}),
        lambda tenant: tenant.send("GET", "/v1/members/m-1/balance"),
        lambda tenant: tenant.send("GET", "/v1/members/nobody/balance"),
        lambda tenant: tenant.send("GET", "/v1/members/m-1/entries"),
    ],
)
def test_the_very_next_request_under_a_revoked_key_is_refused_by_every_worker(two: Two, ask: Any) -> None:
    here, there = two.tenant(f"revoked {builders.fresh('t')}")
    token = here.keys["admin"]
    two.revoke(token)
    assert two.knows(token)
    assert refuses(ask(there))
    assert refuses(ask(there))
    assert refuses(ask(here))
    there.keys["admin"] = here.keys["finance"]
    assert points_of(there) == 5


def test_the_key_of_another_is_not_touched_by_a_revocation(two: Two) -> None:
    here, there = two.tenant("another's key")
    two.remember(there, here.keys["finance"])
    two.revoke(here.keys["finance"])
    there.post("/v1/earnings", award("after"))
    assert points_of(there) == 10
    assert refuses(there.send("GET", "/v1/members/m-1/balance", role="finance"))


def test_a_key_ends_when_it_is_to_end_although_it_is_remembered(two: Two) -> None:
    here, there = two.tenant("ending")
    end = clock.system_now() + timedelta(days=1)
    made = two.service.owner.run(
        lambda connection: create_key(
            connection, here.program, "admin", now=clock.system_now(), expires_at=end
        )
    )
    there.keys["admin"] = made.token
    two.clock.ahead = timedelta(days=1) - MOST_AGE / 2
    there.post("/v1/earnings", award("in-time"))
    assert two.knows(made.token)
    # Less than a remembered key is kept otherwise.
    two.clock.ahead += MOST_AGE * 3 / 4
    assert refuses(there.send("POST", "/v1/earnings", json=award("late")))
    assert refuses(balance_of(there))


REFUSED_ANYWAY = [
    lambda tenant: tenant.send("POST", "/v1/earnings", role="readonly", json=award("after")),
    lambda tenant: tenant.send("POST", "/v1/earnings", json=award("after", points=-1)),
    lambda tenant: tenant.send(
        "POST", "/v1/earnings", json=award("after"), headers={"Idempotency-Key": None}
    ),
    lambda tenant: tenant.send("POST", "/v1/earnings?nonsense=1", json=award("after")),
    lambda tenant: tenant.send("GET", "/v1/members/m-1/balance?nonsense=1"),
]


@pytest.mark.parametrize("ask", REFUSED_ANYWAY)
def test_whoever_is_refused_anyway_is_told_of_his_revocation_at_once(two: Two, ask: Any) -> None:
    here, there = two.tenant(f"refused {builders.fresh('t')}")
    two.remember(there, here.keys["readonly"])
    assert ask(there).status_code in (400, 403)
    two.revoke(here.keys["readonly"])
    two.revoke(here.keys["admin"])
    assert two.knows(here.keys["readonly"])
    assert two.knows(here.keys["admin"])
    assert refuses(ask(there))


UNSOUND = {"operation": "redemption", "idempotency_key": "k", "body": {}}
ASKED = [
    lambda tenant: tenant.send("POST", "/v1/earnings", json=award(builders.fresh("r"))),
    lambda tenant: tenant.send("POST", "/v1/batches", json={"operations": [UNSOUND]}),
    lambda tenant: tenant.send("GET", "/v1/members/m-1/balance"),
    lambda tenant: tenant.send("GET", "/v1/members/m-1/entries"),
    lambda tenant: tenant.send("PUT", "/v1/members/m-1", json={}),
]


@pytest.mark.parametrize("ask", ASKED)
def test_the_very_next_request_under_a_frozen_key_is_refused_by_every_worker_until_it_is_free(
    two: Two, ask: Any
) -> None:
    here, there = two.tenant(f"frozen {builders.fresh('t')}")
    key_id = str(key_id_of(here.keys["admin"]))
    now = clock.system_now()
    assert two.service.owner.run(lambda connection: freeze_key(connection, key_id, "lost", now))
    for tenant in (there, here, there):
        answer = ask(tenant)
        assert (answer.status_code, answer.json["code"]) == (403, "key_frozen")
    assert two.service.owner.run(lambda connection: unfreeze_key(connection, key_id, now))
    assert two.knows(here.keys["admin"])
    assert [ask(tenant).status_code < 300 for tenant in (there, here)] == [True, True]


def test_a_key_that_is_frozen_and_revoked_is_no_key(two: Two) -> None:
    here, there = two.tenant("frozen and revoked")
    key_id, now = str(key_id_of(here.keys["admin"])), clock.system_now()
    two.service.owner.run(lambda connection: freeze_key(connection, key_id, "lost", now))
    assert balance_of(there).json["code"] == "key_frozen"
    two.revoke(here.keys["admin"])
    assert two.knows(here.keys["admin"])
    assert refuses(balance_of(there))


def test_of_a_rotated_key_both_are_good_until_the_days_of_grace_are_over(two: Two) -> None:
    here, there = two.tenant("rotated")
    old, now = here.keys["admin"], clock.system_now()
    new = rotate(two, old, now, timedelta(days=2)).token
    for token in (old, new):
        there.keys["admin"] = token
        assert balance_of(there).status_code == 200
    two.clock.ahead = timedelta(days=2)
    assert balance_of(there).status_code == 200
    there.keys["admin"] = old
    assert refuses(balance_of(there))


def test_a_key_that_is_rotated_without_grace_ends_at_once_on_every_worker(two: Two) -> None:
    here, there = two.tenant("rotated at once")
    old = here.keys["admin"]
    new = rotate(two, old, clock.system_now(), timedelta(0)).token
    assert two.knows(old)
    assert refuses(there.send("POST", "/v1/earnings", json=award("after")))
    there.keys["admin"] = new
    there.post("/v1/earnings", award("after"))


def rotate(two: Two, token: str, now: datetime, grace: timedelta) -> NewKey:
    made = two.service.owner.run(lambda connection: rotate_key(connection, str(key_id_of(token)), now, grace))
    assert made is not None
    return made


def test_new_terms_decide_the_next_posting_of_every_worker(two: Two) -> None:
    here, there = two.tenant("terms")
    put_terms(here, DEFAULT_TERMS | {"points": {"per": 3, "amount": 100}})
    assert there.post("/v1/purchases", purchase_of("m-1", "p-1"))["points"] == 300
    assert points_of(there) == 305


def test_rules_that_were_approved_decide_the_next_posting_of_every_worker(two: Two) -> None:
    here, there = two.tenant("rules")
    rate = {"kind": "fixed", "amount": 7}
    content = {"rules": [{"code": "seven", "unit": "POINT", "rate": rate}]}
    saved = here.post("/v1/rule-sets", {"content": content}, role="operator")
    path = f"/v1/rule-sets/{saved['version']}/proposals"
    proposed = here.send("POST", path, role="operator").json
    approved = here.send("POST", f"/v1/approvals/{proposed['approval_id']}/approve", role="approver")
    assert approved.status_code == 200, approved.data
    body = {**purchase_of("m-1", "p-1"), "occurred_at": clock.show(clock.system_now())}
    posted = there.post("/v1/purchases", body)
    assert [each["rule"] for each in posted["awards"]] == ["seven"]
    assert posted["points"] == 7


def test_a_test_clock_that_was_moved_is_the_present_of_every_worker(two: Two) -> None:
    here, there = two.tenant("test clock", is_test=True, test_now=NOW)
    later = clock.show(NOW + timedelta(days=9))
    assert here.send("PUT", "/v1/test-clock", json={"now": later}).status_code == 200
    assert balance_of(there).json["as_of"] == later
    later = clock.show(NOW + timedelta(days=10))
    assert here.send("PUT", "/v1/test-clock", json={"now": later}).status_code == 200
    posted = there.post("/v1/earnings", award("after"))
    assert posted["balance"]["as_of"] == posted["lots"][0]["available_at"] == later
