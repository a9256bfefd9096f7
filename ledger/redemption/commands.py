"""Redemptions, their refunds, and transfers between members."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.program import Program
from ledger.accounts.repayment import repay
from ledger.errors import (
    LedgerError,
    RedemptionUnknown,
    RefundExceedsRedemption,
    SameMember,
)
from ledger.fx.memo import given_back
from ledger.fx.quotes import (
    payment_of,
    quote_key,
    require_quote,
    require_redeemable,
    require_usable,
)
from ledger.ids import lot_id
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
    already_reversed,
)
from ledger.journal.wants import NOTHING, Wants
from ledger.redemption.offline import Offline, draw_offline
from ledger.redemption.restoring import draw, restore, show_draw, spend, undone
from ledger.rules.terms import extended_to


@dataclass(frozen=True, slots=True)
class Redeem(Command):
    """Spend points, drawn from the lots in drawing order: so many, or those of a quote."""

    moves: ClassVar[tuple[str, ...]] = ("redemption",)

    member_id: str
    points: int | None
    reference: str
    source: Source = NO_SOURCE
    quote_id: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("redemption", self.reference)

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(quotes=quote_key(program, self.member_id, self.quote_id)) if self.quote_id else NOTHING

    def decide(self, books: Books) -> Decision:
        """Refuses what is pending, expired or not there (``insufficient_points``), and a quote that cannot be used."""
        holder, currency = books.holder(self.member_id), books.program.currency
        if self.quote_id is None:
            require_redeemable(books, holder, self.source.store, None)
            assert self.points is not None
            draws = draw(books, holder, self.points)
            return redeemed(books, holder, self, self.points, draws, spend(draws))
        quote = require_quote(books, holder, self.quote_id)
        payment = require_usable(books, holder, quote, self.source.store)
        draws = draw(books, holder, payment.points)
        made = redeemed(
            books,
            holder,
            self,
            payment.points,
            draws,
            spend(draws) + payment.memo(currency),
            {"paid": payment.stored()},
            {"quote_id": self.quote_id, **payment.shown(currency)},
        )
        return made._replace(quotes=[quote._replace(used_entry_id=made.drafts[0].entry_id)])


@dataclass(frozen=True, slots=True)
class RedeemOffline(Command):
    """Points that a till took while it was offline: a fact, not a question. Enrols the member.

    The batch that brings the member's first purchase may come later.
    """

    enrols: ClassVar[bool] = True
    moves: ClassVar[tuple[str, ...]] = ("redemption",)

    member_id: str
    points: int
    reference: str
    offline: Offline
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("redemption", self.reference)

    def wants(self, program: Program, now: datetime) -> Wants:
        return self.offline.wants(program, self.member_id)

    def decide(self, books: Books) -> Decision:
        """What is not covered becomes a debt. Refuses what ``draw_offline`` refuses."""
        holder = books.enrolled(self.member_id)
        taken = draw_offline(books, holder, self.points, self.offline)
        told = {"offline": taken.details}
        return redeemed(books, holder, self, self.points, taken.draws, taken.postings, told, told)._replace(
            uses=taken.uses, alerts=taken.alerts
        )


def redeemed(
    books: Books,
    holder: Holder,
    asked: "Redeem | RedeemOffline",
    points: int,
    draws: Iterable[Draw],
    postings: list[Posting],
    details: dict[str, Any] | None = None,
    more: Mapping[str, Any] = {},
) -> Decision:
    """The entry of a redemption, and its answer with ``more`` in it."""
    entry_id = books.new_entry_id()
    draft = Draft(
        "redeem",
        holder.holder_id,
        entry_id,
        books.now,
        postings,
        details,
        asked.source,
        asked.reference,
        extends_to=extended_to(books.program, books.now),
    )
    answer = {
        "redemption_id": show_id("red", entry_id),
        "reference": asked.reference,
        "points": points,
        "draws": [show_draw(d) for d in draws],
        **more,
    }
    return Decision([draft], answer)


@dataclass(frozen=True, slots=True)
class Refund(Command):
    """Give points of a redemption back to the lots they came from, the newest draw first."""

    moves: ClassVar[tuple[str, ...]] = ("refund",)

    redemption_id: str
    points: int
    reference: str
    source: Source = NO_SOURCE

    @property
    def claim(self) -> Claim:
        return Claim("refund", self.reference)

    @property
    def target(self) -> Target:
        entry_id = read_id("red", self.redemption_id)
        return Target("entry", entry_id.hex() if entry_id else "", self._absent())

    def decide(self, books: Books) -> Decision:
        """Refuses more than is left to refund. What the clock took meanwhile follows the program's policy."""
        redemption = books.require_target()
        if redemption.kind not in ("redeem", "capture"):
            raise self._absent()
        if redemption.reversal:
            raise already_reversed(
                show_id("ent", redemption.entry_id), show_id("ent", redemption.reversal.entry_id)
            )
        refundable = sum(amount for _, amount in undone(redemption))
        if self.points > refundable:
            raise RefundExceedsRedemption(
                "less is left of the redemption", refundable=refundable, requested=self.points
            )
        holder, entry_id = books.holders[redemption.holder_id], books.new_entry_id()
        restored = restore(books, holder, redemption, self.points, entry_id)
        draft = Draft(
            "refund",
            holder.holder_id,
            entry_id,
            books.now,
            restored.postings + memo_back(books, redemption, refundable, self.points),
            at_its_rate(redemption),
            self.source,
            self.reference,
            parent_entry_id=redemption.entry_id,
        )
        return Decision(
            [draft],
            {
                "redemption_id": self.redemption_id,
                "reference": self.reference,
                "points": self.points,
                **restored.answer,
            },
        )

    def _absent(self) -> LedgerError:
        return RedemptionUnknown(
            f"there is no redemption {self.redemption_id}", redemption_id=self.redemption_id
        )


@dataclass(frozen=True, slots=True)
class Transfer(Command):
    """Move points from one member to another. Both must be known; lots keep their expiry."""

    moves: ClassVar[tuple[str, ...]] = ("transfer",)

    from_member_id: str
    to_member_id: str
    points: int
    reference: str
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.from_member_id, self.to_member_id)

    @property
    def claim(self) -> Claim:
        return Claim("transfer", self.reference)

    def decide(self, books: Books) -> Decision:
        """Two entries, one in each member's books. A recipient in debt repays it first."""
        if self.from_member_id == self.to_member_id:
            raise SameMember("a transfer needs two different members", member_id=self.from_member_id)
        sender, recipient = books.holder(self.from_member_id), books.holder(self.to_member_id)
        draws = draw(books, sender, self.points)
        out_id, in_id = books.new_entry_id(), books.new_entry_id()
        leaving = [Posting(Account.POINTS, Account.TRANSFER, d.amount, d.lot.lot_id) for d in draws]
        arriving = [_arrive(books, in_id, n, d) for n, d in enumerate(draws, 1)]
        drafts = [
            Draft(
                "transfer_out",
                sender.holder_id,
                out_id,
                books.now,
                leaving,
                source=self.source,
                reference=self.reference,
                peer_holder_id=recipient.holder_id,
            ),
            Draft(
                "transfer_in",
                recipient.holder_id,
                in_id,
                books.now,
                arriving + repay(recipient, arriving, books.now),
                source=self.source,
                reference=self.reference,
                parent_entry_id=out_id,
                peer_holder_id=sender.holder_id,
            ),
        ]
        answer = {
            "transfer_id": show_id("trf", out_id),
            "reference": self.reference,
            "from_member_id": self.from_member_id,
            "to_member_id": self.to_member_id,
            "points": self.points,
            "draws": [show_draw(d) for d in draws],
        }
        return Decision(drafts, answer)


def at_its_rate(redemption: Recorded) -> dict[str, Any] | None:
    """The details of an entry that gives back what went at a rate: that very rate."""
    stored = redemption.details.get("paid")
    return {name: stored[name] for name in ("rate", "rate_version")} if stored else None


def memo_back(books: Books, redemption: Recorded, refundable: int, points: int) -> list[Posting]:
    """The memo of points that come back, in proportion and cumulatively; none where they went at no rate."""
    stored = redemption.details.get("paid")
    if not stored:
        return []
    payment = payment_of(stored)
    before = payment.share(payment.points - refundable, books.program.currency)
    after = payment.share(payment.points - refundable + points, books.program.currency)
    return given_back(points, after.value - before.value, after.residue - before.residue)


def _arrive(books: Books, entry_id: bytes, ordinal: int, drawn: Draw) -> Posting:
    lot = drawn.lot
    opening = Opening(books.now, lot.available_at, lot.expires_at, lot.rolling)
    return Posting(Account.TRANSFER, Account.POINTS, drawn.amount, lot_id(entry_id, ordinal), opening)
