"""Points of sales that were held for review and rejected: their price is earned, and the goods stay sold."""

from typing import Any

from tests.finance.deferral.controller import Controller, rows, terms_earning
from tests.whole_service import WholeService

HELD = {"of": "member", "operation": "purchase", "per": "operation", "points": 50, "hold": True}


def judge(books: Controller, how: str) -> dict[str, Any]:
    (found,) = books.tenant.send("GET", "/v1/reviews?status=open").json["data"]
    return books.tenant.post(f"/v1/reviews/{found['review_id']}/{how}", {"reason": "looked"}, role="operator")


def test_rejected_points_leave_no_liability_and_released_ones_all_of_it(service: WholeService) -> None:
    books = Controller.of(service, "reviewed", terms_earning(1, 100, limits=[HELD]), "2026-01-05")
    books.policy("deferral_relative_ssp", unit_value="0.01")
    books.estimate("1", "2026-01")
    # 100 points of a fen beside goods of 100.00: 1 of 101 parts, 99 fen.
    kept = books.on("2026-01-15").buy(10_000)
    judge(books, "release")
    assert rows(books.cohort("2026-01")) == {"deferred": 99}
    gone = books.buy(10_000, "m-2")
    judge(books, "reject")
    of_gone, of_kept = books.allocation(gone), books.allocation(kept)
    assert [(each["kind"], each["points"], each["paid_back"]) for each in of_gone["taken_back"]] == [
        ("reject", 100, 0)
    ]
    assert (of_gone["remaining"]["points"], of_kept["remaining"]["points"]) == (0, 100)
    assert of_gone["remaining"]["price"] == of_kept["remaining"]["price"] == 10_000
    assert rows(books.cohort("2026-01")) == {"deferred": 198, "issue_reversals": 99}
    assert (of_gone["remaining"]["allocated"], books.deferral()["closing"]) == (0, 99)
    # The goods go back afterwards: nothing is left that their return could take a second time.
    assert books.give_back(gone, 10_000, quantity=10)["points_clawed_back"] == 0
    assert rows(books.cohort("2026-01")) == {"deferred": 198, "issue_reversals": 99}
    assert books.allocation(gone)["remaining"] == {"price": 0, "points": 0, "allocated": 0}
