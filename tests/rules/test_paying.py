"""Purchases paid partly with points: by a quote, by the hold on it; and what becomes of earned points that are gone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.checkout import (
    Checkout,
    capture_of,
    fen,
    fresh,
    hold_of,
    open_checkouts,
    redemption_of,
    release_of,
)
from tests.whole_service import WholeService


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_checkouts(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService) -> Checkout:
    """One fen a point, and a member with 5,000 of them."""
    opened = Checkout(service)
    opened.award(5_000)
    return opened


# --- by a quote ----------------------------------------------------------------------------------


def test_points_cash_and_earning_are_one_entry(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)
    bought = shop.buy(10_000, quote_id=quote["quote_id"])
    paid = bought["paid"]
    assert (paid["points"], paid["points_value"], paid["cash"]) == (3_000, fen(3_000), fen(7_000))
    assert (paid["rate"], paid["quote_id"], paid["hold_id"]) == ("0.0100", quote["quote_id"], None)
    assert sum(draw["points"] for draw in paid["draws"]) == 3_000
    assert (bought["kind"], bought["points"]) == ("earn", 100)
    assert shop.points() == (2_100, 0, 0)
    (entry,) = [
        each for each in shop.get("/v1/members/ann/entries")["data"] if each["entry_id"] == bought["entry_id"]
    ]
    assert entry["balances_after"]["points"] == 2_100


def test_a_whole_price_may_be_paid_with_points(shop: Checkout) -> None:
    quote = shop.quote(3_000)
    paid = shop.buy(3_000, quote_id=quote["quote_id"])["paid"]
    assert (paid["points_value"], paid["cash"]) == (fen(3_000), fen(0))


@pytest.mark.parametrize("amounts", [(9_999,), (10_001,), (5_000, 4_999), (0,)])
def test_a_quote_pays_no_other_price(shop: Checkout, amounts: tuple[int, ...]) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    body = shop.purchase_of(*amounts, quote_id=quote)
    problem = shop.refused("/v1/purchases", body, "quote_price_mismatch")
    assert (problem["status"], problem["price"], problem["total"]) == (422, 10_000, sum(amounts))
    shop.buy(5_000, 5_000, quote_id=quote)


def test_a_purchase_that_is_in_the_books_uses_no_quote(shop: Checkout) -> None:
    bought = shop.buy(10_000)
    quote = shop.quote(10_000, 3_000)["quote_id"]
    again = shop.purchase_of(10_000, purchase_id=bought["purchase_id"], quote_id=quote)
    shop.refused("/v1/purchases", again, "purchase_exists")
    shop.buy(10_000, quote_id=quote)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"quote_id": "quo_1", "points_value": fen(1)}, "quote_id"),
        ({"quote_id": "quo_1", "offline": {"device_id": "d", "points": 1, "rate_version": 1}}, "offline"),
        ({"points_value": fen(1), "offline": {"device_id": "d", "points": 1, "rate_version": 1}}, "offline"),
    ],
)
def test_points_are_told_in_one_way(shop: Checkout, more: dict[str, Any], field: str) -> None:
    answer = shop.send("/v1/purchases", shop.purchase_of(10_000, **more))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, field)


# --- by the hold on a quote ----------------------------------------------------------------------


def test_a_purchase_captures_the_hold_on_its_quote_at_the_rate_of_then(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)
    held = shop.hold(quote_id=quote["quote_id"])
    shop.rate("0.0090")
    # Past the time of the quote, within that of the hold.
    shop.wait(seconds=899)
    paid = shop.buy(10_000, quote_id=quote["quote_id"])["paid"]
    assert (paid["points_value"], paid["cash"], paid["hold_id"]) == (fen(3_000), fen(7_000), held["hold_id"])
    assert (paid["rate"], paid["rate_version"]) == ("0.0100", quote["rate_version"])
    assert shop.points() == (2_100, 0, 0)
    (listed,) = shop.holds()["data"]
    assert (listed["status"], listed["captured"]) == ("captured", 3_000)
    for path in (capture_of(held), release_of(held)):
        assert shop.refused(path, {}, "hold_not_open")["hold_status"] == "captured"


def test_another_price_than_was_held_leaves_the_hold_open(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    held = shop.hold(quote_id=quote)
    shop.refused("/v1/purchases", shop.purchase_of(9_000, quote_id=quote), "quote_price_mismatch")
    assert shop.points() == (2_000, 3_000, 0)
    shop.release(held)


def test_another_member_pays_by_no_hold_of_the_first(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    shop.hold(quote_id=quote)
    shop.award(5_000, member_id="bob")
    body = shop.purchase_of(10_000, quote_id=quote, member_id="bob")
    shop.refused("/v1/purchases", body, "quote_unknown")


def test_a_purchase_after_its_hold_has_lapsed_is_told_that_the_quote_is_used(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    held = shop.hold(quote_id=quote, expires_in=60)
    shop.wait(seconds=60)
    answer = shop.send("/v1/purchases", shop.purchase_of(10_000, quote_id=quote))
    assert (answer.status_code, answer.json["code"]) == (409, "quote_used")
    assert answer.json["entry_id"] == held["entry_id"]
    assert shop.points() == (5_000, 0, 0)


def test_a_hold_that_was_captured_by_itself_pays_no_purchase_as_well(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    shop.capture(shop.hold(quote_id=quote))
    shop.refused("/v1/purchases", shop.purchase_of(10_000, quote_id=quote), "quote_used")


def test_points_that_lapse_during_the_hold_still_pay(service: WholeService) -> None:
    shop = Checkout(service)
    shop.award(3_000, expires_at="2026-03-02T05:00:00Z")
    quote = shop.quote(10_000, 3_000)["quote_id"]
    shop.hold(quote_id=quote, expires_in=7_200)
    shop.wait(seconds=3_600)
    assert shop.buy(10_000, quote_id=quote)["paid"]["points"] == 3_000
    assert shop.points() == (100, 0, 0)


def test_goods_paid_by_a_hold_give_its_points_back_to_their_lots(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    held = shop.hold(quote_id=quote)
    back = shop.give_back(shop.buy(10_000, quote_id=quote), 10_000)
    assert (back["points_refunded"], back["cash_refund"]) == (3_000, fen(7_000))
    assert [lot["lot_id"] for lot in back["restored"]] == [draw["lot_id"] for draw in held["draws"]]
    assert shop.points() == (5_000, 0, 0)


def test_reversing_the_purchase_gives_all_of_it_back(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    shop.hold(quote_id=quote)
    bought = shop.buy(10_000, quote_id=quote)
    path = f"/v1/entries/{bought['entry_id']}/reversal"
    answer = shop.must(path, {"reason": "mistake"}, role="operator")
    assert answer["cash_refund"] == fen(7_000)
    assert shop.points() == (5_000, 0, 0)
    shop.refused("/v1/purchases", shop.purchase_of(10_000, quote_id=quote), "quote_used")


@pytest.mark.parametrize("is_held", [False, True], ids=["by quote", "by hold"])
def test_a_rehearsal_and_a_replay_move_nothing(shop: Checkout, is_held: bool) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    if is_held:
        shop.hold(quote_id=quote)
    body, key = shop.purchase_of(10_000, quote_id=quote), {"Idempotency-Key": fresh("once")}
    before = shop.service.rows()
    rehearsed = shop.must("/v1/purchases", body, query_string="dry_run=true")
    assert shop.service.rows() == before
    first = shop.send("/v1/purchases", body, headers=key)
    assert first.json["paid"] == rehearsed["paid"]
    before = shop.rows()
    again = shop.send("/v1/purchases", body, headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert shop.rows() == before


def test_a_batch_quotes_holds_and_pays_and_each_sees_what_the_one_before_did(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)["quote_id"]
    bodies = [
        ("hold", hold_of(quote_id=quote)),
        ("redemption", redemption_of(2_001)),
        ("purchase", shop.purchase_of(10_000, quote_id=quote)),
        ("purchase", shop.purchase_of(10_000, quote_id=quote)),
        ("redemption", redemption_of(2_100)),
    ]
    items = [{"operation": name, "idempotency_key": fresh("op"), "body": body} for name, body in bodies]
    results = shop.must("/v1/batches", {"operations": items}, status=200)["results"]
    assert [result["status"] for result in results] == [201, 422, 201, 409, 201]
    assert shop.points() == (0, 0, 0)


# --- earned points that are gone when the goods go back ------------------------------------------


def after_spending(service: WholeService, shortfall: str, spent: int, **terms: Any) -> tuple[Checkout, Any]:
    """A program with a bid of 1.00 and an ask of 1.20 fen, a purchase of 100.00, and so many of its points spent."""
    shop = Checkout(service, returns={"shortfall": shortfall}, **terms)
    shop.rate("0.0100", ask="0.0120")
    bought = shop.buy(10_000)
    shop.must("/v1/redemptions", redemption_of(spent))
    return shop, bought


def test_by_default_a_shortfall_is_a_debt_and_the_cash_goes_back_whole(service: WholeService) -> None:
    shop, bought = after_spending(service, "debt", 60)
    back = shop.give_back(bought, 10_000)
    assert (back["shortfall"], back["shortfall_policy"], back["deducted"]) == (60, "debt", None)
    assert (back["cash_refund"], back["debt"]) == (fen(10_000), 60)
    assert shop.points() == (0, 0, 60)


def test_a_shortfall_is_bought_at_the_ask_from_the_cash(service: WholeService) -> None:
    # 60 points at 1.20 fen are 72 fen: 99.28 of the 100.00 go back, and nothing is owed.
    shop, bought = after_spending(service, "deduct_cash", 60)
    back = shop.give_back(bought, 10_000)
    assert back["deducted"] == {
        "points": 60,
        "amount": fen(72),
        "rate": "0.0120",
        "rate_version": 2,
    }
    assert (back["cash_refund"], back["shortfall"], back["debt"]) == (fen(9_928), 60, 0)
    assert shop.points() == (0, 0, 0)


def test_what_is_bought_costs_no_less_than_it_is_worth_to_the_fen(service: WholeService) -> None:
    # 7 points at 1.20 fen are 8.4 fen: 9 are deducted.
    shop, bought = after_spending(service, "deduct_cash", 7)
    assert shop.give_back(bought, 10_000)["deducted"]["amount"] == fen(9)


def test_what_the_cash_does_not_buy_is_owed(service: WholeService) -> None:
    # Every fen earned a point, and 10,000 points at 1.20 fen are 120.00. The 100.00 buy 8,333 of them, for 99.996.
    terms = {"points": {"per": 1, "amount": 1}}
    shop, bought = after_spending(service, "deduct_cash", 10_000, **terms)
    back = shop.give_back(bought, 10_000)
    assert (back["deducted"]["points"], back["deducted"]["amount"]) == (8_333, fen(10_000))
    assert (back["cash_refund"], back["shortfall"], back["debt"]) == (fen(0), 10_000, 1_667)
    assert shop.points() == (0, 0, 1_667)


def test_the_ask_is_the_one_of_the_return(service: WholeService) -> None:
    shop, bought = after_spending(service, "deduct_cash", 100)
    version = shop.rate("0.0100", ask="0.0130")
    deducted = shop.give_back(bought, 10_000)["deducted"]
    assert (deducted["amount"], deducted["rate"], deducted["rate_version"]) == (fen(130), "0.0130", version)


def test_without_a_shortfall_nothing_is_deducted_or_said_of_it(service: WholeService) -> None:
    shop, bought = after_spending(service, "deduct_cash", 60)
    shop.award(60)
    back = shop.give_back(bought, 10_000)
    assert (back["shortfall"], back["cash_refund"]) == (0, fen(10_000))
    assert "deducted" not in back


def test_where_the_program_refuses_the_goods_stay_until_the_points_are_there(service: WholeService) -> None:
    shop, bought = after_spending(service, "refuse", 60)
    path, body = f"/v1/purchases/{bought['purchase_id']}/returns", shop.return_of(10_000)
    problem = shop.refused(path, body, "points_already_spent")
    assert (problem["status"], problem["shortfall"]) == (422, 60)
    # Half of the goods asks for 50 points, of which 40 are there.
    assert shop.refused(path, shop.return_of(5_000), "points_already_spent")["shortfall"] == 10
    shop.award(60)
    assert shop.must(path, body)["points_clawed_back"] == 100


def test_points_that_come_back_with_the_goods_make_good_what_they_earned(service: WholeService) -> None:
    # All points are spent by the return; of the 3,000 that come back 100 are taken for what was earned.
    shop = Checkout(service, returns={"shortfall": "refuse"})
    shop.award(3_000)
    bought = shop.buy(10_000, quote_id=shop.quote(10_000, 3_000)["quote_id"])
    shop.must("/v1/redemptions", redemption_of(100))
    back = shop.give_back(bought, 10_000)
    assert (back["points_refunded"], back["points_clawed_back"], back["shortfall"]) == (3_000, 100, 0)
    assert shop.points() == (2_900, 0, 0)


def test_a_shortfall_that_is_paid_for_is_no_debt_beyond_the_limit(service: WholeService) -> None:
    shop, bought = after_spending(service, "deduct_cash", 60, debt_limit=0)
    assert shop.give_back(bought, 10_000)["debt"] == 0
    shop, bought = after_spending(service, "debt", 60, debt_limit=59)
    path = f"/v1/purchases/{bought['purchase_id']}/returns"
    problem = shop.refused(path, shop.return_of(10_000), "debt_limit_exceeded")
    assert (problem["shortfall"], problem["limit"]) == (60, 59)


def test_the_tender_of_a_return_is_settled_when_the_purchase_is_posted(shop: Checkout) -> None:
    bought = shop.buy(10_000, quote_id=shop.quote(10_000, 3_000)["quote_id"])
    shop.terms(returns={"tender": "points_first"})
    back = shop.give_back(bought, 5_000)
    assert (back["points_refunded"], back["cash_refund"]) == (1_500, fen(3_500))
