"""A purchase paid partly with points: what earns on money alone, and what goes back in money."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.builders import NOW, Bench, give_back, program, purchase
from tests.model.memory import MemoryDriver
from tests.rulesets import rule, ruled
from tests.whole_service import WholeService, open_service, purchase_of

_numbers = count(1)


def bench(*rules: dict[str, object]) -> Bench:
    return ruled(Bench(MemoryDriver(program())), *rules)


@pytest.mark.parametrize(
    ("basis", "paid_with_points", "points"),
    [("total", 2_700, 100), ("cash", 2_700, 73), ("cash", 0, 100), ("cash", 10_000, 0), ("cash", 2_701, 72)],
)
def test_rule_on_cash_earns_on_the_part_paid_in_money(basis: str, paid_with_points: int, points: int) -> None:
    answer = bench(rule("base", basis=basis)).must(purchase(10_000, points_value=paid_with_points))
    assert answer["points"] == points


@pytest.mark.parametrize("parts", [(10_000,), (5_000, 5_000), (1, 3_333, 6_666), (9_999, 1)])
def test_returns_pay_back_the_money_and_no_more_however_they_are_split(parts: tuple[int, ...]) -> None:
    # Of 100.00 yuan, 27.00 were paid with points: these never leave as cash.
    shop = bench(rule("base"))
    shop.must(purchase(10_000, purchase_id="p-1", points_value=2_700))
    paid_back = [shop.must(give_back("p-1", part, at=NOW))["cash_refund"]["amount"] for part in parts]
    assert sum(paid_back) == 7_300
    # Each part is in proportion, to the fen.
    assert all(
        abs(back * 10_000 - part * 7_300) < 10_000 for back, part in zip(paid_back, parts, strict=True)
    )


def test_entry_keeps_what_was_paid_in_money() -> None:
    shop = bench(rule("base"))
    shop.must(purchase(10_000, points_value=2_700))
    shop.must(purchase(10_000))
    kept = [entry.details or b"" for entry in shop.books().entries["m-1"]]
    assert b'"cash":7300' in kept[0]
    assert b'"cash"' not in kept[1]


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.mark.parametrize(
    ("paid", "field"),
    [
        ({"amount": 10_001, "currency": "CNY"}, "points_value.amount"),
        ({"amount": -1, "currency": "CNY"}, "points_value.amount"),
        ({"amount": 100, "currency": "USD"}, "points_value.currency"),
        ({"amount": 100}, "points_value.currency"),
        (100, "points_value"),
    ],
)
def test_payment_with_points_that_cannot_be_is_refused_by_name(
    service: WholeService, paid: Any, field: str
) -> None:
    tenant = service.tenant(f"cash {next(_numbers)}")
    answer = tenant.send("POST", "/v1/purchases", json=purchase_of("m-1", "p-1") | {"points_value": paid})
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json["errors"]] == [field]
