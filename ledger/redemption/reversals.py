"""Reversal: an entry is taken back once, as far as it still stands, by an entry that points to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.postings import Posting
from ledger.accounts.repayment import repay
from ledger.errors import EntryNotReversible, EntryUnknown, InsufficientPoints
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
from ledger.redemption.commands import at_its_rate, memo_back
from ledger.redemption.restoring import NOTHING_RESTORED, give_back, restore, undone
from ledger.rules.debt import check_limit, claw_back, claw_back_rewards
from ledger.rules.facts import REFERRAL
from ledger.rules.paying import Repaid, pay_back
from ledger.rules.returns import returned_lines


class Undoing(NamedTuple):
    """What a reversal posts: by holder, the entry's own first; and its part of the answer."""

    postings: list[tuple[bytes, list[Posting]]]
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reverse(Command):
    """Take an entry back. What returns or refunds have taken back already stays so."""

    moves: ClassVar[tuple[str, ...]] = ("reversal",)

    entry_id: str
    reason: str
    source: Source = NO_SOURCE

    @property
    def claim(self) -> Claim:
        return Claim("reversal", self.entry_id)

    @property
    def target(self) -> Target:
        entry_id = read_id("ent", self.entry_id)
        absent = EntryUnknown(f"there is no entry {self.entry_id}", entry_id=self.entry_id)
        return Target("entry", entry_id.hex() if entry_id else "", absent)

    @property
    def words(self) -> dict[str, Any]:
        return {"reason": self.reason}

    def grows_at(self, now: datetime) -> datetime:
        return now

    def decide(self, books: Books) -> Decision:
        """Refuses kinds that cannot be taken back, and what the other member of a transfer has spent."""
        entry = books.require_target()
        undo = _UNDO.get(entry.kind)
        if undo is None:
            raise EntryNotReversible(
                f"an entry of kind {entry.kind} cannot be reversed", entry_id=self.entry_id, kind=entry.kind
            )
        reversal_id = books.new_entry_id()
        undoing = undo(books, entry, reversal_id)
        drafts = [
            Draft(
                "reversal",
                holder,
                reversal_id if n == 0 else books.new_entry_id(),
                books.now,
                postings,
                at_its_rate(entry),
                self.source,
                parent_entry_id=entry.entry_id,
                peer_holder_id=entry.peer_holder_id if n == 0 else entry.holder_id,
                texts=self.words,
            )
            for n, (holder, postings) in enumerate(undoing.postings)
        ]
        return Decision(drafts, {"reversed_entry_id": self.entry_id, **undoing.answer})


def _undo_award(books: Books, entry: Recorded, reversal_id: bytes) -> Undoing:
    holder = books.holders[entry.holder_id]
    repaid = _pay_back_rest(books, holder, entry, reversal_id)
    restored = repaid.restored if repaid else NOTHING_RESTORED
    clawed = claw_back(books, holder, entry, 0, 1, restored.kept)
    check_limit(books, holder.debt - restored.debt_repaid, clawed.shortfall)
    answer = {
        "points_clawed_back": clawed.points,
        "growth_clawed_back": clawed.growth,
        "shortfall": clawed.shortfall,
        **restored.answer,
    }
    if clawed.under_review:
        answer["under_review"] = clawed.under_review
    if repaid:
        answer["points"] = repaid.back.points
        answer["cash_refund"] = {"amount": repaid.back.cash, "currency": entry.details["currency"]}
    rewards = claw_back_rewards(books, entry, kept=0, total=1)
    others = [(referrer, back.postings) for referrer, back in rewards]
    own = (repaid.postings if repaid else []) + clawed.postings
    return Undoing([(entry.holder_id, own), *others], answer)


def _pay_back_rest(books: Books, holder: Holder, entry: Recorded, reversal_id: bytes) -> Repaid | None:
    """What was paid with points and cash, less what returns have given back already."""
    if "paid" not in entry.details:
        return None
    before = {line: amount for line, (_, amount) in returned_lines(entry).items()}
    bought = {line["line_id"]: line["amount"] for line in entry.details["lines"]}
    return pay_back(books, holder, entry, before, bought, reversal_id)


def _undo_activity(books: Books, entry: Recorded, reversal_id: bytes) -> Undoing:
    """Refuses a referral: who was brought by whom stands, and what it gives hangs on the purchase."""
    if entry.details["type"] == REFERRAL:
        raise EntryNotReversible(
            "a referral cannot be reversed", entry_id=show_id("ent", entry.entry_id), kind=entry.kind
        )
    return _undo_award(books, entry, reversal_id)


def _undo_adjustment(books: Books, entry: Recorded, reversal_id: bytes) -> Undoing:
    """What was added is taken back as an award is; what was taken goes back to its lots, the newest draw first."""
    taken = [(p.lot_id, p.amount) for p in entry.postings if p.credit is Account.ADJUSTED]
    if not taken:
        return _undo_award(books, entry, reversal_id)
    holder = books.holders[entry.holder_id]
    restored = give_back(books, holder, taken[::-1], Account.ADJUSTED, reversal_id)
    points = sum(amount for _, amount in taken)
    return Undoing([(entry.holder_id, restored.postings)], {"points": points, **restored.answer})


def _undo_redemption(books: Books, entry: Recorded, reversal_id: bytes) -> Undoing:
    left = sum(amount for _, amount in undone(entry))
    restored = restore(books, books.holders[entry.holder_id], entry, left, reversal_id)
    postings = restored.postings + memo_back(books, entry, left, left)
    return Undoing([(entry.holder_id, postings)], {"points": left, **restored.answer})


def _undo_transfer(books: Books, entry: Recorded, _: bytes) -> Undoing:
    """Back from the recipient's lots to the sender's. Refuses unless all of it is still there."""
    arrival = next(child for child in entry.children if child.kind == "transfer_in")
    recipient = books.holders[arrival.holder_id]
    arrived = [posting for posting in arrival.postings if posting.opens is not None]
    lots = [recipient.require_lot(posting.lot_id or b"") for posting in arrived]
    moved = sum(posting.amount for posting in arrived)
    left = sum(lot.remaining for lot in lots if lot.is_live(books.now))
    if left < moved:
        raise InsufficientPoints(
            "the recipient no longer has all the points transferred", available=left, requested=moved
        )
    taken = [Posting(Account.POINTS, Account.TRANSFER, p.amount, p.lot_id) for p in arrived]
    given = [Posting(Account.TRANSFER, Account.POINTS, p.amount, p.lot_id) for p in entry.postings]
    given += repay(books.holders[entry.holder_id], given, books.now)
    return Undoing([(entry.holder_id, given), (arrival.holder_id, taken)], {"points": moved})


_UNDO: dict[str, Callable[[Books, Recorded, bytes], Undoing]] = {
    "earn": _undo_award,
    "award": _undo_award,
    "activity": _undo_activity,
    "redeem": _undo_redemption,
    "capture": _undo_redemption,
    "transfer_out": _undo_transfer,
    "adjust": _undo_adjustment,
}
