"""Every denial is in the audit log, with who was denied what; and nobody fills the log by being denied."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import text

from ledger import clock
from ledger.access import PUBLIC, ROLES
from ledger.access.audit_log import MOST_OF_NOBODY, Asked, Denial, Denials
from ledger.access.keys import key_id_of, new_key
from ledger.access.register import freeze_key, unfreeze_key
from ledger.app import create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.http.services import EXTENSION
from tests.member_tokens import Identity, write_keys
from tests.shapes import Page, pages
from tests.whole_service import WholeService, open_service, purchase_of

PRIVATE: Final = [page for page in pages() if page.route.scope != PUBLIC]
COLUMNS: Final = "principal, role, member_id, address, action, subject, status, code, request_id, times"
MINUTE: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class Service:
    """The service with limits and trusted tokens, and the rows of its log as they are stored."""

    def __init__(self, service: WholeService, database: Database, path: Path, **settings: Any) -> None:
        self.identity = Identity("shop", clock.system_now())
        write_keys(path, self.identity.trusted())
        self.service = service
        self.tenant = service.tenant("shop")
        self.tenant.app = create_app(Settings(member_keys_file=path, **settings), database)
        self.tenant.post("/v1/purchases", purchase_of("m-1", "p-1"))

    def send(self, number: str, method: str, path: str, **arguments: Any) -> Any:
        """A request of that id."""
        headers = {"X-Request-Id": number, **arguments.pop("headers", {})}
        return self.tenant.send(method, path, headers=headers, **arguments)

    def ask(self, number: str, token: str | None, path: str, method: str = "GET", **arguments: Any) -> Any:
        """A request with these credentials."""
        bearer = f"Bearer {token}" if token is not None else None
        return self.send(number, method, path, headers={"Authorization": bearer}, **arguments)

    def rows(self, number: str) -> list[dict[str, Any]]:
        """What the log has of a request."""
        with self.service.owner.read() as connection:
            query = text(f"SELECT {COLUMNS} FROM audit_events WHERE request_id = :id ORDER BY event_id")
            return [dict(row) for row in connection.execute(query, {"id": number}).mappings()]


@pytest.fixture(scope="module")
def service(cluster: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with open_service(cluster, template) as opened:
        database = Database(cluster.app_url(opened.database), pool_size=2)
        try:
            yield Service(opened, database, tmp_path_factory.mktemp("keys") / "keys", failure_rate=10_000)
        finally:
            database.close()


def name_of(value: Any) -> str | None:
    return value.route.name if isinstance(value, Page) else None


def facts(page: Page) -> dict[str, str]:
    return {name: "m-2" if name == "member_id" else "1" for name in page.parameters("path")}


def lacking(scope: str) -> str | None:
    """A role that does not carry a scope."""
    return next((role for role in ROLES if scope not in ROLES[role]), None)


@pytest.mark.parametrize("page", [page for page in PRIVATE if lacking(page.route.scope)], ids=name_of)
def test_whoever_has_not_the_scope_is_in_the_log(service: Service, page: Page) -> None:
    role, path = str(lacking(page.route.scope)), page.path(facts(page))
    number = f"scope-{page.route.name}"
    answer = service.send(number, page.route.method, path, role=role, json={})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert service.rows(number) == [
        {
            "principal": key_id_of(service.tenant.keys[role]),
            "role": role,
            "member_id": None,
            "address": None,
            "action": page.route.name,
            "subject": path,
            "status": 403,
            "code": "forbidden",
            "request_id": number,
            "times": 1,
        }
    ]


@pytest.mark.parametrize("page", PRIVATE, ids=name_of)
def test_a_member_who_asks_for_what_is_not_his_is_in_the_log(service: Service, page: Page) -> None:
    number, path = f"token-{page.route.name}", page.path(facts(page))
    token = service.identity.token("m-1")
    for _ in range(2):
        answer = service.ask(number, token, path, page.route.method)
        assert answer.status_code == (404 if page.route.is_own else 403)
    for row in (found := service.rows(number)):
        assert (row["principal"], row["role"], row["member_id"]) == ("member:k-1", "member", "m-1")
        assert (row["action"], row["subject"]) == (page.route.name, path)
        assert (row["status"], row["code"]) == (answer.status_code, answer.json["code"])
    assert len(found) == 2


def test_what_is_nobodys_denies_nobody(service: Service) -> None:
    token = service.identity.token("m-new")
    assert service.ask("nothing-yet", token, "/v1/members/m-new/balance").status_code == 404
    assert service.send("no-member", "GET", "/v1/members/m-9/balance").status_code == 404
    assert service.send("no-route", "GET", "/v1/nothing", role="readonly").status_code == 404
    assert [service.rows(number) for number in ("nothing-yet", "no-member", "no-route")] == [[], [], []]


@pytest.mark.parametrize("page", PRIVATE, ids=name_of)
def test_whoever_has_no_key_is_in_the_log_by_where_he_comes_from(service: Service, page: Page) -> None:
    number, address = f"nobody-{page.route.name}", f"192.0.2.{PRIVATE.index(page)}"
    how: dict[str, Any] = {"environ_base": {"REMOTE_ADDR": address}}
    # Others have been refused in this minute, as this worker counts.
    service.tenant.app.extensions[EXTENSION].denials._counts.clear()
    answer = service.ask(number, new_key().token, page.path(facts(page)), page.route.method, **how)
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    (row,) = service.rows(number)
    assert (row["principal"], row["role"], row["member_id"]) == (None, None, None)
    assert (row["address"], row["status"], row["code"]) == (address, 401, "unauthenticated")
    # Whatever he has written into the address is not kept.
    assert (row["action"], row["subject"]) == (page.route.name, page.address)


def test_finance_sees_who_was_turned_away_and_from_where(service: Service) -> None:
    service.tenant.app.extensions[EXTENSION].denials._counts.clear()
    how: dict[str, Any] = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
    service.ask("seen", None, "/v1/members/m-1/balance", **how)
    answer = service.send("list", "GET", "/v1/audit-log?outcome=denied&limit=1", role="finance")
    (row,) = answer.json["data"]
    assert (row["request_id"], row["address"], row["principal"]) == ("seen", "198.51.100.7", None)
    assert row["subject"] == "/v1/members/{member_id}/balance"


def test_operations_of_a_batch_that_are_not_the_keys_are_in_the_log(service: Service) -> None:
    body = {"member_id": "m-1", "to_member_id": "m-2", "points": 1, "reference": "x"}
    operations = [
        {"operation": "transfer", "idempotency_key": f"d-{number}", "body": body} for number in range(11)
    ]
    answer = service.send("batch", "POST", "/v1/batches", role="pos", json={"operations": operations})
    assert [result["status"] for result in answer.json["results"]] == [403] * 11
    rows = service.rows("batch")
    assert [row["times"] for row in rows] == [1, 10]
    assert {(row["action"], row["subject"], row["code"]) for row in rows} == {
        ("post_transfer", "/v1/batches", "forbidden")
    }


def test_maker_and_checker_in_one_hand_are_in_the_log(service: Service) -> None:
    made = service.send("made", "POST", "/v1/rates", json={"rate": "0.0101", "reason": "x"})
    path = f"/v1/approvals/{made.json['approval_id']}/approve"
    assert service.send("own", "POST", path).json["code"] == "self_approval"
    (row,) = service.rows("own")
    assert (row["action"], row["subject"], row["status"]) == ("approve_proposal", path, 403)


def test_a_refusal_by_a_limit_is_in_the_log_once_in_a_while(
    cluster: Any, template: str, tmp_path: Path
) -> None:
    with open_service(cluster, template) as opened:
        database = Database(cluster.app_url(opened.database), pool_size=2)
        limited = Service(opened, database, tmp_path / "keys", key_rate=1)
        try:
            answers = [limited.send("limit", "GET", "/v1/members/m-1", role="pos") for _ in range(30)]
            refused = [answer for answer in answers if answer.status_code == 429]
            # A new minute may have begun on the way.
            assert len(refused) >= 27
            rows = limited.rows("limit")
            assert [row["times"] for row in rows[:2]] == [1, 10]
            assert len(rows) <= 4
            assert {(row["status"], row["code"], row["role"]) for row in rows} == {
                (429, "rate_limited", "pos")
            }
        finally:
            database.close()


def test_a_frozen_key_that_goes_on_asking_is_in_the_log_once_in_a_while(service: Service) -> None:
    key_id, now = str(key_id_of(service.tenant.keys["checkout"])), clock.system_now()
    assert service.service.owner.run(lambda connection: freeze_key(connection, key_id, "lost", now))
    for _ in range(15):
        answer = service.send("frozen", "GET", "/v1/members/m-1", role="checkout")
        assert answer.json["code"] == "key_frozen"
    service.service.owner.run(lambda connection: unfreeze_key(connection, key_id, now))
    rows = service.rows("frozen")
    assert [row["times"] for row in rows][:1] == [1]
    # A new minute may have begun on the way.
    assert 2 <= len(rows) <= 4
    assert {(row["principal"], row["status"], row["code"]) for row in rows} == {(key_id, 403, "key_frozen")}


def nobody(address: str) -> Denial:
    return Denial(Asked("a", "/", "r"), 401, "unauthenticated", None, address, is_repeatable=True)


@pytest.fixture
def counted(fresh_database: Any) -> Iterator[tuple[Denials, list[datetime], Any]]:
    """Denials of a worker, the clock that it goes by, and what it has written."""
    now = [MINUTE]
    database = Database(fresh_database.app_url, pool_size=1)

    def written() -> list[int]:
        with psycopg.connect(fresh_database.owner_url) as owner:
            found = owner.execute("SELECT times FROM audit_events ORDER BY recorded_at, event_id").fetchall()
        return [times for (times,) in found]

    yield Denials(database, lambda: now[0]), now, written
    database.close()


def test_a_flood_from_one_address_leaves_a_row_for_each_power_of_ten(counted: Any) -> None:
    denials, now, written = counted
    for _ in range(1_200):
        denials.note(nobody("192.0.2.1"))
    assert written() == [1, 10, 100, 1_000]
    now[0] += timedelta(minutes=1)
    denials.note(nobody("192.0.2.1"))
    assert written() == [1, 10, 100, 1_000, 1]


def test_a_flood_from_many_addresses_ends_in_a_minutes_worth_of_rows(counted: Any) -> None:
    denials, now, written = counted
    for number in range(2 * MOST_OF_NOBODY):
        denials.note(nobody(f"2001:db8::{number:x}"))
    assert len(written()) == MOST_OF_NOBODY
    now[0] += timedelta(minutes=1)
    denials.note(nobody("2001:db8::1"))
    assert len(written()) == MOST_OF_NOBODY + 1


def test_whoever_is_denied_is_told_so_though_the_log_cannot_be_written(service: Service) -> None:
    shared = service.tenant.app.extensions[EXTENSION]
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nowhere", pool_size=1)
    service.tenant.app.extensions[EXTENSION] = replace(shared, denials=Denials(nowhere, clock.system_now))
    try:
        answer = service.send("unwritten", "GET", "/v1/audit-log", role="pos")
    finally:
        service.tenant.app.extensions[EXTENSION] = shared
        nowhere.close()
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert service.rows("unwritten") == []


def test_no_secret_is_in_the_log(service: Service) -> None:
    tokens = [*service.tenant.keys.values(), service.identity.token("m-1"), new_key().token]
    for number, token in enumerate(tokens):
        secret = {"Idempotency-Key": f"secret-{number}", "Authorization": f"Bearer {token}"}
        for path, body in (
            ("/v1/redemptions", {"member_id": "m-1", "points": 1, "reference": f"secret-{number}"}),
            ("/v1/rates", {"rate": "0.0101", "reason": "secret-reason"}),
        ):
            service.tenant.send("POST", path, json=body, headers=secret, query_string={})
    with service.service.owner.read() as connection:
        found = connection.execute(
            text(
                "SELECT string_agg(e::text, ' ') FROM audit_events e"
                " UNION ALL SELECT string_agg(concat(caller, ' ', action), ' ') FROM outcomes"
            )
        ).scalars()
        stored = " ".join(found)
    shown = service.send("look", "GET", "/v1/audit-log?limit=200").get_data(as_text=True)
    for secret_text in [*tokens, *(token.rpartition("_")[2] for token in tokens), "secret-"]:
        assert secret_text not in stored
        assert secret_text not in shown
    assert str(key_id_of(service.tenant.keys["pos"])) in stored
