"""The whole service on a database: its real routes, programs with a little history, keys of every role."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import orjson
from flask import Flask
from sqlalchemy import text

from ledger import clock
from ledger.access import ROLES
from ledger.access.register import create_key
from ledger.accounts.program import Program
from ledger.accounts.programs import create_program
from ledger.app import ROUTES, create_app
from ledger.config import Settings
from ledger.db import Database
from ledger.finance.checkpoints.making import make_checkpoint
from ledger.http.endpoint import Route
from ledger.http.services import EXTENSION
from ledger.rules.terms import DEFAULT_TERMS
from tests.finance.signing import signer

JSON = "application/json"
SETTINGS: Final = Settings(failure_rate=1_000_000)
"""Whoever explores refusals is refused more often in a minute than a stranger may be."""

_numbers = count(1)


def declared_routes() -> list[Route]:
    """Every route of the service, those added tomorrow included."""
    return [route for routes in ROUTES for route in routes.declared]


@dataclass
class Tenant:
    """A program, a key of each role, and the ids of what has happened in it."""

    app: Flask
    program: Program
    keys: dict[str, str]
    facts: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, *, role: str = "admin", **arguments: Any) -> Any:
        """The answer to a request; one that may post gets a key of its own unless it brings one."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        if method == "POST":
            headers["Idempotency-Key"] = f"k-{next(_numbers)}"
        given = arguments.pop("headers", {})
        headers = {name: value for name, value in {**headers, **given}.items() if value is not None}
        return self.app.test_client().open(path, method=method, headers=headers, **arguments)

    def send_raw(self, method: str, path: str, body: bytes, **arguments: Any) -> Any:
        """The answer to a request whose body is given in bytes."""
        arguments.setdefault("content_type", JSON)
        return self.send(method, path, data=body, **arguments)

    def post(self, path: str, body: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        """What a posting that must succeed has answered."""
        answer = self.send_raw("POST", path, orjson.dumps(body), **arguments)
        assert answer.status_code == 201, answer.data
        posted: dict[str, Any] = answer.json
        return posted


@dataclass
class WholeService:
    """The application, and the owner's connection for what no caller may see."""

    app: Flask
    owner: Database
    database: str

    def tenant(
        self,
        name: str,
        *,
        is_test: bool = False,
        test_now: datetime | None = None,
        timezone: str = "Asia/Shanghai",
        terms: dict[str, Any] = DEFAULT_TERMS,
    ) -> Tenant:
        """A new program with keys and nothing in its books."""
        now = clock.system_now()
        program = self.owner.run(
            lambda connection: create_program(
                connection,
                name,
                currency="CNY",
                timezone=timezone,
                terms=terms,
                now=now,
                is_test=is_test,
                test_now=test_now,
            )
        )
        keys = {
            role: self.owner.run(
                lambda connection, role=role: create_key(connection, program, role, now=now)  # type: ignore[misc]
            ).token
            for role in ROLES
        }
        return Tenant(self.app, program, keys)

    def rows(self) -> dict[str, tuple[int, str]]:
        """Of every table, how many rows it has and a digest of what they say."""
        with self.owner.read() as connection:
            tables = connection.execute(
                # What is noted of requests says nothing of what they did.
                text(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                    " AND tablename NOT IN ('rate_counts', 'audit_events', 'key_uses') ORDER BY 1"
                )
            ).scalars()
            digest = (
                "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t"
            )
            return {
                table: tuple(connection.execute(text(digest.format(table))).one()) for table in tables.all()
            }


@contextmanager
def open_service(cluster: Any, template: str) -> Iterator[WholeService]:
    """The service on a migrated database of its own, which is dropped at the end."""
    name = f"ledger_test_whole_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template=template)
    application = Database(cluster.app_url(name), pool_size=2)
    owner = Database(cluster.owner_url(name), role=None, pool_size=2)
    try:
        yield WholeService(create_app(SETTINGS, application), owner, name)
    finally:
        application.close()
        owner.close()
        cluster.drop_database(name)


def with_history(tenant: Tenant) -> Tenant:
    """Let a member of the program buy, be awarded, redeem and transfer; remember the ids of it."""
    purchase = tenant.post("/v1/purchases", purchase_of("m-1", "p-1"))
    tenant.post("/v1/earnings", {"member_id": "m-2", "points": 50, "reason": "gift", "reference": "a-1"})
    redemption = tenant.post("/v1/redemptions", {"member_id": "m-1", "points": 10, "reference": "x-1"})
    tenant.facts = {
        "member_id": "m-1",
        "purchase_id": "p-1",
        "redemption_id": redemption["redemption_id"],
        "entry_id": purchase["entry_id"],
        "period": "2026-01",
        **with_budget(tenant, "f-1"),
        **with_rules(tenant, "spring"),
    }
    return tenant


def with_rules(tenant: Tenant, code: str, role: str = "operator") -> dict[str, str]:
    """Let a program have a proposal of rules that earn as the terms do; the names of it."""
    rate = {"kind": "per_amount", "per": 1, "amount": 100}
    content = {
        "rules": [
            {"code": code, "unit": unit, "rate": rate, "campaign": code} for unit in ("POINT", "GROWTH")
        ],
        "campaigns": [{"code": code, "name": {"en": "Spring", "zh": "春季"}}],
        "experiments": [{"code": code, "salt": "1", "arms": [{"code": arm, "weight": 1} for arm in "AB"]}],
    }
    saved = tenant.post("/v1/rule-sets", {"content": content}, role=role)
    path = f"/v1/rule-sets/{saved['version']}/proposals"
    proposed = tenant.send("POST", path, role=role)
    assert proposed.status_code == 202, proposed.data
    return {
        "version": str(saved["version"]),
        "approval_id": proposed.json["approval_id"],
        "code": code,
    }


def with_budget(tenant: Tenant, fund: str, role: str = "operator") -> dict[str, str]:
    """Let a program have a fund of two grants; the name of it."""
    for number in (1, 2):
        grant = {"points": 50, "reason": "a plan", "reference": f"{fund}-{number}"}
        proposed = tenant.send("POST", f"/v1/funds/{fund}/grants", role=role, json=grant)
        assert proposed.status_code == 202, proposed.data
        path = f"/v1/approvals/{proposed.json['approval_id']}/approve"
        approved = tenant.send("POST", path, role="approver")
        assert approved.status_code == 200, approved.data
    return {"fund": fund}


def with_holds(tenant: Tenant, member_id: str) -> dict[str, str]:
    """Let a member have two open holds and a quote, and the program a second rate; the ids of it."""
    held = {"member_id": member_id, "points": 5}
    holds = [tenant.post("/v1/holds", {**held, "reference": f"h{n}-{member_id}"}) for n in (1, 2)]
    proposed = tenant.send("POST", "/v1/rates", role="operator", json={"rate": "0.0101", "reason": member_id})
    assert proposed.status_code == 202, proposed.data
    path = f"/v1/approvals/{proposed.json['approval_id']}/approve"
    approved = tenant.send("POST", path, role="approver")
    assert approved.status_code == 200, approved.data
    price = {"amount": 1_000, "currency": "CNY"}
    quote = tenant.post("/v1/quotes", {"member_id": member_id, "price": price, "points": 20})
    return {"hold_id": holds[0]["hold_id"], "quote_id": quote["quote_id"]}


def with_adjustments(tenant: Tenant, member_id: str, role: str = "operator") -> dict[str, str]:
    """Let two adjustments of a member wait for another key; the newer one."""
    for points in (5, -5):
        wanted = {"member_id": member_id, "points": points, "reason": f"a mistake with {member_id}"}
        proposed = tenant.send("POST", "/v1/adjustments", role=role, json=wanted)
        assert proposed.status_code == 202, proposed.data
    return {"adjustment_id": proposed.json["adjustment_id"]}


def with_device(tenant: Tenant, device_id: str) -> dict[str, str]:
    """Let a till send a batch that it has numbered, in which nothing is sound; the till."""
    operations = [{"operation": "redemption", "idempotency_key": device_id, "body": {}}]
    batch = {"device": {"device_id": device_id, "sequence": 1}, "operations": operations}
    answer = tenant.send("POST", "/v1/batches", json=batch)
    assert answer.status_code == 200, answer.data
    return {"device_id": device_id}


def with_alerts(tenant: Tenant, member_id: str) -> dict[str, str]:
    """Let a till take more than a member has, on two days, and the terms be as they were; the newer alert."""
    terms = tenant.program.terms_object()
    put_terms(tenant, terms | {"offline": {"credit": 1_000_000}})
    for days in (1, 2):
        when = clock.show(clock.system_now() - timedelta(days=days))
        offline = {"device_id": f"d-{member_id}", "occurred_at": when}
        taken = {"member_id": member_id, "points": 1_000_000, "reference": f"w{days}-{member_id}"}
        tenant.post("/v1/redemptions", {**taken, "offline": offline})
    put_terms(tenant, terms)
    return {"alert_id": tenant.send("GET", "/v1/alerts").json["data"][0]["alert_id"]}


def with_locks(tenant: Tenant, member_id: str) -> dict[str, str]:
    """Let a member have been locked and unlocked, and another be locked in every way; the other."""
    other = f"l-{member_id}"
    tenant.post("/v1/earnings", {"member_id": other, "points": 9, "reason": "gift", "reference": other})
    steps = [(member_id, step) for step in ("freeze", "unfreeze")]
    for member, step in [*steps, *((other, lock) for lock in ("freeze", "spend-lock", "review"))]:
        answer = tenant.send("POST", f"/v1/members/{member}/{step}", json={"reason": "a call"})
        assert answer.status_code == 200, answer.data
    return {"locked_member_id": other}


def with_reviews(tenant: Tenant, member_id: str) -> dict[str, str]:
    """Let a member be under review, and two awards of his wait for another key; the newer one."""
    gift = {"member_id": member_id, "points": 7, "reason": "gift"}
    tenant.post("/v1/earnings", gift | {"reference": f"v0-{member_id}"})
    path = f"/v1/members/{member_id}/review"
    assert tenant.send("POST", path, json={"reason": "a call"}).status_code == 200
    for number in (1, 2):
        tenant.post("/v1/earnings", gift | {"reference": f"v{number}-{member_id}"})
    return {"review_id": tenant.send("GET", "/v1/reviews").json["data"][0]["review_id"]}


def with_merges(tenant: Tenant, member_id: str) -> dict[str, str]:
    """Let two members who have nothing be merged into one; the later of them."""
    for number in (1, 2):
        duplicate = f"d{number}-{member_id}"
        assert tenant.send("PUT", f"/v1/members/{duplicate}", json={}).status_code == 201
        wanted = {"duplicate_id": duplicate, "reason": "duplicate"}
        proposed = tenant.send("POST", f"/v1/members/{member_id}/merge", role="operator", json=wanted)
        path = f"/v1/approvals/{proposed.json['approval_id']}/approve"
        approved = tenant.send("POST", path, role="approver")
        assert approved.status_code == 200, approved.data
    return {"duplicate_id": duplicate}


def with_keys(tenant: Tenant, name: str) -> dict[str, str]:
    """Let an operator have a key made, frozen, set free and revoked; the key."""
    wanted = {"role": "pos", "name": name, "valid_days": 90}
    proposed = tenant.send("POST", "/v1/keys", role="operator", json=wanted)
    path = f"/v1/approvals/{proposed.json['approval_id']}/approve"
    made = tenant.send("POST", path, role="approver").json["result"]
    for change in ("freeze", "unfreeze", "revoke"):
        path = f"/v1/keys/{made['key_id']}/{change}"
        answer = tenant.send("POST", path, role="operator", json={"reason": name})
        assert answer.status_code == 200, answer.data
    return {"key_id": str(made["key_id"])}


def with_checkpoints(tenant: Tenant) -> dict[str, str]:
    """Let somebody who has a key sign two checkpoints of the program; the newer one."""
    database: Database = tenant.app.extensions[EXTENSION].database
    now = clock.system_now()
    for _ in range(2):
        made = database.run(lambda connection: make_checkpoint(connection, tenant.program, signer(), now))
    return {"checkpoint_id": made.shown()["checkpoint_id"]}


def with_closes(tenant: Tenant) -> dict[str, str]:
    """Let two months of long ago be closed, so that there is a pack of each; the later one."""
    for period in ("2020-01", "2020-02"):
        for step in ("soft-close", "lock"):
            answer = tenant.send("POST", f"/v1/periods/{period}/{step}", role="finance")
            assert answer.status_code == 200, answer.data
    return {"period": period}


def with_reconciliations(tenant: Tenant) -> dict[str, str]:
    """Let finance upload two orders that the books have not, twice; the newer reconciliation."""
    when = clock.show(clock.system_now() - timedelta(days=1))
    csv = f"purchase_id,occurred_at,amount\nelsewhere-1,{when},5\nelsewhere-2,{when},5\n"
    for _ in range(2):
        made = tenant.post("/v1/reconciliations", {"kind": "orders", "csv": csv}, role="finance")
    return {"reconciliation_id": made["reconciliation_id"]}


def put_terms(tenant: Tenant, terms: dict[str, Any]) -> None:
    """Other terms, from now on."""
    answer = tenant.send("PUT", "/v1/program/terms", json=terms)
    assert answer.status_code == 200, answer.data


def purchase_of(member_id: str, purchase_id: str, amount: int = 10_000) -> dict[str, Any]:
    """The body of a purchase of one line."""
    return {
        "purchase_id": purchase_id,
        "member_id": member_id,
        "occurred_at": clock.show(clock.system_now() - timedelta(days=1)),
        "currency": "CNY",
        "lines": [{"line_id": "1", "quantity": 2, "amount": amount}],
    }
