"""Earning: a purchase under the program's terms, or a direct award by a trusted caller."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ledger.accounts.chart import Account, Unit
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import AmountTooLarge, CurrencyMismatch, LotWindowEmpty
from ledger.funds.commands import require_budget, spend
from ledger.ids import fund_name, lot_id
from ledger.ids import show as show_id
from ledger.journal.commands import (
    NO_SOURCE,
    NOTHING,
    Books,
    Claim,
    Command,
    Decision,
    Draft,
    Source,
    Wants,
)
from ledger.money import MAX_AMOUNT
from ledger.rules.base import base_awards
from ledger.rules.debt import repay
from ledger.rules.facts import Award, Line
from ledger.rules.terms import Terms, terms_of

__all__ = ["Earning", "Line", "Purchase", "open_lots"]

_POINT, _GROWTH = Unit.POINT, Unit.GROWTH  # asked once, as in ledger.rules.base
_NAMES = {unit: unit.name for unit in Unit}


@dataclass(frozen=True, slots=True)
class Purchase(Command):
    """A settled sale. Enrols the member; earns by the terms in force when it is recorded."""

    enrols: ClassVar[bool] = True

    purchase_id: str
    member_id: str
    occurred_at: datetime
    currency: str
    lines: tuple[Line, ...]
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("purchase", self.purchase_id)

    def grows_at(self, now: datetime) -> datetime:
        return self.occurred_at

    def needs_lots(self, program: Program) -> bool:
        # Only where activity moves the expiry of earlier lots must they be seen.
        return terms_of(program).points_expiry.is_rolling

    def decide(self, books: Books) -> Decision:
        """One lot for each unit earned; a debt is repaid first. Refuses the future and a foreign currency."""
        program = books.program
        books.check_occurred(self.occurred_at)
        if self.currency != program.currency:
            raise CurrencyMismatch(
                f"the program keeps its books in {program.currency}",
                currency=self.currency,
                expected=program.currency,
            )
        spent = sum(line.amount for line in self.lines)
        if spent > MAX_AMOUNT:
            raise AmountTooLarge("the lines add up to more than can be counted exactly", limit=MAX_AMOUNT)
        terms = terms_of(program)
        awards = base_awards(terms, program.terms_version, spent, self.currency)
        return self._draft(books, terms, awards)

    def _draft(self, books: Books, terms: Terms, awards: list[Award]) -> Decision:
        timezone, entry_id = books.program.timezone, books.new_entry_id()
        earned_at, policy = self.occurred_at, terms.points_expiry
        available_at = earned_at + timedelta(days=terms.pending_days) if terms.pending_days else earned_at
        openings = {
            _POINT: Opening(
                earned_at, available_at, policy.expires_at(earned_at, timezone), policy.is_rolling
            ),
            _GROWTH: Opening(earned_at, earned_at, terms.growth_expiry.expires_at(earned_at, timezone)),
        }
        holder = books.enrolled(self.member_id)
        stored = [award.stored() for award in awards]
        postings, lots = open_lots(
            entry_id, [(award.unit, award.amount, openings[award.unit]) for award in awards]
        )
        draft = Draft(
            "earn",
            holder.holder_id,
            entry_id,
            self.occurred_at,
            postings + repay(holder, postings, books.now),
            {
                "currency": self.currency,
                "lines": [line.stored() for line in self.lines],
                "awards": stored,
            },
            self.source,
            self.purchase_id,
            extends_to=openings[_POINT].expires_at if policy.is_rolling else None,
        )
        earned = {award.unit: award.amount for award in awards}
        answer = {
            "purchase_id": self.purchase_id,
            "points": earned.get(_POINT, 0),
            "growth": earned.get(_GROWTH, 0),
            "awards": stored,
            "lots": lots,
        }
        return Decision([draft], answer)


@dataclass(frozen=True, slots=True)
class Earning(Command):
    """A direct award of points by a trusted caller. Enrols the member."""

    enrols: ClassVar[bool] = True

    member_id: str
    points: int
    reason: str
    reference: str
    available_at: datetime | None = None
    expires_at: datetime | None = None
    fund: str | None = None
    source: Source = NO_SOURCE

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("earning", self.reference)

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(others=(fund_name(self.fund),)) if self.fund else NOTHING

    def needs_lots(self, program: Program) -> bool:
        return False

    def decide(self, books: Books) -> Decision:
        """One lot, by the given times or the program's terms; a debt is repaid first.

        A fund pays the whole amount, or refuses (``budget_exhausted``).
        """
        opening = self._opening(books)
        if self.fund:
            require_budget(books, self.fund, self.points)
        holder, entry_id = books.enrolled(self.member_id), books.new_entry_id()
        postings, lots = open_lots(entry_id, [(Unit.POINT, self.points, opening)])
        details = {"reason": self.reason, "fund": self.fund} if self.fund else {"reason": self.reason}
        draft = Draft(
            "award",
            holder.holder_id,
            entry_id,
            books.now,
            postings + repay(holder, postings, books.now),
            details,
            self.source,
            self.reference,
        )
        paid = [spend(books, self.fund, self.points, entry_id, holder.holder_id)] if self.fund else []
        return Decision([draft, *paid], {"reference": self.reference, "points": self.points, "lots": lots})

    def _opening(self, books: Books) -> Opening:
        policy = terms_of(books.program).points_expiry
        available_at = self.available_at or books.now
        expires_at = self.expires_at or policy.expires_at(available_at, books.program.timezone)
        if expires_at is not None and expires_at <= max(available_at, books.now):
            raise LotWindowEmpty(
                "the points would be gone before they can be used",
                available_at=show(available_at),
                expires_at=show(expires_at),
            )
        return Opening(books.now, available_at, expires_at, policy.is_rolling and self.expires_at is None)


def open_lots(
    entry_id: bytes, grants: list[tuple[Unit, int, Opening]]
) -> tuple[list[Posting], list[dict[str, Any]]]:
    """Issue each grant into a lot of its own: the postings, and the lots as the answer shows them."""
    postings, shown = [], []
    for ordinal, (unit, amount, opening) in enumerate(grants, 1):
        lot = lot_id(entry_id, ordinal)
        postings.append(Posting(*_ISSUE[unit], amount, lot, opening))
        shown.append(
            {
                "lot_id": show_id("lot", lot),
                "unit": _NAMES[unit],
                "amount": amount,
                "available_at": show(opening.available_at),
                "expires_at": opening.expires_at and show(opening.expires_at),
            }
        )
    return postings, shown


_ISSUE = {
    Unit.POINT: (Account.ISSUED, Account.POINTS),
    Unit.GROWTH: (Account.GROWTH_ISSUED, Account.GROWTH),
}
