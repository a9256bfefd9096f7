"""Redemptions, their refunds, and transfers: points leave by lot and come back to the very lots they left."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw, consume
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.repayment import repay
from ledger.clock import show
from ledger.errors import (
    InsufficientPoints,
    LedgerError,
    RedemptionUnknown,
    RefundExceedsRedemption,
    SameMember,
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
from ledger.rules.terms import terms_of


@dataclass(frozen=True, slots=True)
class Redeem(Command):
    """Spend points, drawn from the lots in drawing order."""

    member_id: str
    points: int
    reference: str
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("redemption", self.reference)

    def decide(self, books: Books) -> Decision:
        """Refuses what is pending, expired or not there (``insufficient_points``)."""
        holder = books.holder(self.member_id)
        draws = draw(books, holder, self.points)
        entry_id = books.new_entry_id()
        policy = terms_of(books.program).points_expiry
        draft = Draft(
            "redeem",
            holder.holder_id,
            entry_id,
            books.now,
            [Posting(Account.POINTS, Account.REDEEMED, d.amount, d.lot.lot_id) for d in draws],
            None,
            self.source,
            self.reference,
            extends_to=policy.expires_at(books.now, books.program.timezone) if policy.is_rolling else None,
        )
        return Decision(
            [draft],
            {
                "redemption_id": show_id("red", entry_id),
                "reference": self.reference,
                "points": self.points,
                "draws": [show_draw(d) for d in draws],
            },
        )


@dataclass(frozen=True, slots=True)
class Refund(Command):
    """Give points of a redemption back to the lots they came from, the newest draw first."""

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
        if redemption.kind != "redeem":
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
            restored.postings,
            None,
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


class Restored(NamedTuple):
    """Points given back: the postings, and what became of the points in the words of the answer."""

    postings: list[Posting]
    answer: dict[str, Any]


def draw(books: Books, holder: Holder, points: int) -> list[Draw]:
    """Draws for ``points`` from what is spendable, or ``insufficient_points``."""
    spendable = holder.spendable(books.now)
    available = sum(lot.remaining for lot in spendable)
    if points > available:
        raise InsufficientPoints(
            f"{points} points were asked for and {available} are available",
            available=available,
            requested=points,
        )
    return consume(spendable, points)


def show_draw(drawn: Draw) -> dict[str, Any]:
    """A draw as answers show it."""
    expires_at = drawn.lot.expires_at
    return {
        "lot_id": show_id("lot", drawn.lot.lot_id),
        "points": drawn.amount,
        "expires_at": expires_at and show(expires_at),
    }


def undone(redemption: Recorded) -> list[tuple[bytes, int]]:
    """What is left to refund of each lot drawn by a redemption, in drawing order."""
    back: dict[bytes | None, int] = {}
    for child in redemption.children:
        for posting in child.postings:
            if posting.debit is Account.REDEEMED:
                back[posting.lot_id] = back.get(posting.lot_id, 0) + posting.amount
    drawn = [(posting.lot_id or b"", posting.amount) for posting in redemption.postings]
    return [(lot, amount - back.get(lot, 0)) for lot, amount in drawn]


def restore(books: Books, holder: Holder, redemption: Recorded, points: int, entry_id: bytes) -> Restored:
    """Give ``points`` back to the lots of a redemption, the newest draw first; a debt is repaid from them.

    Points whose lot has lapsed meanwhile go back to it and expire at once, or live on in one grace lot.
    """
    alive, postings, grace = [], [], 0
    lapsed: list[dict[str, Any]] = []
    for lot_drawn, left in reversed(undone(redemption)):
        amount = min(left, points)
        if amount == 0:
            continue
        points -= amount
        lot = holder.require_lot(lot_drawn)
        postings.append(Posting(Account.REDEEMED, Account.POINTS, amount, lot_drawn))
        if lot.expires_at is None or books.now < lot.expires_at:
            alive.append(Draw(lot, amount))
            continue
        lapsed.append(show_draw(Draw(lot, amount)))
        if terms_of(books.program).grace_days is None:
            postings.append(Posting(Account.POINTS, Account.EXPIRED, amount, lot_drawn))
        else:
            postings.append(Posting(Account.POINTS, Account.TRANSFER, amount, lot_drawn))
            grace += amount
    graced = _grace_lot(books, entry_id, grace)
    postings += graced
    arrived = [Posting(Account.REDEEMED, Account.POINTS, d.amount, d.lot.lot_id) for d in alive]
    repaid = repay(holder, arrived + graced, books.now)
    answer = {
        "restored": [show_draw(d) for d in alive],
        "lapsed": lapsed,
        "lapsed_policy": "lapse" if terms_of(books.program).grace_days is None else "grace",
        "grace_lot": _show_grace(graced),
        "debt_repaid": sum(posting.amount for posting in repaid),
    }
    return Restored(postings + repaid, answer)


def _grace_lot(books: Books, entry_id: bytes, amount: int) -> list[Posting]:
    days = terms_of(books.program).grace_days
    if not amount or days is None:
        return []
    opening = Opening(books.now, books.now, books.now + timedelta(days=days))
    return [Posting(Account.TRANSFER, Account.POINTS, amount, lot_id(entry_id, 1), opening)]


def _show_grace(graced: list[Posting]) -> dict[str, Any] | None:
    for posting in graced:
        assert posting.lot_id and posting.opens and posting.opens.expires_at
        return {
            "lot_id": show_id("lot", posting.lot_id),
            "points": posting.amount,
            "expires_at": show(posting.opens.expires_at),
        }
    return None


def _arrive(books: Books, entry_id: bytes, ordinal: int, drawn: Draw) -> Posting:
    lot = drawn.lot
    opening = Opening(books.now, lot.available_at, lot.expires_at, lot.rolling)
    return Posting(Account.TRANSFER, Account.POINTS, drawn.amount, lot_id(entry_id, ordinal), opening)
