"""A year of one shop through the HTTP application: every kind of posting that touches one shard or several."""

from datetime import UTC, datetime
from typing import Any

from ledger.accounts.programs import find_program, set_test_clock
from ledger.db import Database
from ledger.expiry.sweep import sweep
from ledger.finance.verify import verify
from tests.whole_service import Tenant, WholeService, with_budget

BEGINNING = datetime(2026, 1, 15, 4, tzinfo=UTC)
END = datetime(2031, 1, 15, 4, tzinfo=UTC)
"""When everything has expired that ever does."""


def tell(service: WholeService, application: Database) -> None:
    """Live through it, and assert what has come of it."""
    tenant = service.tenant("story", is_test=True, test_now=BEGINNING)
    assert _bought(tenant, "ann", "p-1", 100_000) == 1_000
    _redeemed_and_refunded(tenant)
    _held_and_captured(tenant)
    _transferred(tenant)
    _batched(tenant)
    with_budget(tenant, "spring")
    _asked_again(tenant)
    _expired(tenant, service, application)
    with application.read() as connection:
        assert [found.told() for found in verify(connection, tenant.program) if not found.is_sound] == []


def _balance(tenant: Tenant, member: str) -> int:
    answer = tenant.send("GET", f"/v1/members/{member}/balance")
    assert answer.status_code == 200, answer.data
    points: int = answer.json["points"]["available"]
    return points


def _purchase(member: str, name: str, amount: int) -> dict[str, Any]:
    return {
        "purchase_id": name,
        "member_id": member,
        "occurred_at": "2026-01-14T12:00:00+08:00",
        "currency": "CNY",
        "lines": [{"line_id": "1", "quantity": 2, "amount": amount}],
    }


def _bought(tenant: Tenant, member: str, name: str, amount: int) -> int:
    tenant.post("/v1/purchases", _purchase(member, name, amount))
    return _balance(tenant, member)


def _redeemed_and_refunded(tenant: Tenant) -> None:
    spent = tenant.post("/v1/redemptions", {"member_id": "ann", "points": 300, "reference": "r-1"})
    assert _balance(tenant, "ann") == 700
    path = f"/v1/redemptions/{spent['redemption_id']}/refunds"
    tenant.post(path, {"points": 100, "reference": "f-1"})
    assert _balance(tenant, "ann") == 800


def _held_and_captured(tenant: Tenant) -> None:
    held = tenant.post("/v1/holds", {"member_id": "ann", "points": 200, "reference": "h-1"})
    assert _balance(tenant, "ann") == 600
    tenant.post(f"/v1/holds/{held['hold_id']}/capture", {"points": 150})
    assert _balance(tenant, "ann") == 650


def _transferred(tenant: Tenant) -> None:
    _bought(tenant, "bob", "p-2", 1_000)
    body = {"from_member_id": "ann", "to_member_id": "bob", "points": 50, "reference": "t-1"}
    tenant.post("/v1/transfers", body)
    assert (_balance(tenant, "ann"), _balance(tenant, "bob")) == (600, 60)


def _batched(tenant: Tenant) -> None:
    operations = [
        {
            "operation": "purchase",
            "idempotency_key": f"batch-{number}",
            "body": _purchase(f"m-{number}", f"b-{number}", 1_000),
        }
        for number in range(20)
    ]
    # Sent twice, and booked once.
    for _ in range(2):
        answer = tenant.send("POST", "/v1/batches", json={"operations": operations})
        assert answer.status_code == 200, answer.data
        assert {result["status"] for result in answer.json["results"]} == {201}
    assert [_balance(tenant, f"m-{number}") for number in range(20)] == [10] * 20


def _asked_again(tenant: Tenant) -> None:
    key = {"Idempotency-Key": "again"}
    body = _purchase("ann", "p-3", 1_000)
    first, second = (tenant.send("POST", "/v1/purchases", json=body, headers=key) for _ in range(2))
    assert first.json["entry_id"] == second.json["entry_id"]
    other = tenant.send("POST", "/v1/purchases", json=_purchase("ann", "p-4", 1_000), headers=key)
    assert other.status_code == 422, other.data
    assert _balance(tenant, "ann") == 610


def _expired(tenant: Tenant, service: WholeService, application: Database) -> None:
    service.owner.run(lambda connection: set_test_clock(connection, tenant.program, END))
    with application.read() as connection:
        program = find_program(connection, tenant.program.name)
    assert program is not None
    sweep(application, program, END, now=END)
    assert (_balance(tenant, "ann"), _balance(tenant, "m-7")) == (0, 0)
