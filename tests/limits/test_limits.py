"""Limits of the terms: to the point and the time, by each of those who are counted, on each way of moving points."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ledger import clock
from ledger.accounts.limits import OF, OPERATIONS
from tests.checkout import (
    NOON,
    Checkout,
    capture_of,
    fresh,
    hold_of,
    redemption_of,
)
from tests.rulesets import fixed
from tests.whole_service import WholeService

Body = dict[str, Any]
Ask = Callable[[Checkout, int], tuple[str, Body]]

SOURCE = {"operator": "olga", "terminal": "till-1", "store": "s-1"}
ELSEWHERE = {"operator": "peter", "terminal": "till-2", "store": "s-2"}


def limit(of: str, operation: str, per: str = "day", **most: Any) -> dict[str, Any]:
    return {"of": of, "operation": operation, "per": per, **most}


def limited(service: WholeService, *limits: dict[str, Any], **terms: Any) -> Checkout:
    """A program with these limits, in which ann and bob have 5,000 points each, given before there were any."""
    shop = Checkout(service, **terms)
    for member in ("ann", "bob"):
        shop.award(5_000, member_id=member)
    shop.terms(limits=list(limits), **terms)
    return shop


def refund(shop: Checkout, points: int) -> tuple[str, Body]:
    spent = shop.must("/v1/redemptions", redemption_of(points + 1), role="admin")
    return f"/v1/redemptions/{spent['redemption_id']}/refunds", {"points": points, "reference": fresh("f")}


def reversal(shop: Checkout, points: int) -> tuple[str, Body]:
    return f"/v1/entries/{shop.award(points)['entry_id']}/reversal", {"reason": "a mistake"}


def activity(shop: Checkout, points: int) -> tuple[str, Body]:
    """A sign-in that a rule gives so many points for."""
    rules = [fixed(fresh("gift"), points, on="sign_in")]
    saved = shop.must("/v1/rule-sets", {"content": {"rules": rules}}, role="operator")
    proposed = shop.must(f"/v1/rule-sets/{saved['version']}/proposals", status=202, role="operator")
    shop.must(f"/v1/approvals/{proposed['approval_id']}/approve", status=200, role="approver")
    body = {
        "activity_id": fresh("y"),
        "member_id": "ann",
        "type": "sign_in",
        "occurred_at": clock.show(shop.now),
    }
    return "/v1/activities", body


def award(_shop: Checkout, points: int) -> tuple[str, Body]:
    return "/v1/earnings", {"member_id": "ann", "points": points, "reason": "gift", "reference": fresh("a")}


def transfer(_shop: Checkout, points: int) -> tuple[str, Body]:
    body = {"from_member_id": "ann", "to_member_id": "bob", "points": points, "reference": fresh("t")}
    return "/v1/transfers", body


def by_quote(shop: Checkout, points: int) -> tuple[str, Body]:
    quote = shop.quote(10_000, points)["quote_id"]
    return "/v1/purchases", shop.purchase_of(10_000, quote_id=quote)


ASKS: dict[str, tuple[str, Ask]] = {
    "purchase": ("purchase", lambda shop, points: ("/v1/purchases", shop.purchase_of(points * 100))),
    "earning": ("earning", award),
    "activity": ("activity", activity),
    "redemption": ("redemption", lambda _shop, points: ("/v1/redemptions", redemption_of(points))),
    "redemption within a purchase": ("redemption", by_quote),
    "hold": ("hold", lambda _shop, points: ("/v1/holds", hold_of(points))),
    "transfer": ("transfer", transfer),
    "refund": ("refund", refund),
    "reversal": ("reversal", reversal),
}
each_way = pytest.mark.parametrize(("operation", "ask"), list(ASKS.values()), ids=list(ASKS))


def problem_of(answer: Any) -> dict[str, Any]:
    """What a refusal says of the limit."""
    assert (answer.status_code, answer.json["code"]) == (422, "limit_exceeded"), answer.data
    names = ("of", "operation", "per", "counts", "limit", "used", "requested")
    return {name: answer.json[name] for name in names}


def send(shop: Checkout, asked: tuple[str, Body], source: Body = SOURCE, **how: Any) -> Any:
    path, body = asked
    return shop.send(path, body | source, **{"role": "admin", **how})


# --- to the point --------------------------------------------------------------------------------


@each_way
def test_one_operation_moves_as_much_as_is_allowed_and_no_point_more(
    service: WholeService, operation: str, ask: Ask
) -> None:
    shop = limited(service, limit("member", operation, "operation", points=100))
    assert problem_of(send(shop, ask(shop, 101))) == {
        "of": "member",
        "operation": operation,
        "per": "operation",
        "counts": "points",
        "limit": 100,
        "used": 0,
        "requested": 101,
    }
    for points in (100, 99, 100):
        assert send(shop, ask(shop, points)).status_code == 201


@each_way
@pytest.mark.parametrize("of", OF)
def test_a_day_of_each_of_those_who_are_counted_holds_to_the_point(
    service: WholeService, of: str, operation: str, ask: Ask
) -> None:
    shop = limited(service, limit(of, operation, points=100))
    assert send(shop, ask(shop, 60)).status_code == 201
    beyond = ask(shop, 41)
    problem = problem_of(send(shop, beyond))
    assert (problem["of"], problem["used"], problem["requested"], problem["limit"]) == (of, 60, 41, 100)
    assert send(shop, ask(shop, 40)).status_code == 201
    # What is refused has counted for nothing, and the next point is one too many.
    asked = ask(shop, 1)
    assert problem_of(send(shop, asked))["used"] == 100
    shop.wait(hours=12)
    assert send(shop, ask(shop, 100)).status_code == 201


@pytest.mark.parametrize("of", ["operator", "terminal", "store", "key"])
def test_it_holds_over_all_members_and_of_each_by_itself(service: WholeService, of: str) -> None:
    shop = limited(service, limit(of, "redemption", points=100))
    assert send(shop, ("/v1/redemptions", redemption_of(70))).status_code == 201
    other = redemption_of(31, member_id="bob")
    assert problem_of(send(shop, ("/v1/redemptions", other)))["used"] == 70
    # Another operator, terminal, store or key has a day of its own.
    role = "checkout" if of == "key" else "admin"
    assert send(shop, ("/v1/redemptions", other), ELSEWHERE, role=role).status_code == 201
    unnamed = send(shop, ("/v1/redemptions", redemption_of(100)), {}, role="admin")
    assert unnamed.status_code == (422 if of == "key" else 201)


def test_a_members_day_is_his_own_and_a_transfer_counts_for_who_sends(service: WholeService) -> None:
    shop = limited(service, limit("member", "transfer", points=100))
    assert send(shop, transfer(shop, 100)).status_code == 201
    assert problem_of(send(shop, transfer(shop, 1)))["used"] == 100
    path, body = transfer(shop, 100)
    back = {**body, "from_member_id": "bob", "to_member_id": "ann"}
    assert send(shop, (path, back)).status_code == 201


def test_times_are_counted_beside_points(service: WholeService) -> None:
    shop = limited(service, limit("member", "redemption", points=100, times=3))
    for _ in range(3):
        assert send(shop, ("/v1/redemptions", redemption_of(1))).status_code == 201
    problem = problem_of(send(shop, ("/v1/redemptions", redemption_of(1))))
    assert (problem["counts"], problem["limit"], problem["used"], problem["requested"]) == ("times", 3, 3, 1)
    # What earns nothing moves nothing.
    shop.terms(limits=[limit("member", "purchase", times=1)])
    for amount in (99, 100, 99):
        assert send(shop, ("/v1/purchases", shop.purchase_of(amount))).status_code == 201
    assert problem_of(send(shop, ("/v1/purchases", shop.purchase_of(100))))["used"] == 1


def test_a_day_is_one_of_the_program(service: WholeService) -> None:
    shop = limited(service, limit("member", "redemption", points=100))
    send(shop, ("/v1/redemptions", redemption_of(100)))
    # It is noon in Shanghai, and midnight in twelve hours: by UTC the day has begun four hours ago.
    shop.wait(hours=11, minutes=59, seconds=59)
    assert problem_of(send(shop, ("/v1/redemptions", redemption_of(1))))["used"] == 100
    shop.wait(seconds=1)
    assert shop.now.day == NOON.day
    assert send(shop, ("/v1/redemptions", redemption_of(100))).status_code == 201


def test_of_several_limits_each_holds(service: WholeService) -> None:
    shop = limited(
        service,
        limit("member", "redemption", points=100),
        limit("operator", "redemption", points=150),
        limit("member", "redemption", "operation", points=80),
    )
    asked = [(81, "ann"), (80, "ann"), (21, "ann"), (20, "ann"), (51, "bob"), (50, "bob")]
    answers = [
        send(shop, ("/v1/redemptions", redemption_of(points, member_id=member))) for points, member in asked
    ]
    assert [answer.status_code for answer in answers] == [422, 201, 422, 201, 422, 201]
    refused = [problem_of(answer) for answer in answers if answer.status_code == 422]
    assert [(each["of"], each["per"]) for each in refused] == [
        ("member", "operation"),
        ("member", "day"),
        ("operator", "day"),
    ]


def test_what_is_held_counts_once_and_a_capture_is_not_refused(service: WholeService) -> None:
    shop = limited(service, limit("member", "hold", points=100), limit("member", "redemption", points=50))
    hold = shop.hold(100)
    assert problem_of(send(shop, ("/v1/holds", hold_of(1))))["used"] == 100
    assert send(shop, (capture_of(hold), {})).status_code == 201
    assert send(shop, ("/v1/redemptions", redemption_of(50))).status_code == 201


def test_adjustments_are_limited_by_member_up_and_down_by_either_approval(service: WholeService) -> None:
    shop = limited(service, limit("member", "adjustment", points=100))

    def approve(points: int, path: str) -> Any:
        wanted = {"member_id": "ann", "points": points, "reason": "a mistake"}
        made = shop.must("/v1/adjustments", wanted, status=202, role="operator")
        digits = made["adjustment_id"].removeprefix("adj_")
        return shop.send(f"/v1/{path}_{digits}/approve", role="approver")

    assert approve(60, "adjustments/adj").status_code == 201
    assert approve(-30, "approvals/apr").status_code == 200
    assert problem_of(approve(11, "adjustments/adj"))["used"] == 90
    assert problem_of(approve(-11, "approvals/apr"))["used"] == 90
    assert approve(-10, "approvals/apr").status_code == 200


# --- rehearsals, batches, replays ----------------------------------------------------------------


def test_a_rehearsal_is_refused_alike_and_counts_for_nothing(service: WholeService) -> None:
    shop = limited(service, limit("key", "redemption", points=100))
    for _ in range(2):
        rehearsed = send(shop, ("/v1/redemptions", redemption_of(100)), query_string="dry_run=true")
        assert rehearsed.status_code == 201
    beyond = send(shop, ("/v1/redemptions", redemption_of(101)), query_string="dry_run=true")
    assert problem_of(beyond)["requested"] == 101
    assert send(shop, ("/v1/redemptions", redemption_of(100))).status_code == 201


@pytest.mark.parametrize("atomic", [False, True])
def test_the_operations_of_a_batch_count_one_after_the_other(service: WholeService, atomic: bool) -> None:
    shop = limited(service, limit("operator", "redemption", points=100))
    bodies = [
        redemption_of(points, member_id=member) | SOURCE
        for points, member in ((60, "ann"), (50, "bob"), (40, "bob"))
    ]
    items = [{"operation": "redemption", "idempotency_key": fresh("once"), "body": each} for each in bodies]
    answer = shop.send("/v1/batches", {"operations": items, "atomic": atomic}, role="admin")
    codes = [result["body"].get("code") for result in answer.json["results"]]
    assert codes == (
        ["batch_aborted", "limit_exceeded", "batch_aborted"] if atomic else [None, "limit_exceeded", None]
    )
    left = 100 if atomic else 0
    if left:
        assert send(shop, ("/v1/redemptions", redemption_of(left))).status_code == 201
    assert problem_of(send(shop, ("/v1/redemptions", redemption_of(1))))["used"] == 100


def test_a_replay_counts_for_nothing_and_a_refusal_stays(service: WholeService) -> None:
    shop = limited(service, limit("member", "redemption", points=100))
    first, second = ({"Idempotency-Key": fresh("once")} for _ in range(2))
    asked, beyond = ("/v1/redemptions", redemption_of(60)), ("/v1/redemptions", redemption_of(41))
    answers = [send(shop, asked, headers=first) for _ in range(3)]
    assert len({answer.data for answer in answers}) == 1
    refused = [send(shop, beyond, headers=second) for _ in range(2)]
    shop.wait(days=1)
    refused.append(send(shop, beyond, headers=second))
    assert [problem_of(answer)["used"] for answer in refused] == [60, 60, 60]
    # The reference is free: asked anew, it is posted.
    assert send(shop, beyond).status_code == 201


# --- told, and not refused -----------------------------------------------------------------------


def test_a_limit_that_is_marked_so_raises_one_alert_a_day_and_refuses_nothing(service: WholeService) -> None:
    shop = limited(service, limit("operator", "redemption", points=100, times=3, alert=True))
    for _ in range(2):
        assert send(shop, ("/v1/redemptions", redemption_of(50))).status_code == 201
    assert shop.get("/v1/alerts")["data"] == []
    for _ in range(3):
        assert send(shop, ("/v1/redemptions", redemption_of(50))).status_code == 201
    alerts = shop.get("/v1/alerts")["data"]
    assert [(each["code"], each["details"]["counts"], each["details"]["used"]) for each in alerts] == [
        ("limit_crossed", "times", 4),
        ("limit_crossed", "points", 150),
    ]
    assert {each["details"]["who"] for each in alerts} == {"olga"}
    assert all("olga" in each["text"][language] for each in alerts for language in ("en", "zh"))
    assert "操作员 olga 的核销" in alerts[0]["text"]["zh"]
    shop.wait(days=1)
    send(shop, ("/v1/redemptions", redemption_of(101)))
    assert len(shop.get("/v1/alerts")["data"]) == 3


def test_an_alert_of_one_operation_and_none_of_a_rehearsal(service: WholeService) -> None:
    shop = limited(service, limit("member", "earning", "operation", points=100, alert=True))
    rehearsed = send(shop, award(shop, 101), {}, query_string="dry_run=true")
    assert rehearsed.status_code == 201
    send(shop, award(shop, 100), {})
    assert shop.get("/v1/alerts")["data"] == []
    send(shop, award(shop, 101), {})
    (alert,) = shop.get("/v1/alerts")["data"]
    assert (alert["details"]["who"], alert["details"]["used"], alert["details"]["limit"]) == ("ann", 101, 100)


@pytest.mark.parametrize("is_purchase", [False, True])
def test_what_a_till_took_offline_is_told_of_and_counts(service: WholeService, is_purchase: bool) -> None:
    shop = limited(service, limit("member", "redemption", points=100), offline={"credit": 1_000})
    if is_purchase:
        part = {"device_id": "till-1", "points": 150, "rate_version": 1}
        asked = "/v1/purchases", shop.purchase_of(20_000, offline=part)
    else:
        offline = {"device_id": "till-1", "occurred_at": clock.show(NOON - timedelta(hours=1))}
        asked = "/v1/redemptions", redemption_of(150, offline=offline)
    assert send(shop, asked, {}).status_code == 201
    (alert,) = shop.get("/v1/alerts")["data"]
    assert (alert["code"], alert["details"]["used"]) == ("limit_crossed", 150)
    assert problem_of(send(shop, ("/v1/redemptions", redemption_of(1))))["used"] == 150


# --- what the terms may say ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        limit("member", "redemption"),
        limit("member", "redemption", points=0),
        limit("member", "redemption", times=0),
        limit("member", "redemption", "operation", times=1),
        limit("member", "redemption", "operation", points=1, times=1),
        limit("member", "redemption", "week", points=1),
        limit("member", "return", points=1),
        limit("region", "redemption", points=1),
        limit("operator", "adjustment", points=1),
        limit("member", "redemption", points=1, alert="yes"),
        limit("member", "redemption", points=1, more=1),
        {"of": "member", "operation": "redemption", "points": 1},
    ],
)
def test_a_limit_that_says_nothing_sound_is_refused(service: WholeService, wrong: dict[str, Any]) -> None:
    shop = Checkout(service)
    terms = shop.tenant.send("GET", "/v1/program").json["terms"] | {"limits": [wrong]}
    answer = shop.tenant.send("PUT", "/v1/program/terms", json=terms)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


def test_every_operation_of_the_terms_is_tried_here() -> None:
    assert {operation for operation, _ in ASKS.values()} | {"adjustment"} == set(OPERATIONS)
