"""Budgets over HTTP: proposed by one key, granted by another, and shown with what they paid for."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from ledger import clock
from ledger.access.register import create_key
from ledger.rules.terms import DEFAULT_TERMS
from tests.rulesets import fixed
from tests.whole_service import Tenant, WholeService, open_service

from .regions import put_in_force, region_share

_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService) -> Tenant:
    return service.tenant(f"budgets {next(_numbers)}", terms=DEFAULT_TERMS | region_share())


def propose(
    shop: Tenant, points: int, fund: str = "spring", kind: str = "grants", role: str = "operator", **more: Any
) -> Any:
    body = {"points": points, "reason": "a plan", "reference": f"g-{next(_numbers)}", **more}
    return shop.send("POST", f"/v1/funds/{fund}/{kind}", role=role, json=body)


def approve(shop: Tenant, proposal: Any) -> Any:
    assert proposal.status_code == 202, proposal.data
    return shop.send(
        "POST", f"/v1/approvals/{proposal.json['approval_id']}/approve", role="approver", json={}
    )


def grant(shop: Tenant, points: int, fund: str = "spring", **more: Any) -> dict[str, Any]:
    answer = approve(shop, propose(shop, points, fund, **more))
    assert answer.status_code == 200, answer.data
    result: dict[str, Any] = answer.json["result"]
    return result


def award(shop: Tenant, points: int, fund: str = "spring", member: str = "m-1") -> Any:
    body = {"member_id": member, "points": points, "reason": "sorry", "reference": f"a-{next(_numbers)}"}
    return shop.send("POST", "/v1/earnings", role="pos", json={**body, "fund": fund})


def fund(shop: Tenant, code: str = "spring") -> dict[str, Any]:
    answer = shop.send("GET", f"/v1/funds/{code}", role="readonly")
    assert answer.status_code == 200, answer.data
    shown: dict[str, Any] = answer.json
    return shown


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.data
    body: dict[str, Any] = answer.json
    return body


def test_a_grant_waits_for_another_key_and_is_there_once_it_is_approved(shop: Tenant) -> None:
    proposal = propose(shop, 10_000, reference="plan-1")
    assert (proposal.json["kind"], proposal.json["subject"], proposal.json["status"]) == (
        "fund_grant",
        "spring",
        "pending",
    )
    assert proposal.json["content"] == {
        "fund": "spring",
        "points": 10_000,
        "reason": "a plan",
        "reference": "plan-1",
    }
    refused(shop.send("GET", "/v1/funds/spring"), 404, "fund_unknown")
    refused(award(shop, 1), 422, "budget_exhausted")
    result = approve(shop, proposal).json["result"]
    assert result["entry_id"].startswith("ent_")
    assert (result["fund"], result["points"], result["available"]) == ("spring", 10_000, 10_000)
    assert award(shop, 150).status_code == 201
    assert fund(shop) == {
        "fund": "spring",
        "granted": 10_000,
        "spent": 150,
        "available": 9_850,
        "account_version": 2,
    }


def test_nobody_grants_alone(shop: Tenant) -> None:
    proposal = propose(shop, 10, role="admin")
    answer = shop.send("POST", f"/v1/approvals/{proposal.json['approval_id']}/approve", role="admin", json={})
    refused(answer, 403, "self_approval")
    refused(propose(shop, 10, role="pos"), 403, "forbidden")
    refused(propose(shop, 10, role="approver"), 403, "forbidden")


def test_a_budget_that_is_exhausted_says_what_is_left(shop: Tenant) -> None:
    grant(shop, 100)
    problem = refused(award(shop, 101), 422, "budget_exhausted")
    assert (problem["fund"], problem["available"], problem["requested"]) == ("spring", 100, 101)
    assert problem["retryable"] is False


def test_a_withdrawal_takes_back_what_is_left_and_no_more(shop: Tenant) -> None:
    grant(shop, 100)
    assert award(shop, 60).status_code == 201
    too_much = propose(shop, 41, kind="withdrawals")
    problem = refused(approve(shop, too_much), 422, "budget_exhausted")
    assert (problem["available"], problem["requested"]) == (40, 41)
    # Nothing was decided: it may be approved when there is enough.
    grant(shop, 1)
    assert approve(shop, too_much).status_code == 200
    shown = fund(shop)
    assert (shown["granted"], shown["spent"], shown["available"]) == (60, 60, 0)


def test_a_reference_grants_once_however_often_it_is_proposed(shop: Tenant) -> None:
    first, second = (propose(shop, 100, reference="plan-1") for _ in range(2))
    assert approve(shop, first).status_code == 200
    refused(approve(shop, second), 409, "reference_exists")
    assert fund(shop)["granted"] == 100


@pytest.mark.parametrize("kind", ["grants", "withdrawals"])
def test_nobody_changes_a_regions_share_by_hand(shop: Tenant, kind: str) -> None:
    problem = refused(propose(shop, 10, "share:east:2026-11", kind), 422, "fund_reserved")
    assert problem["fund"] == "share:east:2026-11"


def test_a_regions_key_proposes_no_budget(service: WholeService, shop: Tenant) -> None:
    made = service.owner.run(
        lambda connection: create_key(
            connection, shop.program, "operator", now=clock.system_now(), region="east"
        )
    )
    shop.keys["east"] = made.token
    refused(propose(shop, 10, role="east"), 403, "other_region")


def test_funds_are_listed_by_code_page_by_page(shop: Tenant) -> None:
    codes = ["autumn", "region:east", "spring", "store:s-12", "store:s-2"]
    for points, code in enumerate(reversed(codes), 1):
        grant(shop, points, code)
    shop.post("/v1/earnings", {"member_id": "m-1", "points": 5, "reason": "gift", "reference": "gift"})
    seen, query = [], "?limit=2"
    while True:
        page = shop.send("GET", f"/v1/funds{query}", role="finance").json
        assert len(page["data"]) <= 2
        seen += [(shown["fund"], shown["available"]) for shown in page["data"]]
        if page["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={page['next_cursor']}"
    assert seen == list(zip(codes, (5, 4, 3, 2, 1), strict=True))
    refused(shop.send("GET", "/v1/funds?cursor=x"), 400, "invalid_request")


def test_entries_of_a_fund_tell_who_granted_and_what_was_paid(shop: Tenant) -> None:
    granted = grant(shop, 100, reference="plan-1")
    paid = award(shop, 60, member="m-7").json
    approve(shop, propose(shop, 30, kind="withdrawals", reference="back-1"))
    page = shop.send("GET", "/v1/funds/spring/entries?limit=2", role="finance").json
    back, spent = page["data"]
    assert (back["kind"], back["points"], back["available_after"], back["reference"]) == (
        "fund_grant",
        -30,
        10,
        "back-1",
    )
    assert (spent["kind"], spent["points"], spent["available_after"]) == ("fund_spend", -60, 40)
    assert (spent["award_entry_id"], spent["member_id"]) == (paid["entry_id"], "m-7")
    following = f"/v1/funds/spring/entries?cursor={page['next_cursor']}"
    (first,) = shop.send("GET", following, role="finance").json["data"]
    assert (first["entry_id"], first["points"], first["version"]) == (granted["entry_id"], 100, 1)
    assert first["details"]["reason"] == "a plan"
    assert first["details"].keys() == {"reason", "approval_id", "proposed_by", "approved_by"}
    assert first["details"]["proposed_by"] != first["details"]["approved_by"]
    refused(shop.send("GET", "/v1/funds/autumn/entries"), 404, "fund_unknown")


def test_an_entry_of_a_fund_is_shown_by_its_id_as_any_other(shop: Tenant) -> None:
    granted = grant(shop, 100)
    shown = shop.send("GET", f"/v1/entries/{granted['entry_id']}", role="finance").json
    assert (shown["kind"], shown["member_id"], shown["balances_after"]["points"]) == (
        "fund_grant",
        "fund/spring",
        100,
    )


def test_a_fund_is_no_member(shop: Tenant) -> None:
    grant(shop, 100)
    for path in ("/v1/members/fund%2Fspring", "/v1/members/fund%2Fspring/balance"):
        assert shop.send("GET", path).status_code == 404
    body = {"member_id": "fund/spring", "points": 5, "reason": "gift", "reference": "gift"}
    refused(shop.send("POST", "/v1/earnings", json=body), 400, "invalid_request")


def test_budgets_of_another_program_are_not_seen(service: WholeService, shop: Tenant) -> None:
    grant(shop, 100)
    elsewhere = service.tenant(f"budgets {next(_numbers)}")
    assert elsewhere.send("GET", "/v1/funds").json == {"data": [], "next_cursor": None}
    refused(elsewhere.send("GET", "/v1/funds/spring"), 404, "fund_unknown")
    refused(award(elsewhere, 1), 422, "budget_exhausted")
    refused(propose(elsewhere, 1, kind="withdrawals"), 404, "fund_unknown")
    grant(elsewhere, 1, "autumn")
    grant(elsewhere, 1, "winter")
    cursor = elsewhere.send("GET", "/v1/funds?limit=1").json["next_cursor"]
    refused(shop.send("GET", f"/v1/funds?cursor={cursor}"), 400, "invalid_request")


def test_a_top_up_at_once_grants_the_share_of_what_is_in_the_books(
    service: WholeService, shop: Tenant
) -> None:
    assert shop.send("POST", "/v1/funds/shares/top-up", role="operator", json={}).json == {"data": []}
    content = {"rules": [fixed("east:welcome", 1)]}
    service.owner.run(
        lambda connection: put_in_force(connection, shop.program, "east", content, clock.system_now())
    )
    shop.post("/v1/earnings", {"member_id": "m-1", "points": 1_000, "reason": "gift", "reference": "gift"})
    month = clock.local_date(clock.system_now(), "Asia/Shanghai").strftime("share:east:%Y-%m")
    answer = shop.send("POST", "/v1/funds/shares/top-up", role="operator", json={})
    assert answer.json["data"][-1] == {"fund": month, "issued": 1_000, "allowed": 200, "points": 200}
    assert fund(shop, month)["available"] == 200
    again = shop.send("POST", "/v1/funds/shares/top-up", role="operator", json={})
    assert again.json["data"][-1]["points"] == 0
    refused(shop.send("POST", "/v1/funds/shares/top-up", role="pos", json={}), 403, "forbidden")
