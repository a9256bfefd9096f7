"""Balances of the past, on two axes of time: what had happened by ``as_of``, as far as was known at ``known_as_of``.

Entries count that are effective by the one and recorded by the other. A holder's entries are recorded in
the order of their versions, so what was known is a beginning of the chain; what had happened may leave
gaps in it. The same two times give the same answer for ever, whatever arrives later: once every posting
that was under way at ``known_as_of`` has ended, which takes seconds, no other can be recorded before it.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, select

from ledger.accounts.balances import balance_object
from ledger.accounts.chart import Account, Unit
from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import Ladders, ladders_of
from ledger.accounts.lots import Lot, consume, standing_of
from ledger.accounts.merge_queries import merges_at
from ledger.accounts.models import holds
from ledger.accounts.paging import refused
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.accounts.tiers import NO_TIER, TICK, settle
from ledger.accounts.tracking import tier_object
from ledger.clock import show
from ledger.journal.models import entries, postings


class Times(NamedTuple):
    """The two times of a read; both lie in the past of the program's clock, or are its present."""

    as_of: datetime
    known_as_of: datetime


def times_of(as_of: datetime | None, known_as_of: datetime | None, now: datetime) -> Times:
    """The two times with the present for what is not given; InvalidRequest naming one that lies ahead.

    What is yet to come is not known, so no answer about it could be given again.
    """
    for name, given in (("as_of", as_of), ("known_as_of", known_as_of)):
        if given is not None and given > now:
            raise refused(name, f"must not be later than the present, {show(now)}")
    return Times(as_of or now, known_as_of or now)


def read_balance_at(connection: Connection, program: Program, member_id: str, times: Times) -> dict[str, Any]:
    """The balance object of a member at two times, with ``known_as_of``; ``member_unknown`` for nobody.

    ``account_version`` is the greatest version that counts. A member has nothing before the first entry.
    A return that arrived late may have taken points that were earned only later: at a moment between,
    it is as if they had been taken from the other lots in drawing order, and what these lack is a debt.
    A hold whose time was up by then reserves nothing, whether or not that had been booked.
    """
    key = require_member(connection, program, member_id)
    past, merged = Past(times.as_of, _holds(connection, key)), merges_at(connection, key, *times)
    for entry in _entries(connection, key, times.known_as_of):
        past.add(entry)
    for one in merged.duplicates:
        theirs = Past(times.as_of, uncounted=one.uncounted)
        for entry in _entries(connection, one.duplicate, times.known_as_of):
            theirs.add(entry)
        past.growth += theirs.growth
    past.let_holds_lapse()
    lots, owed = past.lots_left()
    balance = balance_object(
        member_id,
        times.as_of,
        standing_of(lots, times.as_of),
        held=past.held,
        debt=past.debt + owed,
        version=past.version,
        tier=None if merged.is_duplicate else past.tier(ladders_of(program).known_at(times.known_as_of)),
    )
    return balance | {"known_as_of": show(times.known_as_of)}


class Move(NamedTuple):
    """A posting as it is stored."""

    debit: int
    credit: int
    unit: int
    amount: int
    lot_id: UUID | None
    available_at: datetime | None
    expires_at: datetime | None
    rolling: bool | None


class Event(NamedTuple):
    """An entry as the past is made of it."""

    entry_id: UUID
    version: int
    effective_at: datetime
    recorded_at: datetime
    extends_to: datetime | None
    moves: list[Move]


@dataclass(slots=True)
class Reserved:
    """A hold: until when it lasts, the entry that closed it whenever that was, and what was known by then."""

    hold_id: UUID
    expires_at: datetime
    closed_entry_id: UUID | None = None
    moves: list[Move] = field(default_factory=list)
    counts: bool = False
    is_closed: bool = False


@dataclass(slots=True)
class _Sub:
    """A lot twice over: as the books had it, entry by entry, and as the chosen moment has it."""

    booked: Lot
    seen: Lot


@dataclass(slots=True)
class Past:
    """The books of one member at the moment ``as_of``, made of every entry that was known, in version order."""

    as_of: datetime
    holds: list[Reserved] = field(default_factory=list)
    uncounted: Set[UUID] = frozenset()
    """Lots of growth that do not count: another's books count their orders."""
    """Every hold of the member, in the order in which their time is up."""
    held_by: dict[UUID, Reserved] = field(init=False)
    """Each hold by the entry that made it and by the one that closed it."""
    version: int = 0
    held: int = 0
    debt: int = 0
    lots: dict[UUID, _Sub] = field(default_factory=dict)
    growth: list[Change] = field(default_factory=list)
    """Every change of growth that was known, whenever it was to happen."""

    def __post_init__(self) -> None:
        self.held_by = {hold.hold_id: hold for hold in self.holds}
        self.held_by |= {hold.closed_entry_id: hold for hold in self.holds if hold.closed_entry_id}

    def add(self, event: Event) -> None:
        """Take the next entry in, whether or not it counts by then: later entries build on it."""
        counts = event.effective_at <= self.as_of
        if event.extends_to is not None:
            self._extend(event.extends_to, event.recorded_at, counts)
        if event.entry_id in self.held_by:
            self._follow_hold(self.held_by[event.entry_id], event, counts)
        for move in event.moves:
            self._move(event, move, counts)
        if counts:
            self.version = event.version

    def let_holds_lapse(self) -> None:
        """Let the clock release the holds whose time was up by then and that nothing known has closed.

        As where it is booked: points go back to their lots, and what is alive there repays a debt first.
        """
        for hold in self.holds:
            if hold.counts and not hold.is_closed and hold.expires_at <= self.as_of:
                for move in hold.moves:
                    self._see(move._replace(debit=move.credit, credit=move.debit))
                for move in hold.moves:
                    self._repay(move, hold.expires_at)

    def lots_left(self) -> tuple[list[Lot], int]:
        """The lots with what remains of them by then, and the points that lots lack altogether."""
        lots = [sub.seen for sub in self.lots.values() if sub.seen.remaining > 0]
        points = [sub.seen for sub in self.lots.values() if sub.seen.unit == Unit.POINT]
        # The expiry of what was held as its lot lapsed is booked as of the lapse: a lot that has lapsed owes nothing.
        living = [lot for lot in points if lot.expires_at is None or self.as_of < lot.expires_at]
        owed = -sum(lot.remaining for lot in living if lot.remaining < 0)
        for draw in consume([lot for lot in living if lot.remaining > 0], owed):
            draw.lot.remaining -= draw.amount
            owed -= draw.amount
        return lots, owed

    def _extend(self, extends_to: datetime, recorded_at: datetime, counts: bool) -> None:
        """Move the expiry of rolling lots that were alive when it was recorded; what has lapsed stays lapsed."""
        for sub in self.lots.values():
            booked = sub.booked
            if booked.rolling and booked.is_live(recorded_at) and _before(booked.expires_at, extends_to):
                booked.expires_at = extends_to
                if counts:
                    sub.seen.expires_at = extends_to

    def _follow_hold(self, hold: Reserved, event: Event, counts: bool) -> None:
        """Note that a hold was made or closed. A purchase may say that it happened before the hold that it closes:
        then the hold has reserved the points by then."""
        if hold.hold_id == event.entry_id:
            hold.moves, hold.counts = event.moves, counts
            return
        hold.is_closed = True
        if counts and not hold.counts:
            for move in hold.moves:
                self._see(move)

    def _move(self, event: Event, move: Move, counts: bool) -> None:
        if move.lot_id is not None:
            if move.available_at is not None:
                self.lots[move.lot_id] = _Sub(_opened(event, move), _opened(event, move))
            booked = self.lots[move.lot_id].booked
            self._grow(event, move, booked)
            # Held points are still of the lot: it lives on with them.
            booked.remaining += _change_of_lot(move) + _change(move, Account.HELD)
        if counts:
            self._see(move)

    def _see(self, move: Move) -> None:
        """Let a posting have happened by then."""
        if move.lot_id is not None:
            self.lots[move.lot_id].seen.remaining += _change_of_lot(move)
        self.held += _change(move, Account.HELD)
        # The one debit-normal account of a member.
        self.debt -= _change(move, Account.DEBT)

    def _repay(self, move: Move, at: datetime) -> None:
        assert move.lot_id is not None
        lot = self.lots[move.lot_id].seen
        if self.debt > 0 and lot.is_live(at):
            repaid = min(self.debt, move.amount)
            self._see(move._replace(debit=Account.POINTS, credit=Account.DEBT, amount=repaid))

    def _grow(self, event: Event, move: Move, lot: Lot) -> None:
        change = _change(move, Account.GROWTH)
        # Growth that has only changed books is nothing new: the books of both tell how it came.
        between = Account.GROWTH_TRANSFER in (move.debit, move.credit)
        if (
            change
            and move.credit != Account.GROWTH_LAPSED
            and not between
            and move.lot_id not in self.uncounted
        ):
            self.growth.append(Change(max(event.effective_at, lot.earned_at), change, lot.expires_at))

    def tier(self, ladders: Ladders) -> dict[str, Any] | None:
        """The tier by then; what was taken at that very moment has been taken."""
        timeline, until = Timeline(self.growth), self.as_of
        if timeline.takings_within(until, until):
            until += TICK
        state, _ = settle(NO_TIER, timeline, ladders, until)
        return tier_object(state, ladders, self.as_of)


def _before(expires_at: datetime | None, extends_to: datetime) -> bool:
    return expires_at is not None and expires_at < extends_to


def _change(move: Move, account: Account) -> int:
    """What the posting adds to the credit side of an account."""
    return move.amount * ((move.credit == account) - (move.debit == account))


def _change_of_lot(move: Move) -> int:
    """What the posting adds to what remains of its lot. What is held has left it."""
    return _change(move, Account.POINTS) + _change(move, Account.GROWTH)


def _opened(event: Event, move: Move) -> Lot:
    """The lot that a posting opens, before the posting itself is counted."""
    assert move.lot_id is not None and move.available_at is not None
    return Lot(
        lot_id=move.lot_id.bytes,
        unit=move.unit,
        original=move.amount,
        remaining=0,
        earned_at=event.effective_at,
        available_at=move.available_at,
        expires_at=move.expires_at,
        rolling=bool(move.rolling),
    )


_HISTORY = select(
    entries.c.entry_id,
    entries.c.version,
    entries.c.effective_at,
    entries.c.recorded_at,
    entries.c.extends_to,
    postings.c.debit,
    postings.c.credit,
    postings.c.unit,
    postings.c.amount,
    postings.c.lot_id,
    postings.c.available_at,
    postings.c.expires_at,
    postings.c.rolling,
).join_from(
    entries,
    postings,
    and_(postings.c.entry_id == entries.c.entry_id, postings.c.holder_id == entries.c.holder_id),
    isouter=True,
)


def _holds(connection: Connection, key: UUID) -> list[Reserved]:
    """The member's holds in the order in which their time is up. What the rows say of them never changes."""
    rows = connection.execute(
        select(holds.c.hold_id, holds.c.expires_at, holds.c.closed_entry_id)
        .where(holds.c.holder_id == key)
        .order_by(holds.c.expires_at, holds.c.hold_id)
    )
    return [Reserved(*row) for row in rows]


def _entries(connection: Connection, key: UUID, known_as_of: datetime) -> Iterator[Event]:
    """The entries that were known, in version order."""
    rows = connection.execute(
        _HISTORY.where(entries.c.holder_id == key, entries.c.recorded_at <= known_as_of).order_by(
            entries.c.version, postings.c.ordinal
        )
    )
    return _events(rows)


def _events(rows: Iterable[Any]) -> Iterator[Event]:
    for head, group in groupby(rows, key=lambda row: tuple(row[:5])):
        entry_id, version, effective_at, recorded_at, extends_to = head
        moves = [Move(*row[5:]) for row in group if row.debit is not None]
        yield Event(entry_id, version, effective_at, recorded_at, extends_to, moves)
