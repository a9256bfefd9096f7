"""Stories of reconciliation over HTTP, in numbers that a person can check; and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from ledger.http.parsing import BATCH_BODY_LIMIT, BODY_LIMIT
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import Tenant, WholeService, open_service

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
ORDERS = "purchase_id,occurred_at,amount"
PAYMENTS = "type,reference,occurred_at,points,amount"


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService, request: pytest.FixtureRequest) -> Tenant:
    """A test program of its own whose clock stands at the end of March, in the last hours of that day in Shanghai."""
    return service.tenant(request.node.name, is_test=True, test_now=NOW, terms=DEFAULT_TERMS)


def ago(days: int) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def buy(shop: Tenant, purchase_id: str, days: int, amount: int, **more: Any) -> dict[str, Any]:
    body = {
        "purchase_id": purchase_id,
        "member_id": "m-1",
        "occurred_at": ago(days),
        "currency": "CNY",
        "lines": [{"line_id": "1", "quantity": 2, "amount": amount}],
    }
    return shop.post("/v1/purchases", body | more)


def give_back(shop: Tenant, purchase_id: str, return_id: str, amount: int) -> dict[str, Any]:
    lines = [{"line_id": "1", "quantity": 1, "amount": amount}]
    body = {"return_id": return_id, "occurred_at": ago(0), "lines": lines}
    return shop.post(f"/v1/purchases/{purchase_id}/returns", body)


def upload(shop: Tenant, head: str, *rows: str, **asked: str) -> dict[str, Any]:
    """What a reconciliation of these rows has answered."""
    kind = "payments" if head.startswith("type") else "orders"
    csv = "".join(f"{row}\n" for row in (head, *rows))
    return shop.post("/v1/reconciliations", {"kind": kind, "csv": csv, **asked}, role="finance")


def classes(made: dict[str, Any]) -> tuple[int, int, int, int]:
    return made["matched"], made["missing"], made["extra"], made["different"]


def exceptions(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["reference"]: each for each in made["data"]}


def test_orders_are_missing_extra_different_or_the_same(shop: Tenant) -> None:
    for number, days in enumerate((0, 1, 5, 20, 45)):
        buy(shop, f"p-{number}", days, 1_000, store="s-1")
    made = upload(
        shop,
        f"{ORDERS},store",
        f"p-0,{ago(0)},1000,s-1",  # the same
        f"p-1,{ago(1)},1250,s-1",  # 2.50 more than was booked
        f"p-3,{ago(21)},1000,s-2",  # of the day before, and of another store
        f"p-8,{ago(3)},700,s-1",  # never booked
        f"p-9,{ago(60)},700,",  # nor this one, two months ago
    )
    # p-2 and p-4 are in the books alone.
    assert (classes(made), made["uploaded"]) == ((1, 2, 2, 2), 5)
    assert (made["from"], made["to"]) == ("2026-01-30", "2026-03-31")
    found = exceptions(made)
    assert {name: each["outcome"] for name, each in found.items()} == {
        "p-1": "different", "p-2": "extra", "p-3": "different", "p-4": "extra", "p-8": "missing", "p-9": "missing",
    }  # fmt: skip
    assert found["p-1"]["differences"] == [{"field": "amount", "uploaded": 1_250, "booked": 1_000}]
    assert found["p-3"]["differences"] == [
        {"field": "day", "uploaded": "2026-03-10", "booked": "2026-03-11"},
        {"field": "store", "uploaded": "s-2", "booked": "s-1"},
    ]
    assert (found["p-8"]["line"], found["p-8"]["booked"], found["p-8"]["uploaded"]["amount"]) == (
        5,
        None,
        700,
    )
    assert (found["p-2"]["line"], found["p-2"]["uploaded"], found["p-2"]["booked"]["amount"]) == (
        None,
        None,
        1_000,
    )
    assert {name: each["age_days"] for name, each in found.items()} == {
        "p-1": 1, "p-2": 5, "p-3": 21, "p-4": 45, "p-8": 3, "p-9": 60,
    }  # fmt: skip
    assert made["ageing"] == [
        {"days": "0-1", "missing": 0, "extra": 0, "different": 1},
        {"days": "2-7", "missing": 1, "extra": 1, "different": 0},
        {"days": "8-30", "missing": 0, "extra": 0, "different": 1},
        {"days": "31+", "missing": 1, "extra": 1, "different": 0},
    ]


def test_returned_goods_and_members_are_compared_where_the_upload_tells_them(shop: Tenant) -> None:
    buy(shop, "p-1", 3, 1_000)
    give_back(shop, "p-1", "r-1", 300)
    give_back(shop, "p-1", "r-2", 100)
    assert classes(upload(shop, ORDERS, f"p-1,{ago(3)},1000")) == (1, 0, 0, 0)
    assert classes(upload(shop, f"{ORDERS},returned,member_id", f"p-1,{ago(3)},1000,400,m-1")) == (1, 0, 0, 0)
    made = upload(shop, f"{ORDERS},returned,member_id,currency", f"p-1,{ago(3)},1000,300,m-2,CNY")
    assert exceptions(made)["p-1"]["differences"] == [
        {"field": "member_id", "uploaded": "m-2", "booked": "m-1"},
        {"field": "returned", "uploaded": 300, "booked": 400},
    ]


def test_purchase_that_was_reversed_is_no_longer_in_the_books(shop: Tenant) -> None:
    entry = buy(shop, "p-1", 2, 1_000)
    assert classes(upload(shop, ORDERS, f"p-1,{ago(2)},1000")) == (1, 0, 0, 0)
    shop.post(f"/v1/entries/{entry['entry_id']}/reversal", {"reason": "booked twice"})
    assert classes(upload(shop, ORDERS, f"p-1,{ago(2)},1000")) == (0, 1, 0, 0)


def test_payments_are_points_and_money_both_ways(shop: Tenant) -> None:
    """Given out: 500 points. A plain order, one paid with 200 points of 10.00, one redemption, and what went back."""
    shop.post("/v1/earnings", {"member_id": "m-1", "points": 500, "reason": "gift", "reference": "a-1"})
    buy(shop, "p-1", 2, 1_000)
    price = {"amount": 1_000, "currency": "CNY"}
    quote = shop.post("/v1/quotes", {"member_id": "m-1", "price": price, "points": 200})
    buy(shop, "p-2", 0, 1_000, quote_id=quote["quote_id"])
    redeemed = shop.post("/v1/redemptions", {"member_id": "m-1", "points": 60, "reference": "x-1"})
    shop.post(f"/v1/redemptions/{redeemed['redemption_id']}/refunds", {"points": 25, "reference": "f-1"})
    hold = shop.post("/v1/holds", {"member_id": "m-1", "points": 40, "reference": "h-1"})
    shop.post(f"/v1/holds/{hold['hold_id']}/capture", {"points": 30})
    plain = give_back(shop, "p-1", "r-1", 400)
    mixed = give_back(shop, "p-2", "r-2", 500)
    assert (plain["cash_refund"]["amount"], plain["points_refunded"]) == (400, 0)
    assert (mixed["cash_refund"]["amount"], mixed["points_refunded"]) == (400, 100)
    sound = [
        f"purchase,p-1,{ago(2)},0,1000",
        f"purchase,p-2,{ago(0)},200,800",
        f"redemption,x-1,{ago(0)},60,0",
        f"refund,f-1,{ago(0)},25,0",
        f"capture,h-1,{ago(0)},30,0",
        f"return,r-1,{ago(0)},0,400",
        f"return,r-2,{ago(0)},100,400",
    ]
    assert classes(upload(shop, PAYMENTS, *sound)) == (7, 0, 0, 0)
    wrong = [*sound[1:-1], f"return,r-2,{ago(0)},100,401", f"redemption,p-1,{ago(2)},0,1000"]
    made = upload(shop, PAYMENTS, *wrong)
    assert classes(made) == (5, 1, 1, 1)
    assert {(each["outcome"], each["type"], each["reference"]) for each in made["data"]} == {
        ("missing", "redemption", "p-1"), ("extra", "purchase", "p-1"), ("different", "return", "r-2"),
    }  # fmt: skip


def test_cash_that_goes_back_is_less_what_points_were_sold_for(shop: Tenant) -> None:
    policy = {"returns": {"tender": "pro_rata", "shortfall": "deduct_cash"}}
    assert shop.send("PUT", "/v1/program/terms", json=DEFAULT_TERMS | policy).status_code == 200
    buy(shop, "p-1", 1, 10_000)
    shop.post("/v1/redemptions", {"member_id": "m-1", "points": 100, "reference": "x-1"})
    back = give_back(shop, "p-1", "r-1", 5_000)
    kept = back["deducted"]["amount"]["amount"]
    assert (back["cash_refund"]["amount"], kept) == (4_950, 50)
    made = upload(
        shop,
        PAYMENTS,
        f"purchase,p-1,{ago(1)},0,10000",
        f"redemption,x-1,{ago(0)},100,0",
        f"return,r-1,{ago(0)},0,4950",
    )
    assert classes(made) == (3, 0, 0, 0)


def test_days_bound_what_is_extra_and_find_what_lies_near(shop: Tenant) -> None:
    for number, days in enumerate((2, 5, 8)):
        buy(shop, f"p-{number}", days, 1_000)
    between = {"from": "2026-03-25", "to": "2026-03-28"}
    assert classes(upload(shop, ORDERS, f"p-1,{ago(5)},1000", **between)) == (1, 0, 0, 0)
    # Booked on the day after the last: found, and on another day.
    made = upload(shop, ORDERS, f"p-1,{ago(5)},1000", f"p-0,{ago(3)},1000", **between)
    assert classes(made) == (1, 0, 0, 1)
    assert classes(upload(shop, ORDERS, **between)) == (0, 0, 1, 0)
    assert classes(upload(shop, ORDERS, **{"from": "2026-03-23", "to": "2026-03-31"})) == (0, 0, 3, 0)


def test_days_are_those_of_the_program(shop: Tenant) -> None:
    """16:00 in Greenwich is midnight in Shanghai: an instant earlier is still the day before."""
    buy(shop, "p-1", 0, 1_000, occurred_at="2026-03-27T15:59:59.999999Z")
    buy(shop, "p-2", 0, 1_000, occurred_at="2026-03-27T16:00:00Z")
    made = upload(shop, ORDERS, **{"from": "2026-03-28", "to": "2026-03-28"})
    assert [each["reference"] for each in made["data"]] == ["p-2"]
    made = upload(shop, ORDERS, "p-1,2026-03-27T23:30:00+08:00,1000")
    assert (made["from"], made["to"], classes(made)) == ("2026-03-27", "2026-03-27", (1, 0, 0, 0))


def test_same_file_again_is_another_one_that_tells_what_was_resolved(shop: Tenant) -> None:
    buy(shop, "p-1", 2, 1_000)
    rows = (f"p-1,{ago(2)},1000", f"p-2,{ago(2)},500", f"p-3,{ago(1)},500")
    first = upload(shop, ORDERS, *rows)
    assert (classes(first), first["previous_id"], first["resolved"]) == ((1, 2, 0, 0), None, None)
    buy(shop, "p-2", 2, 500)
    second = upload(shop, ORDERS, *rows)
    assert (classes(second), second["resolved"]) == ((2, 1, 0, 0), 1)
    assert second["previous_id"] == first["reconciliation_id"] != second["reconciliation_id"]
    assert second["digest"] == first["digest"] == sha256("\n".join([ORDERS, *rows, ""]).encode()).hexdigest()
    # The first stays as it was found, whatever has been booked since.
    path = f"/v1/reconciliations/{first['reconciliation_id']}"
    assert shop.send("GET", path, role="finance").json == first
    # Other days, or another kind, are none before it.
    assert upload(shop, ORDERS, *rows, **{"from": "2026-03-01"})["previous_id"] is None
    assert upload(shop, PAYMENTS, **{"from": first["from"], "to": first["to"]})["previous_id"] is None


def test_list_and_exceptions_come_page_by_page(shop: Tenant) -> None:
    made = [upload(shop, ORDERS, *(f"p-{n},{ago(1)},5" for n in range(7))) for _ in range(3)]
    newest = [each["reconciliation_id"] for each in reversed(made)]
    first = shop.send("GET", "/v1/reconciliations?limit=2", role="finance").json
    assert [each["reconciliation_id"] for each in first["data"]] == newest[:2]
    assert "data" not in first["data"][0]
    rest = shop.send("GET", f"/v1/reconciliations?cursor={first['next_cursor']}", role="finance").json
    assert ([each["reconciliation_id"] for each in rest["data"]], rest["next_cursor"]) == (newest[2:], None)
    found, path = [], f"/v1/reconciliations/{newest[0]}?limit=3"
    page = shop.send("GET", path, role="finance").json
    while page["next_cursor"]:
        found += [each["reference"] for each in page["data"]]
        page = shop.send("GET", f"{path}&cursor={page['next_cursor']}", role="finance").json
    found += [each["reference"] for each in page["data"]]
    assert found == [f"p-{n}" for n in range(7)]


def test_file_itself_may_be_the_body_and_be_large(shop: Tenant) -> None:
    buy(shop, "p-19999", 1, 5)
    csv = "\n".join([ORDERS, *(f"p-{n},{ago(1)},5" for n in range(20_000))]).encode()
    assert BODY_LIMIT < len(csv) < BATCH_BODY_LIMIT
    path = "/v1/reconciliations?kind=orders&from=2026-03-30&to=2026-03-30"
    answer = shop.send("POST", path, role="finance", data=csv, content_type="text/csv; charset=utf-8")
    assert (answer.status_code, classes(answer.json)) == (201, (1, 19_999, 0, 0))
    assert len(answer.json["data"]) == 50
    assert answer.json["uploaded_by"] in shop.keys["finance"]


def refused(shop: Tenant, path: str, body: bytes, content_type: str = "text/csv") -> tuple[int, str]:
    before = shop.send("GET", "/v1/reconciliations", role="finance").json
    answer = shop.send_raw("POST", path, body, role="finance", content_type=content_type)
    assert shop.send("GET", "/v1/reconciliations", role="finance").json == before
    return answer.status_code, answer.json["detail"]


REFUSED: list[tuple[str, bytes, int, str]] = [
    ("", b"", 400, "kind: "),
    ("?kind=orders", b"", 400, "csv: line 1, column purchase_id: is required"),
    ("?kind=refunds", b"", 400, "kind: must be one of orders, payments"),
    ("?kind=orders&day=2026-03-01", b"", 400, "day: "),
    ("?kind=orders&from=2026-03-01T00:00:00Z", b"", 400, "from: must be a day"),
    ("?kind=orders", ORDERS.encode(), 400, "from: is needed with an upload that has no rows"),
    ("?kind=orders&from=2026-03-02&to=2026-03-01", ORDERS.encode(), 400, "from: must not be later than 2026-03-01"),
    ("?kind=orders&from=2026-03-02&to=2026-04-01", ORDERS.encode(), 400, "to: must not be later than today"),
    ("?kind=orders&from=2026-03-02", f"{ORDERS}\np-1,{ago(40)},1".encode(), 400, "csv: has a row of 2026-02-19"),
    ("?kind=orders", f"{ORDERS}\np-1,{ago(-1)},1".encode(), 400, "to: must not be later than today, 2026-03-31"),
    ("?kind=orders", f"{ORDERS}\np-1,{ago(1)},1\np-1,{ago(1)},1".encode(), 400, "csv: line 3: purchase p-1 stands on"),
    ("?kind=orders", f"{ORDERS}\np-1,{ago(1)},x".encode(), 400, "csv: line 2, column amount: must be a whole"),
    ("?kind=orders", b"\xff", 400, "csv: line 1: is not UTF-8"),
    ("?kind=orders", b" " * (BATCH_BODY_LIMIT + 1), 413, ""),
]  # fmt: skip


@pytest.mark.parametrize(("query", "body", "status", "said"), REFUSED)
def test_upload_that_cannot_be_meant_is_refused_and_not_kept(
    shop: Tenant, query: str, body: bytes, status: int, said: str
) -> None:
    code, detail = refused(shop, f"/v1/reconciliations{query}", body)
    assert code == status
    assert detail.startswith(said)


def test_two_ways_to_send_are_kept_apart(shop: Tenant) -> None:
    body = b'{"kind": "orders", "csv": "x"}'
    assert refused(shop, "/v1/reconciliations?kind=orders", body, "application/json")[0] == 400
    assert refused(shop, "/v1/reconciliations?kind=orders", b"x", "text/plain")[0] == 415
    assert refused(shop, "/v1/reconciliations?kind=orders", b"x", "text/csv; charset=gbk")[0] == 415
    large = b'{"kind": "orders", "csv": "%b"}' % (b"x" * BODY_LIMIT)
    assert refused(shop, "/v1/reconciliations", large, "application/json")[0] == 413


@pytest.mark.parametrize("role", ["pos", "checkout", "operator", "approver", "readonly"])
def test_only_finance_reconciles(shop: Tenant, role: str) -> None:
    answer = shop.send("POST", "/v1/reconciliations", role=role, json={"kind": "orders", "csv": ORDERS})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_another_program_sees_nothing_of_it(service: WholeService, shop: Tenant) -> None:
    other = service.tenant("the other one", is_test=True, test_now=NOW)
    buy(other, "p-1", 1, 5)
    made = upload(shop, ORDERS, f"p-1,{ago(1)},5")
    assert classes(made) == (0, 1, 0, 0)
    answer = other.send("GET", f"/v1/reconciliations/{made['reconciliation_id']}", role="finance")
    assert (answer.status_code, answer.json["code"]) == (404, "reconciliation_unknown")
    assert other.send("GET", "/v1/reconciliations", role="finance").json["data"] == []
