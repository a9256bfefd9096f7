"""Manual adjustments: points put right by hand, by one key's word and another's.

What is added comes into a lot of its own under the program's expiry policy, and repays a debt first. What is taken
is drawn as a redemption draws it; what the member has not is refused, and never becomes a debt. The house's side is
``adjusted``, so that what was put right by hand is told apart from what was earned and spent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.accounts.repayment import repay
from ledger.clock import show
from ledger.funds.commands import Authority
from ledger.ids import lot_id
from ledger.journal.commands import Books, Claim, Command, Decision, Draft
from ledger.redemption.restoring import draw, fresh_lot, opened, show_draw

CLAIM = "adjustment"
"""The kind of names that adjustments take."""


class Wanted(NamedTuple):
    """What is to be put right: ``points`` are added, or taken where they are negative."""

    member_id: str
    points: int
    reason: str
    reference: str | None = None

    def renamed(self, names: Mapping[str, str]) -> "Wanted":
        """The same for the member by whose name this one is called there."""
        return self._replace(member_id=names.get(self.member_id, self.member_id))


@dataclass(frozen=True, slots=True)
class ProposeAdjustment(Command):
    """Ask whether an adjustment may be proposed. Posts nothing: its answer is what the key is answered with."""

    adjustment_id: str
    wanted: Wanted
    content_hash: str
    proposed_by: str

    @property
    def members(self) -> tuple[str, ...]:
        return (self.wanted.member_id,)

    @property
    def claim(self) -> Claim | None:
        return Claim(CLAIM, self.wanted.reference) if self.wanted.reference else None

    @property
    def words(self) -> dict[str, Any]:
        # Without the reason, the hash would tell whether a guess at it is right.
        return {"reason": self.wanted.reason, "content_hash": self.content_hash}

    def renamed(self, names: Mapping[str, str]) -> Self:
        return replace(self, wanted=self.wanted.renamed(names))

    def needs_lots(self, program: Program) -> bool:
        return False

    def decide(self, books: Books) -> Decision:
        """Refuses an unknown member. Whether the points are there is asked when it is approved."""
        books.holder(self.wanted.member_id)
        return Decision(
            [],
            {
                "adjustment_id": self.adjustment_id,
                **_without_words(self.wanted),
                "status": "pending",
                "proposed_by": self.proposed_by,
                "proposed_at": show(books.asked_at),
            },
        )


@dataclass(frozen=True, slots=True)
class Adjust(Command):
    """Put right what was approved: one entry, which names who proposed and who approved it, and why."""

    moves: ClassVar[tuple[str, ...]] = ("adjustment",)

    adjustment_id: str
    wanted: Wanted
    by: Authority

    @property
    def members(self) -> tuple[str, ...]:
        return (self.wanted.member_id,)

    @property
    def claim(self) -> Claim:
        """The caller's own reference; without one the adjustment's id, so that in any case it is carried out once."""
        return Claim(CLAIM, self.wanted.reference or self.adjustment_id)

    @property
    def words(self) -> dict[str, Any]:
        return {"reason": self.wanted.reason}

    def renamed(self, names: Mapping[str, str]) -> Self:
        return replace(self, wanted=self.wanted.renamed(names))

    def needs_lots(self, program: Program) -> bool:
        return self.wanted.points < 0

    def decide(self, books: Books) -> Decision:
        """Refuses to take what is pending, held, expired or not there (``insufficient_points``)."""
        holder, entry_id = books.holder(self.wanted.member_id), books.new_entry_id()
        moved = self._moved(books, holder, entry_id)
        draft = Draft(
            "adjust",
            holder.holder_id,
            entry_id,
            books.now,
            moved.postings,
            self.by._asdict(),
            reference=self.claim.reference,
            texts=self.words,
        )
        answer = {
            "adjustment_id": self.adjustment_id,
            **_without_words(self.wanted),
            "status": "approved",
            "proposed_by": self.by.proposed_by,
            "approved_by": self.by.approved_by,
            **moved.answer,
        }
        return Decision([draft], answer)

    def _moved(self, books: Books, holder: Holder, entry_id: bytes) -> "_Moved":
        points = self.wanted.points
        if points < 0:
            draws = draw(books, holder, -points)
            taken = [Posting(Account.POINTS, Account.ADJUSTED, d.amount, d.lot.lot_id) for d in draws]
            return _Moved(taken, {"draws": [show_draw(d) for d in draws], "lot": None, "debt_repaid": 0})
        added = fresh_lot(books, lot_id(entry_id, 1), Account.ADJUSTED, points)
        repaid = repay(holder, added, books.now)
        debt_repaid = sum(posting.amount for posting in repaid)
        (lot,) = opened(added)
        return _Moved(added + repaid, {"draws": [], "lot": show_draw(lot), "debt_repaid": debt_repaid})


def _without_words(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in wanted._asdict().items() if name != "reason"}


class _Moved(NamedTuple):
    postings: list[Posting]
    answer: dict[str, Any]
