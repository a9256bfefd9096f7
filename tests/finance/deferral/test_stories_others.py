"""Provisions, residuals, partners' points, and what was never bought, over HTTP. Money in fen."""

from datetime import timedelta
from typing import Any

import pytest

from tests.finance.deferral.controller import Controller, at, balances, lines, released, rows, terms_earning
from tests.whole_service import WholeService


def shop(service: WholeService, name: str, method: str, **changes: Any) -> Controller:
    """A point for every yuan, by a method, from January on."""
    books = Controller.of(service, name, terms_earning(1, 100), "2026-01-05")
    books.policy(method, **changes)
    books.estimate("0.8", "2026-01")
    return books


def test_a_provision_is_remeasured_with_the_rate_line_by_line(service: WholeService) -> None:
    books = shop(service, "provision", "cost_provision")
    purchase = books.buy(1_000_000)
    # 10,000 points x 0.8 x 0.01; nothing of the price.
    assert lines(books.deferral()) == [("deferred", "marketing_expense", "points_provision", 8_000)]
    assert books.allocation(purchase)["allocated"] == 0
    books.on("2026-01-20").redeem(3_000)
    books.on("2026-02-05").close("2026-01")
    # 5,000 points to come: + 0.0002 each, then - 0.0005.
    books.on("2026-02-10").rate("0.0102")
    assert lines(books.deferral(period="2026-01"))[-1] == (
        "released_on_redemption",
        "points_provision",
        "marketing_expense",
        3_000,
    )
    up = books.deferral(**{"from": "2026-01-31T23:59:59.999999+08:00"})
    assert lines(up) == [("revalued", "marketing_expense", "points_provision", 100)]
    books.on("2026-02-20").rate("0.0097")
    down = books.deferral(**{"from": "2026-01-31T23:59:59.999999+08:00"})
    assert lines(down) == [("revalued", "points_provision", "marketing_expense", 150)]
    assert (down["opening"], down["closing"]) == (5_000, 4_850)
    books.redeem(1_000)
    books.on("2026-02-25").estimate("0.9", "2026-01")
    february = books.deferral(**{"from": "2026-01-31T23:59:59.999999+08:00"})
    # 1,000 x 0.97 fen used; 1,000 more expected at 0.97 fen.
    assert rows(february) == {"revalued": -150, "released_on_redemption": 970, "estimate_trueup": 970}
    assert february["closing"] == 4_850
    assert balances(february) == {"points_provision": 4_850, "marketing_expense": 4_850}


def test_a_rate_of_the_very_moment_remeasures_what_was_provided_before(service: WholeService) -> None:
    """The clock of a test program may stand: what was made first was first."""
    books = shop(service, "standing", "cost_provision")
    books.buy(1_000_000)
    assert rows(books.deferral()) == {"deferred": 8_000}
    books.rate("0.0102")
    assert rows(books.deferral()) == {"deferred": 8_000, "revalued": 160}
    books.buy(100_000, "m-2")
    assert rows(books.deferral()) == {"deferred": 8_816, "revalued": 160}
    # It stays so when the clock goes on, and where a month ends.
    books.on("2026-02-05")
    assert rows(books.close("2026-01")["deferral"]) == {"deferred": 8_816, "revalued": 160}


def test_a_rate_change_moves_a_provision_and_no_deferral_beside_it(service: WholeService) -> None:
    books = shop(service, "both", "deferral_relative_ssp")
    books.buy(1_000_000)
    books.policy("cost_provision", applies_from="2026-02")
    books.on("2026-02-10").buy(1_000_000)
    before = {each["cohort"]: each["closing"] for each in books.deferral()["cohorts"]}
    books.on("2026-02-11").rate("0.0102")
    after = {each["cohort"]: each for each in books.deferral()["cohorts"]}
    assert (after["2026-01"]["closing"], after["2026-01"]["revalued"]) == (before["2026-01"], 0)
    assert (after["2026-02"]["closing"], after["2026-02"]["revalued"]) == (before["2026-02"] + 200, 200)
    changes = {(each["what"], each["by"]): each["change"] for each in books.liability()["sensitivity"]}
    # A tenth more for 10,000 points of February at 1.02 fen; January does not care.
    assert changes["rate", "0.100000"] == 1_020


def test_the_residual_method_allocates_the_whole_value(service: WholeService) -> None:
    """A published item of 2016: sales of 10,000, points worth 100, 7,200 of 9,000 used: revenue 9,980."""
    books = Controller.of(service, "residual", terms_earning(1, 100), "2026-01-05")
    books.policy("deferral_residual_fv", unit_value="0.01")
    books.estimate("0.9", "2026-01")
    books.buy(1_000_000)
    assert lines(books.deferral()) == [("deferred", "sales", "contract_liability", 10_000)]
    books.redeem(7_200)
    report = books.deferral()
    assert rows(report) == {"deferred": 10_000, "released_on_redemption": 8_000}
    assert 1_000_000 + report["balances"][0]["balance"] == 998_000


def test_the_residual_is_never_more_than_the_price(service: WholeService) -> None:
    books = shop(service, "dear", "deferral_residual_fv", unit_value="2")
    purchase = books.buy(10_000)
    proof = books.allocation(purchase)
    assert (proof["price"], proof["allocated"], proof["allocated_to_goods"], proof["share"]) == (
        10_000,
        10_000,
        0,
        None,
    )


def test_an_agent_owes_its_partner_and_keeps_a_fee(service: WholeService) -> None:
    books = shop(service, "agent", "agent_net", unit_value="0.01", settlement_price="0.006")
    purchase = books.buy(1_000_000)
    # 80.00 of 10,080.00 is for the points: 7,937; 10,000 of them cost 0.6 fen each.
    assert lines(books.deferral()) == [
        ("passed_on", "sales", "partner_payable", 6_000),
        ("agent_fees", "sales", "agent_fees", 1_937),
    ]
    books.on("2026-02-10").redeem(4_000)
    books.rate("0.0102")
    assert lines(books.deferral(**{"from": "2026-01-31T23:59:59.999999+08:00"})) == []
    books.give_back(purchase, 250_000)
    report = books.deferral()
    # A quarter goes back: 7,937 - 1,984 = 5,953 (5,952.75), and 7,500 points are still the partner's.
    assert rows(report) == {"passed_on": 4_500, "agent_fees": 1_453}
    assert (report["closing"], balances(report)) == (
        0,
        {"sales": -5_953, "partner_payable": 4_500, "agent_fees": 1_453},
    )
    assert books.liability()["by_method"] == [
        {"method": "agent_net", "outstanding": 3_500, "book_liability": 0, "passed_on": 4_500}
    ]


def test_points_that_nobody_bought_are_a_cost(service: WholeService) -> None:
    books = shop(service, "awards", "deferral_relative_ssp")
    books.award(1_000)
    books.adjust(500)
    assert lines(books.deferral()) == [("deferred", "marketing_expense", "points_provision", 1_200)]
    assert books.cohort("2026-01", "award")["method"] == "cost_provision"
    books.adjust(-300)
    assert rows(books.deferral()) == {"deferred": 1_200, "issue_reversals": 240}
    books.redeem(200)
    assert rows(books.deferral()) == {
        "deferred": 1_200,
        "issue_reversals": 240,
        "released_on_redemption": 200,
    }
    # What is taken by hand from points of a purchase lowers N, and L stays.
    books.on("2026-02-10").buy(100_000, "m-2")
    allocated = books.cohort("2026-02")["allocated"]
    books.adjust(-500, "m-2")
    books.redeem(250, "m-2")
    assert rows(books.cohort("2026-02")) == {"deferred": allocated, "released_on_redemption": allocated // 2}


def test_a_till_that_took_more_than_there_was_releases_nothing_until_it_is_repaid(
    service: WholeService,
) -> None:
    terms = terms_earning(1, 100, offline={"credit": 500})
    books = Controller.of(service, "offline", terms, "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value="0.01")
    books.buy(10_000)
    offline = {"device_id": "till-1", "occurred_at": at("2026-01-05").isoformat()}
    books.redeem(300, offline=offline)
    # 100 points were there: 99 fen of 100.99... of the price; the other 200 are owed.
    assert rows(books.deferral()) == {"deferred": 99, "released_on_redemption": 99}
    assert (books.liability()["owed_by_members"], books.liability()["outstanding"]) == (200, -200)
    books.on("2026-02-10").buy(100_000)
    february = books.cohort("2026-02")
    assert (february["redeemed"], february["outstanding"]) == (200, 800)
    assert rows(february) == {"deferred": 990, "released_on_redemption": 198}


def test_what_is_left_is_released_when_the_last_point_has_gone(service: WholeService) -> None:
    ends = {"points_expiry": {"kind": "fixed_days", "days": 40}}
    books = Controller.of(service, "expiry", terms_earning(1, 100, **ends), "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value="0.01")
    books.estimate("0.5", "2026-01")
    books.buy(100_000)
    books.on("2026-01-20").buy(100_000, "m-2")
    books.redeem(200)
    books.moved(at("2026-01-05") + timedelta(days=42))
    books.expire(service)
    # 996 x 200/1,000; the first lot is gone, but January is not.
    assert rows(books.deferral()) == {"deferred": 996, "released_on_redemption": 199}
    assert books.cohort("2026-01")["outstanding"] == 1_000
    books.moved(at("2026-01-20") + timedelta(days=42))
    books.expire(service)
    report = books.deferral()
    assert rows(report) == {"deferred": 996, "released_on_redemption": 199, "released_on_expiry": 797}
    assert (report["closing"], released(report)) == (0, 996)


@pytest.mark.parametrize(
    ("currency", "amount", "unit_value", "allocated"),
    # 100 points x 1 yen; 100 points x 0.001 dinar, of which there are a thousand fils; both 100 of 10,100.
    [("JPY", 10_000, "1", 99), ("KWD", 10_000, "0.001", 99), ("CNY", 10_000, "0.01", 99)],
)
def test_minor_units_are_those_of_the_currency(
    service: WholeService, currency: str, amount: int, unit_value: str, allocated: int
) -> None:
    books = Controller.of(service, f"in-{currency}", terms_earning(1, 100), "2026-01-05", currency)
    books.policy("deferral_relative_ssp", unit_value=unit_value)
    purchase = books.buy(amount)
    assert rows(books.deferral()) == {"deferred": allocated}
    assert books.allocation(purchase)["points_apart"] == {"JPY": "100", "KWD": "0.1", "CNY": "1"}[currency]
    books.redeem(50)
    # 99 x 50/100 is 49.5, to the even one.
    assert books.deferral()["released_on_redemption"] == 50
    assert books.liability()["currency"] == currency


CASES_BESIDE_THE_FILE: list[dict[str, Any]] = [
    {
        # A shop in ten thousands of yuan: 238.10; 158.73; 39.68; 39.68.
        "id": "cn-store",
        "price": 30_000_000_000,
        "points": 300_000_000,
        "unit_value": "0.01",
        "share": "0.8",
        "allocated": 238_095_238,
        "steps": [(180_000_000, "0.9", 158_730_159), (70_000_000, "1", 39_682_539)],
        "closing": 39_682_540,
    },
    {
        # 156.68 of 2,000, of which 1,000/1,700 is 92.17; never 158 and 79, which divide by what was issued.
        "id": "divided-by-issued",
        "price": 200_000,
        "points": 2_000,
        "unit_value": "0.1",
        "share": "0.85",
        "allocated": 15_668,
        "steps": [(1_000, "0.85", 9_216)],
        "closing": 6_452,
        "never": (15_800, 7_900, 7_834),
    },
    {
        "id": "two-steps-down-and-up",
        "price": 100_000,
        "points": 1_000,
        "unit_value": "0.1",
        "share": "0.9",
        "allocated": 8_257,
        "steps": [(300, "0.6", 4_128), (100, "0.8", 0), (400, "0.8", 4_129)],
        "closing": 0,
    },
]


@pytest.mark.parametrize("case", CASES_BESIDE_THE_FILE, ids=[case["id"] for case in CASES_BESIDE_THE_FILE])
def test_a_case_that_is_not_in_the_file(service: WholeService, case: dict[str, Any]) -> None:
    books = Controller.of(service, case["id"], terms_earning(case["points"], case["price"]), "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value=case["unit_value"])
    books.estimate(case["share"], "2026-01")
    books.buy(case["price"])
    assert rows(books.deferral()) == {"deferred": case["allocated"]}
    seen = [case["allocated"]]
    for number, (points, share, release) in enumerate(case["steps"], 1):
        books.on(f"2026-{number:02}-20").redeem(points)
        books.estimate(share, "2026-01")
        books.on(f"2026-{number + 1:02}-03")
        pack = books.close(f"2026-{number:02}")["deferral"]
        assert released(pack) == release
        seen += [release, pack["closing"]]
    assert seen[-1] == case["closing"]
    assert not set(case.get("never", ())) & set(seen)
