"""Locks of members: what a freeze and a spend lock refuse, what they let pass, and who has put them on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ledger import clock
from tests.checkout import (
    NOON,
    Checkout,
    capture_of,
    fen,
    fresh,
    hold_of,
    quote_of,
    redemption_of,
    release_of,
)

WHY = {"reason": "a call"}
FROZEN, SPEND = ("freeze", "unfreeze", "member_frozen"), ("spend-lock", "spend-unlock", "spend_locked")
Body = dict[str, Any]
Ask = Callable[[Checkout], tuple[str, Body]]


def change(shop: Checkout, step: str, member: str = "ann", role: str = "operator") -> Any:
    return shop.send(f"/v1/members/{member}/{step}", WHY, role=role)


def put(shop: Checkout, step: str, member: str = "ann") -> dict[str, bool]:
    """The locks of the member after a step that succeeds."""
    answer = change(shop, step, member)
    assert answer.status_code == 200, answer.data
    locks: dict[str, bool] = answer.json["locks"]
    return locks


@pytest.fixture
def ann(shop: Checkout) -> Checkout:
    """A checkout where ann has 5,000 points and bob has 100."""
    shop.award(5_000)
    shop.award(100, member_id="bob")
    return shop


def given_away(sender: str, recipient: str) -> tuple[str, Body]:
    body = {"from_member_id": sender, "to_member_id": recipient, "points": 10, "reference": fresh("t")}
    return "/v1/transfers", body


def activity(_shop: Checkout) -> tuple[str, Body]:
    body = {"activity_id": fresh("y"), "member_id": "ann", "type": "sign_in", "occurred_at": clock.show(NOON)}
    return "/v1/activities", body


def award(_shop: Checkout) -> tuple[str, Body]:
    return "/v1/earnings", {"member_id": "ann", "points": 5, "reason": "gift", "reference": fresh("a")}


def quoted(shop: Checkout) -> dict[str, Any]:
    return {"quote_id": shop.quote(2_000, 100)["quote_id"]}


SPENDING: dict[str, Ask] = {
    "redemption": lambda _shop: ("/v1/redemptions", redemption_of(10)),
    "redemption of a quote": lambda shop: ("/v1/redemptions", redemption_of(**quoted(shop))),
    "hold": lambda _shop: ("/v1/holds", hold_of(10)),
    "hold on a quote": lambda shop: ("/v1/holds", hold_of(**quoted(shop))),
    "quote": lambda _shop: ("/v1/quotes", quote_of(2_000, 100)),
    "purchase by a quote": lambda shop: ("/v1/purchases", shop.purchase_of(2_000, **quoted(shop))),
    "transfer": lambda _shop: given_away("ann", "bob"),
}
PROMISED: dict[str, Ask] = {
    "capture": lambda shop: (capture_of(shop.hold(10)), {}),
    "purchase by a hold": lambda shop: (
        "/v1/purchases",
        shop.purchase_of(2_000, quote_id=shop.hold(**quoted(shop))["quote_id"]),
    ),
}
RECEIVING: dict[str, Ask] = {
    "award": award,
    "activity": activity,
    "transfer to her": lambda _shop: given_away("bob", "ann"),
}
REFUSED_BY_A_FREEZE = SPENDING | PROMISED | RECEIVING


def refunded(shop: Checkout) -> tuple[str, Body]:
    spent = shop.must("/v1/redemptions", redemption_of(10))
    return f"/v1/redemptions/{spent['redemption_id']}/refunds", {"points": 5, "reference": fresh("f")}


def returned(shop: Checkout) -> tuple[str, Body]:
    bought = shop.buy(10_000)
    return f"/v1/purchases/{bought['purchase_id']}/returns", shop.return_of(5_000)


FACTS: dict[str, Ask] = {
    "purchase": lambda shop: ("/v1/purchases", shop.purchase_of(10_000)),
    "purchase paid elsewhere": lambda shop: (
        "/v1/purchases",
        shop.purchase_of(10_000, points_value=fen(50)),
    ),
    "return": returned,
    "refund": refunded,
    "release": lambda shop: (release_of(shop.hold(10)), {}),
    "reversal": lambda shop: (f"/v1/entries/{shop.award(5)['entry_id']}/reversal", {"reason": "a mistake"}),
}


# --- what is refused -----------------------------------------------------------------------------


def each(asks: dict[str, Ask]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("ask", list(asks.values()), ids=list(asks))


def check_refused(shop: Checkout, ask: Ask, lock: tuple[str, str, str]) -> None:
    """Refused while the lock is on, under a key that keeps the refusal; asked anew when it is off, it succeeds."""
    on, off, code = lock
    path, body = ask(shop)
    put(shop, on)
    key = {"Idempotency-Key": fresh("once")}
    problem = shop.refused(path, body, code, role="admin", headers=key)
    assert (problem["status"], problem["member_id"]) == (422, "ann")
    put(shop, off)
    again = shop.send(path, body, role="admin", headers=key)
    assert (again.json["code"], again.headers["Idempotency-Replayed"]) == (code, "true")
    shop.must(path, body, role="admin")


@each(REFUSED_BY_A_FREEZE)
def test_a_freeze_refuses_what_moves_points_by_a_wish(ann: Checkout, ask: Ask) -> None:
    check_refused(ann, ask, FROZEN)


@each(SPENDING)
def test_a_spend_lock_refuses_what_spends(ann: Checkout, ask: Ask) -> None:
    check_refused(ann, ask, SPEND)


@each(FACTS)
def test_what_has_happened_is_booked_though_points_are_frozen(ann: Checkout, ask: Ask) -> None:
    path, body = ask(ann)
    put(ann, "freeze")
    put(ann, "spend-lock")
    ann.must(path, body, role="admin")


@each(PROMISED | RECEIVING)
def test_what_is_earned_or_was_promised_before_passes_a_spend_lock(ann: Checkout, ask: Ask) -> None:
    path, body = ask(ann)
    put(ann, "spend-lock")
    ann.must(path, body, role="admin")


def test_both_locks_are_told_as_the_freeze_and_one_ends_without_the_other(ann: Checkout) -> None:
    assert put(ann, "spend-lock") == {"frozen": False, "spend": True, "review": False}
    assert put(ann, "freeze") == {"frozen": True, "spend": True, "review": False}
    ann.refused("/v1/redemptions", redemption_of(1), "member_frozen")
    assert put(ann, "unfreeze") == {"frozen": False, "spend": True, "review": False}
    ann.refused("/v1/redemptions", redemption_of(1), "spend_locked")
    assert put(ann, "spend-unlock") == {"frozen": False, "spend": False, "review": False}
    ann.must("/v1/redemptions", redemption_of(1))


def test_of_a_frozen_member_holds_lapse_and_points_expire_by_the_clock(ann: Checkout) -> None:
    ann.award(7, member_id="cat", expires_at=clock.show(NOON + timedelta(days=1)))
    ann.hold(5, member_id="cat")
    put(ann, "freeze", "cat")
    ann.wait(days=2)
    assert ann.points("cat") == (0, 0, 0)
    ann.buy(1_000, member_id="cat")
    assert ann.points("cat") == (10, 0, 0)


def test_an_adjustment_by_two_keys_reaches_a_frozen_member(ann: Checkout) -> None:
    put(ann, "freeze")
    wanted = {"member_id": "ann", "points": -1_000, "reason": "stolen"}
    proposed = ann.must("/v1/adjustments", wanted, status=202, role="operator")
    path = f"/v1/adjustments/{proposed['adjustment_id']}/approve"
    ann.must(path, role="approver")
    assert ann.points() == (4_000, 0, 0)


@pytest.mark.parametrize("is_purchase", [False, True])
@pytest.mark.parametrize(
    ("step", "code"), [("freeze", "taken_while_frozen"), ("spend-lock", "taken_while_spend_locked")]
)
def test_what_a_till_took_offline_is_booked_and_somebody_is_told(
    ann: Checkout, step: str, code: str, is_purchase: bool
) -> None:
    ann.terms(offline={"credit": 1_000})
    offline = {"device_id": "till-1", "occurred_at": clock.show(NOON)}
    if is_purchase:
        part = {"device_id": "till-1", "points": 30, "rate_version": 1}
        path, body = "/v1/purchases", ann.purchase_of(2_000, offline=part)
    else:
        path, body = "/v1/redemptions", redemption_of(30, offline=offline)
    put(ann, step)
    rehearsed = ann.must(path, body, query_string="dry_run=true")
    assert rehearsed["dry_run"] is True
    assert ann.get("/v1/alerts")["data"] == []
    booked = ann.must(path, body)
    (alert,) = ann.get("/v1/alerts")["data"]
    assert (alert["code"], alert["subject"]) == (code, booked["entry_id"])
    assert alert["details"]["member_id"] == "ann"
    assert all("ann" in alert["text"][language] for language in ("en", "zh"))
    put(ann, step.replace("freeze", "unfreeze").replace("spend-lock", "spend-unlock"))
    ann.must("/v1/redemptions", redemption_of(30, offline=offline))
    assert len(ann.get("/v1/alerts")["data"]) == 1


# --- by whatever way it is asked -----------------------------------------------------------------


def test_a_batch_refuses_the_frozen_member_alone_and_an_atomic_one_all(ann: Checkout) -> None:
    put(ann, "freeze")
    bodies = [redemption_of(1), redemption_of(1, member_id="bob")]
    items = [{"operation": "redemption", "body": body} for body in bodies]

    def results(query: str = "") -> list[Any]:
        keyed = [item | {"idempotency_key": fresh("once")} for item in items]
        answer = ann.send(f"/v1/batches{query}", {"operations": keyed})
        return [result["body"].get("code") for result in answer.json["results"]]

    assert results("?dry_run=true") == ["member_frozen", None]
    assert results() == ["member_frozen", None]
    assert ann.points("bob") == (99, 0, 0)


def test_an_answer_that_is_remembered_is_given_though_the_member_is_frozen_since(ann: Checkout) -> None:
    key, body = {"Idempotency-Key": fresh("once")}, redemption_of(10)
    first = ann.send("/v1/redemptions", body, headers=key)
    put(ann, "freeze")
    again = ann.send("/v1/redemptions", body, headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_frozen_referrer_keeps_nobody_from_being_brought(ann: Checkout) -> None:
    put(ann, "freeze")
    path, body = activity(ann)
    brought = {**body, "member_id": "new", "type": "referral", "attributes": {"referrer": "ann"}}
    ann.must(path, brought)


# --- who, why, when ------------------------------------------------------------------------------


def test_history_tells_who_and_why_and_the_member_tells_what_is_on(ann: Checkout) -> None:
    put(ann, "freeze")
    ann.wait(hours=1)
    assert change(ann, "spend-lock", role="checkout").status_code == 200
    assert change(ann, "unfreeze", role="admin").status_code == 200
    events = ann.get("/v1/members/ann/locks")["data"]
    later = clock.show(NOON + timedelta(hours=1))
    assert [(each["lock"], each["on"], each["reason"], each["recorded_at"]) for each in events] == [
        ("frozen", False, "a call", later),
        ("spend", True, "a call", later),
        ("frozen", True, "a call", clock.show(NOON)),
    ]
    keys = {role: ann.tenant.keys[role].split("_")[1] for role in ("operator", "checkout", "admin")}
    assert [each["changed_by"] for each in events] == [keys["admin"], keys["checkout"], keys["operator"]]
    assert ann.get("/v1/members/ann")["locks"] == {"frozen": False, "spend": True, "review": False}
    assert ann.get("/v1/members/bob")["locks"] == {"frozen": False, "spend": False, "review": False}
    first = ann.get("/v1/members/ann/locks?limit=2")
    rest = ann.get(f"/v1/members/ann/locks?cursor={first['next_cursor']}")
    assert first["data"] + rest["data"] == events


def test_what_is_so_already_changes_nothing(ann: Checkout) -> None:
    for step in ("freeze", "spend-lock"):
        put(ann, step)
        before = ann.service.rows()
        put(ann, step)
        assert ann.service.rows() == before
    for step in ("unfreeze", "spend-unlock"):
        before = ann.service.rows()
        put(ann, step, "bob")
        assert ann.service.rows() == before


def test_a_lock_changes_no_balance_and_no_version(ann: Checkout) -> None:
    before = ann.get("/v1/members/ann/balance")
    put(ann, "freeze")
    assert ann.get("/v1/members/ann/balance") == before


@pytest.mark.parametrize("step", ["freeze", "unfreeze", "spend-lock", "spend-unlock"])
def test_nobody_locks_who_is_not_there_nor_without_a_reason(ann: Checkout, step: str) -> None:
    path = f"/v1/members/nobody/{step}"
    assert ann.refused(path, WHY, "member_unknown", role="admin")["status"] == 404
    for body in ({}, {"reason": ""}, {"reason": "x" * 257}, {"reason": "x", "by": "me"}):
        assert ann.refused(f"/v1/members/ann/{step}", body, "invalid_request", role="admin")


@pytest.mark.parametrize("role", ["pos", "checkout", "finance", "approver", "readonly"])
def test_who_serves_or_reads_neither_freezes_nor_unfreezes(ann: Checkout, role: str) -> None:
    for step in ("freeze", "unfreeze"):
        assert change(ann, step, role=role).json["required_scope"] == "freeze"
