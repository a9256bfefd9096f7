"""Published worked examples, through the service: purchases, redemptions, estimates, closes, read from reports."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.finance.deferral.controller import MINOR, Controller, at, months, released, terms_earning
from tests.whole_service import WholeService

CASES = json.loads(Path(__file__).with_name("published_cases.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_published_case(service: WholeService, case: dict[str, Any]) -> None:
    price, points = case["transaction_price"] * MINOR, case["points_issued"]
    ends = {"points_expiry": {"kind": "fixed_days", "days": 1_000}} if case.get("then_expires") else {}
    books = Controller.of(service, case["id"], terms_earning(points, price, **ends), "2026-01-05")
    # The source rounds the share of the points, where it says so.
    rounding = {"share_decimals": 2} if case.get("allocation_given") else {}
    books.policy("deferral_relative_ssp", unit_value=str(case["unit_value"]), **rounding)
    books.estimate(Decimal(str(case["expected_redemption_at_issue"])), "2026-01")
    books.on("2026-01-15").buy(price)
    assert_close(books.deferral()["deferred"], case["allocated_to_points"], case)
    goods = books.deferral()["cohorts"][0]["allocated_to_goods"]
    assert_close(goods, case["allocated_to_goods"], case)
    pack, redeemed = books.deferral(), 0
    for year, step in enumerate(case["steps"], 2026):
        books.on(f"{year}-11-10").redeem(step["redeemed_to_date"] - redeemed)
        redeemed = step["redeemed_to_date"]
        books.on(f"{year}-12-20").estimate(Decimal(step["expected_total"]) / points, "2026-01")
        first = "2026-12" if year == 2026 else f"{year}-01"
        books.on(f"{year + 1}-01-05")
        pack = books.close(*months(first, f"{year}-12"))["deferral"]
        whole_year = books.deferral(**{"from": bound(year), "to": bound(year + 1)})
        assert_close(released(whole_year), step["release"], case)
        for wrong in case.get("never", []):
            assert abs(released(whole_year) - wrong * MINOR) > case["tolerance"] * MINOR
    assert_close(pack["closing"], case["closing_liability"], case)
    assert books.liability()["book_liability"] == pack["closing"]
    if case.get("then_expires"):
        books.moved(at("2026-01-15") + timedelta(days=1_001))
        books.expire(service)
        assert_close(books.deferral()["released_on_expiry"], case["expiry_release"], case)
        assert books.deferral()["closing"] == 0


def bound(year: int) -> str:
    """The last moment before a year, in Shanghai."""
    return f"{year - 1}-12-31T23:59:59.999999+08:00"


def assert_close(minor_units: int, major_units: float, case: dict[str, Any]) -> None:
    difference = Decimal(minor_units) / MINOR - Decimal(str(major_units))
    assert abs(difference) <= Decimal(str(case["tolerance"])), (minor_units, major_units)
