"""Paying a purchase with points: by a quote, by the hold on it, or by what a till took while it was offline.

The points, the cash, the face value and what the purchase earns are one entry: all of it is posted, or nothing. What
goes back with the goods mirrors it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Closing, Holder
from ledger.accounts.lots import Draw
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.accounts.quotes import Quote
from ledger.errors import PointsNotOffered, QuotePriceMismatch, RateUnknown
from ledger.fx.convert import value_of
from ledger.fx.memo import given_back
from ledger.fx.quotes import (
    Payment,
    payment_of,
    quote_key,
    rate_of_version,
    require_quote,
    require_usable,
)
from ledger.fx.rates import show_rate
from ledger.ids import show as show_id
from ledger.journal.commands import Alert, Books, Recorded, Source
from ledger.journal.wants import Use, Wants
from ledger.redemption.holds import CAPTURED
from ledger.redemption.offline import Offline, draw_offline
from ledger.redemption.restoring import Restored, draw, restore, show_draw, spend
from ledger.rules.tender import Back, due_back
from ledger.rules.terms import terms_of


@dataclass(frozen=True, slots=True)
class OfflinePayment:
    """Points that a till took against a purchase while it was offline, at a rate that was in force then."""

    device_id: str
    points: int
    rate_version: int


@dataclass(frozen=True, slots=True)
class PointsPart:
    """How a purchase is paid with points: exactly one of the two."""

    quote_id: str | None = None
    offline: OfflinePayment | None = None

    def wants(self, program: Program, member_id: str, occurred_at: datetime) -> Wants:
        """What paying must see."""
        if self.offline is not None:
            return Offline(self.offline.device_id, occurred_at).wants(program, member_id)
        return Wants(quotes=quote_key(program, member_id, self.quote_id or ""))


class Paid(NamedTuple):
    """A payment with points, as the purchase's entry takes it in."""

    payment: Payment
    postings: list[Posting]
    details: dict[str, Any]
    answer: dict[str, Any]
    quotes: tuple[Quote, ...] = ()
    closes: Closing | None = None
    uses: tuple[Use, ...] = ()
    alerts: tuple[Alert, ...] = ()
    overrun: int = 0
    """Points that nothing has covered, and that are owed now."""


def pay(
    books: Books,
    holder: Holder,
    part: PointsPart,
    spent: int,
    occurred_at: datetime,
    source: Source,
    entry_id: bytes,
) -> Paid:
    """Pay ``spent`` minor units as far as ``part`` says.

    By a quote: refuses another price (``quote_price_mismatch``), and what a quote may be refused for. Offline: refuses
    more than the purchase comes to, a rate that was not in force, and what is beyond the credit.
    """
    if part.offline is not None:
        return _pay_offline(books, holder, part.offline, spent, occurred_at)
    return _pay_by_quote(books, holder, part.quote_id or "", spent, source, entry_id)


def _pay_by_quote(
    books: Books, holder: Holder, quote_id: str, spent: int, source: Source, entry_id: bytes
) -> Paid:
    quote = require_quote(books, holder, quote_id)
    hold = holder.holds.get(quote.used_entry_id or b"")
    if hold is not None and hold.quote_id == quote.quote_id:
        # The hold keeps the terms of the quote, whatever has become of the rate.
        payment, draws = (
            _promised(books, quote),
            [Draw(holder.require_lot(lot), amount) for lot, amount in hold.draws],
        )
        source_account, closes = Account.HELD, Closing(hold.hold_id, CAPTURED, hold.points, entry_id)
        quotes: tuple[Quote, ...] = ()
    else:
        payment = require_usable(books, holder, quote, source.store)
        draws = draw(books, holder, payment.points)
        source_account, closes = Account.POINTS, None
        quotes = (quote._replace(used_entry_id=entry_id),)
    if spent != quote.price:
        raise QuotePriceMismatch(
            "ask for a quote of what the purchase comes to", price=quote.price, total=spent
        )
    postings = spend(draws, source_account)
    hold_id = show_id("hld", closes.hold_id) if closes else None
    return _paid(books, payment, postings, draws, {"hold_id": hold_id}, quotes=quotes, closes=closes)


def _promised(books: Books, quote: Quote) -> Payment:
    rate = next(r for r in books.program.rules.rates if r.version == quote.rate_version)
    return Payment(quote.points, quote.points_value, quote.cash, rate.bid, rate.version, quote.quote_id)


def _pay_offline(
    books: Books, holder: Holder, offline: OfflinePayment, spent: int, occurred_at: datetime
) -> Paid:
    rate = rate_of_version(books.program, offline.rate_version, occurred_at)
    if rate is None:
        raise RateUnknown("this version was not in force when the purchase happened", at=occurred_at)
    value = value_of(offline.points, rate.bid, books.program.currency).amount
    if not 0 < value <= spent:
        raise PointsNotOffered(
            "the points must be worth at least one minor unit, and no more than the purchase comes to",
            requested=offline.points,
        )
    drawn = draw_offline(books, holder, offline.points, Offline(offline.device_id, occurred_at))
    payment = Payment(offline.points, value, spent - value, rate.bid, rate.version)
    more = {"hold_id": None, "offline": drawn.details}
    return _paid(
        books,
        payment,
        drawn.postings,
        drawn.draws,
        more,
        uses=tuple(drawn.uses),
        alerts=tuple(drawn.alerts),
        overrun=drawn.details["overrun"],
    )


def _paid(
    books: Books,
    payment: Payment,
    postings: list[Posting],
    draws: list[Draw],
    more: dict[str, Any],
    **effects: Any,
) -> Paid:
    currency = books.program.currency
    cash = [Posting(Account.TENDER_CASH, Account.SALES, payment.cash)] if payment.cash else []
    details = payment.stored() | {"tender": terms_of(books.program).tender} | more
    answer = {
        "points": payment.points,
        **payment.shown(currency),
        "quote_id": payment.stored()["quote_id"],
        "draws": [show_draw(d) for d in draws],
        **more,
    }
    return Paid(payment, postings + payment.memo(currency) + cash, details, answer, **effects)


class Repaid(NamedTuple):
    """What goes back of a payment: the postings, what became of the points, and how much of what."""

    postings: list[Posting]
    restored: Restored
    back: Back
    payment: Payment

    def stored(self) -> dict[str, Any]:
        """Its part of the entry's details: how much went back, at the rate at which it was paid."""
        points, value, cash, _ = self.back
        return {
            "points": points,
            "points_value": value,
            "cash": cash,
            "rate": show_rate(self.payment.rate),
            "rate_version": self.payment.rate_version,
        }


def pay_back(
    books: Books,
    holder: Holder,
    purchase: Recorded,
    before: dict[str, int],
    after: dict[str, int],
    entry_id: bytes,
) -> Repaid | None:
    """Give back what is due between two states of return, minor units by line; None where no points were paid."""
    stored = purchase.details.get("paid")
    if not stored:
        return None
    lines, payment, currency = purchase.details["lines"], payment_of(stored), books.program.currency
    back = due_back(lines, payment, stored["tender"], after, currency) - due_back(
        lines, payment, stored["tender"], before, currency
    )
    restored = restore(books, holder, purchase, back.points, entry_id)
    cash = [Posting(Account.SALES, Account.TENDER_CASH, back.cash)] if back.cash else []
    memo = given_back(back.points, back.value, back.residue)
    return Repaid(restored.postings + memo + cash, restored, back, payment)
