"""Contract liabilities over HTTP: every journal line by numbers that can be checked by hand. Money in fen."""

from typing import Any

from tests.finance.deferral.controller import Controller, balances, lines, months, rows, terms_earning
from tests.whole_service import WholeService


def shop(service: WholeService, name: str, start: str = "2026-01-05", **changes: Any) -> Controller:
    """A point for every yuan, worth a fen."""
    return Controller.of(service, name, terms_earning(1, 100, **changes), start)


def measured(service: WholeService, name: str, share: str = "0.5", **changes: Any) -> Controller:
    """A shop that goes by relative prices of a fen for a point, and expects a share of January's to be used."""
    books = shop(service, name, **changes)
    books.policy("deferral_relative_ssp", unit_value="0.01")
    books.estimate(share, "2026-01")
    return books


def test_the_example_of_ifrs_15_line_by_line(service: WholeService) -> None:
    books = Controller.of(service, "ie52", terms_earning(10_000, 10_000_000), "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value="1")
    books.estimate("0.95", "2026-01")
    purchase = books.on("2026-01-15").buy(10_000_000)
    # 9,500 of 109,500: 8,675.80 of 100,000 are for the points.
    assert lines(books.deferral()) == [("deferred", "sales", "contract_liability", 867_580)]
    books.on("2026-11-10").redeem(4_500)
    books.on("2027-01-05")
    first = books.close(*months("2026-12", "2026-12"))
    assert lines(books.deferral()) == [
        ("deferred", "sales", "contract_liability", 867_580),
        ("released_on_redemption", "contract_liability", "sales", 410_959),
    ]
    assert balances(first["deferral"]) == {"sales": -456_621, "contract_liability": 456_621}
    books.on("2027-11-10").redeem(4_000)
    # 867,580 x (8,500 - 4,500) / 9,500, at the estimate then in force.
    assert rows(books.cohort("2026-01")) == {
        "deferred": 867_580,
        "released_on_redemption": 776_256,
    }
    books.on("2027-12-20").estimate("0.97", "2026-01")
    books.on("2028-01-05")
    pack = books.close(*months("2027-01", "2027-12"))["deferral"]
    assert lines(pack) == [("estimate_trueup", "sales", "contract_liability", 16_005)]
    assert (pack["opening"], pack["closing"]) == (91_324, 107_329)
    year = books.deferral(
        **{"from": "2026-12-31T23:59:59.999999+08:00", "to": "2027-12-31T23:59:59.999999+08:00"}
    )
    assert rows(year) == {"released_on_redemption": 365_297, "estimate_trueup": 16_005}
    assert (year["opening"], year["closing"]) == (456_621, 107_329)
    assert year["estimates"] == [1, 2]
    assert books.allocation(purchase)["allocated"] == 867_580


def test_an_order_paid_with_points_and_cash_brings_the_cash_and_the_release(service: WholeService) -> None:
    """The journal table of the reference: 1,000 points then of 1, here 100,000 points of a fen."""
    books = Controller.of(service, "table", terms_earning(10, 100), "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value="0.01")
    books.estimate("0.95", "2026-01")
    books.on("2026-01-15").buy(1_000_000)
    assert lines(books.deferral()) == [("deferred", "sales", "contract_liability", 86_758)]
    books.on("2026-02-10").rate("0.0095")
    order = {"purchase_id": "order-2", "quote_id": books.quote(50_000, 40_000)}
    books.buy(50_000, **order)
    # 867.58 x 400 / 950; no rate is in it, and no face value.
    january = books.cohort("2026-01")
    assert rows(january) == {"deferred": 86_758, "released_on_redemption": 36_530}
    money = books.read("/v1/reports/trial-balance")["units"][2]
    accounts = {each["account"]: each["balance"] for each in money["accounts"] if each["balance"]}
    assert accounts == {
        "tender_cash": 12_000,
        "sales": 12_000,
        "points_discount": 38_000,
        "trading_money": 38_000,
    }
    # Revenue of the order: 120.00 in cash and 365.30 released, which is not cash and face value.
    assert accounts["sales"] + january["released_on_redemption"] == 48_530
    # It earns 5,000 points itself, whose price is a part of its cash: 120.00 x 50.00 / 170.00.
    assert rows(books.cohort("2026-02")) == {"deferred": 3_529}


def test_a_rate_change_revalues_no_deferral_not_even_at_the_moment_of_the_purchase(
    service: WholeService,
) -> None:
    books = shop(service, "standing")
    books.estimate("0.5", "2026-01")
    first = books.buy(100_000)
    before = books.deferral()
    # 1,000 points x 0.01 x 0.5 = 5.00 of 1,005.00, of 1,000.00.
    assert rows(before) == {"deferred": 498}
    books.rate("0.0103")
    assert books.deferral() == before
    second = books.buy(100_000)
    # The next purchase goes by the new bid: 5.15 of 1,005.15.
    assert [books.allocation(each)["allocated"] for each in (first, second)] == [498, 512]
    assert [books.allocation(each)["rate_version"] for each in (first, second)] == [1, 2]
    assert rows(books.deferral()) == {"deferred": 1_010}
    books.on("2026-03-01").rate("0.0099")
    assert rows(books.deferral()) == {"deferred": 1_010}
    assert books.liability()["face_value"] == 1_980


def test_no_estimate_reaches_back_to_a_price_not_even_of_the_same_moment(service: WholeService) -> None:
    books = shop(service, "unestimated")
    purchase = books.buy(100_000)
    # Nobody has estimated: 10.00 of 1,010.00.
    assert rows(books.deferral()) == {"deferred": 990}
    books.estimate("0.5", "2026-01")
    books.policy("deferral_relative_ssp", unit_value="0.02", applies_from="2026-02")
    proof = books.allocation(purchase)
    assert (proof["allocated"], proof["estimate_version"], proof["policy_version"]) == (990, None, 1)
    assert rows(books.deferral()) == {"deferred": 990}
    books.redeem(250)
    # The estimate counts for what is released: 990 x 250/500.
    assert rows(books.deferral()) == {"deferred": 990, "released_on_redemption": 495}
    assert books.buy(100_000)["points"] == 1_000
    assert rows(books.cohort("2026-01")) == {"deferred": 990 + 498, "released_on_redemption": 372}


def test_goods_that_go_back_take_their_part_along(service: WholeService) -> None:
    books = measured(service, "returns")
    purchase = books.on("2026-01-15").buy(100_000)
    books.give_back(purchase, 25_000)
    # 498 x 1/4, from 498 to round(373.5) = 374.
    assert rows(books.deferral()) == {"deferred": 498, "issue_reversals": 124}
    books.on("2026-02-10").redeem(150)
    # 374 x 150 / 375.
    assert rows(books.deferral()) == {"deferred": 498, "issue_reversals": 124, "released_on_redemption": 150}
    books.give_back(purchase, 25_000)
    # 249 of 500 points are left; 249 x 150/250 = 149.
    assert rows(books.deferral()) == {"deferred": 498, "issue_reversals": 249, "released_on_redemption": 149}
    proof = books.allocation(purchase)
    assert [(each["points"], each["reversed"], each["price_changed"]) for each in proof["taken_back"]] == [
        (250, 124, 0),
        (250, 125, 0),
    ]
    assert proof["remaining"] == {"price": 50_000, "points": 500, "allocated": 249}
    books.give_back(purchase, 50_000, 8)
    final = books.deferral()
    assert rows(final) == {"deferred": 498, "issue_reversals": 498}
    assert final["closing"] == 0
    # The points that were spent are owed.
    assert books.liability()["owed_by_members"] == 150


def test_what_a_debt_is_repaid_with_pays_for_what_was_spent(service: WholeService) -> None:
    books = measured(service, "debts")
    purchase = books.on("2026-01-15").buy(100_000)
    books.redeem(1_000)
    books.give_back(purchase, 100_000, 10)
    assert books.deferral()["closing"] == 0
    books.on("2026-02-10").estimate("0.8", "2026-02")
    books.buy(100_000)
    # 8.00 of 1,008.00: 794. All 1,000 points repay the debt, and with it what they were spent on.
    assert rows(books.cohort("2026-02")) == {"deferred": 794, "released_on_redemption": 794}
    assert books.liability()["outstanding"] == 0


def test_points_keep_their_month_wherever_they_go(service: WholeService) -> None:
    books = measured(service, "transfers")
    books.on("2026-01-15").buy(100_000)
    for member in ("m-2", "m-3"):
        assert books.tenant.send("PUT", f"/v1/members/{member}", json={}).status_code == 201
    books.on("2026-02-10").transfer(400, "m-1", "m-2")
    books.buy(100_000, "m-3")
    books.on("2026-03-10").transfer(300, "m-2", "m-3")
    books.on("2026-04-10").redeem(1_300, "m-3")
    books.refund(books.redeem(100, "m-2"), 100)
    january, february = books.cohort("2026-01"), books.cohort("2026-02")
    # Of what m-3 redeemed 300 points are January's: 498 x 300/500.
    assert (january["redeemed"], january["outstanding"]) == (300, 700)
    assert rows(january) == {"deferred": 498, "released_on_redemption": 299}
    assert (february["redeemed"], february["outstanding"]) == (1_000, 0)


def test_a_refund_takes_the_release_back_and_a_reversal_the_deferral(service: WholeService) -> None:
    books = measured(service, "refunds")
    purchase = books.on("2026-01-15").buy(100_000)
    redemption = books.redeem(250)
    assert rows(books.deferral()) == {"deferred": 498, "released_on_redemption": 249}
    books.refund(redemption, 50)
    assert rows(books.deferral()) == {"deferred": 498, "released_on_redemption": 199}
    books.reverse(redemption)
    assert rows(books.deferral()) == {"deferred": 498}
    books.reverse(purchase)
    assert rows(books.deferral()) == {"deferred": 498, "issue_reversals": 498}
    assert books.allocation(purchase)["remaining"] == {"price": 0, "points": 0, "allocated": 0}


def test_holds_release_nothing_until_they_are_captured(service: WholeService) -> None:
    books = measured(service, "holds")
    books.on("2026-01-15").buy(100_000)
    hold = books.hold(400)
    assert rows(books.deferral()) == {"deferred": 498}
    assert books.cohort("2026-01")["outstanding"] == 1_000
    books.capture(hold, 250)
    assert rows(books.deferral()) == {"deferred": 498, "released_on_redemption": 249}


def test_a_purchase_that_comes_after_its_month_was_locked_is_booked_in_the_next(
    service: WholeService,
) -> None:
    books = measured(service, "late")
    books.on("2026-01-15").buy(100_000)
    books.on("2026-02-05")
    pack = books.close("2026-01")
    late = books.buy(100_000, occurred_at="2026-01-20T12:00:00+08:00")
    assert books.allocation(late)["cohort"] == "2026-01"
    assert books.deferral(period="2026-01") | {"known_as_of": ""} == pack["deferral"] | {"known_as_of": ""}
    books.on("2026-03-05")
    february = books.deferral(period="2026-02")
    assert (february["opening"], rows(february)) == (498, {"deferred": 498})
    assert [(each["cohort"], each["issued"]) for each in february["cohorts"]] == [("2026-01", 2_000)]


def test_an_estimate_of_a_month_that_is_soft_closed_trues_that_month_up(service: WholeService) -> None:
    books = measured(service, "soft")
    books.on("2026-01-15").buy(100_000)
    books.redeem(250)
    books.on("2026-02-03")
    soft = books.tenant.send("POST", "/v1/periods/2026-01/soft-close", role="finance")
    assert soft.status_code == 200
    books.estimate("0.8", "2026-01", applies_from="2026-01")
    # An estimate that applies from February on leaves January alone.
    books.estimate("0.9", "2026-01", applies_from="2026-02")
    assert books.tenant.send("POST", "/v1/periods/2026-01/lock", role="finance").status_code == 200
    pack = books.read("/v1/periods/2026-01/pack")
    # 498 x 250/500 = 249; x 250/800 = 156 (155.6).
    assert rows(pack["deferral"]) == {"deferred": 498, "released_on_redemption": 249, "estimate_trueup": 93}
    assert [each["version"] for each in pack["estimates"]] == [1, 2]
    # 498 x 250/900 = 138.
    assert rows(books.deferral()) == {"deferred": 498, "released_on_redemption": 249, "estimate_trueup": 111}


def test_the_month_of_a_price_is_the_month_of_its_policy(service: WholeService) -> None:
    books = measured(service, "policies")
    books.on("2026-01-15").buy(100_000)
    books.policy("deferral_residual_fv", unit_value="0.01", applies_from="2026-02")
    books.policy("cost_provision", unit_cost="0.004", applies_from="2026-03")
    books.buy(100_000)
    for day in ("2026-02-10", "2026-03-10"):
        books.on(day).buy(100_000)
    shown = {
        each["cohort"]: (each["method"], each["policy_version"], rows(each))
        for each in books.deferral()["cohorts"]
    }
    assert shown == {
        "2026-01": ("deferral_relative_ssp", 2, {"deferred": 996}),
        "2026-02": ("deferral_residual_fv", 3, {"deferred": 1_000}),
        "2026-03": ("cost_provision", 4, {"deferred": 400}),
    }
    assert books.deferral()["policies"] == [2, 3, 4]


def test_taxes_are_no_price_and_the_share_may_be_rounded(service: WholeService) -> None:
    books = shop(service, "taxed")
    books.policy("deferral_relative_ssp", unit_value="0.01", tax_rate="0.13", share_decimals=2)
    books.estimate("0.9", "2026-01")
    purchase = books.buy(113_000)
    proof = books.allocation(purchase)
    # 1,130 points x 0.01 x 0.9 = 10.17 of 1,010.17 is 0.01, of the 1,000.00 without tax.
    assert (proof["paid"], proof["price"], proof["points"]) == (113_000, 100_000, 1_130)
    assert (proof["points_apart"], proof["share"], proof["share_decimals"]) == ("10.17", "0.01", 2)
    assert (proof["allocated"], proof["allocated_to_goods"]) == (1_000, 99_000)


def test_the_price_is_what_was_paid_in_money_and_comes_back_as_it_was_paid(service: WholeService) -> None:
    returns = {"tender": "cash_first", "shortfall": "debt"}
    books = measured(service, "mixed", returns=returns)
    books.on("2026-01-15").award(4_000)
    purchase = books.buy(10_000, quote_id=books.quote(10_000, 4_000))
    proof = books.allocation(purchase)
    assert (proof["paid"], proof["price"]) == (6_000, 6_000)
    # 100 points x 0.01 x 0.5 = 50 fen, of 60.50: 6,000 x 50/6,050.
    assert (proof["points"], proof["allocated"]) == (100, 50)
    back = books.give_back(purchase, 5_000)
    assert (back["cash_refund"]["amount"], back["points_refunded"]) == (5_000, 0)
    proof = books.allocation(purchase)
    assert proof["remaining"] == {"price": 1_000, "points": 50, "allocated": 25}
    assert books.cohort("2026-01")["price"] == 1_000
    books.give_back(purchase, 5_000)
    assert books.allocation(purchase)["remaining"] == {"price": 0, "points": 0, "allocated": 0}
