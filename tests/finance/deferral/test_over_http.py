"""What the published cases do not try: revenue out of the opening balance (IFRS 15.116), and what was always known."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.finance.deferral.controller import Controller, terms_earning
from tests.whole_service import WholeService, open_service


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


def test_revenue_out_of_the_opening_balance(service: WholeService) -> None:
    """IE52's second year opens with 4,566.21 and releases 3,492.92 of it; a purchase of that year adds nothing to it.

    The second purchase is allocated the same again, and half of its points are redeemed in its own year.
    """
    books = Controller.of(service, "opening", terms_earning(10_000, 10_000_000), "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value="1")
    books.estimate("0.95")
    books.on("2026-01-15").buy(10_000_000)
    books.on("2026-11-10").redeem(4_500)
    books.on("2027-02-01").buy(10_000_000, "m-2")
    books.on("2027-11-10").redeem(4_000)
    books.redeem(5_000, "m-2")
    books.on("2027-12-20").estimate("0.97", "2026-01")
    year = {"from": "2026-12-31T23:59:59.999999+08:00"}
    report = books.deferral(**year)
    # 867,579.91 yuan cents: L = 867,580 fen; 1 - 4,500/9,500 of it is open, and 8,500/9,700 of it are released.
    assert report["opening"] == 456_621
    assert report["released_from_opening"] == round(867_580 * 8_500 / 9_700) - (867_580 - 456_621) == 349_292
    assert report["released_on_redemption"] - report["estimate_trueup"] > report["released_from_opening"]


def test_what_was_not_there_at_the_beginning_is_released_from_nothing(service: WholeService) -> None:
    books = Controller.of(service, "no-opening", terms_earning(1, 100), "2026-01-05")
    books.buy(1_000_000)
    books.on("2026-01-20").redeem(5_000)
    assert books.deferral()["released_on_redemption"] > 0
    assert books.deferral()["released_from_opening"] == 0


def test_a_test_programs_first_rate_was_always_known(service: WholeService) -> None:
    """It was made by the system's time, which is later than anything its own clock shows."""
    books = Controller.of(service, "first-rate", terms_earning(1, 100), "2026-01-05")
    books.buy(1_000_000)
    assert books.liability()["face_value"] == 10_000
    ageing = books.read("/v1/reports/ageing", known_as_of=books.now)
    assert (ageing["rate"], ageing["rate_version"]) == ("0.0100", 1)


def test_as_of_is_the_end_of_the_period(service: WholeService) -> None:
    books = Controller.of(service, "as-of", terms_earning(1, 100), "2026-01-05")
    books.buy(1_000_000)
    books.on("2026-01-20").buy(1_000_000)
    moment = "2026-01-10T00:00:00+08:00"
    assert books.deferral(as_of=moment) == books.deferral(to=moment)
    assert books.deferral(as_of=moment)["deferred"] < books.deferral()["deferred"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"as_of": "2026-01-06T00:00:00Z", "to": "2026-01-05T00:00:00Z"}, "as_of"),
        ({"as_of": "2026-01-06T00:00:00Z", "period": "2026-01"}, "period"),
        ({"from": "2026-01-06T00:00:00Z", "period": "2026-01"}, "period"),
        ({"from": "2026-01-06T00:00:00Z", "as_of": "2026-01-05T00:00:00Z"}, "to"),
        ({"as_of": "2036-01-01T00:00:00Z"}, "to"),
        ({"period": "2026-13"}, "period"),
    ],
)
def test_a_period_is_given_in_one_way(service: WholeService, asked: dict[str, str], field: str) -> None:
    books = Controller.of(service, f"one-way-{len(str(asked))}-{field}", terms_earning(1, 100), "2026-01-07")
    answer = books.tenant.send("GET", "/v1/reports/deferral", role="finance", query_string=asked)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_an_estimate_without_a_reason_gives_its_method(service: WholeService) -> None:
    books = Controller.of(service, "no-reason", terms_earning(1, 100), "2026-01-05")
    books.approved(
        "/v1/estimates", {"cohort": "2026-01", "expected_redemption": "0.9", "method": "chain_ladder"}
    )
    (made,) = books.read("/v1/estimates")["data"]
    assert (made["method"], made["reason"], made["cohort"]) == ("chain_ladder", "chain_ladder", "2026-01")
