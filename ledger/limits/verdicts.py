"""Verdicts on awards that are held for review: what is released is the member's; what is rejected goes back. Pure.

A rejected award goes back as it would with the goods, growth as well. A return that has taken a part of it before, or
comes later, takes no more than the rest. The money of a sale stays where it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ledger.accounts.chart import Account
from ledger.accounts.holder import Closing, Hold, Holder, Verdict
from ledger.accounts.lots import Draw
from ledger.accounts.postings import Posting
from ledger.errors import ReviewDecided, ReviewUnknown
from ledger.ids import show as show_id
from ledger.journal.commands import Books, Command, Decision, Draft, Recorded, Target
from ledger.redemption.holds import RELEASED
from ledger.redemption.restoring import give_back, show_draw
from ledger.rules.debt import take_back

REJECTED: Final = "rejected"
VERDICTS: Final = (RELEASED, REJECTED)


@dataclass(frozen=True, slots=True)
class Judge(Command):
    """Say whether an award stands. The hold is closed by it, once."""

    review_id: str
    hold_id: bytes
    award_id: bytes
    undone_id: bytes
    """The entry that the award goes back with: itself, or the purchase that it rewards."""
    verdict: Verdict
    reason: str

    @property
    def target(self) -> Target:
        return Target("entry", self.undone_id.hex(), unknown(self.review_id))

    @property
    def words(self) -> dict[str, Any]:
        return {"reason": self.reason}

    def grows_at(self, now: datetime) -> datetime | None:
        return now if self.verdict.decision == REJECTED else None

    def decide(self, books: Books) -> Decision:
        """Refuses what was decided before, or has lapsed (``review_decided``)."""
        undone = books.require_target()
        held = next((child for child in undone.children if child.entry_id == self.hold_id), None)
        if held is None:
            raise unknown(self.review_id)
        holder = books.holders[held.holder_id]
        hold = holder.holds.get(self.hold_id)
        if hold is None:
            raise ReviewDecided(
                "somebody has decided on the review, or its time was up", review_id=self.review_id
            )
        decision = (
            self._release(books, holder, hold, undone)
            if self.verdict.decision == RELEASED
            else self._reject(books, holder, hold, undone)
        )
        told = {
            "review_id": self.review_id,
            "member_id": holder.member_id,
            "award_entry_id": show_id("ent", self.award_id),
            "decision": self.verdict.decision,
            "decided_by": self.verdict.decided_by,
            "points": hold.points,
        }
        return decision._replace(answer=told | decision.answer)

    def _release(self, books: Books, holder: Holder, hold: Hold, undone: Recorded) -> Decision:
        entry_id = books.new_entry_id()
        restored = give_back(books, holder, hold.draws[::-1], Account.HELD, entry_id)
        return Decision([self._end(books, holder, hold, entry_id, restored.postings)], restored.answer)

    def _reject(self, books: Books, holder: Holder, hold: Hold, undone: Recorded) -> Decision:
        award = next(each for each in (undone, *undone.children) if each.entry_id == self.award_id)
        draws = [Draw(holder.require_lot(lot), amount) for lot, amount in hold.draws]
        clawed, repaid = take_back(books, holder, award, undone)
        assert not clawed.shortfall, "whatever was given is held"
        ended = [drawn for drawn in draws if drawn.lot.has_ended(books.now)]
        back = [Posting(Account.HELD, Account.POINTS, d.amount, d.lot.lot_id) for d in draws]
        # Of what was not to be given nothing lives on, whatever the program's policy is.
        back += [Posting(Account.POINTS, Account.EXPIRED, d.amount, d.lot.lot_id) for d in ended]
        end = self._end(books, holder, hold, books.new_entry_id(), back)
        rejection = Draft(
            "reject",
            holder.holder_id,
            books.new_entry_id(),
            books.now,
            clawed.postings + repaid,
            {"review_id": self.review_id},
            parent_entry_id=undone.entry_id,
            peer_holder_id=_other_side(undone, holder),
        )
        answer = {
            "rejection_entry_id": show_id("ent", rejection.entry_id),
            "points_clawed_back": clawed.points,
            "growth_clawed_back": clawed.growth,
            "lapsed": [show_draw(drawn) for drawn in ended],
            "debt_repaid": sum(posting.amount for posting in repaid),
        }
        return Decision([end, rejection], answer)

    def _end(
        self, books: Books, holder: Holder, hold: Hold, entry_id: bytes, postings: list[Posting]
    ) -> Draft:
        return Draft(
            "release",
            holder.holder_id,
            entry_id,
            books.now,
            postings,
            {"verdict": self.verdict._asdict()},
            parent_entry_id=hold.hold_id,
            closes=Closing(hold.hold_id, RELEASED, 0, entry_id, self.verdict),
            texts=self.words,
        )


def unknown(review_id: str) -> ReviewUnknown:
    """The refusal where there is no such review."""
    return ReviewUnknown(f"there is no review {review_id}", review_id=review_id)


def _other_side(undone: Recorded, holder: Holder) -> bytes | None:
    return undone.peer_holder_id if undone.holder_id == holder.holder_id else undone.holder_id
