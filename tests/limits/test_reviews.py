"""Awards that are held for review: what is held, who decides, and what is left of an award that was rejected."""

from datetime import timedelta
from typing import Any

import psycopg.errors as pg
import pytest
from sqlalchemy.exc import DBAPIError

from ledger import clock
from ledger.expiry.sweep import sweep
from ledger.limits import reviews
from tests.checkout import NOON, Checkout, capture_of, fresh, release_of
from tests.rulesets import fixed, rule
from tests.whole_service import WholeService

Body = dict[str, Any]


def review(shop: Checkout, member: str = "ann", *, on: bool = True) -> None:
    path = f"/v1/members/{member}/{'review' if on else 'unreview'}"
    answer = shop.must(path, {"reason": "odd times"}, status=200, role="operator")
    assert answer["locks"]["review"] is on


def queue(shop: Checkout, query: str = "") -> list[Body]:
    answer = shop.tenant.send("GET", f"/v1/reviews{query}", role="operator")
    assert answer.status_code == 200, answer.data
    found: list[Body] = answer.json["data"]
    return found


def the_review(shop: Checkout, query: str = "?status=open") -> Body:
    (found,) = queue(shop, query)
    return found


def judge(shop: Checkout, how: str, found: Body | None = None, role: str = "operator", **more: Any) -> Body:
    review_id = (found or the_review(shop))["review_id"]
    body = {"reason": "looked at"}
    answer: Body = shop.must(f"/v1/reviews/{review_id}/{how}", body, role=role, **more)
    return answer


def refused(shop: Checkout, how: str, found: Body, code: str, role: str = "operator") -> Body:
    path = f"/v1/reviews/{found['review_id']}/{how}"
    return shop.refused(path, {"reason": "looked at"}, code, role=role)


def growth(shop: Checkout, member: str = "ann") -> int:
    value: int = shop.get(f"/v1/members/{member}/balance")["growth"]["value"]
    return value


def codes(shop: Checkout) -> list[str]:
    return [alert["code"] for alert in shop.get("/v1/alerts")["data"]]


@pytest.fixture
def ann(shop: Checkout) -> Checkout:
    """Ann has 500 points from before, and is under review."""
    shop.award(500)
    review(shop)
    return shop


# --- what is held ---------------------------------------------------------------------------------


def test_what_is_awarded_is_booked_and_held_and_what_was_there_is_not(ann: Checkout) -> None:
    award, bought = ann.award(100), ann.buy(3_000)
    assert (award["balance"]["points"]["available"], award["balance"]["points"]["held"]) == (500, 100)
    assert ann.points() == (500, 130, 0)
    assert growth(ann) == 30
    assert [each["points"] for each in queue(ann)] == [30, 100]
    first = queue(ann)[1]
    admin = ann.tenant.keys["admin"].split("_")[1]
    assert first == {
        "review_id": first["review_id"],
        "member_id": "ann",
        "entry_id": award["entry_id"],
        "points": 100,
        "status": "open",
        "why": {"of": "member"},
        "opened_by": admin,
        "opened_at": clock.show(NOON),
        "expires_at": clock.show(NOON + timedelta(days=30)),
        "decided_by": None,
        "decided_at": None,
        "reason": None,
    }
    assert ann.get(f"/v1/entries/{bought['entry_id']}")["balances_after"]["points"] == 530
    # What is held cannot be spent; what was there before can.
    ann.refused(
        "/v1/redemptions", {"member_id": "ann", "points": 501, "reference": fresh("x")}, "insufficient_points"
    )
    ann.must("/v1/redemptions", {"member_id": "ann", "points": 500, "reference": fresh("x")})
    assert ann.points() == (0, 130, 0)


def test_one_alert_is_raised_for_each_award_and_names_what_is_held(ann: Checkout) -> None:
    award = ann.award(100)
    (alert,) = ann.get("/v1/alerts")["data"]
    assert (alert["code"], alert["subject"]) == ("award_held", the_review(ann)["review_id"])
    assert alert["details"] == {
        "review_id": alert["subject"],
        "member_id": "ann",
        "entry_id": award["entry_id"],
        "points": 100,
        "expires_at": clock.show(NOON + timedelta(days=30)),
    }
    assert alert["text"]["zh"].startswith("会员 ann 获得的 100 积分已暂扣待审核")


def test_what_earns_nothing_is_not_reviewed_and_nor_are_corrections(ann: Checkout) -> None:
    ann.buy(50)
    wanted = {"member_id": "ann", "points": 70, "reason": "a mistake of ours"}
    proposed = ann.must("/v1/adjustments", wanted, status=202, role="operator")
    ann.must(f"/v1/adjustments/{proposed['adjustment_id']}/approve", {}, role="approver")
    spent = ann.must("/v1/redemptions", {"member_id": "ann", "points": 10, "reference": fresh("x")})
    ann.must(
        f"/v1/redemptions/{spent['redemption_id']}/refunds",
        {"points": 10, "reference": fresh("f")},
        role="pos",
    )
    assert ann.points() == (570, 0, 0)
    assert queue(ann) == [] and codes(ann) == []


def test_nothing_is_held_once_the_review_of_the_member_is_over(ann: Checkout) -> None:
    ann.award(100)
    review(ann, on=False)
    ann.award(20)
    # What is held stays held.
    assert ann.points() == (520, 100, 0)


def test_points_that_are_yet_to_come_are_held_and_come_back_as_such(service: WholeService) -> None:
    shop = Checkout(service, pending_days=7)
    review(bring_in(shop))
    shop.buy(10_000)
    assert shop.points() == (0, 100, 0)
    judge(shop, "release")
    found = shop.get("/v1/members/ann/balance")["points"]
    assert (found["available"], found["pending"], found["held"]) == (0, 100, 0)
    shop.wait(days=7)
    assert shop.points() == (100, 0, 0)


def bring_in(shop: Checkout, member: str = "ann") -> Checkout:
    """A member whom the program knows, and who has nothing."""
    answer = shop.tenant.send("PUT", f"/v1/members/{member}", role="pos", json={})
    assert answer.status_code == 201, answer.data
    return shop


def test_a_sale_that_is_told_late_was_held_from_when_it_happened(ann: Checkout) -> None:
    ann.wait(days=2)
    sold_at = ann.now - timedelta(days=1)
    ann.buy(10_000, occurred_at=clock.show(sold_at))
    for moment, held in (
        (sold_at - timedelta(seconds=1), 0),
        (sold_at, 100),
        (sold_at + timedelta(hours=1), 100),
    ):
        past = ann.get(f"/v1/members/ann/balance?as_of={clock.show(moment)}")["points"]
        assert (past["available"], past["held"]) == (500, held)


def test_points_that_lapsed_before_the_sale_was_told_are_not_held(service: WholeService) -> None:
    shop = Checkout(service, points_expiry={"kind": "fixed_days", "days": 3})
    review(bring_in(shop))
    shop.wait(days=9)
    shop.buy(10_000, occurred_at=clock.show(shop.now - timedelta(days=8)))
    assert shop.points() == (0, 0, 0)
    assert queue(shop) == []


# --- limits that hold -----------------------------------------------------------------------------


def limit(of: str, operation: str, per: str = "day", **most: Any) -> Body:
    return {"of": of, "operation": operation, "per": per, "hold": True, **most}


def test_what_goes_beyond_a_limit_is_held_and_what_does_not_is_not(service: WholeService) -> None:
    shop = Checkout(service, limits=[limit("member", "earning", points=100)])
    shop.award(60)
    shop.award(40)
    assert shop.points() == (100, 0, 0)
    third = shop.award(30)
    assert shop.points() == (100, 30, 0)
    found = the_review(shop)
    assert found["entry_id"] == third["entry_id"]
    assert found["why"] == {
        "of": "member",
        "who": "ann",
        "operation": "earning",
        "per": "day",
        "counts": "points",
        "limit": 100,
        "used": 130,
    }
    assert codes(shop) == ["award_held"]
    # Another member's day is another's, and the next day is a new one.
    shop.award(30, member_id="bob")
    shop.wait(days=1)
    shop.award(30)
    assert shop.points() == (130, 30, 0) and shop.points("bob") == (30, 0, 0)


@pytest.mark.parametrize("of", ["operator", "terminal", "store", "key"])
def test_whoever_gives_too_much_in_a_day_gives_what_is_held(service: WholeService, of: str) -> None:
    shop = Checkout(service, limits=[limit(of, "purchase", times=2)])
    source = {"operator": "olga", "terminal": "till-1", "store": "s-1"}
    for _ in range(3):
        shop.buy(1_000, **source)
    assert shop.points() == (20, 10, 0)
    who = the_review(shop)["why"]["who"]
    assert who == {**source, "key": shop.tenant.keys["checkout"].split("_")[1]}[of]


def test_a_limit_that_refuses_still_refuses_beside_one_that_holds(service: WholeService) -> None:
    shop = Checkout(
        service,
        limits=[
            limit("member", "earning", "operation", points=100),
            limit("key", "earning", points=300) | {"hold": False},
        ],
    )
    shop.award(200)
    assert shop.points() == (0, 200, 0)
    more = {"member_id": "ann", "points": 101, "reason": "gift", "reference": fresh("a")}
    shop.refused("/v1/earnings", more, "limit_exceeded", role="admin")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"alert": True}, "hold"),
        ({"operation": "redemption"}, "hold"),
        ({"operation": "transfer"}, "hold"),
    ],
)
def test_a_limit_that_cannot_hold_is_refused(shop: Checkout, wrong: Body, field: str) -> None:
    terms = shop.tenant.send("GET", "/v1/program").json["terms"]
    terms["limits"] = [limit("member", "earning", points=5) | wrong]
    answer = shop.tenant.send("PUT", "/v1/program/terms", json=terms)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, f"limits.0.{field}")


def test_a_device_of_too_many_has_what_is_awarded_to_the_next_one_held(service: WholeService) -> None:
    shop = Checkout(service, abuse={"attribute": "device", "members": 1, "then": "hold"})
    for member in ("ann", "ben"):
        body = {"attributes": {"device": "d1"}}
        assert shop.tenant.send("PUT", f"/v1/members/{member}", role="pos", json=body).status_code == 201
        shop.award(10, member_id=member)
    assert (shop.points("ann"), shop.points("ben")) == ((10, 0, 0), (0, 10, 0))
    locks = shop.get("/v1/members/ben")["locks"]
    assert locks == {"frozen": False, "spend": False, "review": True}
    assert codes(shop) == ["award_held", "attribute_shared_reviewed"]


# --- what is decided ------------------------------------------------------------------------------


def test_what_is_released_is_the_members_with_the_expiry_it_had(ann: Checkout) -> None:
    award = ann.award(100)
    answer = judge(ann, "release")
    assert ann.points() == (600, 0, 0)
    assert (answer["decision"], answer["points"], answer["award_entry_id"]) == (
        "released",
        100,
        award["entry_id"],
    )
    assert answer["restored"] == [
        {
            "lot_id": award["lots"][0]["lot_id"],
            "points": 100,
            "expires_at": award["lots"][0]["expires_at"],
        }
    ]
    found = the_review(ann, "?status=released")
    operator = ann.tenant.keys["operator"].split("_")[1]
    assert (found["decided_by"], found["decided_at"], found["reason"]) == (
        operator,
        clock.show(NOON),
        "looked at",
    )
    assert queue(ann, "?status=open") == []


def test_what_is_rejected_is_gone_with_its_growth_and_the_sale_stands(ann: Checkout) -> None:
    bought = ann.buy(10_000)
    assert (ann.points(), growth(ann)) == ((500, 100, 0), 100)
    answer = judge(ann, "reject")
    assert (ann.points(), growth(ann)) == ((500, 0, 0), 0)
    assert (answer["points_clawed_back"], answer["growth_clawed_back"]) == (100, 100)
    rejection = ann.get(f"/v1/entries/{answer['rejection_entry_id']}")
    assert (rejection["kind"], rejection["parent_entry_id"]) == ("reject", bought["entry_id"])
    assert [(p["debit"], p["credit"], p["amount"]) for p in rejection["postings"]] == [
        ("growth", "growth_issued", 100),
        ("points", "issued", 100),
    ]
    # The goods go back as ever, and nothing is taken a second time.
    returned = ann.give_back(bought, 4_000)
    assert (returned["cash_refund"]["amount"], returned["points_clawed_back"], returned["debt"]) == (
        4_000,
        0,
        0,
    )
    assert ann.points() == (500, 0, 0)
    ann.must(f"/v1/entries/{bought['entry_id']}/reversal", {"reason": "a mistake"}, role="operator")
    assert (ann.points(), growth(ann)) == ((500, 0, 0), 0)


@pytest.mark.parametrize("how", ["release", "reject"])
def test_a_review_is_decided_once(ann: Checkout, how: str) -> None:
    ann.award(100)
    found = the_review(ann)
    judge(ann, how, found)
    for again in ("release", "reject"):
        problem = refused(ann, again, found, "review_decided", role="approver")
        assert problem["status"] == 409
    assert the_review(ann, "")["status"] == {"release": "released", "reject": "rejected"}[how]


def test_a_decision_that_is_sent_again_is_answered_again(ann: Checkout) -> None:
    ann.award(100)
    found, key = the_review(ann), {"Idempotency-Key": fresh("key")}
    first = judge(ann, "reject", found, headers=key)
    path = f"/v1/reviews/{found['review_id']}/reject"
    again = ann.send(path, {"reason": "looked at"}, role="operator", headers=key)
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first, "true")
    assert ann.points() == (500, 0, 0)


def test_a_rehearsal_decides_nothing(ann: Checkout) -> None:
    ann.award(100)
    found, before = the_review(ann), ann.rows()
    for how in ("release", "reject"):
        path = f"/v1/reviews/{found['review_id']}/{how}?dry_run=true"
        assert ann.must(path, {"reason": "what if"}, role="operator")["dry_run"] is True
    assert ann.rows() == before


def test_the_key_that_has_sent_an_award_does_not_decide_on_it(ann: Checkout) -> None:
    ann.award(100)  # by the admin's key
    found = the_review(ann)
    for how in ("release", "reject"):
        problem = refused(ann, how, found, "self_review", role="admin")
        assert (problem["status"], problem["opened_by"]) == (403, found["opened_by"])
    denied = ann.tenant.send("GET", "/v1/audit-log?outcome=denied").json["data"]
    assert [each["code"] for each in denied[:2]] == ["self_review", "self_review"]
    judge(ann, "release", found, role="approver")


def test_tills_neither_read_the_queue_nor_decide_and_strangers_find_nothing(
    ann: Checkout, service: WholeService
) -> None:
    ann.award(100)
    found, other = the_review(ann), Checkout(service)
    for role in ("pos", "checkout", "finance", "readonly"):
        assert ann.tenant.send("GET", "/v1/reviews", role=role).json["code"] == "forbidden"
        refused(ann, "release", found, "forbidden", role=role)
    refused(other, "release", found, "review_unknown", role="operator")
    refused(ann, "release", {"review_id": "hld_" + "0" * 32}, "review_unknown")
    refused(ann, "release", {"review_id": "nonsense"}, "review_unknown")


def test_no_till_captures_or_releases_what_is_held_for_review(ann: Checkout) -> None:
    ann.award(100)
    hold = {"hold_id": the_review(ann)["review_id"]}
    for path in (capture_of(hold), release_of(hold)):
        problem = ann.refused(path, {}, "hold_under_review", role="pos")
        assert problem["status"] == 409
    judge(ann, "release")
    for path in (capture_of(hold), release_of(hold)):
        ann.refused(path, {}, "hold_under_review", role="pos")
    assert ann.points() == (600, 0, 0)


def test_a_hold_of_an_order_is_no_review(ann: Checkout) -> None:
    hold = ann.hold(50)
    assert queue(ann) == []
    refused(ann, "release", {"review_id": hold["hold_id"]}, "review_unknown")
    ann.capture(hold)


# --- time -----------------------------------------------------------------------------------------


def test_past_its_time_the_clock_releases_it_and_somebody_is_told(service: WholeService) -> None:
    shop = Checkout(service, review_days=2)
    review(bring_in(shop))
    shop.award(100)
    found = the_review(shop)
    shop.wait(days=2)
    assert shop.points() == (100, 0, 0)
    assert queue(shop, "?status=open") == []
    assert the_review(shop, "?status=lapsed")["review_id"] == found["review_id"]
    # Whoever asks has the lapse booked, and nothing more.
    answer = shop.send(f"/v1/reviews/{found['review_id']}/reject", {"reason": "late"}, role="operator")
    assert answer.json["code"] == "review_decided"
    assert shop.points() == (100, 0, 0)
    for _ in range(2):
        sweep_of(shop)
        assert codes(shop) == ["review_lapsed", "award_held"]
    lapsed = the_review(shop, "?status=lapsed")
    assert (lapsed["decided_by"], lapsed["decided_at"], lapsed["reason"]) == (None, None, None)


def test_of_more_than_are_told_at_once_the_next_sweep_tells_the_rest(
    ann: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "_TOLD_AT_ONCE", 1)
    ann.award(1)
    ann.award(2)
    ann.wait(days=31)
    for told in (1, 2, 2):
        sweep_of(ann)
        assert codes(ann).count("review_lapsed") == told


def sweep_of(shop: Checkout) -> None:
    sweep(shop.service.owner, shop.tenant.program, shop.now, now=shop.now)


@pytest.mark.parametrize(
    "policy", [{"policy": "lapse"}, {"policy": "grace", "grace_days": 30}], ids=["lapse", "grace"]
)
def test_what_lapsed_while_it_was_held_comes_back_by_no_rejection(
    service: WholeService, policy: Body
) -> None:
    shop = Checkout(service, points_expiry={"kind": "fixed_days", "days": 5}, lapsed_refund=policy)
    review(bring_in(shop))
    bought = shop.buy(10_000)
    shop.wait(days=9)
    answer = judge(shop, "reject")
    assert (answer["points_clawed_back"], [each["points"] for each in answer["lapsed"]]) == (0, [100])
    assert shop.points() == (0, 0, 0)
    assert shop.give_back(bought, 10_000)["points_clawed_back"] == 0
    assert shop.points() == (0, 0, 0)


def test_a_return_after_the_points_have_lapsed_in_a_review_makes_no_debt(service: WholeService) -> None:
    shop = Checkout(service, points_expiry={"kind": "fixed_days", "days": 5})
    review(bring_in(shop))
    bought = shop.buy(10_000)
    shop.wait(days=9)
    assert shop.give_back(bought, 10_000)["points_clawed_back"] == 0
    judge(shop, "release")
    assert shop.points() == (0, 0, 0)


# --- goods that go back meanwhile -----------------------------------------------------------------


@pytest.mark.parametrize("how", ["release", "reject", "lapse"])
@pytest.mark.parametrize("back", [10_000, 4_000])
def test_goods_that_go_back_while_the_award_is_reviewed(ann: Checkout, how: str, back: int) -> None:
    bought = ann.buy(10_000)
    taken = back // 100
    returned = ann.give_back(bought, back)
    assert (returned["points_clawed_back"], returned["under_review"], returned["shortfall"]) == (
        taken,
        taken,
        0,
    )
    # What she had is still hers to spend; what is owed is repaid by what is held.
    assert ann.points() == (500, 100, taken)
    if how == "lapse":
        ann.wait(days=30)
    else:
        judge(ann, how)
    kept = 0 if how == "reject" else 100 - taken
    assert ann.points() == (500 + kept, 0, 0)
    assert growth(ann) == kept


def test_goods_that_go_back_bit_by_bit_take_no_more_than_was_held(ann: Checkout) -> None:
    bought = ann.buy(5_000, 5_000)
    for amounts, debt in (((2_500, 0), 25), ((2_500, 0), 50), ((0, 5_000), 100)):
        lines = [{"line_id": str(n), "quantity": 1, "amount": a} for n, a in enumerate(amounts, 1) if a]
        body = ann.return_of(0) | {"lines": lines}
        if amounts[0]:
            lines[0]["quantity"] = 1 if debt == 25 else 0
        ann.must(f"/v1/purchases/{bought['purchase_id']}/returns", body)
        assert ann.points() == (500, 100, debt)
    judge(ann, "reject")
    assert (ann.points(), growth(ann)) == ((500, 0, 0), 0)


@pytest.mark.parametrize("shortfall", ["refuse", "debt", "deduct_cash"])
def test_what_is_held_was_not_spent_so_no_policy_hinders_a_return(
    service: WholeService, shortfall: str
) -> None:
    shop = Checkout(service, debt_limit=0, returns={"shortfall": shortfall})
    review(bring_in(shop))
    bought = shop.buy(10_000)
    returned = shop.give_back(bought, 10_000)
    assert (returned["cash_refund"]["amount"], returned["under_review"]) == (10_000, 100)
    assert shop.points() == (0, 100, 100)
    judge(shop, "release")
    assert shop.points() == (0, 0, 0)


def test_an_award_that_is_reversed_while_it_is_reviewed(ann: Checkout) -> None:
    award = ann.award(100)
    path = f"/v1/entries/{award['entry_id']}/reversal"
    answer = ann.must(path, {"reason": "a mistake"}, role="operator")
    assert (answer["points_clawed_back"], answer["under_review"], answer["shortfall"]) == (100, 100, 0)
    assert ann.points() == (500, 100, 100)
    judge(ann, "reject")
    assert ann.points() == (500, 0, 0)


@pytest.fixture
def debtor(shop: Checkout) -> Checkout:
    """Ann owes 70, and is under review: she has spent what her goods had earned, and they went back."""
    bought = shop.buy(7_000)
    shop.must("/v1/redemptions", {"member_id": "ann", "points": 70, "reference": fresh("x")})
    shop.give_back(bought, 7_000)
    review(shop)
    assert shop.points() == (0, 0, 70)
    return shop


def test_what_is_held_repays_no_debt_before_somebody_has_looked(debtor: Checkout) -> None:
    debtor.award(100)
    assert debtor.points() == (0, 100, 70)
    assert judge(debtor, "reject")["points_clawed_back"] == 100
    assert debtor.points() == (0, 0, 70)
    debtor.award(100)
    assert judge(debtor, "release")["debt_repaid"] == 70
    assert debtor.points() == (30, 0, 0)


def test_no_award_gets_past_a_review_by_repaying_what_another_one_owes(ann: Checkout) -> None:
    ann.give_back(ann.buy(10_000), 10_000)
    assert ann.points() == (500, 100, 100)
    ann.buy(10_000)
    assert ann.points() == (500, 200, 100)
    for found in queue(ann):
        judge(ann, "reject", found)
    assert (ann.points(), growth(ann)) == ((500, 0, 0), 0)


def test_a_debt_of_elsewhere_is_repaid_by_what_is_released_and_not_by_what_is_rejected(
    ann: Checkout,
) -> None:
    bought = ann.buy(2_000)
    first = the_review(ann)
    ann.award(100)
    second = queue(ann)[0]
    ann.give_back(bought, 2_000)
    judge(ann, "reject", second)
    assert ann.points() == (500, 20, 20)
    judge(ann, "release", first)
    assert ann.points() == (500, 0, 0)


# --- who brought whom -----------------------------------------------------------------------------


@pytest.fixture
def brought(shop: Checkout) -> Checkout:
    """Ann has brought Ben, is thanked with 50 points when he buys, and he is welcomed with 30."""
    rules = [rule("base"), fixed("welcome", 30, on="referral"), fixed("thanks", 50, on="referrer")]
    saved = shop.must("/v1/rule-sets", {"content": {"rules": rules}}, role="operator")
    proposed = shop.must(f"/v1/rule-sets/{saved['version']}/proposals", status=202, role="operator")
    shop.must(f"/v1/approvals/{proposed['approval_id']}/approve", status=200, role="approver")
    shop.award(1)
    body = {"activity_id": fresh("y"), "member_id": "ben", "type": "referral"}
    when = shop.purchase_of()["occurred_at"]
    shop.must("/v1/activities", body | {"occurred_at": when, "attributes": {"referrer": "ann"}})
    return shop


def test_what_a_reviewed_members_purchase_gives_to_others_is_held_as_well(brought: Checkout) -> None:
    review(brought, "ben")
    brought.buy(1_000, member_id="ben")
    assert (brought.points("ben"), brought.points("ann")) == ((0, 40, 0), (1, 50, 0))
    assert [(each["member_id"], each["points"]) for each in queue(brought)] == [("ann", 50), ("ben", 40)]
    for found in queue(brought):
        judge(brought, "release", found)
    assert (brought.points("ben"), brought.points("ann")) == ((40, 0, 0), (51, 0, 0))


@pytest.mark.parametrize("first", ["reject", "return"])
def test_a_reward_that_was_rejected_goes_back_once_whatever_comes_first(
    brought: Checkout, first: str
) -> None:
    review(brought, "ann")
    bought = brought.buy(1_000, member_id="ben")
    assert (brought.points("ben"), brought.points("ann")) == ((40, 0, 0), (1, 50, 0))
    if first == "reject":
        answer = judge(brought, "reject")
        assert (answer["member_id"], answer["points_clawed_back"]) == ("ann", 50)
        assert (brought.points("ben"), brought.points("ann")) == ((40, 0, 0), (1, 0, 0))
        brought.give_back(bought, 1_000)
    else:
        brought.give_back(bought, 1_000)
        assert (brought.points("ben"), brought.points("ann")) == ((0, 0, 0), (1, 50, 50))
        answer = judge(brought, "reject")
        assert answer["points_clawed_back"] == 0
    assert (brought.points("ben"), brought.points("ann")) == ((0, 0, 0), (1, 0, 0))


# --- what members are told ------------------------------------------------------------------------


def told(shop: Checkout, purchase: Body) -> Any:
    return shop.get(f"/v1/purchases/{purchase['purchase_id']}/explanation")


def test_the_explanation_says_that_it_is_being_checked_and_what_came_of_it(ann: Checkout) -> None:
    first, second = ann.buy(10_000), ann.buy(2_000)
    review(ann, on=False)
    third = ann.buy(1_000)
    open_one = told(ann, first)["review"]
    assert (open_one["status"], open_one["points"]) == ("open", 100)
    assert open_one["explanation"] == {
        "en": "100 points are being checked and cannot be used yet; this ends on 1 April 2026 at the latest",
        "zh": "100 积分正在核查，暂不可用，最迟2026年4月1日结束",
    }
    (points, _) = told(ann, first)["lots"]
    assert [(each["what"], each["amount"]) for each in points["became"]] == [("held_for_review", 100)]
    of_second, of_first = queue(ann, "?status=open")
    judge(ann, "reject", of_first)
    judge(ann, "release", of_second)
    rejected = told(ann, first)
    assert rejected["review"]["status"] == "rejected"
    (taken,) = rejected["returns"]
    assert (taken["kind"], taken["points_clawed_back"], taken["growth_clawed_back"]) == ("reject", 100, 100)
    assert taken["explanation"]["zh"] == "2026年3月2日经核查不予发放；扣回 100 积分、100 成长值"
    assert rejected["totals"]["points_kept"] == 0
    assert told(ann, second)["review"]["status"] == "released"
    assert told(ann, third)["review"] is None


# --- the database ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("UPDATE reviews SET decision = 'released', decided_by = opened_by", pg.CheckViolation),
        ("UPDATE reviews SET decision = 'released', decided_by = ''", pg.CheckViolation),
        ("UPDATE reviews SET decision = 'released'", pg.CheckViolation),
        ("UPDATE reviews SET decision = 'forgiven', decided_by = 'x'", pg.CheckViolation),
        ("UPDATE reviews SET decision = NULL", pg.InsufficientPrivilege),
        (
            "UPDATE reviews SET decision = 'released', decided_by = 'x', opened_by = 'y'",
            pg.InsufficientPrivilege,
        ),
        ("DELETE FROM reviews", pg.InsufficientPrivilege),
        ("TRUNCATE reviews", pg.InsufficientPrivilege),
    ],
)
def test_the_database_lets_nobody_decide_on_his_own_award_or_change_what_was_held(
    ann: Checkout, change: str, refusal: type[Exception]
) -> None:
    ann.award(100)
    one = f" WHERE hold_id = '{the_review(ann)['review_id'].removeprefix('hld_')}'"
    with ann.service.owner.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.exec_driver_sql(change + ("" if change.startswith("TRUNCATE") else one))
    assert isinstance(caught.value.orig, refusal)


def test_the_database_lets_nobody_decide_twice(ann: Checkout) -> None:
    ann.award(100)
    judge(ann, "release")
    with ann.service.owner.engine.connect() as connection, pytest.raises(DBAPIError, match="decided once"):
        connection.exec_driver_sql("UPDATE reviews SET decision = 'rejected', decided_by = 'x'")
