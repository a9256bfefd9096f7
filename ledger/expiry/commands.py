"""What the clock decides, as commands: book for one member what it has taken, and judge the tier."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar

from ledger.accounts.chart import Account, Unit
from ledger.accounts.lots import Lot, drawing_order
from ledger.accounts.postings import Posting
from ledger.clock import show
from ledger.journal.commands import Books, Command, Decision, Draft

_TAKEN_BY = {
    Unit.POINT: (Account.POINTS, Account.EXPIRED),
    Unit.GROWTH: (Account.GROWTH, Account.GROWTH_LAPSED),
}


@dataclass(frozen=True, slots=True)
class ExpireLots(Command):
    """Book the expiry of every lot of a member that is due by ``until`` and by the clock.

    Needs no key: what has been booked has nothing remaining, so running it again does nothing.
    """

    is_of_person: ClassVar[bool] = False

    member_id: str
    until: datetime

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    def decide(self, books: Books) -> Decision:
        """One entry for each instant of expiry, effective at that instant."""
        holder = books.holder(self.member_id)
        assert holder.lots is not None
        until = min(self.until, books.now)
        due = [
            lot
            for lot in holder.lots.values()
            if lot.remaining and lot.expires_at and lot.expires_at <= until
        ]
        drafts = [
            Draft("expire", holder.holder_id, books.new_entry_id(), instant, [_expire(lot) for lot in lots])
            for instant, lots in groupby(sorted(due, key=drawing_order), key=_expiry)
        ]
        return Decision(drafts, self._answer(due))

    def _answer(self, due: list[Lot]) -> dict[str, Any]:
        taken = {unit: sum(lot.remaining for lot in due if lot.unit == unit) for unit in Unit}
        return {
            "points": taken[Unit.POINT],
            "growth": taken[Unit.GROWTH],
            "lots": len(due),
            "until": show(self.until),
        }


@dataclass(frozen=True, slots=True)
class LapseHolds(Command):
    """Book the holds of a member that the clock has released.

    Decides nothing: whoever locks a member has them booked first. Needs no key: what is booked is not open.
    """

    is_of_person: ClassVar[bool] = False

    member_id: str

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    def decide(self, books: Books) -> Decision:
        assert not any(hold.is_due(books.now) for hold in books.holder(self.member_id).holds.values())
        return Decision([], {})


@dataclass(frozen=True, slots=True)
class JudgeTier(Command):
    """Settle a member's tier at every end of a period that is due by ``until`` and by the clock.

    Posts no entry: a tier is no amount. Needs no key: what is settled is not settled again.
    """

    is_of_person: ClassVar[bool] = False

    member_id: str
    until: datetime

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id,)

    def decide(self, books: Books) -> Decision:
        holder = books.holder(self.member_id)
        return Decision([], {"until": show(self.until)}, judged=[(holder.holder_id, self.until)])


def _expiry(lot: Lot) -> datetime:
    assert lot.expires_at is not None
    return lot.expires_at


def _expire(lot: Lot) -> Posting:
    return Posting(*_TAKEN_BY[Unit(lot.unit)], lot.remaining, lot.lot_id)
