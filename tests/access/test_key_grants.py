"""Keys over HTTP take two hands: nobody makes one alone, sees another's, or comes by one that approves."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Final

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import text

from ledger import clock
from ledger.access import ROLES
from ledger.access.keys import digest_of, key_id_of, new_key
from ledger.access.register import create_key, list_keys
from ledger.access.roles import GRANTABLE
from tests.whole_service import Tenant, WholeService

WANTED: Final = {"role": "pos", "name": "till-9", "valid_days": 90}
_numbers = count(1)


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    return service.tenant(f"grants {next(_numbers)}")


@pytest.fixture
def raw(service: WholeService, cluster: Any) -> Iterator["psycopg.Connection[Any]"]:
    """The application's role, past the application."""
    with psycopg.connect(cluster.app_url(service.database), options="-c role=ledger_app") as connection:
        yield connection


def propose(tenant: Tenant, role: str = "operator", **wanted: Any) -> dict[str, Any]:
    answer = tenant.send("POST", "/v1/keys", role=role, json={**WANTED, **wanted})
    assert answer.status_code == 202, answer.data
    proposed: dict[str, Any] = answer.json
    return proposed


def decide(tenant: Tenant, proposed: dict[str, Any], role: str = "approver", how: str = "approve") -> Any:
    path = f"/v1/approvals/{proposed['approval_id']}/{how}"
    return tenant.send("POST", path, role=role, json={"reason": "no"} if how == "reject" else {})


def opens(tenant: Tenant, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return int(tenant.send("GET", "/v1/program", headers=headers).status_code)


def test_a_key_opens_nothing_until_another_key_has_approved_it(service: WholeService, tenant: Tenant) -> None:
    proposed = propose(tenant, region="east")
    token = proposed["token"]
    assert opens(tenant, token) == 401
    assert decide(tenant, proposed).json["result"]["key_id"] == key_id_of(token)
    assert opens(tenant, token) == 200
    with service.owner.read() as connection:
        (made,) = [key for key in list_keys(connection, tenant.program) if key.key_id == key_id_of(token)]
    assert (made.role, made.name, made.region) == ("pos", "till-9", "east")
    assert made.expires_at is not None
    assert (made.expires_at - made.created_at).days == 90


@pytest.mark.parametrize("how", ["reject", "nothing"])
def test_a_key_that_was_not_approved_is_none(tenant: Tenant, how: str) -> None:
    proposed = propose(tenant)
    if how == "reject":
        assert decide(tenant, proposed, how="reject").status_code == 200
        assert decide(tenant, proposed).json["code"] == "approval_decided"
    assert opens(tenant, proposed["token"]) == 401


def test_whoever_proposes_a_key_does_not_approve_it(tenant: Tenant) -> None:
    proposed = propose(tenant, role="admin")
    assert decide(tenant, proposed, role="admin").json["code"] == "self_approval"
    assert opens(tenant, proposed["token"]) == 401


def test_many_approvals_at_once_make_one_key(service: WholeService, tenant: Tenant) -> None:
    proposed = propose(tenant)
    roles = ["approver", "admin"] * 3
    with ThreadPoolExecutor(len(roles)) as pool:
        answers = list(pool.map(lambda role: decide(tenant, proposed, role), roles))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert opens(tenant, proposed["token"]) == 200


@pytest.mark.parametrize("role", sorted(set(ROLES) - set(GRANTABLE)))
def test_no_key_that_approves_is_made_over_http(tenant: Tenant, role: str) -> None:
    answer = tenant.send("POST", "/v1/keys", role="operator", json={**WANTED, "role": role})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


def test_a_region_makes_keys_of_its_own_alone(service: WholeService, tenant: Tenant) -> None:
    program, now = tenant.program, clock.system_now()
    tenant.keys["east"] = service.owner.run(
        lambda connection: create_key(connection, program, "operator", now=now, region="east")
    ).token
    for region in (None, "west"):
        answer = tenant.send("POST", "/v1/keys", role="east", json={**WANTED, "region": region})
        assert answer.json["code"] == "other_region"
    assert propose(tenant, role="east", region="east")["content"]["region"] == "east"


def test_the_secret_is_in_one_answer_and_nowhere_else(service: WholeService, tenant: Tenant) -> None:
    proposed = propose(tenant)
    secret = proposed["token"].rpartition("_")[2]
    told = [decide(tenant, proposed)]
    told += [tenant.send("GET", path) for path in ("/v1/approvals", "/v1/audit-log")]
    assert all(secret.encode() not in answer.data for answer in told)
    with service.owner.read() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.scalars().all():
            rows = connection.execute(text(f"SELECT string_agg(t::text, ' ') FROM {table} t")).scalar()
            assert secret not in (rows or "")


INSERT: Final = """
INSERT INTO api_keys (key_id, program_id, digest, role, name, created_at, region)
    VALUES (%(key_id)s, %(program_id)s, %(digest)s, %(role)s, '', now(), %(region)s)
"""


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"digest": digest_of(new_key().token)},
        {"role": "operator"},
        {"role": "admin"},
        {"region": "east"},
        {"key_id": "aaaaaaaaaaaa"},
    ],
    ids=lambda change: "-".join(change) or "all",
)
def test_the_application_may_not_make_a_key_that_was_not_approved_as_it_is(
    raw: Any, tenant: Tenant, change: dict[str, Any]
) -> None:
    proposed = propose(tenant)
    row = {
        "key_id": key_id_of(proposed["token"]),
        "program_id": tenant.program.program_id,
        "digest": digest_of(proposed["token"]),
        "role": "pos",
        "region": None,
    }
    if change:
        assert decide(tenant, proposed).status_code == 200
    with pytest.raises(pg.InsufficientPrivilege, match="another approved"):
        raw.execute(INSERT, row | change)


def test_an_approved_key_is_made_once(raw: Any, tenant: Tenant) -> None:
    proposed = propose(tenant)
    assert decide(tenant, proposed).status_code == 200
    row = {
        "key_id": key_id_of(proposed["token"]),
        "program_id": tenant.program.program_id,
        "digest": digest_of(proposed["token"]),
        "role": "pos",
        "region": None,
    }
    with pytest.raises(pg.UniqueViolation):
        raw.execute(INSERT, row)
