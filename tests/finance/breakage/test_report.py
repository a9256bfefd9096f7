"""The breakage report over HTTP: a small program's own triangle, what is expected of it, what came of estimates."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.rules.terms import DEFAULT_TERMS
from tests.finance.deferral.controller import Controller, terms_earning
from tests.whole_service import WholeService, open_service

TERMS = terms_earning(1, 100, points_expiry={"kind": "end_of_month", "months": 2})


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def three_months(service: WholeService, request: pytest.FixtureRequest) -> Controller:
    """1,000 points issued in each of three months; their redemptions are the toy triangle's of the manual."""
    books = Controller.of(service, request.node.name, TERMS, "2026-01-10")
    for month, members in (("2026-01", 1), ("2026-02", 2), ("2026-03", 3)):
        books.on(f"{month}-10").buy(100_000, f"m-{members}")
        for member, points in zip(
            range(1, 4), ((100, 0, 0), (100, 120, 0), (50, 120, 110))[members - 1], strict=True
        ):
            if points:
                books.on(f"{month}-{20 + member}").redeem(points, f"m-{member}")
    return books.on("2026-04-01")


def test_the_triangle_is_the_books_own(three_months: Controller) -> None:
    report = three_months.read("/v1/reports/breakage", as_of="2026-03-31T23:59:59.999999+08:00")
    cells = [(cell["cohort"], cell["age"], cell["redeemed"]) for cell in report["triangle"]]
    assert cells == [
        ("2026-01", 0, 100),
        ("2026-01", 1, 100),
        ("2026-01", 2, 50),
        ("2026-02", 0, 120),
        ("2026-02", 1, 120),
        ("2026-03", 0, 110),
    ]
    assert (report["issued"], report["redeemed"], report["difference"]) == (3_000, 600, 0)
    assert report["last_redemption_age"] == 2


def test_the_chain_ladder_goes_by_whole_months(three_months: Controller) -> None:
    """f = 440/220 = 2 and 250/200 = 1.25: ultimates 250, 300 and 275, as the manual works out."""
    asked = {"as_of": "2026-03-31T23:59:59.999999+08:00", "method": "chain_ladder"}
    report = three_months.read("/v1/reports/breakage", **asked)
    assert [each["expected_points"] for each in report["estimates"]] == [250, 300, 275]
    assert (report["expected_points"], report["breakage_points"]) == (825, 2_175)
    # January's points may no longer be redeemed once March is over.
    assert [each["method"] for each in report["estimates"]] == ["observed", "chain_ladder", "chain_ladder"]


def test_an_estimate_in_force_stands_beside_what_the_books_say(three_months: Controller) -> None:
    three_months.estimate("0.3", "2026-02", applies_from="2026-04")
    report = three_months.read("/v1/reports/breakage")
    in_force = {each["cohort"]: (each["in_force"], each["in_force_version"]) for each in report["estimates"]}
    assert in_force == {"2026-01": (None, None), "2026-02": ("0.3", 1), "2026-03": (None, None)}


def test_earlier_estimates_are_held_against_what_came(
    three_months: Controller, service: WholeService
) -> None:
    """Half was expected of January, and a quarter was redeemed: half of what was expected."""
    three_months.estimate("0.5", "2026-01", applies_from="2026-04")
    three_months.expire(service)
    report = three_months.read("/v1/reports/breakage")
    judged = [each for each in report["backtest"] if each["source"] == "register"]
    assert [(each["cohort"], each["ratio"], each["error"], each["is_final"]) for each in judged] == [
        ("2026-01", "0.5", "0.25", True)
    ]
    assert report["bias"]["register"] == "0.25"


def test_the_same_two_times_give_the_same_bytes(three_months: Controller) -> None:
    times = {"as_of": three_months.now, "known_as_of": three_months.now}
    before = three_months.tenant.send("GET", "/v1/reports/breakage", role="finance", query_string=times).data
    three_months.on("2026-04-20").redeem(10, "m-3")
    three_months.buy(5_000, "m-1", occurred_at="2026-03-30T12:00:00+08:00")
    shorter = {**DEFAULT_TERMS, "points_expiry": {"kind": "end_of_month", "months": 2}}
    assert three_months.tenant.send("PUT", "/v1/program/terms", json=shorter).status_code == 200
    after = three_months.tenant.send("GET", "/v1/reports/breakage", role="finance", query_string=times).data
    assert after == before


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"method": "observed"}, "method"),
        ({"method": "guess"}, "method"),
        ({"mature_after": "0"}, "mature_after"),
        ({"mature_after": "121"}, "mature_after"),
        ({"as_of": "2036-01-01T00:00:00Z"}, "as_of"),
    ],
)
def test_what_is_no_question_is_refused(service: WholeService, asked: dict[str, str], field: str) -> None:
    tenant = service.tenant(f"refused-{field}-{len(str(asked))}")
    answer = tenant.send("GET", "/v1/reports/breakage", role="finance", query_string=asked)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]
