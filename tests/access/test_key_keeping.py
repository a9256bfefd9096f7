"""Keys over HTTP once they are there: who may do what to which key, and that it holds on every worker at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import text

from ledger import clock
from ledger.access import ROLES, authenticate
from ledger.access.key_keeping import unfreeze
from ledger.access.keys import key_id_of
from ledger.access.register import create_key, freeze_key, revoke_key, unfreeze_key
from ledger.access.roles import GRANTABLE, KEEPS
from ledger.app import create_app
from ledger.db import Database
from ledger.errors import KeyFrozen, Unauthenticated
from tests.whole_service import SETTINGS, Tenant, WholeService

WHY: Final = {"reason": "the till is lost"}
ROTATION: Final = {"reason": "every year", "valid_days": 365, "grace_days": 3}
CHANGES: Final = ("freeze", "unfreeze", "revoke")
APPROVING: Final = sorted(set(ROLES) - set(GRANTABLE))
_numbers = count(1)


@dataclass
class House:
    """A program of which each role has two keys: one to ask with, at one worker, and one to do things to.

    ``there`` are the callers at another worker.
    """

    service: WholeService
    here: Tenant
    there: Tenant
    kept: dict[str, str]

    def change(self, change: str, role: str, by: str = "operator", **how: Any) -> Any:
        """The answer to whoever would do something to the kept key of that role."""
        body = ROTATION if change == "rotate" else WHY
        path = f"/v1/keys/{self.id_of(role)}/{change}"
        return self.here.send("POST", path, role=by, **{"json": body, **how})

    def id_of(self, role: str) -> str:
        return str(key_id_of(self.kept[role]))

    def opens(self, token: str) -> int:
        """What the other worker answers to a key."""
        return int(
            self.there.send("GET", "/v1/program", headers={"Authorization": f"Bearer {token}"}).status_code
        )

    def own(self, role: str) -> str:
        return str(key_id_of(self.here.keys[role]))

    def decide(self, proposed: Any, role: str = "approver") -> Any:
        return self.here.send(
            "POST", f"/v1/approvals/{proposed.json['approval_id']}/approve", role=role, json={}
        )

    def owner(self, change: Callable[..., Any], key_id: str, *arguments: Any) -> Any:
        return self.service.owner.run(lambda connection: change(connection, key_id, *arguments))

    def row(self, role: str) -> dict[str, Any]:
        """What the list says of the kept key of a role."""
        listed = self.here.send("GET", "/v1/keys").json["data"]
        (row,) = [row for row in listed if row["key_id"] == self.id_of(role)]
        return dict(row)

    def events(self, role: str) -> list[tuple[str, str, str]]:
        """Who did what to the kept key of a role and why, oldest first."""
        listed = self.here.send("GET", f"/v1/keys/{self.id_of(role)}/events").json["data"]
        return [(row["change"], row["changed_by"], row["reason"]) for row in reversed(listed)]


@pytest.fixture
def house(service: WholeService, application: Database) -> House:
    here = service.tenant(f"house {next(_numbers)}")
    kept = {role: add_key(service, here, role) for role in ROLES}
    return House(service, here, replace(here, app=create_app(SETTINGS, application)), kept)


def add_key(service: WholeService, tenant: Tenant, role: str, region: str | None = None) -> str:
    now = clock.system_now()
    return service.owner.run(
        lambda connection: create_key(connection, tenant.program, role, now=now, name="spare", region=region)
    ).token


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.data


def test_a_key_is_frozen_and_set_free_with_the_very_next_request_to_another_worker(house: House) -> None:
    token, key_id = house.kept["pos"], house.own("operator")
    assert house.opens(token) == 200
    frozen = house.change("freeze", "pos")
    assert (frozen.status_code, frozen.json["frozen_reason"]) == (200, WHY["reason"])
    assert house.opens(token) == 403
    free = house.change("unfreeze", "pos", json={"reason": "found"})
    assert (free.json["frozen_at"], free.json["frozen_reason"]) == (None, None)
    assert house.opens(token) == 200
    assert house.events("pos") == [("freeze", key_id, WHY["reason"]), ("unfreeze", key_id, "found")]


def test_a_key_is_revoked_with_the_very_next_request_to_another_worker_and_for_good(house: House) -> None:
    assert house.opens(house.kept["pos"]) == 200
    revoked = house.change("revoke", "pos").json
    assert house.opens(house.kept["pos"]) == 401
    again = house.change("revoke", "pos", json={"reason": "once more"})
    assert (again.status_code, again.json) == (200, revoked)
    for change in ("freeze", "unfreeze", "rotate"):
        refused(house.change(change, "pos"), 409, "key_not_usable")
    assert house.opens(house.kept["pos"]) == 401
    assert house.events("pos") == [("revoke", house.own("operator"), WHY["reason"])]


def test_the_first_freeze_stays_and_what_is_free_already_changes_nothing(house: House) -> None:
    assert house.change("unfreeze", "pos").json["frozen_at"] is None
    first = house.change("freeze", "pos").json
    assert house.change("freeze", "pos", json={"reason": "later"}).json == first
    assert [change for change, *_ in house.events("pos")] == ["freeze"]


@pytest.mark.parametrize("change", [*CHANGES, "rotate"])
@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "a\nb"}, {"reason": "x" * 257}, {"reason": None}]
)
def test_whoever_does_something_to_a_key_says_why(house: House, change: str, body: dict[str, Any]) -> None:
    sent = {**ROTATION, "reason": body.get("reason")} if change == "rotate" else body
    refused(house.change(change, "pos", json=sent), 400, "invalid_request")
    assert house.events("pos") == []


@pytest.mark.parametrize("by", sorted(set(ROLES) - {"admin", "operator"}))
@pytest.mark.parametrize("change", [*CHANGES, "rotate"])
def test_no_other_role_does_anything_to_keys(house: House, change: str, by: str) -> None:
    refused(house.change(change, "readonly", by=by), 403, "forbidden")
    assert house.opens(house.kept["readonly"]) == 200


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("by", ["admin", "operator"])
def test_a_role_reaches_the_keys_that_it_keeps_and_none_that_may_more(
    house: House, by: str, role: str
) -> None:
    for change in ("freeze", "revoke"):
        answer = house.change(change, role, by=by)
        if role in KEEPS[by]:
            assert answer.status_code == 200
        else:
            refused(answer, 403, "key_out_of_reach")
            assert house.row(role)[f"{'frozen' if change == 'freeze' else 'revoked'}_at"] is None
    assert set(GRANTABLE) <= KEEPS[by]
    assert by == "admin" or not KEEPS[by] & set(APPROVING)


@pytest.mark.parametrize("role", APPROVING)
@pytest.mark.parametrize("by", ["admin", "operator"])
def test_what_approves_is_set_free_and_rotated_by_the_owner_alone(house: House, by: str, role: str) -> None:
    house.owner(freeze_key, house.id_of(role), "lost", clock.system_now())
    for change in ("unfreeze", "rotate"):
        refused(house.change(change, role, by=by), 403, "key_out_of_reach")
    assert house.opens(house.kept[role]) == 403
    house.owner(unfreeze_key, house.id_of(role), clock.system_now(), "found")
    assert house.opens(house.kept[role]) == 200
    assert house.events(role) == [("freeze", "owner", "lost"), ("unfreeze", "owner", "found")]


@pytest.mark.parametrize("by", ["admin", "operator"])
def test_no_key_sets_itself_free(house: House, by: str) -> None:
    path = f"/v1/keys/{house.own(by)}/unfreeze"
    assert house.here.send("POST", path.replace("unfreeze", "freeze"), role=by, json=WHY).status_code == 200
    refused(house.here.send("POST", path, role=by, json=WHY), 403, "key_frozen")
    assert house.opens(house.here.keys[by]) == 403


@pytest.mark.parametrize(("end", "refusal"), [(freeze_key, KeyFrozen), (revoke_key, Unauthenticated)])
def test_whoever_was_let_in_before_his_key_ended_sets_nobody_free(
    house: House, application: Database, end: Any, refusal: type[Exception]
) -> None:
    """The request was admitted; before its unit of work begins, the owner has ended the key."""
    now, header = clock.system_now(), f"Bearer {house.here.keys['operator']}"
    by = application.run(lambda connection: authenticate(connection, header, now))
    for key_id in (house.own("operator"), house.id_of("pos")):
        house.owner(freeze_key, key_id, "lost", now)
    if end is revoke_key:
        house.owner(revoke_key, house.own("operator"), now)
    for key_id in (house.own("operator"), house.id_of("pos")):
        with pytest.raises(refusal):
            application.run(
                lambda connection, key_id=key_id: unfreeze(  # type: ignore[misc]
                    connection, house.here.program, key_id, "mine", by=by, now=now
                )
            )
    assert house.opens(house.kept["pos"]) == 403


def test_a_key_of_a_region_reaches_keys_of_that_region_alone(house: House) -> None:
    house.here.keys["east"] = add_key(house.service, house.here, "operator", "east")
    house.kept |= {region: add_key(house.service, house.here, "pos", region) for region in ("east", "west")}
    for change in (*CHANGES, "rotate"):
        for other in ("pos", "west"):
            refused(house.change(change, other, by="east"), 403, "other_region")
    assert house.change("freeze", "east", by="east").status_code == 200


def test_a_key_that_is_nowhere_is_told_from_none_of_another_program(house: House) -> None:
    foreign = add_key(house.service, house.service.tenant(f"other {next(_numbers)}"), "pos")
    for key_id in (str(key_id_of(foreign)), "a" * 12, "x"):
        for change in (*CHANGES, "rotate"):
            body = ROTATION if change == "rotate" else WHY
            answer = house.here.send("POST", f"/v1/keys/{key_id}/{change}", json=body)
            refused(answer, 404, "key_unknown")
            assert answer.json["key_id"] == key_id
        refused(house.here.send("GET", f"/v1/keys/{key_id}/events"), 404, "key_unknown")
    assert house.opens(foreign) == 200


def test_the_list_tells_what_is_known_of_keys_newest_first_and_page_by_page(house: House) -> None:
    whole = house.here.send("GET", "/v1/keys?limit=200").json["data"]
    assert len(whole) == 2 * len(ROLES)
    assert [row["created_at"] for row in whole] == sorted((row["created_at"] for row in whole), reverse=True)
    assert sorted(row["role"] for row in whole) == sorted([*ROLES, *ROLES])
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = house.here.send("GET", f"/v1/keys?limit=5{cursor and f'&cursor={cursor}'}").json
        found += page["data"]
        cursor = page["next_cursor"]
    assert found == whole


def test_a_rotation_changes_nothing_until_another_key_has_approved_it(house: House) -> None:
    old = house.kept["pos"]
    proposed = house.change("rotate", "pos")
    new = proposed.json["token"]
    assert (proposed.status_code, house.opens(old), house.opens(new)) == (202, 200, 401)
    assert house.row("pos")["expires_at"] is None
    refused(house.decide(proposed, "readonly"), 403, "forbidden")
    told = house.decide(proposed).json["result"]
    assert (told["key_id"], told["rotated"]) == (key_id_of(new), house.id_of("pos"))
    assert (house.opens(old), house.opens(new)) == (200, 200)
    assert house.row("pos")["expires_at"] == told["rotated_expires_at"]
    assert house.events("pos") == [("rotate", house.own("operator"), ROTATION["reason"])]
    house.kept["new"] = new
    made, was = house.row("new"), house.row("pos")
    assert [made[name] for name in ("role", "name", "region")] == [
        was[name] for name in ("role", "name", "region")
    ]


def test_a_rotated_key_is_good_for_the_days_of_grace_and_no_longer(house: House) -> None:
    now = clock.system_now()
    told = house.decide(house.change("rotate", "pos")).json["result"]
    assert told["rotated_expires_at"][:10] in {
        clock.show(moment + timedelta(days=3))[:10] for moment in (now, clock.system_now())
    }
    at_once = house.change("rotate", "pos", json={**ROTATION, "grace_days": 0})
    assert house.decide(at_once).status_code == 200
    assert (house.opens(house.kept["pos"]), house.opens(at_once.json["token"])) == (401, 200)


def test_whoever_proposes_a_rotation_does_not_approve_it(house: House) -> None:
    proposed = house.change("rotate", "pos", by="admin")
    refused(house.decide(proposed, "admin"), 403, "self_approval")
    assert house.opens(proposed.json["token"]) == 401


def test_nobody_who_is_found_out_has_rotated_himself_into_another_key(house: House) -> None:
    """A thief with an operator's key proposes a successor of it; the key is revoked, and the successor never opens."""
    path = f"/v1/keys/{house.own('operator')}/rotate"
    proposed = house.here.send("POST", path, role="operator", json=ROTATION)
    assert proposed.status_code == 202
    house.owner(revoke_key, house.own("operator"), clock.system_now())
    refused(house.decide(proposed), 409, "proposer_revoked")
    assert house.opens(proposed.json["token"]) == 401


@pytest.mark.parametrize("end", ["freeze", "revoke"])
def test_what_is_no_good_is_not_rotated_when_it_is_approved_either(house: House, end: str) -> None:
    proposed = house.change("rotate", "pos")
    assert house.change(end, "pos").status_code == 200
    refused(house.change("rotate", "pos"), 409, "key_not_usable")
    refused(house.decide(proposed), 409, "key_not_usable")
    assert house.opens(proposed.json["token"]) == 401
    if end == "freeze":
        assert house.change("unfreeze", "pos").status_code == 200
        assert house.decide(proposed).status_code == 200
        assert house.opens(proposed.json["token"]) == 200


def test_the_secret_of_a_rotation_is_in_one_answer_and_nowhere_else(house: House) -> None:
    once = {"Idempotency-Key": f"once-{next(_numbers)}"}
    first, second = (house.change("rotate", "pos", headers=once) for _ in range(2))
    # No answer is remembered under the key: asking again proposes another.
    assert first.json["token"] != second.json["token"]
    secret = first.json["token"].rpartition("_")[2]
    told = [house.decide(first)]
    paths = ("/v1/approvals", "/v1/audit-log", "/v1/keys", f"/v1/keys/{house.id_of('pos')}/events")
    told += [house.here.send("GET", path) for path in paths]
    assert all(answer.status_code == 200 and secret.encode() not in answer.data for answer in told)
    with house.service.owner.read() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.scalars().all():
            rows = connection.execute(text(f"SELECT string_agg(t::text, ' ') FROM {table} t")).scalar()
            assert secret not in (rows or "")


def test_what_is_done_to_keys_and_what_is_denied_is_in_the_audit_log(house: House) -> None:
    for reason in ("lost", "lost again"):
        house.change("freeze", "pos", json={"reason": reason})
        house.change("unfreeze", "pos")
    house.change("freeze", "approver")
    rows = house.here.send("GET", "/v1/audit-log?limit=200").json["data"]
    path = f"/v1/keys/{house.id_of('pos')}/freeze"
    newest, oldest = [row for row in rows if row["subject"] == path]
    assert (oldest["action"], oldest["outcome"], oldest["principal"]) == (
        "freeze_key",
        "done",
        house.own("operator"),
    )
    assert newest["before_hash"] == oldest["after_hash"] != newest["after_hash"]
    (denied,) = [row for row in rows if row["code"] == "key_out_of_reach"]
    assert (denied["outcome"], denied["status"], denied["subject"]) == (
        "denied",
        403,
        f"/v1/keys/{house.id_of('approver')}/freeze",
    )


@pytest.fixture
def raw(house: House, cluster: Any) -> Iterator["psycopg.Connection[Any]"]:
    """The application's role, past the application."""
    with psycopg.connect(cluster.app_url(house.service.database), options="-c role=ledger_app") as connection:
        yield connection


@pytest.mark.parametrize(
    ("role", "given", "change"),
    [
        ("pos", "revoked_at = now()", "revoked_at = NULL"),
        ("pos", "revoked_at = now()", "revoked_at = now() + interval '1 day'"),
        ("pos", "expires_at = now() + interval '1 day'", "expires_at = NULL"),
        ("pos", "expires_at = now() + interval '1 day'", "expires_at = now() + interval '2 days'"),
        *(
            (role, "frozen_at = now(), frozen_reason = ''", "frozen_at = NULL, frozen_reason = NULL")
            for role in APPROVING
        ),
        *((role, "name = name", "expires_at = now() + interval '1 day'") for role in APPROVING),
        ("pos", "name = name", "role = 'admin'"),
        ("pos", "name = name", "digest = digest"),
        ("pos", "name = name", "region = NULL"),
    ],
)
def test_the_database_lets_the_application_end_keys_and_nothing_more(
    house: House, raw: Any, role: str, given: str, change: str
) -> None:
    where = f"WHERE key_id = '{house.id_of(role)}'"
    house.service.owner.run(
        lambda connection: connection.execute(text(f"UPDATE api_keys SET {given} {where}"))
    )
    with pytest.raises(pg.InsufficientPrivilege):
        raw.execute(f"UPDATE api_keys SET {change} {where}")


@pytest.mark.parametrize("change", ["frozen_at = now(), frozen_reason = ''", "revoked_at = now()"])
def test_the_database_lets_the_application_end_what_approves(house: House, raw: Any, change: str) -> None:
    raw.execute(f"UPDATE api_keys SET {change} WHERE key_id = '{house.id_of('approver')}'")


def test_a_test_clock_ages_no_key(house: House) -> None:
    """The program's present may lie before the key was made, or after all its days."""
    early = clock.system_now() - timedelta(days=900)
    tenant = house.service.tenant(f"clock {next(_numbers)}", is_test=True, test_now=early)
    token = add_key(house.service, tenant, "pos")
    proposed = tenant.send("POST", f"/v1/keys/{key_id_of(token)}/rotate", role="operator", json=ROTATION)
    approved = tenant.send(
        "POST", f"/v1/approvals/{proposed.json['approval_id']}/approve", role="approver", json={}
    )
    assert approved.status_code == 200, approved.data
    for each in (token, proposed.json["token"]):
        headers = {"Authorization": f"Bearer {each}"}
        assert tenant.send("GET", "/v1/program", headers=headers).status_code == 200
