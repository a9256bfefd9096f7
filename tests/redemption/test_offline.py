"""Points that a till took while it was offline: facts, within a credit; what nothing covers is owed, and flagged."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from ledger import clock
from tests.checkout import NOON, Checkout, fen, fresh, redemption_of
from tests.whole_service import WholeService

CREDIT = 1_000


@pytest.fixture
def shop(service: WholeService) -> Checkout:
    """A program whose devices may take 1,000 points from a member in a day."""
    return Checkout(service, offline={"credit": CREDIT})


def taken(points: int, at: datetime = NOON, device: str = "till-1", **more: Any) -> dict[str, Any]:
    """The body of a redemption that a till made offline."""
    offline = {"device_id": device, "occurred_at": clock.show(at)}
    return redemption_of(points, offline=offline, **more)


def take(shop: Checkout, points: int, at: datetime = NOON, device: str = "till-1", **more: Any) -> Any:
    """What the ledger makes of it."""
    return shop.must("/v1/redemptions", taken(points, at, device, **more))


# --- what is refused -----------------------------------------------------------------------------


def test_a_program_that_grants_no_credit_takes_nothing(service: WholeService) -> None:
    shop = Checkout(service)
    shop.award(100)
    assert shop.refused("/v1/redemptions", taken(10), "offline_not_allowed")["status"] == 422
    sold = shop.purchase_of(2_000, offline={"device_id": "till-1", "points": 10, "rate_version": 1})
    shop.refused("/v1/purchases", sold, "offline_not_allowed")


def test_one_redemption_beyond_the_credit_is_refused_whatever_the_member_has(shop: Checkout) -> None:
    shop.award(5_000)
    problem = shop.refused("/v1/redemptions", taken(CREDIT + 1), "offline_credit_exceeded")
    assert (problem["status"], problem["requested"], problem["credit"]) == (422, CREDIT + 1, CREDIT)
    sold = shop.purchase_of(5_000, offline={"device_id": "till-1", "points": 1_001, "rate_version": 1})
    shop.refused("/v1/purchases", sold, "offline_credit_exceeded")
    assert take(shop, CREDIT)["offline"]["flagged"] is False


def test_a_till_takes_nothing_in_the_future(shop: Checkout) -> None:
    shop.award(100)
    ahead = taken(10, NOON + timedelta(minutes=6))
    assert shop.refused("/v1/redemptions", ahead, "occurred_in_future")["status"] == 422


def test_no_quote_is_used_offline(shop: Checkout) -> None:
    body = redemption_of(quote_id="quo_1", offline=taken(1)["offline"])
    answer = shop.send("/v1/redemptions", body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "offline")


# --- what covers it ------------------------------------------------------------------------------


def test_what_is_there_covers_it_and_nothing_is_flagged(shop: Checkout) -> None:
    shop.award(500)
    answer = take(shop, 300)
    assert answer["offline"] == {
        "device_id": "till-1",
        "occurred_at": clock.show(NOON),
        "overrun": 0,
        "beyond_credit": 0,
        "flagged": False,
    }
    assert sum(draw["points"] for draw in answer["draws"]) == 300
    assert shop.points() == (200, 0, 0)


def test_what_is_not_covered_is_owed_and_flagged_and_later_earning_repays_it(shop: Checkout) -> None:
    shop.award(200)
    answer = take(shop, 300)
    assert (answer["offline"]["overrun"], answer["offline"]["flagged"]) == (100, True)
    assert sum(draw["points"] for draw in answer["draws"]) == 200
    assert shop.points() == (0, 0, 100)
    shop.award(60)
    assert shop.points() == (0, 0, 40)
    shop.buy(10_000)
    assert shop.points() == (60, 0, 0)


def test_pending_points_cover_what_spendable_ones_do_not(shop: Checkout) -> None:
    shop.award(100, available_at=clock.show(NOON + timedelta(days=7)))
    shop.award(50)
    answer = take(shop, 120)
    assert [draw["points"] for draw in answer["draws"]] == [50, 70]
    assert answer["offline"]["flagged"] is False
    assert shop.get("/v1/members/ann/balance")["points"]["pending"] == 30


def test_points_that_are_held_cover_nothing(shop: Checkout) -> None:
    shop.award(100)
    held = shop.hold(80)
    assert take(shop, 50)["offline"]["overrun"] == 30
    assert shop.points() == (0, 80, 30)
    assert shop.release(held)["debt_repaid"] == 30
    assert shop.points() == (50, 0, 0)


def test_the_goods_are_gone_so_a_store_that_takes_no_points_changes_nothing(service: WholeService) -> None:
    barred = {"exceptions": [{"stores": ["s-9"], "redeemable": False}]}
    shop = Checkout(service, offline={"credit": CREDIT}, redemption=barred)
    shop.award(100)
    assert take(shop, 10, store="s-9")["points"] == 10


def test_a_member_who_is_not_known_yet_is_enrolled_with_a_debt(shop: Checkout) -> None:
    take(shop, 30, member_id="bob")
    assert shop.points("bob") == (0, 0, 30)
    shop.award(100, member_id="bob")
    assert shop.points("bob") == (70, 0, 0)


def test_a_redemption_that_overran_is_refunded_in_full(shop: Checkout) -> None:
    shop.award(200)
    answer = take(shop, 300)
    path = f"/v1/redemptions/{answer['redemption_id']}/refunds"
    refund = shop.must(path, {"points": 300, "reference": fresh("f")})
    assert refund["debt_repaid"] == 100
    assert shop.points() == (200, 0, 0)


# --- the credit ----------------------------------------------------------------------------------


def test_the_credit_is_of_a_device_a_member_and_a_local_day(shop: Checkout) -> None:
    for member in ("ann", "bob"):
        shop.award(5_000, member_id=member)
    assert take(shop, 700)["offline"]["beyond_credit"] == 0
    second = take(shop, 700)["offline"]
    assert (second["beyond_credit"], second["overrun"], second["flagged"]) == (400, 0, True)
    assert take(shop, 700, device="till-2")["offline"]["flagged"] is False
    assert take(shop, 700, member_id="bob")["offline"]["flagged"] is False
    assert take(shop, 700, NOON - timedelta(days=1))["offline"]["flagged"] is False


def test_the_day_ends_at_midnight_where_the_program_is(shop: Checkout) -> None:
    shop.award(5_000)
    midnight = datetime.fromisoformat("2026-03-02T00:00:00+08:00")
    before = take(shop, 700, midnight - timedelta(seconds=1))
    after = take(shop, 700, midnight)
    again = take(shop, 700, midnight + timedelta(hours=1))
    assert [each["offline"]["flagged"] for each in (before, after, again)] == [False, False, True]


# --- a purchase that was paid so -----------------------------------------------------------------


def sold(shop: Checkout, amount: int, points: int, version: int = 1, **more: Any) -> dict[str, Any]:
    offline = {"device_id": "till-1", "points": points, "rate_version": version}
    return shop.purchase_of(amount, offline=offline, **more)


def test_a_purchase_that_was_paid_offline_is_worth_what_the_tills_rate_said(shop: Checkout) -> None:
    shop.award(500)
    paid = shop.must("/v1/purchases", sold(shop, 2_000, 300))["paid"]
    assert (paid["points"], paid["points_value"], paid["cash"]) == (300, fen(300), fen(1_700))
    assert (paid["rate"], paid["rate_version"], paid["quote_id"]) == ("0.0100", 1, None)
    assert paid["offline"]["flagged"] is False


def test_the_rate_is_the_one_that_was_in_force_at_the_sale(shop: Checkout) -> None:
    shop.award(1_000)
    before = clock.show(shop.now)
    shop.wait(hours=1)
    version = shop.rate("0.0090")
    early = shop.must("/v1/purchases", sold(shop, 2_000, 100, occurred_at=before))
    assert early["paid"]["points_value"] == fen(100)
    late = shop.must("/v1/purchases", sold(shop, 2_000, 100, version))
    assert late["paid"]["points_value"] == fen(90)


def test_a_rate_that_was_not_in_force_then_is_refused(shop: Checkout) -> None:
    shop.award(1_000)
    before = clock.show(shop.now)
    shop.wait(hours=1)
    version = shop.rate("0.0090")
    for body in (
        sold(shop, 2_000, 100, version, occurred_at=before),
        sold(shop, 2_000, 100, 1),
        sold(shop, 2_000, 100, 99),
    ):
        problem = shop.refused("/v1/purchases", body, "rate_unknown")
        assert (problem["status"], problem["at"]) == (404, body["occurred_at"])


@pytest.mark.parametrize(("amount", "points"), [(99, 100), (0, 1)])
def test_points_worth_more_than_the_purchase_are_refused(shop: Checkout, amount: int, points: int) -> None:
    shop.award(1_000)
    problem = shop.refused("/v1/purchases", sold(shop, amount, points), "points_not_offered")
    assert problem["requested"] == points


def test_points_worth_nothing_are_refused(shop: Checkout) -> None:
    shop.award(1_000)
    version = shop.rate("0.0090")
    shop.refused("/v1/purchases", sold(shop, 2_000, 1, version), "points_not_offered")


def test_points_that_a_purchase_earns_repay_what_it_overran(shop: Checkout) -> None:
    # 300 points were taken and 100 were there; the 20.00 earn 20.
    shop.award(100)
    bought = shop.must("/v1/purchases", sold(shop, 2_000, 300))
    assert bought["paid"]["offline"]["overrun"] == 200
    assert shop.points() == (0, 0, 180)


def test_goods_that_were_paid_offline_give_back_points_and_cash(shop: Checkout) -> None:
    shop.award(100)
    bought = shop.must("/v1/purchases", sold(shop, 2_000, 300))
    back = shop.give_back(bought, 2_000)
    assert (back["points_refunded"], back["cash_refund"]) == (300, fen(1_700))
    assert shop.points() == (100, 0, 0)


# --- once, for practice, and in any order --------------------------------------------------------


@pytest.mark.parametrize("points", [100, 300])
def test_a_rehearsal_says_what_would_be_and_writes_nothing(shop: Checkout, points: int) -> None:
    shop.award(200)
    bodies = {"/v1/redemptions": taken(points), "/v1/purchases": sold(shop, 2_000, points)}
    for path, body in bodies.items():
        before = shop.service.rows()
        answer = shop.must(path, body, query_string="dry_run=true")
        told = answer.get("offline") or answer["paid"]["offline"]
        assert told["flagged"] is (points > 200)
        assert shop.service.rows() == before


def test_the_same_key_is_answered_with_the_same_bytes_and_uses_no_credit(shop: Checkout) -> None:
    shop.award(5_000)
    key, body = {"Idempotency-Key": fresh("once")}, taken(700)
    first = shop.send("/v1/redemptions", body, headers=key)
    before = shop.rows()
    again = shop.send("/v1/redemptions", body, headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    shop.refused("/v1/redemptions", body, "reference_exists")
    assert shop.rows() == before


def test_a_batch_of_a_till_covers_debts_in_whatever_order_it_comes(service: WholeService) -> None:
    seen = []
    for order in permutations(range(3)):
        shop = Checkout(service, offline={"credit": CREDIT})
        operations = [
            ("purchase", shop.purchase_of(20_000)),
            ("redemption", taken(300)),
            ("earning", {"member_id": "ann", "points": 150, "reason": "gift", "reference": fresh("a")}),
        ]
        items = [
            {"operation": operations[n][0], "idempotency_key": fresh("op"), "body": operations[n][1]}
            for n in order
        ]
        answers = shop.must("/v1/batches", {"operations": items}, status=200, role="admin")["results"]
        assert [answer["status"] for answer in answers] == [201] * 3
        seen.append(shop.points())
    assert seen == [(50, 0, 0)] * 6


def test_the_batches_of_a_device_are_numbered_and_a_gap_is_told(shop: Checkout) -> None:
    shop.award(1_000)
    first = numbered(1, taken(10))
    assert arrived(shop, first) == (False, [])
    assert arrived(shop, numbered(4, taken(10))) == (False, [2, 3])
    assert arrived(shop, numbered(2, taken(10))) == (False, [3])
    before = shop.rows()
    assert arrived(shop, first) == (True, [3])
    assert shop.rows() == before
    changed = {**numbered(1, taken(10)), "operations": numbered(2, taken(11))["operations"]}
    assert shop.refused("/v1/batches", changed, "till_batch_changed")["status"] == 409
    state = shop.get("/v1/devices/till-1")
    assert (state["last_sequence"], state["missing"]) == (4, [3])
    assert shop.points() == (970, 0, 0)


def numbered(sequence: int, body: dict[str, Any]) -> dict[str, Any]:
    """A batch of one redemption under a number of the till's."""
    item = {"operation": "redemption", "idempotency_key": fresh("op"), "body": body}
    return {"device": {"device_id": "till-1", "sequence": sequence}, "operations": [item]}


def arrived(shop: Checkout, batch: dict[str, Any]) -> tuple[bool, list[int]]:
    """Whether the batch had come before, and what is missing now."""
    answer = shop.must("/v1/batches", batch, status=200)
    assert [result["status"] for result in answer["results"]] == [201]
    device = answer["device"]
    return device["repeated"], device["missing"]


def test_what_nothing_covered_is_reported_by_member_device_and_day(shop: Checkout) -> None:
    shop.award(100)
    take(shop, 150)
    take(shop, 30)
    take(shop, 20, NOON - timedelta(days=1), device="till-2")
    take(shop, 5, member_id="bob")
    rows = shop.get("/v1/reports/offline-overruns")["data"]
    told = [(row["member_id"], row["device_id"], row["day"], row["points"], row["times"]) for row in rows]
    assert sorted(told) == [
        ("ann", "till-1", "2026-03-02", 80, 2),
        ("ann", "till-2", "2026-03-01", 20, 1),
        ("bob", "till-1", "2026-03-02", 5, 1),
    ]
    assert {row["member_id"]: row["debt"] for row in rows} == {"ann": 100, "bob": 5}
