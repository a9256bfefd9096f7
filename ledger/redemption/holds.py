"""Holds: points are set aside, then captured in whole or in part, or released; once, and by the clock at last.

Points are drawn from their lots when the hold is made. What is captured is honoured even where its lot has lapsed
meanwhile; what is released goes back to its lots, and lapses with them. A hold on a quote keeps the quote's terms,
however the rate moves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ledger.accounts.chart import Account
from ledger.accounts.holder import Closing, Hold, Holder
from ledger.accounts.lots import Draw
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import CaptureExceedsHold, HoldNotOpen, HoldUnderReview, HoldUnknown
from ledger.fx.quotes import (
    Payment,
    payment_of,
    quote_key,
    require_quote,
    require_redeemable,
    require_usable,
)
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal.commands import (
    NO_SOURCE,
    Books,
    Claim,
    Command,
    Decision,
    Draft,
    Recorded,
    Source,
    Target,
)
from ledger.journal.wants import NOTHING, Wants
from ledger.redemption.restoring import draw, give_back, show_draw, spend, take
from ledger.rules.terms import extended_to

DEFAULT_SECONDS = 900

CAPTURED, RELEASED = "captured", "released"


@dataclass(frozen=True, slots=True)
class PlaceHold(Command):
    """Set points aside: so many, or those of a quote."""

    moves: ClassVar[tuple[str, ...]] = ("hold",)

    member_id: str
    points: int | None
    quote_id: str | None
    reference: str
    expires_in: int = DEFAULT_SECONDS
    """Seconds."""
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("hold", self.reference)

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(quotes=quote_key(program, self.member_id, self.quote_id)) if self.quote_id else NOTHING

    def decide(self, books: Books) -> Decision:
        """Refuses what is not there (``insufficient_points``), and a quote that cannot be used."""
        holder = books.holder(self.member_id)
        quote = require_quote(books, holder, self.quote_id) if self.quote_id else None
        if quote is not None:
            payment = require_usable(books, holder, quote, self.source.store)
        else:
            require_redeemable(books, holder, self.source.store, None)
            payment = None
        points = payment.points if payment else self.points
        assert points is not None
        draws, entry_id = draw(books, holder, points), books.new_entry_id()
        expires_at = books.now + timedelta(seconds=self.expires_in)
        details: dict[str, Any] = {"points": points, "expires_at": show(expires_at)}
        if payment:
            details["quote"] = payment.stored()
        drawn = tuple((d.lot.lot_id, d.amount) for d in draws)
        draft = Draft(
            "hold",
            holder.holder_id,
            entry_id,
            books.now,
            [Posting(Account.POINTS, Account.HELD, amount, lot) for lot, amount in drawn],
            details,
            self.source,
            self.reference,
            opens=Hold(entry_id, points, expires_at, drawn, quote.quote_id if quote else None),
        )
        answer = {
            "hold_id": show_id("hld", entry_id),
            "reference": self.reference,
            "status": "open",
            "points": points,
            "expires_at": show(expires_at),
            "draws": [show_draw(d) for d in draws],
            "quote_id": self.quote_id,
            **(payment.shown(books.program.currency) if payment else {}),
        }
        used = [quote._replace(used_entry_id=entry_id)] if quote else []
        return Decision([draft], answer, quotes=used)


@dataclass(frozen=True, slots=True)
class CaptureHold(Command):
    """Redeem what is held, or a part of it; the rest is released."""

    hold_id: str
    points: int | None = None
    source: Source = NO_SOURCE

    @property
    def target(self) -> Target:
        return target_of(self.hold_id)

    def decide(self, books: Books) -> Decision:
        """Refuses a hold that is not open any more (``hold_not_open``), and more than it holds."""
        recorded = books.require_target()
        holder, hold = require_open(books, recorded, self.hold_id)
        points = hold.points if self.points is None else self.points
        if points > hold.points:
            raise CaptureExceedsHold("less is held", held=hold.points, requested=points)
        entry_id = books.new_entry_id()
        first, rest = take(hold.draws, points)
        taken = [Draw(holder.require_lot(lot or b""), amount) for lot, amount in first]
        restored = give_back(books, holder, rest, Account.HELD, entry_id)
        payment, currency = payment_of_hold(recorded), books.program.currency
        if payment is not None:
            payment = payment.part(points, currency)
        draft = Draft(
            "capture",
            holder.holder_id,
            entry_id,
            books.now,
            spend(taken, Account.HELD) + restored.postings + (payment.memo(currency) if payment else []),
            {"paid": payment.stored()} if payment else None,
            self.source,
            recorded.reference,
            parent_entry_id=hold.hold_id,
            extends_to=extended_to(books.program, books.now),
            closes=Closing(hold.hold_id, CAPTURED, points, entry_id),
        )
        answer = {
            "hold_id": self.hold_id,
            "redemption_id": show_id("red", entry_id),
            "reference": recorded.reference,
            "status": CAPTURED,
            "points": points,
            "released": hold.points - points,
            "draws": [show_draw(drawn) for drawn in taken],
            **restored.answer,
            **(payment.shown(currency) if payment else {}),
        }
        return Decision([draft], answer)


@dataclass(frozen=True, slots=True)
class ReleaseHold(Command):
    """Give what is held back to its lots."""

    hold_id: str
    source: Source = NO_SOURCE

    @property
    def target(self) -> Target:
        return target_of(self.hold_id)

    def decide(self, books: Books) -> Decision:
        """Refuses a hold that is not open any more (``hold_not_open``)."""
        recorded = books.require_target()
        holder, hold = require_open(books, recorded, self.hold_id)
        entry_id = books.new_entry_id()
        restored = give_back(books, holder, hold.draws[::-1], Account.HELD, entry_id)
        draft = Draft(
            "release",
            holder.holder_id,
            entry_id,
            books.now,
            restored.postings,
            None,
            self.source,
            recorded.reference,
            parent_entry_id=hold.hold_id,
            closes=Closing(hold.hold_id, RELEASED, 0, entry_id),
        )
        answer = {
            "hold_id": self.hold_id,
            "reference": recorded.reference,
            "status": RELEASED,
            "points": hold.points,
            **restored.answer,
        }
        return Decision([draft], answer)


def target_of(hold_id: str) -> Target:
    """The entry that made a hold."""
    entry_id = read_id("hld", hold_id)
    return Target("entry", entry_id.hex() if entry_id else "", _absent(hold_id))


def require_open(books: Books, recorded: Recorded, hold_id: str) -> tuple[Holder, Hold]:
    """The hold that an entry has made, with its holder; what the clock has released is not open.

    Refuses a hold that waits for a review (``hold_under_review``).
    """
    if recorded.kind != "hold":
        raise _absent(hold_id)
    if "review" in recorded.details:
        raise HoldUnderReview("somebody decides on the review, and on nothing else", hold_id=hold_id)
    holder = books.holders[recorded.holder_id]
    hold = holder.holds.get(recorded.entry_id)
    if hold is None:
        status = _status(recorded)
        raise HoldNotOpen(f"the hold was {status} before", hold_id=hold_id, hold_status=status)
    return holder, hold


def payment_of_hold(recorded: Recorded) -> Payment | None:
    """What the points held are to pay; None for a hold without a quote."""
    stored = recorded.details.get("quote")
    return payment_of(stored) if stored else None


def _status(recorded: Recorded) -> str:
    for child in recorded.children:
        if child.kind == "release":
            return "lapsed" if child.details.get("lapsed") else RELEASED
    # By a capture, or by the purchase that it paid.
    return CAPTURED


def _absent(hold_id: str) -> HoldUnknown:
    return HoldUnknown(f"there is no hold {hold_id}", hold_id=hold_id)
