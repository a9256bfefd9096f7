"""A walk through every operation of the service: each answer has the shape that the document gives it.

Read as strictly as a schema can be read: formats are checked, and an answer has no member that the document
keeps quiet about.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openapi_schema_validator import OAS31Validator

from ledger.access.keys import key_id_of
from ledger.rules.terms import DEFAULT_TERMS
from tests.ladders import tiers
from tests.shapes import Page, Schema, pages
from tests.whole_service import Tenant, purchase_of

PAGES = {page.route.name: page for page in pages()}
NOON = "2026-11-01T12:00:00+08:00"


class Walk:
    """Sends what a step asks for, and judges what comes back."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.walked: set[str] = set()

    def step(self, name: str, body: Any = None, status: int | None = None, **how: Any) -> Any:
        """The answer of the operation of that name, which has that status and the shape of its page."""
        page = PAGES[name]
        path = page.path({**self.tenant.facts, **how.pop("ids", {})}) + how.pop("query", "")
        if body is not None:
            how["json"] = body
        answer = self.tenant.send(page.route.method, path, **how)
        assert answer.status_code == (status or page.route.statuses[0]), answer.data
        self.walked.add(name)
        judge(page, answer)
        return answer.json if answer.is_json else answer

    def refuse(self, name: str, code: str, body: Any = None, **how: Any) -> Any:
        """The refusal of that code, whose details the document need not list."""
        page = PAGES[name]
        path = page.path({**self.tenant.facts, **how.pop("ids", {})})
        answer = self.tenant.send(page.route.method, path, json=body, **how)
        assert answer.json["code"] == code, answer.data
        judge(page, answer)
        return answer.json


def judge(page: Page, answer: Any) -> None:
    """Fail unless the document says this of the operation's answers."""
    response = page.page["responses"][str(answer.status_code)]
    content = response["content"][answer.mimetype]
    for header in response.get("headers", ()):
        assert header in answer.headers or header == "Idempotency-Replayed"
    if answer.is_json:
        schema = page.resolved(content["schema"])
        faults = list(OAS31Validator(whole(page, schema), format_checker=FORMATS).iter_errors(answer.json))
        assert not faults, [fault.message for fault in faults]
        if answer.status_code < 400:
            assert not sorted(undocumented(page, schema, answer.json))


FORMATS = OAS31Validator.FORMAT_CHECKER


def whole(page: Page, schema: Schema) -> Schema:
    """A schema with all that it may refer to."""
    return {**schema, "components": page.document["components"]}


def undocumented(page: Page, schema: Schema, value: Any, where: str = "") -> Iterator[str]:
    """The members of an answer that its schema does not name."""
    schema = page.resolved(schema)
    for either in ("anyOf", "oneOf"):
        for one in schema.get(either, ()):
            if page.allows(one, value):
                schema = page.resolved(one)
    if isinstance(value, list):
        for item in value:
            yield from undocumented(page, schema.get("items", {}), item, f"{where}[]")
    if isinstance(value, dict) and "properties" in schema:
        for name, item in value.items():
            if name in schema["properties"]:
                yield from undocumented(page, schema["properties"][name], item, f"{where}.{name}")
            else:
                yield f"{where}.{name}"


@pytest.fixture
def walk(tenant: Tenant) -> Walk:
    return Walk(tenant)


def test_every_answer_has_the_shape_that_the_document_gives_it(walk: Walk) -> None:
    go_shopping(walk)
    go_wrong(walk)
    pay_with_points(walk)
    take_back_payments(walk)
    take_points_offline(walk)
    send_many(walk)
    lock_members(walk)
    review_awards(walk)
    merge_members(walk)
    make_rules(walk)
    make_keys(walk)
    set_rates(walk)
    reconcile(walk)
    measure_in_money(walk)
    close_months(walk)
    run_the_program(walk)
    # What only reads needs no script.
    for name in PAGES.keys() - walk.walked:
        assert PAGES[name].route.method == "GET", f"{name} is missing from the walk"
        walk.step(name, ids={"name": "viewer.js"})
        if "format" in PAGES[name].parameters("query"):
            answer = walk.step(name, query="?format=csv")
            assert answer.mimetype == "text/csv"
    assert walk.walked == PAGES.keys()


def go_shopping(walk: Walk) -> None:
    source = {"store": "s-1", "region": "east", "channel": "pos", "operator": "o-1", "terminal": "t-1"}
    line = {"line_id": "1", "quantity": 2, "amount": 10_000, "sku": "A", "category": "coffee"}
    purchase = {**purchase_of("m-1", "p-9"), **source, "lines": [line], "quote_id": None}
    bought = walk.step("post_purchase", purchase)
    rehearsed = walk.step("post_purchase", {**purchase, "purchase_id": "p-8"}, query="?dry_run=true")
    assert rehearsed["dry_run"] is True
    walk.step("post_purchase", {**purchase_of("m-3", "p-7", amount=0)})
    activity = {**source, "activity_id": "y-9", "member_id": "m-1", "occurred_at": purchase["occurred_at"]}
    walk.step("post_activity", {**activity, "type": "sign_in", "attributes": {"app": "3.1", "build": 7}})
    brought = {
        "activity_id": "y-8",
        "member_id": "m-7",
        "type": "referral",
        "attributes": {"referrer": "m-1"},
    }
    walk.step("post_activity", {**activity, **brought})
    member = {"region": "east", "store": "s-1", "enrolled_at": NOON, "attributes": {"vip": True, "age": 7}}
    walk.step("change_member", member, status=201, ids={"member_id": "m-8"})
    walk.step("change_member", {}, ids={"member_id": "m-8"})
    walk.step("erase", {"reason": "retention"}, ids={"member_id": "m-8"})
    walk.step("erase", ids={"member_id": "m-8"})
    walk.refuse("change_member", "member_erased", member, ids={"member_id": "m-8"})
    walk.refuse("erase", "member_unknown", ids={"member_id": "m-99"})
    grant_budget(walk)
    adjust(walk)
    award = {"member_id": "m-1", "points": 5, "reason": "sorry", "reference": "a-9", "fund": "care"}
    walk.step(
        "post_earning",
        {**award, "available_at": "2027-01-01T00:00:00Z", "expires_at": "2028-01-01T00:00:00Z"},
    )
    spent = walk.step("post_redemption", {"member_id": "m-1", "points": 50, "reference": "x-9"})
    ids = {"redemption_id": spent["redemption_id"]}
    walk.step("post_refund", {"points": 10, "reference": "f-9"}, ids=ids)
    moved = {"from_member_id": "m-1", "to_member_id": "m-2", "points": 7, "reference": "t-9"}
    transfer = walk.step("post_transfer", moved)
    back = {"return_id": "r-9", "occurred_at": purchase["occurred_at"]}
    piece = {"line_id": "1", "quantity": 1, "amount": 2_000}
    walk.step("post_return", {**back, "lines": [piece]}, ids={"purchase_id": "p-9"})
    for entry in (spent, transfer, bought):
        walk.step("post_reversal", {"reason": "mistake"}, ids={"entry_id": entry["entry_id"]})


def adjust(walk: Walk) -> None:
    """Points put right by hand, up and down, rehearsed, rejected, and refused."""
    wanted = {"member_id": "m-1", "points": 9, "reason": "a mistake"}
    rehearsed = walk.step("propose_member_adjustment", wanted, query="?dry_run=true")
    assert rehearsed["dry_run"] is True
    how: dict[str, Any] = {"role": "approver"}
    approve = "approve_member_adjustment"
    for points in (9, -9):
        proposed = walk.step(
            "propose_member_adjustment", {**wanted, "points": points, "reference": f"j{points}"}
        )
        ids = {"adjustment_id": proposed["adjustment_id"]}
        walk.refuse(approve, "self_approval", ids=ids)
        walk.step(approve, ids=ids, query="?dry_run=true", **how)
        walk.step(approve, {"content_hash": proposed["content_hash"]}, ids=ids, **how)
        walk.refuse(approve, "approval_decided", ids=ids, **how)
    proposed = walk.step("propose_member_adjustment", {**wanted, "points": 1 - 2**53})
    ids = {"adjustment_id": proposed["adjustment_id"]}
    walk.refuse(approve, "insufficient_points", ids=ids, **how)
    generic = {"approval_id": ids["adjustment_id"].replace("adj_", "apr_")}
    walk.refuse("approve_proposal", "insufficient_points", {}, ids=generic, **how)
    walk.step("reject_member_adjustment", {"reason": "no"}, ids=ids, **how)
    walk.refuse("propose_member_adjustment", "member_unknown", {**wanted, "member_id": "m-99"})
    walk.refuse("propose_member_adjustment", "reference_exists", {**wanted, "reference": "j9"})
    walk.refuse("propose_member_adjustment", "invalid_request", {**wanted, "reference": "adj_9"})
    walk.refuse("show_adjustment", "adjustment_unknown", ids={"adjustment_id": "adj_" + "0" * 32})


def grant_budget(walk: Walk) -> None:
    walk.tenant.facts["fund"] = "care"
    change = {"points": 50, "reason": "a plan", "reference": "g-1"}
    for name, body in (
        ("propose_grant", change),
        ("propose_withdrawal", {**change, "points": 5, "reference": "g-2"}),
    ):
        proposed = walk.step(name, body)
        approval = {"approval_id": proposed["approval_id"]}
        walk.step("approve_proposal", {}, ids=approval, role="approver")
    walk.refuse("post_earning", "budget_exhausted", {**change, "member_id": "m-1", "fund": "care"})
    walk.step("top_up_shares", {})


def go_wrong(walk: Walk) -> None:
    """One refusal of each status that the business knows, and a replay of one."""
    spend = {"member_id": "m-1", "points": 2**53 - 1, "reference": "x-8"}
    key = {"headers": {"Idempotency-Key": "once"}}
    first = walk.refuse("post_redemption", "insufficient_points", spend, **key)
    assert walk.refuse("post_redemption", "insufficient_points", spend, **key) == first
    walk.refuse("post_redemption", "idempotency_key_reused", {**spend, "points": 1}, **key)
    walk.refuse("post_redemption", "invalid_request", {**spend, "points": 0})
    walk.refuse("post_redemption", "idempotency_key_missing", spend, headers={"Idempotency-Key": None})
    walk.refuse("post_redemption", "unauthenticated", spend, headers={"Authorization": None})
    walk.refuse("post_redemption", "forbidden", spend, role="readonly")
    walk.refuse("post_redemption", "member_unknown", {**spend, "member_id": "m-99"})
    walk.refuse("post_purchase", "purchase_exists", purchase_of("m-1", "p-1"))
    activity = {"activity_id": "y-9", "member_id": "m-2", "type": "share", "occurred_at": NOON}
    walk.refuse("post_activity", "activity_exists", activity)
    brought = {**activity, "activity_id": "y-7", "type": "referral", "attributes": {"referrer": "m-2"}}
    walk.refuse("post_activity", "self_referral", brought)
    walk.refuse("post_activity", "invalid_request", {**brought, "attributes": {"referrer": 7}})
    walk.refuse("post_activity", "member_unknown", {**brought, "attributes": {"referrer": "m-99"}})
    walk.refuse("post_activity", "referral_exists", {**brought, "member_id": "m-7"})
    walk.refuse(
        "post_activity",
        "referral_too_late",
        {**brought, "attributes": {"referrer": "m-1"}, "member_id": "m-3"},
    )
    walk.refuse(
        "post_activity",
        "circular_referral",
        {**brought, "member_id": "m-1", "attributes": {"referrer": "m-7"}},
    )
    walk.refuse("post_purchase", "currency_mismatch", {**purchase_of("m-1", "p-6"), "currency": "EUR"})


PRICE = {"amount": 1_000, "currency": "CNY"}


def pay_with_points(walk: Walk) -> None:
    """Quotes and holds, and the ways in which they are refused."""
    gift = {"member_id": "m-5", "points": 1_000, "reason": "gift", "reference": "a-5"}
    walk.step("post_earning", gift)
    asked = {"member_id": "m-5", "price": PRICE, "points": 100, "store": "s-1", "sku": "A"}
    rehearsed = walk.step("post_quote", asked, query="?dry_run=true", headers={"Idempotency-Key": None})
    assert rehearsed["dry_run"] is True
    quoted = walk.step("post_quote", asked)
    spent = {"member_id": "m-5", "quote_id": quoted["quote_id"], "reference": "x-5"}
    walk.step("post_redemption", spent)
    walk.refuse("post_hold", "quote_used", {**spent, "reference": "h-5"})
    walk.refuse("post_hold", "quote_unknown", {**spent, "quote_id": "quo_1", "reference": "h-5"})
    walk.refuse("post_quote", "member_unknown", {**asked, "member_id": "m-99"})
    walk.refuse("post_quote", "currency_mismatch", {**asked, "price": {"amount": 1, "currency": "EUR"}})
    walk.refuse("post_quote", "points_not_offered", {**asked, "points": 1_001})
    walk.refuse("post_quote", "insufficient_points", {**asked, "points": 950})
    held = walk.step("post_hold", {"member_id": "m-5", "points": 50, "reference": "h-1", "expires_in": 60})
    ids = {"hold_id": held["hold_id"]}
    walk.refuse("post_capture", "capture_exceeds_hold", {"points": 51}, ids=ids)
    walk.step("post_capture", {"points": 20}, ids=ids)
    walk.refuse("post_capture", "hold_not_open", {}, ids=ids)
    walk.refuse("post_release", "hold_not_open", {}, ids=ids)
    walk.refuse("post_release", "hold_unknown", {}, ids={"hold_id": "hld_1"})
    on_quote = hold_a_quote(walk, asked, "h-2")
    assert walk.step("post_release", ids={"hold_id": on_quote["hold_id"]})["points"] == 100
    on_quote = hold_a_quote(walk, asked, "h-3")
    walk.step("post_capture", ids={"hold_id": on_quote["hold_id"]})
    for _ in range(5):
        walk.step("post_quote", asked)
    walk.refuse("post_quote", "too_many_quotes", asked)


def hold_a_quote(walk: Walk, asked: dict[str, Any], reference: str) -> Any:
    quoted = walk.step("post_quote", asked)
    body = {"member_id": asked["member_id"], "quote_id": quoted["quote_id"], "reference": reference}
    return walk.step("post_hold", body)


def take_back_payments(walk: Walk) -> None:
    """Goods paid by a hold on a quote go back, piece by piece; and what refuses that."""
    gift = {"member_id": "m-6", "points": 500, "reason": "gift", "reference": "a-6"}
    walk.step("post_earning", gift)
    asked = {"member_id": "m-6", "price": PRICE, "points": 200}
    quoted = walk.step("post_quote", asked)
    bought = {**purchase_of("m-6", "p-60", 1_000), "quote_id": quoted["quote_id"]}
    walk.refuse("post_purchase", "quote_price_mismatch", {**bought, "lines": purchase_of("", "")["lines"]})
    paid = walk.step("post_purchase", bought)
    assert paid["paid"]["points"] == 200
    on_quote = hold_a_quote(walk, asked, "h-6")
    by_hold = walk.step("post_purchase", {**bought, "purchase_id": "p-61", "quote_id": on_quote["quote_id"]})
    assert by_hold["paid"]["hold_id"] == on_quote["hold_id"]
    spend_all = {"member_id": "m-6", "points": by_hold["balance"]["points"]["available"], "reference": "x-6"}
    walk.step("post_redemption", spend_all)
    for policy, number in (("debt", 1), ("deduct_cash", 2)):
        walk.step("change_program_terms", DEFAULT_TERMS | {"returns": {"shortfall": policy}})
        back = {"return_id": f"r-6{number}", "occurred_at": bought["occurred_at"]}
        piece = {"line_id": "1", "quantity": 1, "amount": 500}
        walk.step("post_return", {**back, "lines": [piece]}, ids={"purchase_id": f"p-6{number - 1}"})
    earned = walk.step("post_purchase", purchase_of("m-9", "p-62"))
    walk.step("post_redemption", {"member_id": "m-9", "points": earned["points"], "reference": "x-62"})
    walk.step("change_program_terms", DEFAULT_TERMS | {"returns": {"shortfall": "refuse"}})
    line = {"line_id": "1", "quantity": 2, "amount": 10_000}
    whole = {"return_id": "r-63", "occurred_at": purchase_of("", "")["occurred_at"], "lines": [line]}
    walk.refuse("post_return", "points_already_spent", whole, ids={"purchase_id": "p-62"})


def take_points_offline(walk: Walk) -> None:
    """A till that was offline: what it took is a fact, within its credit."""
    when = purchase_of("", "")["occurred_at"]
    taken = {"member_id": "m-5", "points": 10, "reference": "o-1"}
    offline = {"device_id": "d-1", "occurred_at": when}
    walk.refuse("post_redemption", "offline_not_allowed", {**taken, "offline": offline})
    barred = {"exceptions": [{"stores": ["s-9"], "redeemable": False}]}
    terms = DEFAULT_TERMS | {"offline": {"credit": 1_000}, "redemption": barred}
    walk.step("change_program_terms", terms)
    walk.refuse("post_redemption", "not_redeemable_here", {**taken, "store": "s-9"})
    walk.step("post_redemption", {**taken, "offline": offline})
    overrun = walk.step("post_redemption", {**taken, "points": 1_000, "reference": "o-2", "offline": offline})
    assert overrun["offline"]["flagged"] is True
    (alert, *_) = walk.step("list_program_alerts", query="?acknowledged=false")["data"]
    walk.step("acknowledge_alert", {"note": "paid in cash"}, ids={"alert_id": alert["alert_id"]})
    walk.refuse("acknowledge_alert", "alert_unknown", {"note": "x"}, ids={"alert_id": "alr_1"})
    beyond = {**taken, "points": 1_001, "reference": "o-3", "offline": offline}
    walk.refuse("post_redemption", "offline_credit_exceeded", beyond)
    sold = purchase_of("m-6", "p-63")
    walk.refuse(
        "post_purchase",
        "rate_unknown",
        {**sold, "offline": {"device_id": "d-1", "points": 5, "rate_version": 7}},
    )
    too_much = {"device_id": "d-1", "points": 10_001, "rate_version": 1}
    walk.refuse("post_purchase", "points_not_offered", {**sold, "offline": too_much})
    part = {**too_much, "points": 900}
    assert walk.step("post_purchase", {**sold, "offline": part})["paid"]["offline"]["flagged"] is True


def lock_members(walk: Walk) -> None:
    """A member is frozen and locks his spending; what is refused of it, and how it ends."""
    gift = {"member_id": "m-4", "points": 100, "reason": "gift", "reference": "a-4"}
    walk.step("post_earning", gift)
    spend = {"member_id": "m-4", "points": 5, "reference": "x-4"}
    why, ids = {"reason": "a call"}, {"member_id": "m-4"}
    for lock, unlock, code in (
        ("freeze_member", "unfreeze_member", "member_frozen"),
        ("lock_spending", "unlock_spending", "spend_locked"),
    ):
        walk.step(lock, why, ids=ids)
        walk.refuse("post_redemption", code, spend)
        walk.step(unlock, why, ids=ids)
        walk.refuse(lock, "member_unknown", why, ids={"member_id": "m-99"})
    walk.step("post_redemption", spend)
    assert len(walk.step("list_locks", ids=ids)["data"]) == 4


def review_awards(walk: Walk) -> None:
    """What a member is awarded is held; one of it is released, one rejected, and goods go back meanwhile."""
    why, ids = {"reason": "a call"}, {"member_id": "m-65"}
    gift = {"member_id": "m-65", "points": 100, "reason": "gift"}
    walk.step("post_earning", {**gift, "reference": "a-60"})
    walk.step("review_member", why, ids=ids)
    for number in (1, 2):
        walk.step("post_earning", {**gift, "reference": f"a-6{number}"})
    bought = purchase_of("m-65", "p-65")
    walk.step("post_purchase", bought)
    walk.step("unreview_member", why, ids=ids)
    held = walk.step("list_program_reviews", query="?status=open&member_id=m-65")["data"]
    assert len(held) == 3
    line = {"line_id": "1", "quantity": 1, "amount": 4_000}
    back = {"return_id": "r-65", "occurred_at": bought["occurred_at"], "lines": [line]}
    assert walk.step("post_return", back, ids={"purchase_id": "p-65"})["under_review"] == 40
    first, second, third = ({"review_id": each["review_id"]} for each in held)
    walk.refuse("post_capture", "hold_under_review", {}, ids={"hold_id": first["review_id"]})
    walk.refuse("release_review", "self_review", why, ids=first)
    walk.refuse("release_review", "review_unknown", why, ids={"review_id": "hld_1"})
    walk.refuse("list_program_reviews", "member_unknown", query_string="member_id=m-99")
    for name, review in (("reject_review", first), ("release_review", second), ("reject_review", third)):
        walk.step(name, why, ids=review, query="?dry_run=true", role="operator")
        walk.step(name, why, ids=review, role="operator")
        walk.refuse(name, "review_decided", why, ids=review, role="operator")
    walk.step("explain_purchase", ids={"purchase_id": "p-65"})
    walk.tenant.facts |= first


def merge_members(walk: Walk) -> None:
    """Two members are merged and parted again, each by two keys."""
    ids, wanted = {"member_id": "m-66"}, {"duplicate_id": "m-67", "reason": "duplicate"}
    for member in ("m-66", "m-67"):
        walk.step("post_purchase", purchase_of(member, f"p-{member}") | {"order_id": "o-66"})
    walk.refuse("propose_merge", "same_member", wanted | {"duplicate_id": "m-66"}, ids=ids)
    walk.refuse("propose_merge", "member_unknown", wanted | {"duplicate_id": "m-99"}, ids=ids)
    walk.refuse("propose_unmerge", "merge_unknown", wanted, ids=ids)
    for name in ("propose_merge", "propose_unmerge"):
        proposed = walk.step(name, wanted, ids=ids, role="operator")
        walk.step("approve_proposal", ids={"approval_id": proposed["approval_id"]})
        walk.step("show_member", ids={"member_id": "m-67"})
        walk.step("explain_tier", ids={"member_id": "m-67"})
        (merge,) = walk.step("list_member_merges", ids=ids)["data"]
        if merge["undone_at"] is None:
            walk.refuse("propose_merge", "member_merged", wanted, ids=ids)
            walk.refuse(
                "propose_merge",
                "member_has_merges",
                {**wanted, "duplicate_id": "m-66"},
                ids={"member_id": "m-65"},
            )


def send_many(walk: Walk) -> None:
    operations = [
        {
            "operation": "redemption",
            "idempotency_key": f"b-{points}",
            "body": {"member_id": "m-2", "points": points, "reference": f"b-{points}"},
        }
        for points in (1, 2**53 - 1)
    ]
    answer = walk.step("post_batch", {"operations": operations})
    assert [result["status"] for result in answer["results"]] == [201, 422]
    for result in answer["results"]:
        judge_result("post_redemption", result)
    lines = b"\n".join(map(orjson.dumps, operations))
    streamed = walk.tenant.send_raw("POST", "/v1/batches", lines, content_type="application/x-ndjson")
    judge(PAGES["post_batch"], streamed)
    assert [orjson.loads(line)["status"] for line in streamed.data.splitlines()] == [201, 422]


def judge_result(name: str, result: dict[str, Any]) -> None:
    """An operation of a batch is answered as its own route answers it."""
    page = PAGES[name]
    (content,) = page.page["responses"][str(result["status"])]["content"].values()
    assert page.allows(page.resolved(content["schema"]), result["body"])


def make_rules(walk: Walk) -> None:
    """A region's rule from its draft to everybody's, and the ways in which that is refused."""
    pilot = {
        "code": "east:pilot",
        "unit": "POINT",
        "name": {"en": "Pilot", "zh": "试点"},
        "rate": {"kind": "fixed", "amount": 5},
    }
    arms = [{"code": "A", "weight": 1}, {"code": "B", "weight": 1}]
    trial = {"code": "east:trial", "salt": "1", "arms": arms}
    body = {"owner": "east", "content": {"rules": [pilot], "experiments": [trial]}}
    drafted = walk.step("save_rule_set", body, status=201)
    walk.step("save_rule_set", body)
    walk.refuse("save_rule_set", "invalid_request", {"content": {"rules": [{**pilot, "when": "1 +"}]}})
    ids, east = {"version": str(drafted["version"])}, {"owner": "east"}
    walk.refuse("activate_rule_set", "rule_set_not_approved", {**east, "reason": "x"}, ids=ids)
    proposed = walk.step("propose_rule_set", east, ids=ids)
    walk.refuse("propose_rule_set", "active_from_past", {**east, "active_from": NOON}, ids=ids)
    proposal = {"approval_id": proposed["approval_id"]}
    walk.refuse("approve_proposal", "self_approval", {}, ids=proposal)
    seen = {"content_hash": proposed["content_hash"]}
    walk.step("approve_proposal", seen, ids=proposal, role="approver")
    walk.refuse("reject_proposal", "approval_decided", {"reason": "late"}, ids=proposal, role="approver")
    walk.step("activate_rule_set", {**east, "reason": "back"}, ids=ids, status=201)
    walk.step("show_experiment", ids={"code": "east:trial"})
    tried = {"rule_set": {**east, "version": drafted["version"]}, "terms": DEFAULT_TERMS, "region": "east"}
    walk.step("simulate", tried)
    walk.step("simulate", {"rule_set": body, "from": NOON, "until": NOON})
    everybodys = walk.step("promote_rule_set", east, ids=ids, status=201)
    walk.step("promote_rule_set", east, ids=ids)
    again = walk.step("propose_rule_set", ids={"version": str(everybodys["version"])})
    ids = {"approval_id": again["approval_id"]}
    walk.step("reject_proposal", {"reason": "not yet"}, ids=ids, role="approver")
    for on in (False, True):
        walk.step("switch_rule", {"on": on, "reason": "harm"}, ids={"code": "east:pilot"})
        walk.step("switch_campaign", {"on": on, "reason": "harm"})
    walk.refuse("switch_rule", "rule_unknown", {"on": False, "reason": "harm"}, ids={"code": "none"})


def make_keys(walk: Walk) -> None:
    """A key that one key proposes and another approves."""
    wanted = {"role": "pos", "name": "till-9", "valid_days": 90}
    proposed = walk.step("propose_new_key", wanted)
    ids = {"approval_id": proposed["approval_id"]}
    walk.refuse("approve_proposal", "self_approval", {}, ids=ids)
    made = walk.step("approve_proposal", {}, ids=ids, role="approver")
    assert made["result"]["key_id"] == proposed["subject"]
    walk.refuse("propose_new_key", "invalid_request", {**wanted, "role": "approver"})
    why, kept = {"reason": "a till was lost"}, {"key_id": proposed["subject"]}
    for step in ("freeze_key", "unfreeze_key"):
        walk.step(step, why, ids=kept)
    rotated = walk.step("propose_key_rotation", {**why, "valid_days": 90}, ids=kept)
    walk.step("approve_proposal", {}, ids={"approval_id": rotated["approval_id"]}, role="approver")
    walk.step("revoke_key", why, ids=kept)
    walk.refuse("propose_key_rotation", "key_not_usable", {**why, "valid_days": 90}, ids=kept)
    walk.step("list_events_of_key", ids=kept)
    approving = {"key_id": key_id_of(walk.tenant.keys["approver"])}
    walk.refuse("freeze_key", "key_out_of_reach", why, ids=approving, role="operator")
    walk.refuse("freeze_key", "key_unknown", why, ids={"key_id": "none"})


def set_rates(walk: Walk) -> None:
    """A rate from its proposal to being in force, the band with each of its switches, and what is refused of it."""
    wanted = {"rate": "0.011", "ask": "0.012", "floor": "0.008", "ceiling": "0.013", "max_step": "0.1"}
    proposed = walk.step("propose_rate_version", {**wanted, "reason": "a plan"})
    walk.step("approve_proposal", {}, ids={"approval_id": proposed["approval_id"]}, role="approver")
    later = {"reason": "later", "valid_from": "2035-01-01T00:00:00Z"}
    walk.step("propose_rate_version", {"rate": "0.0115", **later})
    walk.refuse("propose_rate_version", "rate_out_of_bounds", {"rate": "0.014", **later})
    walk.refuse("propose_rate_version", "rate_step_exceeded", {"rate": "0.0089", **later})
    walk.refuse("propose_rate_version", "rate_ask_below_bid", {"rate": "0.011", "ask": "0.01", **later})
    walk.refuse("propose_rate_version", "active_from_past", {"rate": "0.011", **later, "valid_from": NOON})
    walk.refuse("propose_rate_version", "invalid_request", {"rate": "0.0000000001", **later})
    asked = walk.step("propose_automatic_changes", {"reason": "trust"}, role="operator")
    first = {"approval_id": asked["approval_id"]}
    second = walk.step("approve_proposal", {}, ids=first, role="approver")["result"]["second_approval"]
    for code in ("changes", "auto", "controller"):
        walk.step("switch_rate_band", {"code": code, "on": False, "reason": "harm"})
    walk.refuse("switch_rate_band", "invalid_request", {"code": "auto", "on": True, "reason": "x"})
    walk.refuse("propose_automatic_changes", "band_switched_off", {"reason": "trust"})
    walk.refuse("approve_proposal", "band_switched_off", {}, ids={"approval_id": second})
    band = {
        "target": "0.25",
        "low": "0.2",
        "high": "0.3",
        "minimum_volume": 1,
        "lag_hours_max": 24,
        "mode": "auto",
    }
    walk.step("change_program_terms", DEFAULT_TERMS | {"band": band})


def reconcile(walk: Walk) -> None:
    """An order that was booked otherwise, one that was never booked, and files that say nothing."""
    when = purchase_of("", "")["occurred_at"]
    rows = f"purchase_id,occurred_at,amount\np-1,{when},1\nnowhere,{when},5\n"
    made = walk.step("post_reconciliation", {"kind": "orders", "csv": rows})
    assert {each["outcome"] for each in made["data"]} >= {"missing", "different"}
    walk.refuse("post_reconciliation", "invalid_request", {"kind": "orders", "csv": "a,b"})
    walk.refuse("show_reconciliation", "reconciliation_unknown", ids={"reconciliation_id": "rcn_1"})


def close_months(walk: Walk) -> None:
    """A month of long ago is closed in both steps, and another key opens it again."""
    month = {"period": "2020-03"}
    walk.refuse("lock_month", "period_out_of_turn", ids=month)
    walk.step("soft_close_month", ids=month)
    walk.refuse("soft_close_month", "period_out_of_turn", ids=month)
    walk.step("lock_month", ids=month)
    walk.refuse("show_close_pack", "pack_unknown", ids={"period": "2020-04"})
    for form, media_type in (("csv", "text/csv"), ("html", "text/html")):
        assert walk.step("show_close_pack", ids=month, query=f"?format={form}").mimetype == media_type
    pack = walk.step("show_close_pack", ids=month)
    assert pack["period"] == "2020-03"
    proposed = walk.step("propose_to_reopen_month", {"reason": "a mistake"}, ids=month)
    ids = {"approval_id": proposed["approval_id"]}
    walk.refuse("approve_proposal", "self_approval", {}, ids=ids)
    walk.step("approve_proposal", {}, ids=ids, role="approver")
    walk.refuse("propose_to_reopen_month", "period_out_of_turn", {"reason": "again"}, ids=month)
    for step in ("soft_close_month", "lock_month"):
        walk.step(step, ids=month)
    walk.tenant.facts |= month


def measure_in_money(walk: Walk) -> None:
    """A policy for months to come, an estimate, and what is refused of them; the price of a purchase."""
    policy = {
        "method": "agent_net",
        "settlement_price": "0.006",
        "applies_from": "2035-01",
        "reason": "a plan",
    }
    walk.step("propose_deferral_policy", policy)
    walk.refuse("propose_deferral_policy", "policy_in_use", {**policy, "applies_from": "1970-01"})
    walk.refuse("propose_deferral_policy", "invalid_request", {**policy, "method": "cost_provision"})
    share = {"expected_redemption": "0.9", "method": "judgement", "reason": "a plan"}
    proposed = walk.step("propose_redemption_estimate", share)
    walk.step("approve_proposal", {}, ids={"approval_id": proposed["approval_id"]}, role="approver")
    walk.refuse("propose_redemption_estimate", "invalid_request", {**share, "expected_redemption": "0"})
    assert walk.step("show_purchase_allocation")["allocated"] >= 0
    walk.refuse("show_purchase_allocation", "purchase_unknown", ids={"purchase_id": "nowhere"})
    walk.step("show_deferral_book", query="?period=2026-01")


def run_the_program(walk: Walk) -> None:
    policies = [{"kind": "never"}, {"kind": "fixed_days", "days": 1}, {"kind": "rolling", "months": 12}]
    for policy in policies:
        walk.step("change_program_terms", DEFAULT_TERMS | {"points_expiry": policy})
    share = {"percent": 20, "of": "headquarters", "period": "month"}
    walk.step("change_program_terms", DEFAULT_TERMS | {"tiers": tiers(), "region_share": share})
    bought = walk.step("post_purchase", purchase_of("m-2", "p-tiers"))
    assert bought["balance"]["tier"]["code"] == "member"
    grace = {"policy": "grace", "grace_days": 30}
    walk.step("change_program_terms", DEFAULT_TERMS | {"lapsed_refund": grace})
    spent = walk.step("post_redemption", {"member_id": "m-2", "points": 5, "reference": "x-7"})
    walk.step("move_test_clock", {"now": "2036-01-01T00:00:00Z"})
    walk.refuse("move_test_clock", "test_clock_backwards", {"now": NOON})
    refund = walk.step(
        "post_refund", {"points": 5, "reference": "f-7"}, ids={"redemption_id": spent["redemption_id"]}
    )
    assert refund["grace_lot"]["points"] == 5
