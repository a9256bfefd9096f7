"""Reversal: an entry is taken back once, as far as it still stands, by an entry that points to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.chart import Account
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
from ledger.redemption.commands import restore, undone
from ledger.rules.debt import claw_back, claw_back_rewards
from ledger.rules.facts import REFERRAL


class Undoing(NamedTuple):
    """What a reversal posts: by holder, the entry's own first; and its part of the answer."""

    postings: list[tuple[bytes, list[Posting]]]
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reverse(Command):
    """Take an entry back. What returns or refunds have taken back already stays so."""

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
                {"reason": self.reason},
                self.source,
                parent_entry_id=entry.entry_id,
                peer_holder_id=entry.peer_holder_id if n == 0 else entry.holder_id,
            )
            for n, (holder, postings) in enumerate(undoing.postings)
        ]
        return Decision(drafts, {"reversed_entry_id": self.entry_id, "reason": self.reason, **undoing.answer})


def _undo_award(books: Books, entry: Recorded, _: bytes) -> Undoing:
    clawed = claw_back(books, books.holders[entry.holder_id], entry, kept=0, total=1)
    answer = {
        "points_clawed_back": clawed.points,
        "growth_clawed_back": clawed.growth,
        "shortfall": clawed.shortfall,
    }
    rewards = claw_back_rewards(books, entry, kept=0, total=1)
    others = [(referrer, back.postings) for referrer, back in rewards]
    return Undoing([(entry.holder_id, clawed.postings), *others], answer)


def _undo_activity(books: Books, entry: Recorded, reversal_id: bytes) -> Undoing:
    """Refuses a referral: who was brought by whom stands, and what it gives hangs on the purchase."""
    if entry.details["type"] == REFERRAL:
        raise EntryNotReversible(
            "a referral cannot be reversed", entry_id=show_id("ent", entry.entry_id), kind=entry.kind
        )
    return _undo_award(books, entry, reversal_id)


def _undo_redemption(books: Books, entry: Recorded, reversal_id: bytes) -> Undoing:
    left = sum(amount for _, amount in undone(entry))
    restored = restore(books, books.holders[entry.holder_id], entry, left, reversal_id)
    return Undoing([(entry.holder_id, restored.postings)], {"points": left, **restored.answer})


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
    "transfer_out": _undo_transfer,
}
