"""Earning: a purchase under the program's terms, or a direct award by a trusted caller."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from ledger.accounts.chart import Unit
from ledger.accounts.holder import Holder
from ledger.accounts.postings import Opening
from ledger.accounts.program import Program
from ledger.accounts.repayment import repay
from ledger.clock import show
from ledger.errors import AmountTooLarge, CurrencyMismatch, LotWindowEmpty
from ledger.funds.commands import require_budget, spend
from ledger.ids import fund_name
from ledger.journal.commands import NO_SOURCE, Books, Claim, Command, Decision, Draft, Source
from ledger.journal.wants import NOTHING, Wants, together
from ledger.money import MAX_AMOUNT
from ledger.rules.awarding import Occasion, book, open_lots, pay, visit_of
from ledger.rules.facts import PURCHASE, Line
from ledger.rules.paying import Paid, PointsPart
from ledger.rules.paying import pay as pay_with_points
from ledger.rules.referrals import judge_purchase, settle, wants_of_purchase
from ledger.rules.terms import terms_of

__all__ = ["Earning", "Line", "Purchase"]


@dataclass(frozen=True, slots=True)
class Purchase(Command):
    """A settled sale. Enrols the member; earns by the rules in force."""

    enrols: ClassVar[bool] = True
    moves: ClassVar[tuple[str, ...]] = ("purchase", "redemption")

    purchase_id: str
    member_id: str
    occurred_at: datetime
    currency: str
    lines: tuple[Line, ...]
    source: Source = NO_SOURCE
    points_value: int = 0
    """The part that was paid with points elsewhere, in minor units; at most what the lines come to."""
    points_part: PointsPart | None = None
    """What is paid with points here; ``points_value`` follows from it."""
    order_id: str | None = None
    """The order, where it may be booked for other members as well."""

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def claim(self) -> Claim:
        return Claim("purchase", self.purchase_id)

    def grows_at(self, now: datetime) -> datetime:
        return self.occurred_at

    def needs_lots(self, program: Program) -> bool:
        # Only where points are paid, or activity moves the expiry of earlier lots, must they be seen.
        return self.points_part is not None or terms_of(program).points_expiry.is_rolling

    def wants(self, program: Program, now: datetime) -> Wants:
        wants = wants_of_purchase(program, self._occasion(0, 0), now)
        if self.points_part is None:
            return wants
        return together([wants, self.points_part.wants(program, self.member_id, self.occurred_at)])

    def decide(self, books: Books) -> Decision:
        """One lot for each unit earned; a debt is repaid first. Refuses the future and a foreign currency.

        What is paid with points is paid first, in the same entry.

        Settles the referral of a member who was brought; what that gives the referrer is an entry of his own.
        """
        spent = self._check(books)
        holder, entry_id = books.enrolled(self.member_id), books.new_entry_id()
        paid = self._pay(books, holder, spent, entry_id)
        value = paid.payment.points_value if paid else self.points_value
        occasion = self._occasion(spent, value)
        visit = visit_of(books, holder, occasion)
        judged = judge_purchase(books, holder, occasion, visit)
        settlement = settle(books, holder, occasion, visit, entry_id, judged)
        pending_days = terms_of(books.program).pending_days
        owed = paid.overrun if paid else 0
        booked = book(books, holder, entry_id, judged, self.occurred_at, pending_days=pending_days, owed=owed)
        details: dict[str, Any] = {
            "currency": self.currency,
            "lines": [line.stored() for line in self.lines],
        }
        if value:
            details["cash"] = occasion.cash
        if paid:
            details["paid"] = paid.details
        if self.order_id:
            details["order_id"] = self.order_id
        draft = Draft(
            "earn",
            holder.holder_id,
            entry_id,
            self.occurred_at,
            (paid.postings if paid else []) + booked.postings,
            details | judged.details(),
            self.source,
            self.purchase_id,
            peer_holder_id=settlement.peer_holder_id,
            extends_to=booked.extends_to,
            closes=paid.closes if paid else None,
        )
        answer = {"purchase_id": self.purchase_id, **judged.answer(), "lots": booked.lots}
        if paid:
            answer["paid"] = paid.answer
        uses = [*(visit.uses if visit else ()), *judged.uses, *settlement.uses, *(paid.uses if paid else ())]
        drafts = [draft, *pay(books, judged, entry_id, holder), *settlement.drafts]
        decision = Decision(drafts, answer, uses, settlement.referrals, settlement.alerts)
        if paid:
            return decision._replace(quotes=paid.quotes, alerts=[*paid.alerts, *settlement.alerts])
        return decision

    def _pay(self, books: Books, holder: Holder, spent: int, entry_id: bytes) -> Paid | None:
        if self.points_part is None:
            return None
        return pay_with_points(
            books, holder, self.points_part, spent, self.occurred_at, self.source, entry_id
        )

    def _check(self, books: Books) -> int:
        """What was spent, in minor units."""
        books.check_occurred(self.occurred_at)
        if self.currency != books.program.currency:
            raise CurrencyMismatch(
                f"the program keeps its books in {books.program.currency}",
                currency=self.currency,
                expected=books.program.currency,
            )
        spent = sum([line.amount for line in self.lines])
        if spent > MAX_AMOUNT:
            raise AmountTooLarge("the lines add up to more than can be counted exactly", limit=MAX_AMOUNT)
        return spent

    def _occasion(self, spent: int, by_points: int) -> Occasion:
        cash = spent - by_points
        return Occasion(PURCHASE, self.member_id, self.occurred_at, self.source, self.lines, spent, cash)


@dataclass(frozen=True, slots=True)
class Earning(Command):
    """A direct award of points by a trusted caller. Enrols the member."""

    enrols: ClassVar[bool] = True
    moves: ClassVar[tuple[str, ...]] = ("earning",)

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
        draft = Draft(
            "award",
            holder.holder_id,
            entry_id,
            books.now,
            postings + repay(holder, postings, books.now),
            {"fund": self.fund} if self.fund else None,
            self.source,
            self.reference,
            texts={"reason": self.reason},
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
