"""Posting over HTTP: the key, the fingerprint, the first answer again, the dry run."""

from typing import Any

import orjson
import pytest

from ledger.http.operations import Operation

from .tiny import EARNING, REDEMPTION, REFUND, Tiny, make_program, tiny_app

AWARD = {"member_id": "m-1", "points": 100, "reason": "gift", "reference": "g-1"}


def test_a_posting_is_answered_201_with_its_entry_and_the_balance(tiny: Tiny) -> None:
    answer = tiny.client().post("/v1/earnings", AWARD)
    assert (answer.status_code, answer.content_type) == (201, "application/json")
    assert answer.json["balance"]["points"]["available"] == 100
    assert "Idempotency-Replayed" not in answer.headers


def test_a_retry_is_answered_with_the_first_answer_byte_for_byte(tiny: Tiny) -> None:
    client = tiny.client()
    first = client.post("/v1/earnings", AWARD, key="k-1")
    client.post("/v1/earnings", {**AWARD, "reference": "g-2"})
    again = client.post("/v1/earnings", AWARD, key="k-1")
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_members_in_another_order_and_spaces_are_the_same_request(tiny: Tiny) -> None:
    client = tiny.client()
    first = client.post("/v1/earnings", AWARD, key="k-1")
    body = b"\n  " + orjson.dumps(dict(reversed(AWARD.items())), option=orjson.OPT_INDENT_2)
    again = client.post("/v1/earnings", key="k-1", data=body, content_type="application/json; charset=utf-8")
    assert again.data == first.data


def test_a_business_refusal_is_replayed_with_the_request_id_of_the_first(tiny: Tiny) -> None:
    client = tiny.client()
    client.post("/v1/earnings", AWARD)
    spend = {"member_id": "m-1", "points": 101, "reference": "r-1"}
    first = client.post("/v1/redemptions", spend, key="k-2", headers={"X-Request-Id": "first"})
    assert (first.status_code, first.json["code"]) == (422, "insufficient_points")
    assert (first.json["available"], first.json["requested"]) == (100, 101)
    client.post("/v1/earnings", {**AWARD, "reference": "g-2"})
    again = client.post("/v1/redemptions", spend, key="k-2", headers={"X-Request-Id": "second"})
    assert (again.status_code, again.data) == (422, first.data)
    assert again.json["request_id"] == "first"
    assert again.headers["X-Request-Id"] == "second"
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("change", [{"points": 99}, {"reference": "g-9"}, {"reason": "gifts"}])
def test_a_key_with_another_request_is_refused_and_keeps_its_first_answer(
    tiny: Tiny, change: dict[str, Any]
) -> None:
    client = tiny.client()
    first = client.post("/v1/earnings", AWARD, key="k-1")
    other = client.post("/v1/earnings", {**AWARD, **change}, key="k-1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert client.post("/v1/earnings", AWARD, key="k-1").data == first.data


def test_a_key_used_on_one_route_is_refused_on_another(tiny: Tiny) -> None:
    client = tiny.client()
    body = {"member_id": "m-1", "points": 1, "reference": "x"}
    client.post("/v1/earnings", {**body, "reason": "gift"}, key="k-1")
    assert client.post("/v1/redemptions", body, key="k-1").json["code"] == "idempotency_key_reused"


def test_a_key_belongs_to_its_program(tiny: Tiny) -> None:
    first = tiny.client().post("/v1/earnings", AWARD, key="k-1")
    elsewhere = Tiny(tiny.app, tiny.owner, make_program(tiny.owner, "elsewhere"))
    other = elsewhere.client().post("/v1/earnings", AWARD, key="k-1")
    assert (first.status_code, other.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in other.headers
    assert other.json["entry_id"] != first.json["entry_id"]


def test_a_malformed_request_does_not_use_up_its_key(tiny: Tiny) -> None:
    client = tiny.client()
    assert client.post("/v1/earnings", {**AWARD, "points": 0}, key="k-1").status_code == 400
    assert client.post("/v1/earnings", AWARD, key="k-1").status_code == 201


def test_without_a_key_nothing_is_posted(tiny: Tiny) -> None:
    answer = tiny.client().post("/v1/earnings", AWARD, key=None)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", [" ", "a b", "é", "x" * 256, "a\tb"])
def test_a_malformed_key_is_refused(tiny: Tiny, key: str) -> None:
    answer = tiny.client().post("/v1/earnings", AWARD, key=key)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert answer.json["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["!", "x" * 255, '"quoted"', "a,b"])
def test_any_visible_ascii_is_a_key(tiny: Tiny, key: str) -> None:
    assert tiny.client().post("/v1/earnings", AWARD, key=key).status_code == 201


@pytest.mark.parametrize(
    "name", ["X-Idempotency-Key", "Idempotency-Id", "Idempotent-Key", "Idempotency-Keys"]
)
@pytest.mark.parametrize("key", ["k-1", None])
def test_a_key_under_another_name_is_refused_rather_than_dropped(
    tiny: Tiny, name: str, key: str | None
) -> None:
    answer = tiny.client().post("/v1/earnings", AWARD, key=key, headers={name: "k-1"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, name)


def test_a_dry_run_answers_in_full_and_writes_nothing(tiny: Tiny) -> None:
    client = tiny.client()
    answer = client.post("/v1/earnings?dry_run=true", AWARD, key=None)
    assert answer.status_code == 201
    assert answer.json["dry_run"] is True
    assert answer.json["balance"]["points"]["available"] == 100
    real = client.post("/v1/earnings?dry_run=false", AWARD)
    assert "dry_run" not in real.json
    assert real.json["account_version"] == 1


@pytest.mark.parametrize(
    "query", ["dry_run=1", "dry_run=True", "dry_run=", "dry_run=true&dry_run=true", "dryrun=true"]
)
def test_a_dry_run_that_is_not_clearly_one_is_refused(tiny: Tiny, query: str) -> None:
    answer = tiny.client().post(f"/v1/earnings?{query}", AWARD)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


def test_an_id_from_the_path_is_part_of_the_request(tiny: Tiny) -> None:
    client = tiny.client()
    client.post("/v1/earnings", AWARD)
    spends = [
        client.post("/v1/redemptions", {"member_id": "m-1", "points": 10, "reference": f"r-{n}"}).json[
            "redemption_id"
        ]
        for n in (1, 2)
    ]
    back = {"points": 5, "reference": "b-1"}
    first = client.post(f"/v1/redemptions/{spends[0]}/refunds", back, key="k-1")
    assert first.status_code == 201
    assert client.post(f"/v1/redemptions/{spends[0]}/refunds", back, key="k-1").data == first.data
    other = client.post(f"/v1/redemptions/{spends[1]}/refunds", back, key="k-1")
    assert other.json["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("redemption", ["red_" + "0" * 32, "red_x", "ent_" + "0" * 32, "r-1"])
def test_an_id_that_names_nothing_is_404(tiny: Tiny, redemption: str) -> None:
    answer = tiny.client().post(f"/v1/redemptions/{redemption}/refunds", {"points": 5, "reference": "b-1"})
    assert (answer.status_code, answer.json["code"]) == (404, "redemption_unknown")


@pytest.mark.parametrize("operation", [EARNING, REDEMPTION, REFUND], ids=lambda operation: operation.name)
def test_a_fingerprint_tells_operations_and_payloads_apart_and_forgets_their_order(
    operation: Operation,
) -> None:
    one = operation.fingerprint({"a": 1, "b": {"d": 1, "c": "积"}})
    assert len(one) == 16
    assert one == operation.fingerprint({"b": {"c": "积", "d": 1}, "a": 1})
    assert one != operation.fingerprint({"a": "1", "b": {"d": 1, "c": "积"}})
    others = {o.fingerprint({"a": 1}) for o in (EARNING, REDEMPTION, REFUND)}
    assert len(others) == 3


def test_two_applications_answer_a_key_alike(tiny: Tiny) -> None:
    first = tiny.client().post("/v1/earnings", AWARD, key="k-1")
    other = Tiny(tiny_app(tiny.app.extensions["ledger"].database), tiny.owner, tiny.program)
    assert other.client().post("/v1/earnings", AWARD, key="k-1").data == first.data
