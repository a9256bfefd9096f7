"""Points and money beside each other: every way to pay with points, and every way that it comes back."""

from datetime import timedelta
from typing import Any

from ledger.fx.quotes import MakeQuote
from ledger.journal.commands import Command
from ledger.redemption.commands import Redeem, RedeemOffline
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.redemption.offline import Offline
from ledger.rules.commands import Line, Purchase
from ledger.rules.paying import PointsPart
from tests.finance.histories import change_rate
from tests.till import Till

TERMS: dict[str, Any] = {
    "returns": {"tender": "pro_rata", "shortfall": "deduct_cash"},
    "offline": {"credit": 100},
}


def pay_with_points(till: Till) -> None:
    """Let members of a program with ``TERMS`` pay with points at a rate of many digits, and bring goods back."""
    change_rate(till, "0.009503")
    for _ in range(2):
        till.award("m-1", 300)
    _buy_and_give_back(till)
    _hold(till)
    _run_over(till)
    _give_back_what_earned_spent_points(till)


def quote(till: Till, price: int, points: int) -> str:
    """A quote for m-1."""
    answer: str = till.post(MakeQuote("m-1", price, "CNY", points))[0]["quote_id"]
    return answer


def _buy_and_give_back(till: Till) -> None:
    quote(till, 200, 30)
    bought = till.post(_purchase(till, quote(till, 1_000, 101), 700, 300))[0]
    till.give_back(bought, 1, 333)
    refunded = till.post(Redeem("m-1", None, "x-1", quote_id=quote(till, 500, 77)))[0]
    till.refund(refunded, 13)
    whole = till.post(_purchase(till, quote(till, 900, 50), 100, 800))[0]
    till.reverse(whole)


def _hold(till: Till) -> None:
    captured = till.post(PlaceHold("m-1", None, quote(till, 400, 90), "h-1"))[0]["hold_id"]
    till.post(CaptureHold(captured, 40))
    promised = quote(till, 600, 60)
    till.post(PlaceHold("m-1", None, promised, "h-2"))
    till.post(_purchase(till, promised, 600))
    released = till.post(PlaceHold("m-1", 20, None, "h-3"))[0]["hold_id"]
    till.post(ReleaseHold(released))
    till.award("m-4", 20)
    till.post(PlaceHold("m-4", 15, None, "h-4", 60))
    till.at(till.now + timedelta(minutes=2)).post(PlaceHold("m-1", 25, None, "h-5"))
    # Whatever is asked for books the lapse first, refused or not.
    assert till.try_post(Redeem("m-4", 900, "x-9"))[0].error


def _run_over(till: Till) -> None:
    till.award("m-2", 5)
    offline = Offline("till-1", till.now)
    taken = till.post(RedeemOffline("m-2", 8, "x-2", offline))[0]
    till.refund(taken, 4)


def _give_back_what_earned_spent_points(till: Till) -> None:
    bought = till.buy("m-3", 10_000)
    till.redeem("m-3", 95)
    till.give_back(bought, 1, 5_000)


def _purchase(till: Till, quote_id: str, *amounts: int) -> Command:
    lines = tuple(Line(str(number), 2, amount) for number, amount in enumerate(amounts, 1))
    part = PointsPart(quote_id)
    return Purchase(f"p-{quote_id}", "m-1", till.now, "CNY", lines, points_part=part)
