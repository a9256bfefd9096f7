"""Activities over HTTP: what may be sent, what is answered, and that a batch answers the same."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.whole_service import Tenant, WholeService, open_service, purchase_of, with_history

NOON = "2026-01-01T12:00:00+08:00"
PATH = "/v1/activities"
_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    return with_history(service.tenant(f"active {next(_numbers)}"))


def body(**changes: Any) -> dict[str, Any]:
    """A sign-in; a member that is changed to None is left out."""
    sent = {"activity_id": "a-1", "member_id": "m-1", "type": "sign_in", "occurred_at": NOON, **changes}
    return {name: value for name, value in sent.items() if value is not None}


def referral(referee: str, referrer: Any, activity_id: str = "a-1") -> dict[str, Any]:
    return body(
        activity_id=activity_id, member_id=referee, type="referral", attributes={"referrer": referrer}
    )


def test_an_activity_answers_as_every_posting_does(tenant: Tenant) -> None:
    answer = tenant.post(PATH, body(store="s-1", channel="app", attributes={"build": 7, "is_first": True}))
    told = {"kind", "activity_id", "type", "points", "growth", "awards", "lots"}
    assert answer.keys() == told | {"entry_id", "account_version", "balance"}
    assert (answer["kind"], answer["points"], answer["awards"]) == ("activity", 0, [])
    entry = tenant.send("GET", f"/v1/entries/{answer['entry_id']}").json
    assert entry["kind"] == "activity"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "Sign-in"}, "type"),
        ({"type": "7days"}, "type"),
        ({"type": "s" * 33}, "type"),
        ({"type": ""}, "type"),
        ({"type": 7}, "type"),
        ({"type": "purchase"}, "type"),
        ({"type": "referrer"}, "type"),
        ({"type": None}, "type"),
        ({"activity_id": "a b"}, "activity_id"),
        ({"activity_id": None}, "activity_id"),
        ({"member_id": None}, "member_id"),
        ({"occurred_at": "2026-01-01T12:00:00"}, "occurred_at"),
        ({"occurred_at": None}, "occurred_at"),
        ({"attributes": {"nested": {"a": 1}}}, "attributes"),
        ({"attributes": {"list": [1]}}, "attributes"),
        ({"attributes": {"part": 1.5}}, "attributes"),
        ({"attributes": {f"n{n}": n for n in range(33)}}, "attributes"),
        ({"attributes": {"text": "x" * 257}}, "attributes"),
        ({"attributes": {"a b": 1}}, "attributes"),
        ({"points": 5}, "points"),
        ({"type": "referral"}, "attributes.referrer"),
        ({"type": "referral", "attributes": {}}, "attributes.referrer"),
        ({"type": "referral", "attributes": {"referrer": 7}}, "attributes.referrer"),
        ({"type": "referral", "attributes": {"referrer": "a b"}}, "attributes.referrer"),
        ({"type": "referral", "attributes": {"referrer": "fund/x"}}, "attributes.referrer"),
    ],
)
def test_what_has_another_shape_is_refused_by_its_member(
    tenant: Tenant, changes: dict[str, Any], field: str
) -> None:
    answer = tenant.send("POST", PATH, json=body(**changes))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert [fault["field"] for fault in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    "attributes", [{}, {f"n{n}": n for n in range(32)}, {"text": "x" * 256, "no": False}]
)
def test_attributes_go_up_to_their_bounds(tenant: Tenant, attributes: dict[str, Any]) -> None:
    tenant.post(PATH, body(attributes=attributes))


def refused(tenant: Tenant, sent: dict[str, Any]) -> tuple[int, str]:
    answer = tenant.send("POST", PATH, json=sent)
    return answer.status_code, answer.json["code"]


def test_each_refusal_has_its_status(tenant: Tenant) -> None:
    tenant.post(PATH, referral("m-5", "m-2"))
    assert refused(tenant, body()) == (409, "activity_exists")
    assert refused(tenant, body(activity_id="a-2", occurred_at="9000-01-01T00:00:00Z")) == (
        422,
        "occurred_in_future",
    )
    assert refused(tenant, referral("m-6", "m-6", "a-2")) == (422, "self_referral")
    assert refused(tenant, referral("m-6", "m-99", "a-2")) == (404, "member_unknown")
    assert refused(tenant, referral("m-5", "m-1", "a-2")) == (409, "referral_exists")
    assert refused(tenant, referral("m-2", "m-5", "a-2")) == (422, "circular_referral")
    assert refused(tenant, referral("m-1", "m-2", "a-2")) == (422, "referral_too_late")
    assert tenant.send("GET", "/v1/members/m-6").status_code == 404


def test_a_referral_may_be_sent_again_once_the_referrer_is_known(tenant: Tenant) -> None:
    key = {"Idempotency-Key": "once"}
    sent = referral("m-5", "m-9")
    assert tenant.send("POST", PATH, json=sent, headers=key).status_code == 404
    tenant.post("/v1/purchases", purchase_of("m-9", "p-9"))
    assert tenant.send("POST", PATH, json=sent, headers=key).status_code == 201


def test_a_retry_gets_the_first_answer(tenant: Tenant) -> None:
    key = {"Idempotency-Key": "once"}
    first = tenant.send("POST", PATH, json=body(), headers=key)
    again = tenant.send("POST", PATH, json=body(), headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_batch_answers_an_activity_as_its_route_does(tenant: Tenant) -> None:
    sent = [body(), body(), referral("m-5", "m-5", "a-2"), body(activity_id="a-3", type="purchase")]
    operations = [
        {"operation": "activity", "idempotency_key": f"b-{number}", "body": each}
        for number, each in enumerate(sent)
    ]
    results = tenant.send("POST", "/v1/batches", json={"operations": operations}).json["results"]
    assert [result["status"] for result in results] == [201, 409, 422, 400]
    assert results[0]["body"]["activity_id"] == "a-1"


@pytest.mark.parametrize(("role", "status"), [("pos", 201), ("checkout", 201), ("readonly", 403)])
def test_a_till_may_post_activities_and_a_reader_may_not(tenant: Tenant, role: str, status: int) -> None:
    assert tenant.send("POST", PATH, json=body(), role=role).status_code == status


def test_a_member_sees_whom_he_has_brought_and_what_it_gave(tenant: Tenant) -> None:
    for number in range(3):
        tenant.post(PATH, referral(f"n-{number}", "m-1", f"a-{number}"))
    tenant.post("/v1/purchases", purchase_of("n-1", "p-9"))
    path = "/v1/members/m-1/referrals"
    first = tenant.send("GET", f"{path}?limit=2").json
    rest = tenant.send("GET", f"{path}?limit=2&cursor={first['next_cursor']}").json
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)
    found = {each["member_id"]: each for each in first["data"] + rest["data"]}
    assert [found[f"n-{number}"]["points"] for number in range(3)] == [0, 0, 0]
    assert found["n-0"].keys() == {"member_id", "status", "recorded_at", "points", "growth"}
    assert found["n-0"]["status"] == "pending"
    assert tenant.send("GET", "/v1/members/n-0/referrals").json == {"data": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/members/m-99/referrals", 404),
        ("/v1/members/m-1/referrals?cursor=x", 400),
        ("/v1/members/m-1/referrals?limit=0", 400),
    ],
)
def test_a_list_of_referrals_that_is_not_there_is_refused(tenant: Tenant, path: str, status: int) -> None:
    assert tenant.send("GET", path).status_code == status


def test_a_forged_cursor_of_the_end_of_time_leads_to_a_page_like_any_other(tenant: Tenant) -> None:
    cursor = urlsafe_b64encode(b"R" + b"\xff" * 24).decode().rstrip("=")
    assert tenant.send("GET", f"/v1/members/m-1/referrals?cursor={cursor}").status_code == 200
