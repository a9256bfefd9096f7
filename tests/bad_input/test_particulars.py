"""What the document cannot say of a body: members that contradict each other, times at the end of the calendar."""

from typing import Any

import pytest

from ledger.rules.terms import DEFAULT_TERMS
from tests.bad_input.judging import amiss
from tests.whole_service import Tenant, WholeService, purchase_of

LAST = "9799-12-31T23:59:59Z"


def test_a_purchase_names_each_of_its_lines_once(unchanged: None, tenant: Tenant) -> None:
    lines = [{"line_id": each, "quantity": 1, "amount": 100} for each in ("1", "2", "1")]
    body = {**purchase_of("m-1", "p-2"), "lines": lines}
    answer = tenant.send("POST", "/v1/purchases", json=body)
    assert amiss(answer, "lines.2.line_id") is None
    item = {"operation": "purchase", "idempotency_key": "k", "body": body}
    (result,) = tenant.send("POST", "/v1/batches", json={"operations": [item]}).json["results"]
    assert (result["status"], result["body"]["errors"][0]["field"]) == (400, "lines.2.line_id")


@pytest.mark.parametrize(
    ("path", "given", "taken"),
    [
        ("/v1/purchases/p-1/returns", "purchase_id", "p-1"),
        ("/v1/redemptions/red_1/refunds", "redemption_id", "red_1"),
        ("/v1/entries/ent_1/reversal", "entry_id", "ent_1"),
    ],
)
def test_a_body_says_nothing_that_the_path_has_said(
    unchanged: None, tenant: Tenant, path: str, given: str, taken: str
) -> None:
    answer = tenant.send("POST", path, json={given: taken})
    assert amiss(answer, given) is None


@pytest.mark.parametrize(
    "policy",
    [
        *(
            {"kind": kind, "months": 1200}
            for kind in ("end_of_month", "end_of_quarter", "end_of_year", "rolling")
        ),
        {"kind": "fixed_days", "days": 36_500},
    ],
    ids=lambda policy: policy["kind"],
)
def test_the_longest_policy_from_the_last_moment_on_stays_within_the_calendar(
    service: WholeService, policy: dict[str, Any]
) -> None:
    tenant = service.tenant(policy["kind"], is_test=True)
    growth = policy if policy["kind"] != "rolling" else {"kind": "never"}
    terms = DEFAULT_TERMS | {
        "points_expiry": policy,
        "growth_expiry": growth,
        "pending_days": 3_650,
        "lapsed_refund": {"policy": "grace", "grace_days": 3_650},
    }
    assert tenant.send("PUT", "/v1/program/terms", json=terms).status_code == 200
    body = {"member_id": "m-1", "points": 5, "reason": "gift", "reference": "a-1"}
    tenant.post("/v1/earnings", {**body, "available_at": LAST})
    tenant.post("/v1/earnings", {**body, "reference": "a-2", "expires_at": "9799-12-31T00:00:00Z"})
    spent = tenant.post("/v1/redemptions", {"member_id": "m-1", "points": 5, "reference": "r-1"})
    assert tenant.send("PUT", "/v1/test-clock", json={"now": LAST}).status_code == 200
    # The lot has lapsed by now, so what is given back lives on in a grace lot.
    path = f"/v1/redemptions/{spent['redemption_id']}/refunds"
    refund = tenant.post(path, {"points": 5, "reference": "f-1"})
    assert refund["grace_lot"]["expires_at"] > LAST
    purchase = tenant.post("/v1/purchases", {**purchase_of("m-1", "p-1"), "occurred_at": LAST})
    assert purchase["lots"][0]["available_at"] > LAST
    assert tenant.send("PUT", "/v1/test-clock", json={"now": "9800-01-01T00:00:00Z"}).status_code == 400
