"""Members, balances, lots and entries as callers see them over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from ledger import clock
from tests.whole_service import Tenant, WholeService, open_service, purchase_of, with_history

_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    return with_history(service.tenant(f"edge {next(_numbers)}"))


def get(tenant: Tenant, path: str, role: str = "readonly") -> Any:
    answer = tenant.send("GET", path, role=role)
    assert answer.status_code == 200, answer.data
    return answer.json


def refusal(tenant: Tenant, path: str, status: int, **how: Any) -> dict[str, Any]:
    answer = tenant.send("GET", path, **how)
    assert answer.status_code == status, answer.data
    refused: dict[str, Any] = answer.json
    return refused


def test_member_is_created_once_and_changed_after(tenant: Tenant) -> None:
    facts = {"region": "east", "store": "s-1", "attributes": {"vip": True, "age": 7}}
    made = tenant.send("PUT", "/v1/members/m-9", json=facts, role="pos")
    assert made.status_code == 201
    assert made.json == {
        "member_id": "m-9",
        **facts,
        "enrolled_at": made.json["enrolled_at"],
        "account_version": 0,
        "locks": {"frozen": False, "spend": False, "review": False},
        "merged_into": None,
    }
    changed = tenant.send("PUT", "/v1/members/m-9", json={"store": "s-2"}, role="pos")
    assert (changed.status_code, changed.json) == (200, made.json | {"store": "s-2"})
    assert get(tenant, "/v1/members/m-9") == changed.json


def test_member_may_not_be_put_by_whoever_only_reads(tenant: Tenant) -> None:
    answer = tenant.send("PUT", "/v1/members/m-9", json={}, role="readonly")
    assert (answer.status_code, answer.json["required_scope"]) == (403, "members:write")


def test_enrolment_in_the_future_is_refused(tenant: Tenant) -> None:
    tomorrow = clock.show(clock.system_now() + timedelta(days=1))
    answer = tenant.send("PUT", "/v1/members/m-9", json={"enrolled_at": tomorrow})
    assert (answer.status_code, answer.json["code"]) == (422, "occurred_in_future")
    refusal(tenant, "/v1/members/m-9", 404)


def test_balance_is_the_one_that_the_last_posting_answered(tenant: Tenant) -> None:
    posted = tenant.post("/v1/redemptions", {"member_id": "m-1", "points": 5, "reference": "x-2"})
    told = get(tenant, "/v1/members/m-1/balance")
    assert told | {"as_of": posted["balance"]["as_of"]} == posted["balance"]
    assert (told["points"]["available"], told["account_version"]) == (85, 3)


def test_balance_of_the_past_is_told_by_two_times(tenant: Tenant) -> None:
    before = clock.show(clock.system_now())
    tenant.post("/v1/purchases", purchase_of("m-1", "p-2"))
    path = "/v1/members/m-1/balance"
    known = get(tenant, f"{path}?known_as_of={before}")
    assert (known["known_as_of"], known["points"]["available"]) == (before, 90)
    # It was bought yesterday, and all that was known of yesterday came in today.
    assert get(tenant, f"{path}?as_of={before}")["points"]["available"] == 190
    assert get(tenant, f"{path}?as_of={before}&known_as_of={before}")["points"]["available"] == 90


@pytest.mark.parametrize("name", ["as_of", "known_as_of"])
def test_balance_of_the_future_is_refused_by_name(tenant: Tenant, name: str) -> None:
    refused = refusal(tenant, f"/v1/members/m-1/balance?{name}=2099-01-01T00:00:00Z", 400)
    assert [error["field"] for error in refused["errors"]] == [name]


def test_lots_are_listed_page_by_page(tenant: Tenant) -> None:
    tenant.post("/v1/earnings", {"member_id": "m-1", "points": 50, "reason": "gift", "reference": "a-2"})
    first = get(tenant, "/v1/members/m-1/lots?limit=2")
    second = get(tenant, f"/v1/members/m-1/lots?limit=2&cursor={first['next_cursor']}")
    units = [(lot["unit"], lot["remaining"], lot["state"]) for lot in first["data"] + second["data"]]
    assert units == [
        ("POINT", 50, "available"),
        ("GROWTH", 100, "available"),
        ("POINT", 90, "available"),
    ]
    assert second["next_cursor"] is None
    assert len(get(tenant, "/v1/members/m-1/lots?state=all")["data"]) == 3


def test_entries_are_listed_page_by_page_with_their_explanations(tenant: Tenant) -> None:
    first = get(tenant, "/v1/members/m-1/entries?limit=1")
    second = get(tenant, f"/v1/members/m-1/entries?limit=1&cursor={first['next_cursor']}")
    (redeemed,), (earned,) = first["data"], second["data"]
    assert (redeemed["kind"], redeemed["awards"], redeemed["version"]) == ("redeem", [], 2)
    assert [award["explanation"]["en"] for award in earned["awards"]] == [
        "100.00 CNY spent × 1 points per 1.00 CNY = 100 points, rounded down",
        "100.00 CNY spent × 1 growth value per 1.00 CNY = 100 growth value, rounded down",
    ]
    assert get(tenant, f"/v1/entries/{earned['entry_id']}") == earned
    assert earned["entry_id"] == tenant.facts["entry_id"]


@pytest.mark.parametrize("path", ["", "/balance", "/lots", "/entries", "/balance?as_of=2026-01-01T00:00:00Z"])
def test_unknown_member_has_nothing(tenant: Tenant, path: str) -> None:
    refused = refusal(tenant, f"/v1/members/m-99{path}", 404)
    assert (refused["code"], refused["member_id"]) == ("member_unknown", "m-99")


def test_nothing_of_another_program_is_there(service: WholeService, tenant: Tenant) -> None:
    elsewhere = service.tenant(f"elsewhere {next(_numbers)}")
    for path in ("", "/balance", "/lots", "/entries"):
        refusal(elsewhere, f"/v1/members/m-1{path}", 404)
    refusal(elsewhere, f"/v1/entries/{tenant.facts['entry_id']}", 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("offset=1", "offset"),
    ],
)
@pytest.mark.parametrize("what", ["lots", "entries"])
def test_page_that_nobody_offered_is_refused_by_name(
    tenant: Tenant, what: str, query: str, field: str
) -> None:
    refused = refusal(tenant, f"/v1/members/m-1/{what}?{query}", 400)
    assert [error["field"] for error in refused["errors"]] == [field]


def test_reports_tell_what_happened_to_whoever_keeps_the_books(tenant: Tenant) -> None:
    balance = get(tenant, "/v1/reports/trial-balance", role="finance")
    points = {line["account"]: line["balance"] for line in balance["units"][0]["accounts"]}
    assert (points["points"], points["issued"], points["redeemed"]) == (140, 150, 10)
    moved = get(tenant, "/v1/reports/points-roll-forward", role="finance")
    assert (moved["from"], moved["opening"]) == ("1970-01-01T00:00:00.000000Z", 0)
    assert (moved["issued"], moved["redeemed"], moved["closing"]) == (150, 10, 140)
    alone = get(tenant, "/v1/reports/points-roll-forward?member_id=m-2", role="finance")
    assert (alone["issued"], alone["closing"]) == (50, 50)


def test_reports_are_for_finance_alone(tenant: Tenant) -> None:
    for path in ("/v1/reports/trial-balance", "/v1/reports/points-roll-forward"):
        assert refusal(tenant, path, 403, role="readonly")["required_scope"] == "finance"


def test_report_of_a_period_that_is_not_over_or_upside_down_is_refused_by_name(tenant: Tenant) -> None:
    path = "/v1/reports/points-roll-forward"
    for query in ("to=2099-01-01T00:00:00Z", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z"):
        refused = refusal(tenant, f"{path}?{query}", 400)
        assert [error["field"] for error in refused["errors"]] == ["to"]
