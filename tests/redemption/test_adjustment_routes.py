"""Adjustments over HTTP: two keys, one entry, and the same answer however often it is asked."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from ledger import clock
from ledger.access import ROLES
from ledger.access.register import create_key
from ledger.finance.verify import verify
from tests.whole_service import Tenant, WholeService, open_service

_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened
        with opened.owner.read() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []


@pytest.fixture
def shop(service: WholeService) -> Tenant:
    """A program whose member m-1 has 100 points."""
    tenant = service.tenant(f"adjusting {next(_numbers)}")
    tenant.post("/v1/earnings", {"member_id": "m-1", "points": 100, "reason": "gift", "reference": "a-1"})
    return tenant


def propose(shop: Tenant, points: int, role: str = "operator", query: str = "", **more: Any) -> Any:
    headers = more.pop("headers", {})
    body = {"member_id": "m-1", "points": points, "reason": "a mistake", **more}
    return shop.send("POST", f"/v1/adjustments{query}", role=role, json=body, headers=headers)


def proposed(shop: Tenant, points: int, **more: Any) -> str:
    answer = propose(shop, points, **more)
    assert answer.status_code == 202, answer.data
    made: str = answer.json["adjustment_id"]
    return made


def decide(
    shop: Tenant, adjustment_id: str, how: str = "approve", role: str = "approver", **more: Any
) -> Any:
    return shop.send("POST", f"/v1/adjustments/{adjustment_id}/{how}", role=role, **more)


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.data
    body: dict[str, Any] = answer.json
    return body


def available(shop: Tenant) -> int:
    balance = shop.send("GET", "/v1/members/m-1/balance").json
    return int(balance["points"]["available"])


def show(shop: Tenant, adjustment_id: str) -> dict[str, Any]:
    answer = shop.send("GET", f"/v1/adjustments/{adjustment_id}", role="readonly")
    assert answer.status_code == 200, answer.data
    shown: dict[str, Any] = answer.json
    return shown


def test_an_adjustment_moves_nothing_until_another_key_approves_it(shop: Tenant) -> None:
    made = propose(shop, -40, reference="ticket-1").json
    assert made["status"] == "pending"
    assert available(shop) == 100
    answer = decide(shop, made["adjustment_id"])
    assert answer.status_code == 201
    told = answer.json
    assert (told["kind"], told["points"], told["account_version"]) == ("adjust", -40, 2)
    assert told["balance"]["points"]["available"] == available(shop) == 60
    assert told["proposed_by"] != told["approved_by"]
    shown = show(shop, made["adjustment_id"])
    assert shown == {
        **made,
        "status": "approved",
        "decided_by": told["approved_by"],
        "decided_at": shown["decided_at"],
        "rejected_because": None,
        "entry_id": told["entry_id"],
    }
    entry = shop.send("GET", f"/v1/entries/{told['entry_id']}").json
    assert entry["details"] == {
        "reason": "a mistake",
        "approval_id": made["adjustment_id"].replace("adj_", "apr_"),
        "proposed_by": told["proposed_by"],
        "approved_by": told["approved_by"],
        "texts": entry["details"]["texts"],
    }


@pytest.mark.parametrize("how", ["approve", "reject"])
def test_nobody_decides_on_his_own(shop: Tenant, how: str) -> None:
    made = proposed(shop, 5, role="admin")
    refused(
        decide(shop, made, how, role="admin", json={"reason": "x"} if how == "reject" else {}),
        403,
        "self_approval",
    )
    assert (show(shop, made)["status"], available(shop)) == ("pending", 100)


def test_an_adjustment_is_decided_once(shop: Tenant) -> None:
    made = proposed(shop, 5)
    assert decide(shop, made).status_code == 201
    refused(decide(shop, made), 409, "approval_decided")
    refused(decide(shop, made, "reject", json={"reason": "late"}), 409, "approval_decided")
    generic = made.replace("adj_", "apr_")
    refused(shop.send("POST", f"/v1/approvals/{generic}/approve", role="approver"), 409, "approval_decided")
    assert available(shop) == 105


def test_what_is_decided_is_told_before_whether_there_are_points(shop: Tenant) -> None:
    made = proposed(shop, -100)
    assert decide(shop, made).status_code == 201
    refused(decide(shop, made), 409, "approval_decided")


def test_what_is_rejected_is_never_posted(shop: Tenant) -> None:
    made = proposed(shop, 5)
    told = decide(shop, made, "reject", json={"reason": "no such ticket"}).json
    assert (told["status"], told["rejected_because"], told["entry_id"]) == (
        "rejected",
        "no such ticket",
        None,
    )
    refused(decide(shop, made), 409, "approval_decided")
    assert available(shop) == 100


def test_the_generic_routes_are_about_the_same_thing(shop: Tenant) -> None:
    made = proposed(shop, 5)
    generic = made.replace("adj_", "apr_")
    waiting = shop.send("GET", f"/v1/approvals/{generic}").json
    assert (waiting["kind"], waiting["subject"], waiting["content"]["points"]) == ("adjustment", "m-1", 5)
    assert waiting["content_hash"] == show(shop, made)["content_hash"]
    result = shop.send("POST", f"/v1/approvals/{generic}/approve", role="approver").json["result"]
    assert (result["adjustment_id"], result["balance"]["points"]["available"]) == (made, 105)
    assert show(shop, made)["entry_id"] == result["entry_id"]
    refused(decide(shop, made), 409, "approval_decided")


def test_another_content_than_the_one_that_was_looked_at_is_not_approved(shop: Tenant) -> None:
    made, other = proposed(shop, 5), proposed(shop, 6)
    seen = show(shop, other)["content_hash"]
    refused(decide(shop, made, json={"content_hash": seen}), 409, "approval_content_changed")
    assert decide(shop, other, json={"content_hash": seen}).status_code == 201
    assert available(shop) == 106


def test_a_proposal_under_a_key_is_one_however_often_it_is_sent(shop: Tenant) -> None:
    once = {"Idempotency-Key": "once"}
    first, again = (propose(shop, 5, headers=once) for _ in range(2))
    assert (first.status_code, again.status_code, first.data) == (202, 202, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(propose(shop, 6, headers=once), 422, "idempotency_key_reused")
    assert len(shop.send("GET", "/v1/adjustments").json["data"]) == 1


def test_an_approval_under_a_key_is_answered_again_and_posts_once(shop: Tenant) -> None:
    made, once = proposed(shop, 5), {"Idempotency-Key": "once"}
    first, again = (decide(shop, made, headers=once) for _ in range(2))
    assert (first.status_code, again.status_code, first.data) == (201, 201, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(decide(shop, proposed(shop, 5), headers=once), 422, "idempotency_key_reused")
    assert available(shop) == 105


def test_a_refusal_is_the_keys_answer_and_a_fresh_key_asks_anew(shop: Tenant) -> None:
    made, once = proposed(shop, -150), {"Idempotency-Key": "once"}
    told = refused(decide(shop, made, headers=once), 422, "insufficient_points")
    assert (told["available"], told["requested"]) == (100, 150)
    assert show(shop, made)["status"] == "pending"
    shop.post("/v1/earnings", {"member_id": "m-1", "points": 50, "reason": "gift", "reference": "a-2"})
    assert decide(shop, made, headers=once).json == told
    assert decide(shop, made).status_code == 201
    assert available(shop) == 0


@pytest.mark.parametrize("step", ["propose", "approve"])
def test_without_a_key_nothing_is_done(shop: Tenant, step: str) -> None:
    none = {"Idempotency-Key": None}
    answer = (
        propose(shop, 5, headers=none) if step == "propose" else decide(shop, proposed(shop, 5), headers=none)
    )
    refused(answer, 400, "idempotency_key_missing")
    assert available(shop) == 100


def test_a_rehearsal_answers_in_full_and_leaves_nothing(service: WholeService, shop: Tenant) -> None:
    made = proposed(shop, -5)
    before = service.rows()
    rehearsed = propose(shop, 5, query="?dry_run=true")
    assert (rehearsed.status_code, rehearsed.json["dry_run"]) == (202, True)
    refused(propose(shop, 5, query="?dry_run=true", member_id="m-9"), 404, "member_unknown")
    path = f"/v1/adjustments/{made}/approve?dry_run=true"
    answer = shop.send("POST", path, role="approver", headers={"Idempotency-Key": None})
    assert (answer.status_code, answer.json["dry_run"]) == (201, True)
    assert answer.json["balance"]["points"]["available"] == 95
    refused(shop.send("POST", path, role="operator"), 403, "forbidden")
    assert service.rows() == before


def test_a_reference_is_taken_for_ever_by_the_first_that_is_approved(shop: Tenant) -> None:
    first, second = (proposed(shop, 5, reference="ticket-1") for _ in range(2))
    assert decide(shop, first).status_code == 201
    refused(decide(shop, second), 409, "reference_exists")
    assert (show(shop, second)["status"], show(shop, second)["entry_id"]) == ("pending", None)
    refused(propose(shop, 5, reference="ticket-1"), 409, "reference_exists")
    assert available(shop) == 105


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": 2**53}, "points"),
        ({"points": "5"}, "points"),
        ({"reason": ""}, "reason"),
        ({"reason": None}, "reason"),
        ({"reference": "adj_1"}, "reference"),
        ({"approved_by": "me"}, "approved_by"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(shop: Tenant, change: dict[str, Any], field: str) -> None:
    body = {"member_id": "m-1", "points": 5, "reason": "a mistake", **change}
    answer = shop.send("POST", "/v1/adjustments", json=body)
    assert refused(answer, 400, "invalid_request")["errors"][0]["field"] == field


@pytest.mark.parametrize("unknown", ["adj_" + "0" * 32, "apr_" + "0" * 32, "nothing"])
def test_an_unknown_adjustment_is_told_by_its_id(shop: Tenant, unknown: str) -> None:
    answers = [
        shop.send("GET", f"/v1/adjustments/{unknown}"),
        decide(shop, unknown),
        decide(shop, unknown, "reject", json={"reason": "x"}),
    ]
    for answer in answers:
        assert refused(answer, 404, "adjustment_unknown")["adjustment_id"] == unknown


def test_a_proposal_of_another_kind_is_no_adjustment(shop: Tenant) -> None:
    grant = {"points": 5, "reason": "a plan", "reference": "g-1"}
    made = shop.send("POST", "/v1/funds/care/grants", role="operator", json=grant).json["approval_id"]
    refused(decide(shop, made.replace("apr_", "adj_")), 404, "adjustment_unknown")
    assert shop.send("GET", "/v1/adjustments").json["data"] == []


@pytest.mark.parametrize("role", ROLES)
def test_who_may_propose_and_who_may_decide(shop: Tenant, role: str) -> None:
    made = proposed(shop, 5, role="operator" if role != "operator" else "admin")
    answers = (
        propose(shop, 5, role=role),
        decide(shop, made, role=role),
        decide(shop, made, "reject", role=role, json={"reason": "x"}),
    )
    statuses = [answer.status_code for answer in answers]
    can_propose, can_approve = (scope in ROLES[role] for scope in ("propose", "approve"))
    assert statuses == [202 if can_propose else 403, 201 if can_approve else 403, 409 if can_approve else 403]


def test_a_regions_key_neither_proposes_nor_approves(service: WholeService, shop: Tenant) -> None:
    for role in ("operator", "approver"):
        made = service.owner.run(
            lambda connection, role=role: create_key(  # type: ignore[misc]
                connection, shop.program, role, now=clock.system_now(), region="east"
            )
        )
        shop.keys[f"east {role}"] = made.token
    refused(propose(shop, 5, role="east operator"), 403, "other_region")
    refused(decide(shop, proposed(shop, 5), role="east approver"), 403, "other_region")
    assert available(shop) == 100


def test_adjustments_are_listed_newest_first_page_by_page(shop: Tenant) -> None:
    shop.post("/v1/earnings", {"member_id": "m-2", "points": 1, "reason": "gift", "reference": "a-2"})
    made = [proposed(shop, number, member_id=f"m-{1 + number % 2}") for number in range(1, 6)]
    decide(shop, made[0])
    decide(shop, made[1], "reject", json={"reason": "no"})
    seen, query = [], "?limit=2"
    while query:
        page = shop.send("GET", f"/v1/adjustments{query}").json
        seen += [each["adjustment_id"] for each in page["data"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == made[::-1]
    for query, numbers in (
        ("status=pending", (4, 3, 2)),
        ("status=approved", (0,)),
        ("status=rejected", (1,)),
        ("member_id=m-1", (3, 1)),
        ("member_id=m-1&status=pending", (3,)),
        ("member_id=m-9", ()),
    ):
        page = shop.send("GET", f"/v1/adjustments?{query}").json
        assert [each["adjustment_id"] for each in page["data"]] == [made[number] for number in numbers]


def test_the_roll_forward_shows_adjustments_on_a_line_of_their_own(shop: Tenant) -> None:
    for points in (30, -50):
        assert decide(shop, proposed(shop, points)).status_code == 201
    report = shop.send("GET", "/v1/reports/points-roll-forward", role="finance").json
    assert (report["issued"], report["adjusted"], report["redeemed"], report["closing"]) == (100, -20, 0, 80)
    kinds = Counter(entry["kind"] for entry in shop.send("GET", "/v1/members/m-1/entries").json["data"])
    assert kinds == {"award": 1, "adjust": 2}
    balance = shop.send("GET", "/v1/reports/trial-balance", role="finance").json
    (unit,) = [unit for unit in balance["units"] if unit["unit"] == "POINT"]
    (adjusted,) = [account for account in unit["accounts"] if account["account"] == "adjusted"]
    assert (adjusted["debit"], adjusted["credit"]) == (30, 50)


def test_an_adjustment_is_taken_back_like_any_entry(shop: Tenant) -> None:
    for points in (30, -50):
        entry = decide(shop, proposed(shop, points)).json["entry_id"]
        answer = shop.send("POST", f"/v1/entries/{entry}/reversal", role="operator", json={"reason": "again"})
        assert answer.status_code == 201, answer.data
        assert available(shop) == 100
