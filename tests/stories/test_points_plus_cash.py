"""Points plus cash at the counter, over HTTP, in numbers that a person can check. Money is in fen.

Each story ends with the operator's own check of every row: the fixture of the service asks ``ledger verify``.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from ledger.finance.verify import verify
from ledger.rules.terms import DEFAULT_TERMS
from tests.whole_service import Tenant, WholeService, open_service

_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened
        with opened.owner.read() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []


@pytest.fixture
def shop(service: WholeService) -> "Counter":
    return Counter(service)


class Counter:
    """A shop with a clock of its own: one member, ann, and the few moves of these stories."""

    def __init__(self, service: WholeService, **changes: Any) -> None:
        self.tenant: Tenant = service.tenant(
            f"counter {next(_numbers)}", terms=DEFAULT_TERMS | changes, is_test=True
        )
        self.clock("2026-03-01T10:00:00+08:00")

    def ask(
        self, method: str, path: str, *, role: str = "admin", status: int = 200, **body: Any
    ) -> dict[str, Any]:
        answer = self.tenant.send(method, path, role=role, json=body or None)
        assert answer.status_code == status, answer.data
        told: dict[str, Any] = answer.json
        return told

    def clock(self, now: str) -> None:
        self.now = now
        self.ask("PUT", "/v1/test-clock", now=now)

    def rate(self, rate: str, **more: Any) -> None:
        proposed = self.ask(
            "POST", "/v1/rates", role="operator", status=202, rate=rate, reason="a story", **more
        )
        self.ask("POST", f"/v1/approvals/{proposed['approval_id']}/approve", role="approver")

    def award(self, points: int, **more: Any) -> None:
        self.ask(
            "POST",
            "/v1/earnings",
            status=201,
            member_id="ann",
            points=points,
            reason="gift",
            reference=f"a-{next(_numbers)}",
            **more,
        )

    def quote(self, price: int, points: int | None = None, status: int = 201, **more: Any) -> dict[str, Any]:
        wanted = {"points": points} if points else {}
        return self.ask(
            "POST",
            "/v1/quotes",
            role="checkout",
            status=status,
            member_id="ann",
            price={"amount": price, "currency": "CNY"},
            **wanted,
            **more,
        )

    def hold(self, status: int = 201, **what: Any) -> dict[str, Any]:
        return self.ask(
            "POST",
            "/v1/holds",
            role="checkout",
            status=status,
            member_id="ann",
            reference=f"h-{next(_numbers)}",
            **what,
        )

    def capture(self, hold: dict[str, Any], status: int = 201, **what: Any) -> dict[str, Any]:
        return self.ask(
            "POST", f"/v1/holds/{hold['hold_id']}/capture", role="checkout", status=status, **what
        )

    def release(self, hold: dict[str, Any], status: int = 201) -> dict[str, Any]:
        return self.ask("POST", f"/v1/holds/{hold['hold_id']}/release", role="checkout", status=status)

    def buy(self, purchase_id: str, *amounts: int, status: int = 201, **how: Any) -> dict[str, Any]:
        lines = [{"line_id": str(n), "quantity": 1, "amount": each} for n, each in enumerate(amounts, 1)]
        return self.ask(
            "POST",
            "/v1/purchases",
            role="checkout",
            status=status,
            purchase_id=purchase_id,
            member_id="ann",
            occurred_at=self.now,
            currency="CNY",
            lines=lines,
            **how,
        )

    def give_back(self, purchase_id: str, line: int, amount: int, status: int = 201) -> dict[str, Any]:
        return self.ask(
            "POST",
            f"/v1/purchases/{purchase_id}/returns",
            role="checkout",
            status=status,
            return_id=f"r-{next(_numbers)}",
            occurred_at=self.now,
            lines=[{"line_id": str(line), "quantity": 1, "amount": amount}],
        )

    def points(self) -> dict[str, Any]:
        return self.ask("GET", "/v1/members/ann/balance")["points"]  # type: ignore[no-any-return]

    def trial_balance(self, unit: str) -> dict[str, int]:
        report = self.ask("GET", "/v1/reports/trial-balance", role="finance")
        (found,) = [each for each in report["units"] if each["unit"] == unit]
        assert found["total_debit"] == found["total_credit"]
        return {each["account"]: each["balance"] for each in found["accounts"]}


def fen(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CNY"}


def test_the_rate_moves_during_checkout_and_the_capture_is_still_what_was_quoted(shop: Counter) -> None:
    shop.award(5_000)
    shop.rate("0.0090")
    quote = shop.quote(10_000, 3_000)
    assert (quote["points"], quote["points_value"], quote["cash"]) == (3_000, fen(2_700), fen(7_300))
    assert quote["rate"] == "0.0090"
    hold = shop.hold(quote_id=quote["quote_id"])
    assert shop.points()["available"] == 2_000
    assert shop.points()["held"] == 3_000
    shop.clock("2026-03-01T10:05:00+08:00")
    shop.rate("0.0100")
    captured = shop.capture(hold)
    assert (captured["points_value"], captured["cash"]) == (fen(2_700), fen(7_300))
    assert (captured["rate"], captured["rate_version"]) == ("0.0090", quote["rate_version"])
    assert shop.points()["held"] == 0


def test_a_purchase_captures_the_hold_on_its_quote_and_earns_in_the_same_entry(shop: Counter) -> None:
    shop.award(5_000)
    shop.rate("0.0090")
    quote = shop.quote(10_000, 3_000)
    hold = shop.hold(quote_id=quote["quote_id"])
    shop.rate("0.0100")
    bought = shop.buy("order", 10_000, quote_id=quote["quote_id"])
    assert bought["paid"]["points"] == 3_000
    assert (bought["paid"]["points_value"], bought["paid"]["cash"]) == (fen(2_700), fen(7_300))
    assert bought["paid"]["hold_id"] == hold["hold_id"]
    # By the default terms the whole price earns: a setting of rules.
    assert bought["points"] == 100
    assert shop.points()["available"] == 2_100
    assert shop.points()["held"] == 0
    assert shop.capture(hold, status=409)["code"] == "hold_not_open"
    money = shop.trial_balance("CNY")
    assert (money["tender_cash"], money["sales"]) == (7_300, 7_300)
    assert (money["points_discount"], money["trading_money"]) == (2_700, 2_700)


def test_one_of_two_lines_goes_back_with_its_share_of_points_and_cash(shop: Counter) -> None:
    # Two lines of 50.00, paid with 60.00 and 4,000 points at one fen: one of them is 30.00 and 2,000 points.
    shop.award(4_000)
    quote = shop.quote(10_000, 4_000)
    shop.buy("order", 5_000, 5_000, quote_id=quote["quote_id"])
    assert shop.points()["available"] == 100
    returned = shop.give_back("order", 1, 5_000)
    assert returned["points_refunded"] == 2_000
    assert returned["cash_refund"] == fen(3_000)
    assert returned["points_clawed_back"] == 50
    assert shop.points()["available"] == 2_050
    shop.give_back("order", 2, 5_000)
    assert shop.points()["available"] == 4_000
    assert set(shop.trial_balance("CNY").values()) == {0}


@pytest.mark.parametrize(
    ("tender", "points", "cash"),
    [("pro_rata", 2_000, 3_000), ("points_first", 4_000, 1_000), ("cash_first", 0, 5_000)],
)
def test_the_program_says_in_which_order_points_and_cash_go_back(
    service: WholeService, tender: str, points: int, cash: int
) -> None:
    shop = Counter(service, returns={"tender": tender})
    shop.award(4_000)
    shop.buy("order", 5_000, 5_000, quote_id=shop.quote(10_000, 4_000)["quote_id"])
    first = shop.give_back("order", 1, 5_000)
    assert (first["points_refunded"], first["cash_refund"]) == (points, fen(cash))
    second = shop.give_back("order", 2, 5_000)
    assert (second["points_refunded"], second["cash_refund"]) == (4_000 - points, fen(6_000 - cash))


def test_points_of_a_returned_order_have_the_days_left_that_they_would_have_had(shop: Counter) -> None:
    # Ten days are left at the order and two pass: eight are left.
    shop.award(4_000, expires_at="2026-03-11T10:00:00+08:00")
    shop.buy("order", 10_000, quote_id=shop.quote(10_000, 4_000)["quote_id"])
    shop.clock("2026-03-03T10:00:00+08:00")
    returned = shop.give_back("order", 1, 10_000)
    assert [lot["expires_at"] for lot in returned["restored"]] == ["2026-03-11T02:00:00.000000Z"]
    shop.clock("2026-03-11T09:59:59+08:00")
    assert shop.points()["available"] == 4_000
    shop.clock("2026-03-11T10:00:00+08:00")
    assert shop.points()["available"] == 0


def test_half_of_the_price_at_most_may_be_points(service: WholeService) -> None:
    shop = Counter(service, redemption={"max_percent": 50})
    shop.award(9_999)
    quote = shop.quote(2_000)
    assert (quote["points"], quote["points_value"], quote["cash"]) == (1_000, fen(1_000), fen(1_000))
    refused = shop.quote(2_000, 9_999, status=422)
    assert (refused["code"], refused["maximum"]) == ("points_not_offered", 1_000)


def test_points_are_taken_from_five_hundred_on(service: WholeService) -> None:
    shop = Counter(service, redemption={"minimum_points": 500, "step": 100})
    shop.award(499)
    refused = shop.quote(2_000, status=422)
    assert (refused["code"], refused["available"], refused["requested"]) == ("insufficient_points", 499, 500)
    shop.award(301)
    quote = shop.quote(2_000)
    assert quote["points"] == 800
    assert [option["points"] for option in quote["options"]] == [500, 600, 700, 800]


def test_a_store_that_takes_no_points_says_so(service: WholeService) -> None:
    shop = Counter(service, redemption={"exceptions": [{"stores": ["s-9"], "redeemable": False}]})
    shop.award(1_000)
    refused = shop.quote(2_000, store="s-9", status=422)
    assert (refused["code"], refused["store"]) == ("not_redeemable_here", "s-9")
    # A quote that was made elsewhere is not good there either.
    quote = shop.quote(1_000, store="s-1")
    assert shop.buy("order", 1_000, quote_id=quote["quote_id"], store="s-9", status=422)["code"] == (
        "not_redeemable_here"
    )
    shop.buy("order", 1_000, quote_id=quote["quote_id"], store="s-1")


def test_what_is_below_a_fen_is_booked_as_rounding(shop: Counter) -> None:
    # 1,234 points at 0.90 fen are worth 1,110.6 fen: 11.10 are given, and 0.6 fen is the house's.
    shop.award(1_234)
    shop.rate("0.0090")
    quote = shop.quote(5_000, 1_234)
    assert (quote["points_value"], quote["cash"]) == (fen(1_110), fen(3_890))
    shop.buy("order", 5_000, quote_id=quote["quote_id"])
    assert shop.trial_balance("CNY_MICRO")["rounding"] == 600_000
    shop.give_back("order", 1, 5_000)
    assert shop.trial_balance("CNY_MICRO")["rounding"] == 0


def test_a_part_is_captured_and_the_rest_is_back_in_its_lots(shop: Counter) -> None:
    shop.award(100, expires_at="2026-04-01T00:00:00+08:00")
    shop.award(100, expires_at="2026-05-01T00:00:00+08:00")
    hold = shop.hold(points=150)
    captured = shop.capture(hold, points=120)
    assert [draw["points"] for draw in captured["draws"]] == [100, 20]
    assert (captured["released"], shop.points()["available"], shop.points()["held"]) == (30, 80, 0)
    refund = shop.ask(
        "POST",
        f"/v1/redemptions/{captured['redemption_id']}/refunds",
        status=201,
        points=20,
        reference="back",
    )
    assert [lot["expires_at"] for lot in refund["restored"]] == ["2026-04-30T16:00:00.000000Z"]


def test_a_hold_past_its_time_has_released_itself(shop: Counter) -> None:
    shop.award(100)
    hold = shop.hold(points=60, expires_in=600)
    shop.clock("2026-03-01T10:09:59+08:00")
    assert (shop.points()["available"], shop.points()["held"]) == (40, 60)
    shop.clock("2026-03-01T10:10:00+08:00")
    assert (shop.points()["available"], shop.points()["held"]) == (100, 0)
    refused = shop.capture(hold, status=409)
    assert (refused["code"], refused["hold_status"]) == ("hold_not_open", "lapsed")
    (listed,) = shop.ask("GET", "/v1/members/ann/holds")["data"]
    assert listed["status"] == "lapsed"
    shop.ask("POST", "/v1/redemptions", status=201, member_id="ann", points=100, reference="all")


def test_a_lot_that_lapses_during_a_hold_is_honoured_and_lapses_when_it_is_released(shop: Counter) -> None:
    shop.award(100, expires_at="2026-03-02T00:00:00+08:00")
    honoured, given_up = shop.hold(points=60, expires_in=172_800), shop.hold(points=40, expires_in=172_800)
    shop.clock("2026-03-02T12:00:00+08:00")
    assert shop.capture(honoured)["points"] == 60
    released = shop.release(given_up)
    assert [lot["points"] for lot in released["lapsed"]] == [40]
    assert shop.points()["available"] == 0


def test_earned_points_that_were_spent_are_owed_deducted_or_refuse_the_return(service: WholeService) -> None:
    # 100.00 earn 100 points; they are spent, and the goods come back. The ask is 1.20 fen: 100 points cost 1.20.
    owes, pays, keeps = (
        Counter(service, returns={"shortfall": p}) for p in ("debt", "deduct_cash", "refuse")
    )
    for shop in (owes, pays, keeps):
        shop.rate("0.0100", ask="0.0120")
        shop.buy("order", 10_000)
        shop.ask("POST", "/v1/redemptions", status=201, member_id="ann", points=100, reference="tea")
    returned = owes.give_back("order", 1, 10_000)
    assert (returned["shortfall"], returned["debt"], returned["cash_refund"]) == (100, 100, fen(10_000))
    returned = pays.give_back("order", 1, 10_000)
    assert (returned["shortfall"], returned["debt"], returned["cash_refund"]) == (100, 0, fen(9_880))
    assert returned["deducted"]["points"] == 100
    refused = keeps.give_back("order", 1, 10_000, status=422)
    assert (refused["code"], refused["shortfall"]) == ("points_already_spent", 100)
    owes.award(130)
    assert (owes.points()["available"], owes.points()["debt"]) == (30, 0)


def test_a_till_that_was_offline_owes_nothing_to_the_order_of_its_batches(service: WholeService) -> None:
    shop = Counter(service, offline={"credit": 500})
    shop.award(100)
    offline = {"device_id": "till-7", "occurred_at": shop.now}
    taken = shop.ask(
        "POST", "/v1/redemptions", status=201, member_id="ann", points=160, reference="x", offline=offline
    )
    assert (taken["offline"]["overrun"], taken["offline"]["flagged"]) == (60, True)
    assert shop.points()["debt"] == 60
    refused = shop.ask(
        "POST", "/v1/redemptions", status=422, member_id="ann", points=501, reference="y", offline=offline
    )
    assert refused["code"] == "offline_credit_exceeded"
    bought = shop.buy("order", 10_000, offline={"device_id": "till-7", "points": 50, "rate_version": 1})
    assert bought["paid"]["offline"]["overrun"] == 50
    # It has earned 100, which repay the debt of 110 first.
    assert (shop.points()["available"], shop.points()["debt"]) == (0, 10)


def test_batches_of_a_till_are_numbered_and_a_gap_is_told(service: WholeService) -> None:
    shop = Counter(service, offline={"credit": 500})

    def send(sequence: int, *points: int, status: int = 200) -> dict[str, Any]:
        offline = {"device_id": "till-7", "occurred_at": shop.now}
        operations = [
            {
                "operation": "redemption",
                "idempotency_key": f"till-7-{sequence}-{n}",
                "body": {
                    "member_id": "ann",
                    "points": each,
                    "reference": f"x-{sequence}-{n}",
                    "offline": offline,
                },
            }
            for n, each in enumerate(points)
        ]
        device = {"device_id": "till-7", "sequence": sequence}
        return shop.ask(
            "POST", "/v1/batches", role="pos", status=status, device=device, operations=operations
        )

    shop.award(100)
    first = send(3, 80)
    assert (first["device"]["repeated"], first["device"]["missing"]) == (False, [1, 2])
    assert send(1, 50)["device"]["missing"] == [2]
    again = send(3, 80)
    assert again["device"]["repeated"] is True
    assert again["results"] == first["results"]
    assert (shop.points()["available"], shop.points()["debt"]) == (0, 30)
    assert send(3, 81, status=409)["code"] == "till_batch_changed"
    assert shop.points()["debt"] == 30
    device = shop.ask("GET", "/v1/devices/till-7")
    assert (device["last_sequence"], device["missing"]) == (3, [2])
    (overrun,) = shop.ask("GET", "/v1/reports/offline-overruns")["data"]
    assert (overrun["member_id"], overrun["device_id"], overrun["points"]) == ("ann", "till-7", 30)
    (alert,) = shop.ask("GET", "/v1/alerts")["data"]
    assert (alert["code"], alert["subject"]) == ("offline_overrun", "till-7/ann/2026-03-01")
    seen = shop.ask(
        "POST", f"/v1/alerts/{alert['alert_id']}/acknowledge", role="operator", note="spoke to ann"
    )
    assert (seen["note"], seen["acknowledged_at"]) == ("spoke to ann", "2026-03-01T02:00:00.000000Z")
    assert shop.ask("GET", "/v1/alerts?acknowledged=false")["data"] == []


def test_a_till_may_bring_the_redemption_before_the_sale_that_enrols_the_member(
    service: WholeService,
) -> None:
    ends = []
    for order in ("sale first", "redemption first"):
        shop = Counter(service, offline={"credit": 500})
        offline = {"device_id": "till-7", "occurred_at": shop.now}

        def redeem(shop: Counter = shop, offline: dict[str, str] = offline) -> None:
            shop.ask(
                "POST",
                "/v1/redemptions",
                status=201,
                member_id="ann",
                points=30,
                reference="x",
                offline=offline,
            )

        if order == "redemption first":
            redeem()
        shop.buy("order", 10_000)
        if order == "sale first":
            redeem()
        ends.append((shop.points()["available"], shop.points()["debt"]))
    assert ends == [(70, 0), (70, 0)]
