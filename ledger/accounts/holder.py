"""The pure state of a holder: account balances, lots and standing, changed by postings and nothing else.

``apply`` is the single fold of the books: the engine runs it on what it has just decided, and a replay
runs it on what is stored. It asserts what a decision must have made sure of.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ledger.accounts.chart import EXPIRY_ACCOUNTS, LOT_ACCOUNTS, Account, Unit
from ledger.accounts.growth import Change
from ledger.accounts.lots import EMPTY, Lot, Standing, standing_of, with_lot
from ledger.accounts.postings import Posting
from ledger.accounts.tiers import NO_TIER, TierState
from ledger.money import MAX_AMOUNT

GENESIS = bytes(32)
"""The hash before a holder's first entry."""

# Python 3.11 finds a member of an enumeration by a function call, and each posting would ask several times:
# 5 % of a batch.
_POINT = Unit.POINT
_POINTS, _GROWTH, _DEBT, _FUND = Account.POINTS, Account.GROWTH, Account.DEBT, Account.FUND
_IN_POINTS = frozenset({_POINTS, _FUND})
_IN_LOTS = LOT_ACCOUNTS - {Account.HELD}
_MEMBERS = frozenset(account for account in Account if account.is_members)
_UNITS = {account: account.unit for account in Account}


class Review(NamedTuple):
    """What a hold waits for, where it holds an award back: whether the award stands."""

    entry_id: bytes
    """The award."""
    opened_by: str
    """The id of the key that has sent it; empty where the ledger itself has."""


class Verdict(NamedTuple):
    """What somebody has decided on a review."""

    decision: str
    """``released`` or ``rejected``."""
    decided_by: str


class Hold(NamedTuple):
    """An open hold, and what it has drawn from which lot, in drawing order."""

    hold_id: bytes
    """The id of the entry that made it."""
    points: int
    expires_at: datetime
    draws: tuple[tuple[bytes, int], ...]
    quote_id: bytes | None = None
    review: Review | None = None
    """Told where the hold is made; what is read back of a hold goes without it."""

    def is_due(self, now: datetime) -> bool:
        """Whether the clock has released it."""
        return self.expires_at <= now


class Closing(NamedTuple):
    """How a hold ended, and by which entry."""

    hold_id: bytes
    status: str
    """``captured``, ``released`` or ``lapsed``."""
    captured: int
    entry_id: bytes
    verdict: Verdict | None = None
    """Where the hold was for a review, and somebody has decided on that."""


@dataclass(slots=True)
class Holder:
    """A member's books as a batch sees them while it holds the row lock; or a fund's, or an operator's row.

    ``lots`` is None while nothing in the batch needs them: then the stored standing is fresh, and new
    lots are added to it without reading the old ones.
    """

    holder_id: bytes
    program_id: int
    member_id: str
    version: int = 0
    head: bytes = GENESIS
    recorded_at: datetime | None = None
    points: int = 0
    held: int = 0
    debt: int = 0
    growth: int = 0
    standing: Standing = EMPTY
    lots: dict[bytes, Lot] | None = None
    growth_unseen: int = 0
    """Growth in open lots that were not read, because they never expire and so are live whatever the time."""
    tier: TierState = NO_TIER
    """The tier as far as it is settled; see ``ledger.accounts.tracking``."""
    growth_history: list[Change] | None = None
    """Every change of growth, where it was read; None where it was not."""
    before_opened: Standing = EMPTY
    """The standing without the lots of ``opened``, where no others were read."""
    kept: Standing | None = None
    """The stored standing where it was taken anew and no entry has come of it: then the row keeps it."""
    holds: dict[bytes, Hold] = field(default_factory=dict)
    """Holds that are open in the books; read with the lots."""
    holds_opened: list[Hold] = field(default_factory=list)
    holds_closed: list[Closing] = field(default_factory=list)
    opened: list[Lot] = field(default_factory=list)
    touched: dict[bytes, Lot] = field(default_factory=dict)
    is_changed: bool = False
    is_new: bool = False
    locks: int = 0
    """Bits of ``ledger.accounts.member_locks``. Postings leave them as they are."""
    merged_into: bytes | None = None
    """In whose books its points and growth are, where the member was merged into another."""

    @property
    def is_member(self) -> bool:
        """Whether it is a member's, and not a fund's or an operator's."""
        return "/" not in self.member_id

    def spendable(self, now: datetime) -> list[Lot]:
        """The lots of points that may be drawn now."""
        return [lot for lot in self._points_lots() if lot.is_spendable(now)]

    def live(self, now: datetime) -> list[Lot]:
        """The lots of points that the clock has not taken, pending ones included."""
        return [lot for lot in self._points_lots() if lot.is_live(now)]

    def require_lot(self, lot_id: bytes) -> Lot:
        """A lot that the books say is there."""
        assert self.lots is not None, "the lots were not loaded"
        return self.lots[lot_id]

    def apply(
        self,
        postings: Iterable[Posting],
        now: datetime,
        extends_to: datetime | None = None,
        opens: Hold | None = None,
        closes: Closing | None = None,
    ) -> None:
        """Move balances and lots as the postings say, and take the standing at ``now``.

        ``extends_to`` moves the expiry of every live rolling lot forward, before anything else. Then the hold counts
        that is made or ended.
        """
        if extends_to is not None:
            self._extend(extends_to, now)
        if opens is not None or closes is not None:
            self._change_holds(opens, closes)
        for posting in postings:
            debit, credit, amount, lot_id, opening = posting
            assert amount > 0
            if debit in _MEMBERS:
                self._move(debit, -amount)
            if credit in _MEMBERS:
                self._move(credit, amount)
            if opening is not None:
                self._open(posting, now)
            elif lot_id is not None:
                self._move_lot(posting)
        assert 0 <= self.points <= MAX_AMOUNT and 0 <= self.growth <= MAX_AMOUNT
        assert 0 <= self.debt <= MAX_AMOUNT and 0 <= self.held <= MAX_AMOUNT
        if self.lots is not None:
            self.standing = self._standing(now)
        elif opens is not None:
            self.standing = self._without_held(opens, now)
        self.kept = None
        self.is_changed = True

    def _change_holds(self, opens: Hold | None, closes: Closing | None) -> None:
        if opens is not None:
            self.holds[opens.hold_id] = opens
            self.holds_opened.append(opens)
        if closes is not None:
            del self.holds[closes.hold_id]
            self.holds_closed.append(closes)

    def refresh(self, now: datetime) -> None:
        """Take the standing anew, after the lots have been read: all but growth that never expires."""
        assert self.lots is not None
        seen = sum(lot.remaining for lot in self.lots.values() if lot.unit == Unit.GROWTH)
        self.growth_unseen = self.growth - seen
        self.kept = self.standing
        self.standing = self._standing(now)

    def _standing(self, now: datetime) -> Standing:
        assert self.lots is not None
        standing = standing_of(self.lots.values(), now)
        # When a hold is due, its points are back: no standing is fresh beyond that.
        until = min([hold.expires_at for hold in self.holds.values()], default=standing.fresh_until)
        return standing._replace(
            growth=standing.growth + self.growth_unseen, fresh_until=min(until, standing.fresh_until)
        )

    def _without_held(self, opens: Hold, now: datetime) -> Standing:
        """The standing where a hold has drawn from the lots just opened, and no others were read."""
        standing = self.before_opened
        for lot in self.opened:
            if lot.is_live(now):
                standing = with_lot(standing, lot, now)
        self.before_opened = self.before_opened._replace(
            fresh_until=min(self.before_opened.fresh_until, opens.expires_at)
        )
        return standing._replace(fresh_until=min(standing.fresh_until, opens.expires_at))

    def _points_lots(self) -> list[Lot]:
        assert self.lots is not None, "the lots were not loaded"
        return [lot for lot in self.lots.values() if lot.unit == _POINT and lot.remaining]

    def _move(self, account: int, amount: int) -> None:
        # A fund has no points, and no member a budget: what is left of it stands in the same column.
        if account in _IN_POINTS:
            self.points += amount
        elif account == _GROWTH:
            self.growth += amount
        elif account == _DEBT:
            # The one debit-normal account of a member.
            self.debt -= amount
        else:
            self.held += amount

    def _open(self, posting: Posting, now: datetime) -> None:
        _, credit, amount, lot_id, opens = posting
        assert lot_id is not None and opens is not None
        # An opening's fields are a lot's, in their order.
        lot = Lot(lot_id, _UNITS[credit], amount, amount, *opens)
        if not self.opened:
            self.before_opened = self.standing
        self.opened.append(lot)
        if self.lots is not None:
            self.lots[lot.lot_id] = lot
        elif lot.is_live(now):
            self.standing = with_lot(self.standing, lot, now)

    def _move_lot(self, posting: Posting) -> None:
        assert posting.lot_id is not None
        lot = self._moved_lot(posting.lot_id)
        # What is held has left what remains of the lot, until it comes back.
        if posting.debit in _IN_LOTS:
            lot.remaining -= posting.amount
            if posting.credit in EXPIRY_ACCOUNTS:
                lot.expired += posting.amount
        elif posting.credit in _IN_LOTS:
            lot.remaining += posting.amount
        assert 0 <= lot.remaining <= lot.original
        self.touched[lot.lot_id] = lot

    def _moved_lot(self, lot_id: bytes) -> Lot:
        if self.lots is not None:
            return self.lots[lot_id]
        # An award whose points are held at once is drawn from the lot that it has just opened.
        found = next((lot for lot in self.opened if lot.lot_id == lot_id), None)
        assert found is not None, "the lots were not loaded"
        return found

    def _extend(self, extends_to: datetime, now: datetime) -> None:
        assert self.lots is not None, "the lots were not loaded"
        # What is held is still the member's, though nothing may remain beside it.
        held = {lot for hold in self.holds.values() for lot, _ in hold.draws}
        for lot in self.lots.values():
            if (
                lot.rolling
                and (lot.remaining or lot.lot_id in held)
                and lot.expires_at is not None
                and now < lot.expires_at < extends_to
            ):
                lot.expires_at = extends_to
                self.touched[lot.lot_id] = lot
