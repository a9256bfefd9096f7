"""Quotes: what points are worth against a price, promised for minutes, used once, and dead when the rate moves.

A quote binds its member, its price and its version of the rate. It reserves nothing; a hold on it does, and keeps
its terms however the rate moves until it is captured.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.accounts.holder import Holder
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program, RateVersion
from ledger.accounts.quotes import Quote, QuoteKey
from ledger.clock import show
from ledger.errors import (
    CurrencyMismatch,
    NotRedeemableHere,
    QuoteExpired,
    QuoteUnknown,
    QuoteUsed,
    TooManyQuotes,
)
from ledger.fx.convert import value_of
from ledger.fx.limits import Limits, redemption_of
from ledger.fx.memo import residue_of, spent
from ledger.fx.offers import Offer, Option
from ledger.fx.rates import next_change, rate_at, require_rate, show_rate
from ledger.ids import holder_id
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal.commands import Books, Command, Decision
from ledger.journal.wants import Wants
from ledger.money import Rounding, scale


@dataclass(frozen=True, slots=True)
class MakeQuote(Command):
    """Promise what points are worth against a price. Posts no entry: the quote is a row of its own."""

    member_id: str
    price: int
    """Minor units of ``currency``."""
    currency: str
    points: int | None = None
    """None for the most that limits and balance allow."""
    store: str | None = None
    sku: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    def needs_lots(self, program: Program) -> bool:
        return False

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(quoted=(holder_id(program.program_id, self.member_id),))

    def decide(self, books: Books) -> Decision:
        """Refuses where points are not taken, what is not offered, what is not there, and one quote too many."""
        holder, program = books.holder(self.member_id), books.program
        if self.currency != program.currency:
            raise CurrencyMismatch(
                f"the program keeps its books in {program.currency}",
                currency=self.currency,
                expected=program.currency,
            )
        rate = require_rate(program, books.now)
        limits = require_redeemable(books, holder, self.store, self.sku)
        offer = Offer(self.price, rate.bid, program.currency, limits)
        chosen = offer.choose(self.points, holder.standing.available)
        self._require_room(books, holder, rate)
        quote = self._quote(books, holder, rate, chosen)
        options = offer.options(redemption_of(program).options, holder.standing.available)
        return Decision([], self._answer(quote, rate, offer, options), quotes=[quote])

    def _require_room(self, books: Books, holder: Holder, rate: RateVersion) -> None:
        limit = redemption_of(books.program).open_quotes
        count = sum(
            quote.holder_id == holder.holder_id
            and quote.is_open(books.now)
            and quote.rate_version == rate.version
            for quote in books.quotes.values()
        )
        if count >= limit:
            raise TooManyQuotes(
                "use one of the open quotes, or wait until they have expired", open=count, limit=limit
            )

    def _quote(self, books: Books, holder: Holder, rate: RateVersion, chosen: Option) -> Quote:
        until = books.now + timedelta(seconds=redemption_of(books.program).quote_seconds)
        change = next_change(books.program.rules.rates, books.now)
        return Quote(
            holder.holder_id,
            books.new_entry_id(),
            chosen.points,
            chosen.points_value,
            self.price,
            books.now,
            min(until, change) if change else until,
            rate.version,
            store=self.store,
            sku=self.sku,
        )

    def _answer(self, quote: Quote, rate: RateVersion, offer: Offer, options: list[Option]) -> dict[str, Any]:
        return {
            "quote_id": show_id("quo", quote.quote_id),
            "member_id": self.member_id,
            **_shown(Option(quote.points, quote.points_value, quote.cash), self.currency),
            "reference_price": _money(self.price, self.currency),
            "value_per_point": show_rate(rate.bid),
            "rate": show_rate(rate.bid),
            "rate_version": rate.version,
            "expires_at": show(quote.expires_at),
            "limits": {"minimum": offer.least, "maximum": offer.most, "step": offer.limits.step},
            "options": [_shown(option, self.currency) for option in options],
        }


class Share(NamedTuple):
    """A part of a payment: its value in minor units, its residue in millionths of one."""

    points: int
    value: int
    residue: int


class Payment(NamedTuple):
    """Points paid at a rate: what an entry keeps of it, in minor units of the program's currency."""

    points: int
    points_value: int
    cash: int
    rate: Decimal
    rate_version: int
    quote_id: bytes | None = None

    def stored(self) -> dict[str, Any]:
        """Its part of the entry's details."""
        return {
            "points": self.points,
            "points_value": self.points_value,
            "cash": self.cash,
            "rate": show_rate(self.rate),
            "rate_version": self.rate_version,
            "quote_id": self.quote_id and show_id("quo", self.quote_id),
        }

    def shown(self, currency: str) -> dict[str, Any]:
        """Its part of an answer."""
        return {
            "points_value": _money(self.points_value, currency),
            "cash": _money(self.cash, currency),
            "rate": show_rate(self.rate),
            "rate_version": self.rate_version,
        }

    def memo(self, currency: str) -> list[Posting]:
        """Its face value through the trading accounts."""
        residue = residue_of(self.points, self.points_value, self.rate, currency)
        return spent(self.points, self.points_value, residue)

    def share(self, points: int, currency: str) -> Share:
        """What goes back with so many of its points: all of its value and residue with all of them.

        Value is ceiled, so that what stays given for the other points is floored, as it was when all were spent.
        """
        residue = residue_of(self.points, self.points_value, self.rate, currency)
        value = scale(self.points_value, points, self.points, Rounding.CEILING)
        return Share(points, value, scale(residue, points, self.points))

    def part(self, points: int, currency: str) -> "Payment":
        """The payment of fewer points at the same rate against the same price."""
        if points == self.points:
            return self
        value = value_of(points, self.rate, currency).amount
        return self._replace(points=points, points_value=value, cash=self.cash + self.points_value - value)


def payment_of(stored: dict[str, Any]) -> Payment:
    """The payment that an entry keeps."""
    quote_id = stored["quote_id"]
    return Payment(
        stored["points"],
        stored["points_value"],
        stored["cash"],
        Decimal(stored["rate"]),
        stored["rate_version"],
        read_id("quo", quote_id) if quote_id else None,
    )


def quote_key(program: Program, member_id: str, quote_id: str) -> tuple[QuoteKey, ...]:
    """What a command must see to use a quote; nothing where the id cannot be one."""
    identifier = read_id("quo", quote_id)
    return ((holder_id(program.program_id, member_id), identifier),) if identifier else ()


def require_quote(books: Books, holder: Holder, quote_id: str) -> Quote:
    """The member's own quote, used or not; ``quote_unknown`` for any other."""
    identifier = read_id("quo", quote_id)
    quote = books.quotes.get((holder.holder_id, identifier)) if identifier else None
    if quote is None:
        raise QuoteUnknown(f"the member has no quote {quote_id}", quote_id=quote_id)
    return quote


def require_usable(books: Books, holder: Holder, quote: Quote, store: str | None) -> Payment:
    """What is paid by a quote that is used now.

    Refuses one that is used (``quote_used``), whose time is up or whose rate is no longer in force
    (``quote_expired``), and a place where points are not taken (``not_redeemable_here``).
    """
    shown = show_id("quo", quote.quote_id)
    if quote.used_entry_id is not None:
        entry_id = show_id("ent", quote.used_entry_id)
        raise QuoteUsed("a quote is used once", quote_id=shown, entry_id=entry_id)
    rate = require_rate(books.program, books.now)
    if books.now >= quote.expires_at or rate.version != quote.rate_version:
        raise QuoteExpired(
            "ask for another quote",
            quote_id=shown,
            expires_at=show(quote.expires_at),
            rate_version=quote.rate_version,
            rate_version_in_force=rate.version,
        )
    require_redeemable(books, holder, store or quote.store, quote.sku)
    return Payment(quote.points, quote.points_value, quote.cash, rate.bid, rate.version, quote.quote_id)


def require_redeemable(books: Books, holder: Holder, store: str | None, sku: str | None) -> Limits:
    """The limits that hold for the member there, or ``not_redeemable_here``."""
    tier = books.tier_of(holder, books.now)
    limits = redemption_of(books.program).at(tier, store, sku)
    if not limits.redeemable:
        raise NotRedeemableHere("points are not taken here for this", store=store, sku=sku, tier=tier or None)
    return limits


def rate_of_version(program: Program, version: int, at: datetime) -> RateVersion | None:
    """A version of the rate that was in force at an instant; None for one that was not."""
    rate = rate_at(program.rules.rates, at)
    return rate if rate is not None and rate.version == version else None


def _shown(option: Option, currency: str) -> dict[str, Any]:
    return {
        "points": option.points,
        "points_value": _money(option.points_value, currency),
        "cash": _money(option.cash, currency),
    }


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}
