"""What a decision must pass before it counts: the locks of the members whose points it moves, limits, reviews. Pure.

It looks at what was decided, so that no way of asking (alone, in a batch, by a quote, by an approval) leads around it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from ledger.accounts.holder import Holder
from ledger.accounts.member_locks import FROZEN, MEMBER_LOCKS, REVIEW, SPEND, MemberLock
from ledger.errors import LedgerError, MemberFrozen, SpendLocked
from ledger.ids import show as show_id
from ledger.journal.commands import Alert, Books, Decision, Draft, Request
from ledger.journal.limiting import check_limits, taken_offline
from ledger.journal.reviewing import hold_back

PAYMENT, QUOTE, OFFLINE = "payment", "quote", "offline"
"""Deeds that no kind of entry tells: paying a purchase with points, a quote, and what a till took while offline."""

REFUSED: Final[Mapping[MemberLock, frozenset[str]]] = {
    FROZEN: frozenset(
        (
            "award",
            "activity",
            "redeem",
            "hold",
            "capture",
            "transfer_out",
            "transfer_in",
            "merge_out",
            "merge_in",
            PAYMENT,
            QUOTE,
        )
    ),
    # What is held was promised to the shop before; the freeze breaks that promise, the member's own lock does not.
    SPEND: frozenset(("redeem", "hold", "transfer_out", PAYMENT, QUOTE)),
    # What is awarded is held (``ledger.journal.reviewing``); what he has had before is his.
    REVIEW: frozenset(),
}
"""What each lock refuses, by kind of entry. All else is booked: sales, and what goes back with them, have happened in
the shop; the clock knows no locks; and adjustments and reversals are how the house puts things right."""

_ERRORS: Final[Mapping[MemberLock, type[LedgerError]]] = {FROZEN: MemberFrozen, SPEND: SpendLocked}
_WORDS: Final[Mapping[MemberLock, str]] = {
    FROZEN: "the points of {} are frozen by the house",
    SPEND: "{} has locked the spending of points",
}

_LATE: Final[Mapping[MemberLock, str]] = {FROZEN: "taken_while_frozen", SPEND: "taken_while_spend_locked"}


def screen(books: Books, request: Request, decision: Decision) -> Decision:
    """The decision, with what it sets off.

    Refuses what a lock refuses (``member_frozen``, ``spend_locked``), and what is beyond a limit (``limit_exceeded``).
    Holds what is awarded to a member under review, or beyond a limit that says so.
    """
    late = list(_check_locks(books, decision))
    uses, alerts, held_by = check_limits(books, request, decision)
    held = hold_back(books, request, decision, held_by)
    if held is not None:
        decision = decision._replace(drafts=held.drafts, alerts=[*decision.alerts, *held.alerts])
    if not late and not uses and not alerts:
        return decision
    return decision._replace(uses=[*decision.uses, *uses], alerts=[*decision.alerts, *late, *alerts])


def deed_of(draft: Draft) -> str:
    """What an entry does, in the words of ``REFUSED``."""
    if taken_offline(draft):
        return OFFLINE
    if draft.kind == "earn" and draft.details and (paid := draft.details.get("paid")):
        return "capture" if paid["hold_id"] else PAYMENT
    return draft.kind


def _check_locks(books: Books, decision: Decision) -> Iterator[Alert]:
    """What is to be told of deeds that a lock comes too late for."""
    for draft in decision.drafts:
        holder = books.holders[draft.holder_id]
        if holder.locks:
            deed = deed_of(draft)
            _refuse(holder, deed)
            if deed == OFFLINE and (lock := _first_late(holder)) is not None:
                yield _late(holder, draft, lock)
    if not decision.drafts:
        for quote in decision.quotes:
            _refuse(books.holders[quote.holder_id], QUOTE)


def _refuse(holder: Holder, deed: str) -> None:
    for lock in MEMBER_LOCKS:
        if holder.locks & lock.bit and deed in REFUSED[lock]:
            raise _ERRORS[lock](_WORDS[lock].format(holder.member_id), member_id=holder.member_id)


def _first_late(holder: Holder) -> MemberLock | None:
    return next((lock for lock in _LATE if holder.locks & lock.bit), None)


def _late(holder: Holder, draft: Draft, lock: MemberLock) -> Alert:
    offline = taken_offline(draft)
    assert offline is not None
    entry_id = show_id("ent", draft.entry_id)
    told = {
        "member_id": holder.member_id,
        "device_id": offline["device_id"],
        "occurred_at": offline["occurred_at"],
        "entry_id": entry_id,
    }
    return Alert(_LATE[lock], entry_id, told)
