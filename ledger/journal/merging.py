"""Members who are one: the books of a duplicate stand beside those of the survivor. Pure.

What is alive in the duplicate's books goes over into the survivor's: each lot with its expiry, growth, and debt. What
earlier events of the duplicate bring about afterwards (goods go back, a redemption is refunded) is decided and booked
in the duplicate's own books, where its purchase stands, upon all that the two have together. What that takes is called
back first, and what it leaves goes over again, so nobody owes what the other half of him has.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.accounts.chart import Account, Unit
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Lot, consume, drawing_order
from ledger.accounts.merges import Merged
from ledger.accounts.postings import Opening, Posting
from ledger.ids import lot_id
from ledger.ids import show as show_id
from ledger.journal.commands import Draft

OUT, IN = "merge_out", "merge_in"
CHANGING_BOOKS: Final = frozenset({OUT, IN})
"""The kinds of entries by which points and growth change books; they change no tier by themselves."""

NewId = Callable[[], bytes]


class Moved(NamedTuple):
    """An amount of a lot that changes books, into a lot that is there, or into a new one (None)."""

    lot: Lot
    amount: int
    into: bytes | None = None


def hand_over(
    giver: Holder,
    taker: Holder,
    now: datetime,
    new_id: NewId,
    details: dict[str, Any],
    staying: frozenset[bytes] = frozenset(),
) -> list[Draft]:
    """All that is alive in one member's books goes into another's, but for the lots ``staying``; no draft for nothing.

    Debt goes as well. What the taker owes then is repaid at once, from what arrives and from what was there.
    """
    assert giver.lots is not None and taker.lots is not None
    alive = [lot for lot in giver.lots.values() if lot.is_live(now) and lot.lot_id not in staying]
    moves = [Moved(lot, lot.remaining) for lot in sorted(alive, key=drawing_order)]
    if not moves and not giver.debt:
        return []
    left, arrived = move(giver, taker, moves, giver.debt, now, new_id, details)
    there = [lot for lot in taker.lots.values() if lot.unit == Unit.POINT and lot.is_live(now)]
    arriving = [
        Lot(p.lot_id or b"", Unit.POINT, p.amount, p.amount, *p.opens)
        for p in arrived.postings
        if p.opens is not None and p.credit is Account.POINTS
    ]
    draws = consume([*there, *arriving], taker.debt + giver.debt)
    repaid = [Posting(Account.POINTS, Account.DEBT, drawn.amount, drawn.lot.lot_id) for drawn in draws]
    return [left, arrived._replace(postings=arrived.postings + repaid)]


def give_back(
    survivor: Holder, duplicate: Holder, merged: Merged, now: datetime, new_id: NewId, details: dict[str, Any]
) -> list[Draft]:
    """What is left of what came from the duplicate goes back into its own lots, and of its debt what is still owed."""
    assert survivor.lots is not None and duplicate.lots is not None
    moves = []
    for origin, lots in merged.gone_over.items():
        for lot in _lots(survivor, lots):
            if lot.is_live(now):
                moves.append(Moved(lot, lot.remaining, _home(duplicate, origin, lot)))
    debt = min(survivor.debt, merged.debt)
    return list(move(survivor, duplicate, moves, debt, now, new_id, details))


def move(
    giver: Holder,
    taker: Holder,
    moves: Sequence[Moved],
    debt: int,
    now: datetime,
    new_id: NewId,
    details: dict[str, Any],
) -> tuple[Draft, Draft]:
    """Two entries, one in each one's books, whose postings stand in the same order. Lots keep their times."""
    out_id, in_id = new_id(), new_id()
    leaving, arriving = [], []
    for number, (lot, amount, into) in enumerate(moves, 1):
        account, between = _ACCOUNTS[Unit(lot.unit)]
        leaving.append(Posting(account, between, amount, lot.lot_id))
        if into is None:
            opening = Opening(now, lot.available_at, lot.expires_at, lot.rolling)
            arriving.append(Posting(between, account, amount, lot_id(in_id, number), opening))
        else:
            arriving.append(Posting(between, account, amount, into))
    if debt:
        leaving.append(Posting(Account.TRANSFER, Account.DEBT, debt))
        arriving.append(Posting(Account.DEBT, Account.TRANSFER, debt))
    return (
        Draft(OUT, giver.holder_id, out_id, now, leaving, details, peer_holder_id=taker.holder_id),
        Draft(
            IN,
            taker.holder_id,
            in_id,
            now,
            arriving,
            details,
            parent_entry_id=out_id,
            peer_holder_id=giver.holder_id,
        ),
    )


@dataclass(slots=True)
class Recall:
    """A duplicate's event under way: made before it is decided, so that what it calls back is booked before it."""

    duplicate: Holder
    survivor: Holder
    merged: Merged
    ids: tuple[bytes, bytes]
    """Of the entries by which points come back: the survivor's, and the duplicate's."""
    own: frozenset[bytes]
    """Lots of the survivor's own that stand behind the duplicate as well."""
    debt_behind: int
    """What the survivor owes, where points that arrive at the duplicate are to repay it."""
    moves: list[Moved] = field(default_factory=list)
    debt: int = 0
    """What comes back of the debt."""
    here: dict[bytes, int] = field(default_factory=dict)
    """What is in the duplicate's own lots, after the postings so far."""
    there: dict[bytes, int] = field(default_factory=dict)
    """What is in the survivor's lots, after what was called back so far."""
    owed: int = 0
    """What is owed in the duplicate's own books, after the postings so far."""

    def __post_init__(self) -> None:
        assert self.duplicate.lots is not None and self.survivor.lots is not None
        self.here = {lot.lot_id: lot.remaining for lot in self.duplicate.lots.values()}
        self.there = {lot.lot_id: lot.remaining for lot in self.survivor.lots.values()}
        self.owed = self.duplicate.debt

    def seen(self) -> Holder:
        """The duplicate as its own earlier events see it: with all that the survivor has for it. A copy, to decide on.

        A lot of the duplicate holds what is left of it in the survivor's books, and has lost what lapsed there.
        """
        assert self.duplicate.lots is not None and self.survivor.lots is not None
        lots = {lot: replace(self.survivor.lots[lot]) for lot in self.own}
        for name, lot in self.duplicate.lots.items():
            there = self._sources(name)
            ends = [found.expires_at for found in there if found.remaining and found.expires_at]
            lots[name] = replace(
                lot,
                remaining=lot.remaining + sum(found.remaining for found in there),
                expired=lot.expired + sum(found.expired for found in there),
                expires_at=max(ends, default=lot.expires_at),
            )
        debt, locks = self.duplicate.debt + self.debt_behind, self.duplicate.locks | self.survivor.locks
        return replace(self.duplicate, lots=lots, debt=debt, locks=locks)

    def call_back(self, drafts: Iterable[Draft], now: datetime) -> tuple[list[Draft], list[Draft]]:
        """The entries that bring back what the drafts take, and the drafts as they draw on it."""
        drawn = [
            draft._replace(postings=[part for p in draft.postings for part in self._follow(p)])
            if draft.holder_id == self.duplicate.holder_id
            else draft
            for draft in drafts
        ]
        if not self.moves and not self.debt:
            return [], drawn
        details = told_of(self.merged)
        next_id = iter(self.ids).__next__
        return list(move(self.survivor, self.duplicate, self.moves, self.debt, now, next_id, details)), drawn

    def _follow(self, posting: Posting) -> list[Posting]:
        debit, credit, amount, lot, opens = posting
        if credit is Account.DEBT:
            short = max(0, amount - self.owed)
            self.debt += short
            self.owed += short - amount
        elif debit is Account.DEBT:
            self.owed += amount
        if lot is None:
            return [posting]
        if opens is not None or debit not in _IN_LOTS:
            self.here[lot] = self.here.get(lot, 0) + amount * (credit in _IN_LOTS)
            return [posting]
        return [Posting(debit, credit, part, found) for found, part in self._draw(lot, amount)]

    def _draw(self, lot: bytes, amount: int) -> list[tuple[bytes, int]]:
        """Where so much of a lot is taken from: what is here, and what comes back for it."""
        drawn: dict[bytes, int] = {}
        short = amount - self.here.get(lot, 0)
        for source in self._sources(lot):
            part = min(short, self.there[source.lot_id])
            if part <= 0:
                continue
            short -= part
            self.there[source.lot_id] -= part
            home = _home(self.duplicate, lot, source)
            self.moves.append(Moved(source, part, home))
            if home is None:
                drawn[lot_id(self.ids[1], len(self.moves))] = part
            else:
                self.here[lot] = self.here.get(lot, 0) + part
        rest = amount - sum(drawn.values())
        if rest:
            self.here[lot] -= rest
            drawn[lot] = rest
        return list(drawn.items())

    def _sources(self, lot: bytes) -> list[Lot]:
        assert self.survivor.lots is not None
        if lot in self.survivor.lots:
            return [self.survivor.lots[lot]]
        return _lots(self.survivor, self.merged.gone_over.get(lot, ()))


def recalls_of(
    holders: Mapping[bytes, Holder], merged: Mapping[bytes, Merged], new_id: NewId
) -> list[Recall]:
    """One for every duplicate among the holders. What is the survivor's own stands behind one of them alone."""
    recalls, backing = [], set()
    for duplicate, one in merged.items():
        survivor = holders[one.survivor]
        assert survivor.lots is not None
        own: frozenset[bytes] = frozenset()
        if one.survivor not in backing:
            theirs = {lot for each in merged.values() for lots in each.gone_over.values() for lot in lots}
            points = (lot.lot_id for lot in survivor.lots.values() if lot.unit == Unit.POINT)
            own = frozenset(points) - theirs
        debt = 0 if one.survivor in backing else survivor.debt
        backing.add(one.survivor)
        recalls.append(Recall(holders[duplicate], survivor, one, (new_id(), new_id()), own, debt))
    return recalls


def gone_over(merged: Merged, drafts: Sequence[Draft]) -> Merged:
    """The merge once these entries of ``hand_over`` are booked; what comes later in the batch finds its lots by it."""
    if not drafts:
        return merged
    left, arrived = drafts
    lots, debt = {lot: list(there) for lot, there in merged.gone_over.items()}, merged.debt
    # Behind the pairs stands what was repaid.
    for out, into in zip(left.postings, arrived.postings, strict=False):
        if out.lot_id is None:
            debt += out.amount
        else:
            assert into.lot_id is not None
            lots.setdefault(out.lot_id, []).append(into.lot_id)
    return merged._replace(gone_over=lots, debt=debt)


def told_of(merged: Merged) -> dict[str, Any]:
    """What an entry tells of the merge that it belongs to."""
    return {"merge_id": show_id("mrg", merged.merge_id)}


_IN_LOTS = frozenset({Account.POINTS, Account.GROWTH})
_ACCOUNTS = {
    Unit.POINT: (Account.POINTS, Account.TRANSFER),
    Unit.GROWTH: (Account.GROWTH, Account.GROWTH_TRANSFER),
}


def _lots(holder: Holder, names: Iterable[bytes]) -> list[Lot]:
    assert holder.lots is not None
    return [holder.lots[name] for name in names]


def _home(duplicate: Holder, origin: bytes, lot: Lot) -> bytes | None:
    """The duplicate's lot that takes back what is left of one of the survivor's; None where it would change its end.

    Activity may have moved the end of a rolling lot meanwhile.
    """
    assert duplicate.lots is not None
    home = duplicate.lots.get(origin)
    return origin if home is not None and home.expires_at == lot.expires_at else None
