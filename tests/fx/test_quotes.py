"""Quotes: what is offered against a price, by whom a quote may be used and how often, and when it is dead."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ledger import clock
from tests.checkout import Checkout, fen, fresh, hold_of, open_checkouts, quote_of, redemption_of
from tests.ladders import tiers
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


def limited(service: WholeService, points: int, **redemption: Any) -> Checkout:
    """A checkout with these limits, and a member with so many points."""
    opened = Checkout(service, redemption=redemption)
    opened.award(points)
    return opened


def uses(shop: Checkout, quote_id: str, **more: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every way to use a quote of a price of 20.00."""
    return {
        "redemption": ("/v1/redemptions", redemption_of(quote_id=quote_id, **more)),
        "hold": ("/v1/holds", hold_of(quote_id=quote_id, **more)),
        "purchase": ("/v1/purchases", shop.purchase_of(2_000, quote_id=quote_id, **more)),
    }


each_use = pytest.mark.parametrize("use", ["redemption", "hold", "purchase"])


# --- what is offered -----------------------------------------------------------------------------


def test_a_quote_says_what_points_are_worth_and_reserves_nothing(shop: Checkout) -> None:
    quote = shop.quote(10_000, 3_000)
    assert (quote["points"], quote["points_value"], quote["cash"]) == (3_000, fen(3_000), fen(7_000))
    assert (quote["reference_price"], quote["value_per_point"], quote["rate"]) == (
        fen(10_000),
        "0.0100",
        "0.0100",
    )
    assert quote["limits"] == {"minimum": 1, "maximum": 10_000, "step": 1}
    assert quote["expires_at"] == clock.show(shop.now + timedelta(seconds=600))
    assert shop.points() == (5_000, 0, 0)


def test_without_points_a_quote_is_of_the_most_that_price_and_balance_allow(shop: Checkout) -> None:
    assert shop.quote(10_000)["points"] == 5_000
    assert shop.quote(2_000)["points"] == 2_000


@pytest.mark.parametrize(
    ("rate", "price", "points", "value"),
    [
        # 1,234 at 0.90 fen are 1,110.6 fen.
        ("0.0090", 5_000, 1_234, 1_110),
        # The greatest that is worth no more than the price: 111.1 points at 0.90 fen, and 112 would be worth 100.8.
        ("0.0090", 100, None, 100),
        ("0.0110", 100, None, 100),
        ("0.0090", 1, None, 1),
        ("0.0100", 1, None, 1),
    ],
)
def test_value_and_cash_are_the_price_to_the_fen(
    shop: Checkout, rate: str, price: int, points: int | None, value: int
) -> None:
    shop.rate(rate, ask="0.0120")
    quote = shop.quote(price, points)
    assert quote["points_value"] == fen(value)
    for option in (quote, *quote["options"]):
        assert option["points_value"]["amount"] + option["cash"]["amount"] == price
        assert option["cash"]["amount"] >= 0


def test_of_half_the_price_in_points_the_rest_is_cash(service: WholeService) -> None:
    # 9,999 points at 1.00 fen against 20.00: half of it is 10.00, which is 1,000 points.
    shop = limited(service, 9_999, max_percent=50)
    quote = shop.quote(2_000)
    assert (quote["points"], quote["points_value"], quote["cash"]) == (1_000, fen(1_000), fen(1_000))
    problem = shop.refused("/v1/quotes", quote_of(2_000, 1_001), "points_not_offered")
    assert (problem["requested"], problem["minimum"], problem["maximum"], problem["step"]) == (
        1_001,
        1,
        1_000,
        1,
    )


def test_below_the_threshold_nothing_is_taken(service: WholeService) -> None:
    shop = limited(service, 5_000, minimum_points=500)
    assert shop.quote(2_000, 500)["points"] == 500
    problem = shop.refused("/v1/quotes", quote_of(2_000, 499), "points_not_offered")
    assert (problem["status"], problem["minimum"], problem["maximum"]) == (422, 500, 2_000)
    # A price below 5.00 is not reached by 500 points.
    problem = shop.refused("/v1/quotes", quote_of(499), "points_not_offered")
    assert (problem["minimum"], problem["maximum"]) == (500, 499)


def test_who_has_less_than_the_threshold_is_told_how_much_it_is(service: WholeService) -> None:
    shop = limited(service, 499, minimum_points=500)
    problem = shop.refused("/v1/quotes", quote_of(2_000), "insufficient_points")
    assert (problem["available"], problem["requested"]) == (499, 500)


def test_points_lie_on_a_step(service: WholeService) -> None:
    shop = limited(service, 1_250, minimum_points=150, step=100)
    quote = shop.quote(5_000)
    assert quote["points"] == 1_200
    assert quote["limits"] == {"minimum": 200, "maximum": 5_000, "step": 100}
    for wanted in (199, 201, 150, 1_250):
        assert shop.refused("/v1/quotes", quote_of(5_000, wanted), "points_not_offered")["step"] == 100


def test_a_least_share_is_a_least_number_of_points(service: WholeService) -> None:
    shop = limited(service, 5_000, min_percent=10, max_percent=90)
    assert shop.quote(1_001, 101)["limits"] == {"minimum": 101, "maximum": 900, "step": 1}
    shop.refused("/v1/quotes", quote_of(1_001, 100), "points_not_offered")
    shop.refused("/v1/quotes", quote_of(1_001, 901), "points_not_offered")


def test_options_are_choices_for_a_slider_from_the_least_to_the_most_that_the_member_has(
    service: WholeService,
) -> None:
    shop = limited(service, 850, minimum_points=100, step=50, options=4)
    options = shop.quote(5_000, 100)["options"]
    assert [option["points"] for option in options] == [100, 350, 600, 850]
    assert options[1] == {"points": 350, "points_value": fen(350), "cash": fen(4_650)}


def test_a_price_that_is_too_low_for_a_single_point_takes_none(shop: Checkout) -> None:
    shop.rate("0.0120", ask="0.0130")
    problem = shop.refused("/v1/quotes", quote_of(1, 2), "points_not_offered")
    assert problem["maximum"] < 2


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (quote_of(2_000, member_id="nobody"), "member_unknown", 404),
        (quote_of(10_000, 5_001), "insufficient_points", 422),
        (quote_of(2_000) | {"price": {"amount": 2_000, "currency": "EUR"}}, "currency_mismatch", 422),
    ],
)
def test_what_cannot_be_paid_is_not_quoted(
    shop: Checkout, body: dict[str, Any], code: str, status: int
) -> None:
    assert shop.refused("/v1/quotes", body, code)["status"] == status


def test_of_a_price_of_nothing_no_quote_is_made(shop: Checkout) -> None:
    answer = shop.send("/v1/quotes", quote_of(0))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "price.amount")


# --- where points are taken ----------------------------------------------------------------------


BARRED = {
    "exceptions": [{"stores": ["s-9"], "redeemable": False}, {"skus": ["gift-card"], "redeemable": False}]
}


def test_where_points_are_not_taken_no_quote_is_made(service: WholeService) -> None:
    shop = limited(service, 5_000, **BARRED)
    problem = shop.refused("/v1/quotes", quote_of(2_000, store="s-9"), "not_redeemable_here")
    assert (problem["status"], problem["store"], problem["sku"]) == (422, "s-9", None)
    problem = shop.refused("/v1/quotes", quote_of(2_000, sku="gift-card"), "not_redeemable_here")
    assert problem["sku"] == "gift-card"
    assert shop.quote(2_000, store="s-1", sku="tea")["points"] == 2_000


@each_use
def test_a_quote_from_elsewhere_is_not_used_where_points_are_not_taken(
    service: WholeService, use: str
) -> None:
    shop = limited(service, 5_000, **BARRED)
    quote = shop.quote(store="s-1")["quote_id"]
    path, body = uses(shop, quote, store="s-9")[use]
    assert shop.refused(path, body, "not_redeemable_here")["store"] == "s-9"
    shop.must(*uses(shop, quote, store="s-1")[use])


@each_use
def test_a_quote_is_not_used_where_points_are_not_taken_any_more(service: WholeService, use: str) -> None:
    shop = limited(service, 5_000)
    quote = shop.quote(store="s-9")["quote_id"]
    shop.terms(redemption=BARRED)
    path, body = uses(shop, quote)[use]
    shop.refused(path, body, "not_redeemable_here")


@pytest.mark.parametrize(("path", "body"), [("/v1/redemptions", redemption_of), ("/v1/holds", hold_of)])
def test_points_without_a_quote_are_not_taken_there_either(
    service: WholeService, path: str, body: Any
) -> None:
    shop = limited(service, 5_000, **BARRED)
    assert shop.refused(path, body(10, store="s-9"), "not_redeemable_here")["status"] == 422
    shop.must(path, body(10, store="s-1"))


def test_limits_differ_by_tier_store_and_article_and_the_last_that_fits_decides(
    service: WholeService,
) -> None:
    exceptions = [
        {"tiers": ["gold"], "max_percent": 80},
        {"stores": ["s-2"], "max_percent": 20},
        {"stores": ["s-2"], "skus": ["tea"], "max_percent": 30},
    ]
    shop = Checkout(
        service,
        tiers=tiers({"member": 0, "gold": 1_000}),
        redemption={"max_percent": 50, "exceptions": exceptions},
    )
    shop.award(5_000)
    assert shop.quote(1_000)["limits"]["maximum"] == 500
    shop.buy(100_000)
    places: list[tuple[dict[str, Any], int]] = [
        ({}, 800),
        ({"store": "s-2"}, 200),
        ({"store": "s-2", "sku": "tea"}, 300),
        ({"sku": "tea"}, 800),
    ]
    for where, most in places:
        assert shop.quote(1_000, **where)["limits"]["maximum"] == most


# --- one use, one member, one rate ---------------------------------------------------------------


@each_use
def test_a_quote_is_used_once_whatever_uses_it(shop: Checkout, use: str) -> None:
    quote = shop.quote()["quote_id"]
    used = shop.must(*uses(shop, quote)[use])
    for path, body in uses(shop, quote).values():
        if use == "hold" and path == "/v1/purchases":
            continue  # which captures the hold
        problem = shop.refused(path, body, "quote_used")
        assert (problem["status"], problem["entry_id"]) == (409, used["entry_id"])


@each_use
@pytest.mark.parametrize("quote", ["another member's", "quo_" + "0" * 31 + "7", "quo_1", "q"])
def test_a_quote_of_another_member_is_none(shop: Checkout, use: str, quote: str) -> None:
    shop.award(5_000, member_id="bob")
    if quote == "another member's":
        quote = shop.quote(2_000, 100, member_id="bob")["quote_id"]
    path, body = uses(shop, quote)[use]
    problem = shop.refused(path, body, "quote_unknown")
    assert (problem["status"], problem["quote_id"]) == (404, quote)


@each_use
def test_a_quote_is_good_to_its_last_microsecond_and_no_longer(shop: Checkout, use: str) -> None:
    early, late = shop.quote(), shop.quote()
    shop.wait(seconds=599, microseconds=999_999)
    shop.must(*uses(shop, early["quote_id"])[use])
    shop.wait(microseconds=1)
    path, body = uses(shop, late["quote_id"])[use]
    problem = shop.refused(path, body, "quote_expired")
    assert (problem["status"], problem["expires_at"]) == (410, late["expires_at"])
    assert problem["rate_version"] == problem["rate_version_in_force"] == late["rate_version"]


@each_use
def test_a_quote_is_dead_when_the_rate_has_moved(shop: Checkout, use: str) -> None:
    quote = shop.quote()
    version = shop.rate("0.0101")
    path, body = uses(shop, quote["quote_id"])[use]
    problem = shop.refused(path, body, "quote_expired")
    assert (problem["rate_version"], problem["rate_version_in_force"]) == (quote["rate_version"], version)
    # Going back to what it was is a version of its own: the quote stays dead.
    shop.rate("0.0100")
    shop.refused(path, body, "quote_expired")


@each_use
def test_a_quote_whose_points_are_gone_by_then_is_not_used_up(shop: Checkout, use: str) -> None:
    quote = shop.quote()["quote_id"]
    spent = shop.must("/v1/redemptions", redemption_of(3_001))
    path, body = uses(shop, quote)[use]
    problem = shop.refused(path, body, "insufficient_points")
    assert (problem["available"], problem["requested"]) == (1_999, 2_000)
    refund = {"points": 1, "reference": fresh("f")}
    shop.must(f"/v1/redemptions/{spent['redemption_id']}/refunds", refund)
    shop.must(path, body)


def test_a_quote_is_never_good_beyond_the_next_change_of_the_rate(shop: Checkout) -> None:
    change = clock.show(shop.now + timedelta(seconds=200))
    shop.rate("0.0101", valid_from=change)
    quote = shop.quote()
    assert (quote["rate"], quote["expires_at"]) == ("0.0100", change)
    shop.wait(seconds=200)
    path, body = uses(shop, quote["quote_id"])["redemption"]
    shop.refused(path, body, "quote_expired")
    assert shop.quote()["rate"] == "0.0101"


# --- how many ------------------------------------------------------------------------------------


def test_a_member_has_so_many_open_quotes_and_no_more(shop: Checkout) -> None:
    quotes = [shop.quote(2_000, 10) for _ in range(5)]
    problem = shop.refused("/v1/quotes", quote_of(2_000, 10), "too_many_quotes")
    assert (problem["status"], problem["open"], problem["limit"]) == (422, 5, 5)
    shop.award(10, member_id="bob")
    shop.quote(2_000, 10, member_id="bob")
    # One that is used makes room for one.
    shop.must("/v1/redemptions", redemption_of(quote_id=quotes[0]["quote_id"]))
    shop.quote(2_000, 10)
    shop.refused("/v1/quotes", quote_of(2_000, 10), "too_many_quotes")


def test_quotes_that_are_dead_take_no_room(shop: Checkout) -> None:
    for _ in range(5):
        shop.quote()
    shop.rate("0.0101")
    for _ in range(5):
        shop.quote()
    shop.refused("/v1/quotes", quote_of(2_000), "too_many_quotes")
    shop.wait(seconds=600)
    for _ in range(5):
        shop.quote()


def test_the_program_says_how_many_and_how_long(service: WholeService) -> None:
    shop = limited(service, 5_000, open_quotes=1, quote_seconds=30)
    quote = shop.quote()
    assert quote["expires_at"] == clock.show(shop.now + timedelta(seconds=30))
    assert shop.refused("/v1/quotes", quote_of(2_000), "too_many_quotes")["limit"] == 1


# --- once, for practice, and among others --------------------------------------------------------


def test_a_quote_under_a_key_is_the_same_quote_to_the_byte_and_takes_no_room_twice(shop: Checkout) -> None:
    key = {"Idempotency-Key": fresh("once")}
    first = shop.send("/v1/quotes", quote_of(2_000), headers=key)
    shop.wait(seconds=30)
    before = shop.rows()
    for _ in range(6):
        again = shop.send("/v1/quotes", quote_of(2_000), headers=key)
        assert (again.status_code, again.data) == (201, first.data)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert shop.rows() == before
    shop.refused("/v1/quotes", quote_of(2_001), "idempotency_key_reused", headers=key)


def test_a_quote_needs_no_key_and_then_each_is_another(shop: Checkout) -> None:
    bare = {"Idempotency-Key": None}
    first, second = (shop.must("/v1/quotes", quote_of(2_000), headers=bare) for _ in range(2))
    assert first["quote_id"] != second["quote_id"]


def test_a_rehearsed_quote_is_no_quote(shop: Checkout) -> None:
    before = shop.service.rows()
    rehearsed = shop.must("/v1/quotes", quote_of(2_000), query_string="dry_run=true")
    assert rehearsed["dry_run"] is True
    assert shop.service.rows() == before
    path, body = uses(shop, rehearsed["quote_id"])["redemption"]
    shop.refused(path, body, "quote_unknown")


@each_use
def test_a_rehearsed_use_leaves_the_quote_open(shop: Checkout, use: str) -> None:
    path, body = uses(shop, shop.quote()["quote_id"])[use]
    before = shop.service.rows()
    rehearsed = shop.must(path, body, query_string="dry_run=true")
    assert rehearsed["dry_run"] is True
    assert shop.service.rows() == before
    assert shop.must(path, body)["balance"]["points"] == rehearsed["balance"]["points"]


@each_use
def test_the_use_of_a_quote_is_replayed_to_the_byte(shop: Checkout, use: str) -> None:
    path, body = uses(shop, shop.quote()["quote_id"])[use]
    key = {"Idempotency-Key": fresh("once")}
    first = shop.send(path, body, headers=key)
    shop.rate("0.0101")
    before = shop.rows()
    again = shop.send(path, body, headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert shop.rows() == before


def operation(name: str, **body: Any) -> dict[str, Any]:
    return {"operation": name, "idempotency_key": fresh("op"), "body": body}


def test_a_batch_quotes_and_of_two_that_use_a_quote_one_does(shop: Checkout) -> None:
    quote = shop.quote()["quote_id"]
    operations = [
        operation("quote", **quote_of(2_000, 100)),
        operation("hold", **hold_of(quote_id=quote)),
        operation("redemption", **redemption_of(quote_id=quote)),
    ]
    results = shop.must("/v1/batches", {"operations": operations}, status=200)["results"]
    assert [result["status"] for result in results] == [201, 201, 409]
    assert results[2]["body"]["code"] == "quote_used"
    made = results[0]["body"]["quote_id"]
    shop.must("/v1/redemptions", redemption_of(quote_id=made))
    assert shop.points() == (2_900, 2_000, 0)


def test_in_one_batch_no_more_quotes_are_made_than_may_be_open(shop: Checkout) -> None:
    operations = [operation("quote", **quote_of(2_000, 100)) for _ in range(7)]
    results = shop.must("/v1/batches", {"operations": operations}, status=200)["results"]
    assert [result["status"] for result in results] == [201] * 5 + [422] * 2


def test_quotes_of_a_batch_count_those_that_the_batch_has_used(shop: Checkout) -> None:
    quotes = [shop.quote(2_000, 10) for _ in range(5)]
    operations = [
        operation("redemption", **redemption_of(quote_id=quotes[0]["quote_id"])),
        operation("quote", **quote_of(2_000, 100)),
        operation("quote", **quote_of(2_000, 100)),
    ]
    results = shop.must("/v1/batches", {"operations": operations}, status=200)["results"]
    assert [result["status"] for result in results] == [201, 201, 422]
