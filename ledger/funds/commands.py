"""Funds: budgets in the books. A fund is a holder; what is left of it is the balance of its account.

What is granted comes from ``fund_granted``, what pays for an award goes to ``fund_spent``, and the fund between
them never falls below nothing, because it is decided under the lock of its row. A fund is counted in points and
is none: nothing moves between it and a member.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.errors import BudgetExhausted, FundUnknown
from ledger.ids import fund_name, holder_id
from ledger.journal.commands import Books, Claim, Command, Decision, Draft
from ledger.journal.wants import UNUSED, UsageKey, Use, Wants
from ledger.rules.terms import RegionShare

GRANTED: Final = "granted"
"""The usage of a fund's holder that keeps what was granted in all, less what was withdrawn."""

_GRANT: Final = (Account.FUND_GRANTED, Account.FUND)
_WITHDRAWAL: Final = (Account.FUND, Account.FUND_GRANTED)
_SPENDING: Final = (Account.FUND, Account.FUND_SPENT)


class Authority(NamedTuple):
    """By whose word a budget changes: the proposal, who made it and who approved it."""

    approval_id: str
    proposed_by: str
    approved_by: str


def granted_key(program_id: int, fund: str) -> UsageKey:
    """Where it is kept how much was granted to a fund."""
    return (holder_id(program_id, fund_name(fund)), GRANTED, "")


def available(books: Books, fund: str) -> int:
    """What is left of a fund; nothing of one that nobody has granted anything."""
    holder = books.fund(fund)
    return holder.points if holder is not None else 0


def require_budget(books: Books, fund: str, points: int) -> None:
    """Refuse what a fund cannot pay (``budget_exhausted``). The command must have wanted the fund's holder."""
    left = available(books, fund)
    if left < points:
        raise BudgetExhausted(
            f"the fund {fund} has {left} points left", fund=fund, available=left, requested=points
        )


def spend(books: Books, fund: str, points: int, award_entry_id: bytes, member_holder_id: bytes) -> Draft:
    """The entry by which a fund pays for an award. It must have so much left, and be locked."""
    holder = books.fund(fund)
    assert holder is not None
    assert holder.points >= points
    return Draft(
        "fund_spend",
        holder.holder_id,
        books.new_entry_id(),
        books.now,
        [Posting(*_SPENDING, points)],
        parent_entry_id=award_entry_id,
        peer_holder_id=member_holder_id,
    )


@dataclass(frozen=True, slots=True)
class _Change(Command):
    """A budget is changed by those who may. Grants and withdrawals take names of one kind."""

    fund: str
    points: int
    reference: str
    reason: str
    by: Authority

    @property
    def members(self) -> tuple[str, ...]:
        return (fund_name(self.fund),)

    @property
    def claim(self) -> Claim:
        return Claim("fund_grant", self.reference)

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(usages=(granted_key(program.program_id, self.fund),))

    def needs_lots(self, program: Program) -> bool:
        return False

    def _changed(self, books: Books, holder: Holder, points: int) -> Decision:
        details = {"reason": self.reason, **self.by._asdict()}
        answer = {
            "fund": self.fund,
            "points": self.points,
            "reference": self.reference,
            "available": holder.points + points,
        }
        return _granting(books, holder, points, answer, details, self.reference)


@dataclass(frozen=True, slots=True)
class GrantFund(_Change):
    """Give a fund points to spend; a fund begins with its first grant."""

    enrols: ClassVar[bool] = True

    def decide(self, books: Books) -> Decision:
        """One entry of the fund."""
        return self._changed(books, books.enrolled(fund_name(self.fund)), self.points)


@dataclass(frozen=True, slots=True)
class WithdrawFund(_Change):
    """Take back what a fund has not spent: a grant the other way round."""

    def decide(self, books: Books) -> Decision:
        """One entry of the fund. Refuses more than is left, and a fund that is unknown."""
        holder = books.fund(self.fund)
        # Another command of the batch may be about to begin the fund.
        if holder is None or (holder.is_new and not holder.is_changed):
            raise unknown_fund(self.fund)
        require_budget(books, self.fund, self.points)
        return self._changed(books, holder, -self.points)


@dataclass(frozen=True, slots=True)
class TopUpShare(Command):
    """Grant a region's share up to ``allowed`` in all. Where so much was granted before, it does nothing.

    It reads what was granted under the lock of the fund's row, so of any number of top-ups at once the highest
    ``allowed`` stands in the end, and no sum of theirs.
    """

    enrols: ClassVar[bool] = True

    fund: str
    allowed: int
    issued: int
    share: RegionShare

    @property
    def members(self) -> tuple[str, ...]:
        return (fund_name(self.fund),)

    def wants(self, program: Program, now: datetime) -> Wants:
        return Wants(usages=(granted_key(program.program_id, self.fund),))

    def needs_lots(self, program: Program) -> bool:
        return False

    def decide(self, books: Books) -> Decision:
        """One entry that says what it was measured by, or none."""
        key = granted_key(books.program.program_id, self.fund)
        points = self.allowed - books.usages.get(key, UNUSED).amount
        answer = {"fund": self.fund, "issued": self.issued, "allowed": self.allowed}
        if points <= 0:
            return Decision([], answer | {"points": 0})
        holder = books.enrolled(fund_name(self.fund))
        details = {"issued": self.issued, "allowed": self.allowed, "share": self.share._asdict()}
        return _granting(books, holder, points, answer | {"points": points}, details)


def unknown_fund(fund: str) -> FundUnknown:
    """The refusal to read or lessen what nobody has granted."""
    return FundUnknown(f"there is no fund {fund}", fund=fund)


def _granting(
    books: Books,
    holder: Holder,
    points: int,
    answer: dict[str, Any],
    details: dict[str, Any],
    reference: str | None = None,
) -> Decision:
    """The entry that grants ``points``, or withdraws them where they are negative, and what it adds up to."""
    accounts = _GRANT if points > 0 else _WITHDRAWAL
    draft = Draft(
        "fund_grant",
        holder.holder_id,
        books.new_entry_id(),
        books.now,
        [Posting(*accounts, abs(points))],
        details,
        reference=reference,
    )
    return Decision([draft], answer, [Use((holder.holder_id, GRANTED, ""), points, 1)])
