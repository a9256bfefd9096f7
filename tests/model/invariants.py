"""The books balance: the invariants of the design, checked from the rows alone.

Each check stands by itself, so a failure names what broke. None of them asks the engine anything but how a
row's hash is made (``ledger.journal.chain``).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ledger.accounts.chart import Account, units_of
from ledger.ids import FUND_PREFIX, entry_of_lot
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS, encode, link
from ledger.money import MAX_AMOUNT
from tests.model.snapshot import EntryRow, HolderRow, HoldRow, LotRow, PostingRow, Snapshot

MEMBERS: Final = frozenset({Account.POINTS, Account.HELD, Account.DEBT, Account.GROWTH, Account.FUND})
OF_LOTS: Final = frozenset({Account.POINTS, Account.HELD, Account.GROWTH})
UNITS: Final = units_of("CNY")
IN_HOUSE: Final = {
    frozenset(pair)
    for pair in (
        (Account.TRADING_POINTS, Account.CONVERTED),
        (Account.POINTS_DISCOUNT, Account.TRADING_MONEY),
        (Account.TENDER_CASH, Account.SALES),
        (Account.TENDER_CASH, Account.POINTS_SOLD),
        (Account.TRADING_RESIDUE, Account.ROUNDING),
    )
}
"""The accounts of the house between which something may move: face value, cash and what rounding leaves."""

MICRO: Final = 1_000_000


def check_books(books: Snapshot) -> None:
    """All of them, for all holders."""
    check_transfers_cancel(books)
    check_names_have_one_effect(books)
    for member, holder in books.holders.items():
        entries, lots = books.entries.get(member, []), books.lots.get(member, [])
        holds = books.holds.get(member, [])
        check_postings(entries)
        check_face_value(entries)
        check_versions(holder, entries)
        check_chain(holder, entries)
        if member.startswith(FUND_PREFIX):
            check_budget(holder, entries)
            assert not lots
            continue
        check_balances(holder, entries, lots)
        check_lots(entries, lots)
        check_holds(holder, entries, holds)
        check_standing(holder, lots, holds)
        check_roll_forward(holder, entries)


def check_postings(entries: Iterable[EntryRow]) -> None:
    """Invariant 1: each posting moves one positive amount between two accounts of its unit."""
    for posting in _postings(entries):
        assert 1 <= posting.amount <= MAX_AMOUNT
        assert posting.debit != posting.credit
        assert {UNITS[Account(posting.debit)], UNITS[Account(posting.credit)]} == {posting.unit}
        assert (posting.lot_id is not None) == bool({posting.debit, posting.credit} & OF_LOTS)
        pair = {posting.debit, posting.credit}
        assert pair & MEMBERS or pair in IN_HOUSE, "a posting between two house accounts"


def check_face_value(entries: Iterable[EntryRow]) -> None:
    """Invariant 8: what rounding leaves of an entry is less than one minor unit."""
    for entry in entries:
        left = sum(
            posting.amount * ((posting.debit == Account.ROUNDING) - (posting.credit == Account.ROUNDING))
            for posting in entry.postings
        )
        assert abs(left) < MICRO


def check_versions(holder: HolderRow, entries: list[EntryRow]) -> None:
    """Invariant 4: versions are 1..n, and never run against time."""
    assert [entry.version for entry in entries] == list(range(1, holder.version + 1))
    recorded = [entry.recorded_at for entry in entries]
    assert recorded == sorted(recorded)
    assert not entries or recorded[-1] == holder.recorded_at


def check_chain(holder: HolderRow, entries: list[EntryRow]) -> None:
    """Invariant 4: each hash covers its entry and the hash before; the last is the holder's head."""
    previous = bytes(32)
    for entry in entries:
        row = encode(ENTRY_COLUMNS, entry[: len(ENTRY_COLUMNS)])
        previous = link(previous, row, [encode(POSTING_COLUMNS, posting) for posting in entry.postings])
        assert entry.hash == previous, f"the chain breaks at version {entry.version}"
    assert holder.head == previous, "the head is not the hash of the last entry"


def check_balances(holder: HolderRow, entries: list[EntryRow], lots: list[LotRow]) -> None:
    """Invariants 2, 3 and 4: a balance is the sum of its postings and of its lots, and never negative."""
    balance: Counter[int] = Counter()
    for entry in entries:
        for posting in entry.postings:
            balance[posting.debit] -= posting.amount
            balance[posting.credit] += posting.amount
        after = (
            balance[Account.POINTS],
            balance[Account.HELD],
            -balance[Account.DEBT],
            balance[Account.GROWTH],
        )
        assert after == (entry.points_after, entry.held_after, entry.debt_after, entry.growth_after)
        assert all(0 <= amount <= MAX_AMOUNT for amount in after), after
    assert (holder.points, holder.held, holder.debt, holder.growth) == (
        balance[Account.POINTS],
        balance[Account.HELD],
        -balance[Account.DEBT],
        balance[Account.GROWTH],
    )
    # What is held has left what remains of its lots: see ``check_holds``.
    assert holder.points == sum(lot.remaining for lot in lots if lot.unit == 1)
    assert holder.growth == sum(lot.remaining for lot in lots if lot.unit == 2)


def check_budget(holder: HolderRow, entries: list[EntryRow]) -> None:
    """What is left of a fund is what was granted less what was withdrawn and spent, and never below nothing."""
    left = 0
    for entry in entries:
        (posting,) = entry.postings
        kinds = {
            (Account.FUND_GRANTED, Account.FUND): ("fund_grant", 1),
            (Account.FUND, Account.FUND_GRANTED): ("fund_grant", -1),
            (Account.FUND, Account.FUND_SPENT): ("fund_spend", -1),
        }
        kind, sign = kinds[Account(posting.debit), Account(posting.credit)]
        left += sign * posting.amount
        assert entry.kind == kind
        assert (entry.points_after, entry.held_after, entry.debt_after, entry.growth_after) == (left, 0, 0, 0)
        assert left >= 0
    assert (holder.points, holder.held, holder.debt, holder.growth) == (left, 0, 0, 0)
    assert (holder.available, holder.pending, holder.growth_value) == (0, 0, 0)


def check_lots(entries: list[EntryRow], lots: list[LotRow]) -> None:
    """Invariant 2: the postings alone make the lots, column by column."""
    assert lots == sorted(rebuilt_lots(entries), key=lambda lot: lot.lot_id)
    for lot in lots:
        assert 0 <= lot.remaining <= lot.original
        assert 0 <= lot.expired <= lot.original - lot.remaining


def rebuilt_lots(entries: Iterable[EntryRow]) -> Iterable[LotRow]:
    """The lots that these entries open, move and extend."""
    lots: dict[bytes, LotRow] = {}
    held: Counter[bytes | None] = Counter()
    for entry in entries:
        if entry.extends_to is not None:
            for lot in lots.values():
                # What is held is still of the lot: it lives on with that as well.
                there = lot.remaining + held[lot.lot_id]
                if there and _rolls_on(lot, entry.extends_to, entry.recorded_at):
                    lots[lot.lot_id] = lot._replace(expires_at=entry.extends_to)
        for posting in entry.postings:
            if posting.lot_id is not None:
                lots[posting.lot_id] = _moved(lots.get(posting.lot_id), entry, posting)
            held[posting.lot_id] += posting.amount * (
                (posting.credit == Account.HELD) - (posting.debit == Account.HELD)
            )
    return lots.values()


def _rolls_on(lot: LotRow, to: datetime, now: datetime) -> bool:
    return bool(lot.rolling and lot.expires_at and now < lot.expires_at < to)


def _moved(lot: LotRow | None, entry: EntryRow, posting: PostingRow) -> LotRow:
    amount, identifier = posting.amount, posting.lot_id
    assert identifier is not None
    if lot is None:
        assert posting.available_at is not None, "a lot moves before it was opened"
        assert posting.credit in OF_LOTS
        assert entry_of_lot(identifier) == entry.entry_id, "a lot does not name the entry that opened it"
        return LotRow(
            identifier,
            posting.unit,
            amount,
            amount,
            0,
            entry.effective_at,
            posting.available_at,
            posting.expires_at,
            bool(posting.rolling),
        )
    assert posting.available_at is None, "a lot is opened twice"
    if posting.debit == Account.HELD:
        # It had left what remains when it was set aside.
        back = amount if posting.credit in OF_LOTS else 0
        return lot._replace(remaining=lot.remaining + back)
    if posting.debit not in OF_LOTS:
        return lot._replace(remaining=lot.remaining + amount)
    expired = amount if posting.credit in (Account.EXPIRED, Account.GROWTH_LAPSED) else 0
    return lot._replace(remaining=lot.remaining - amount, expired=lot.expired + expired)


def check_holds(holder: HolderRow, entries: list[EntryRow], holds: list[HoldRow]) -> None:
    """Invariants 2 and 3: what is held is what open holds have drawn, lot by lot; each is closed once, and whole."""
    known = {entry.entry_id: entry for entry in entries}
    drawn = {hold.hold_id: _moved_by_lot(known[hold.hold_id], credit=Account.HELD) for hold in holds}
    assert all(drawn[hold.hold_id].total() == hold.points for hold in holds)
    held: Counter[bytes | None] = Counter()
    for entry in entries:
        held.update(_moved_by_lot(entry, credit=Account.HELD))
        held.subtract(_moved_by_lot(entry, debit=Account.HELD))
    is_open = Counter[bytes | None]()
    for hold in holds:
        if hold.closed_entry_id is None:
            assert (hold.status, hold.captured) == ("open", 0)
            is_open.update(drawn[hold.hold_id])
    assert +held == is_open
    assert holder.held == is_open.total()
    closed = [hold for hold in holds if hold.closed_entry_id is not None]
    for hold in closed:
        _check_closing(hold, known[hold.closed_entry_id or b""], drawn[hold.hold_id])
    closings = [e.entry_id for e in entries if any(p.debit == Account.HELD for p in e.postings)]
    assert sorted(closings) == sorted(hold.closed_entry_id or b"" for hold in closed)


def _check_closing(hold: HoldRow, entry: EntryRow, drawn: Counter[bytes | None]) -> None:
    assert _moved_by_lot(entry, debit=Account.HELD) == drawn
    captured = _moved_by_lot(entry, debit=Account.HELD, credit=Account.REDEEMED).total()
    assert captured == hold.captured
    assert entry.kind in _CLOSINGS[hold.status]


_CLOSINGS: Final = {"captured": ("capture", "earn"), "released": ("release",), "lapsed": ("release",)}


def _moved_by_lot(
    entry: EntryRow, *, debit: Account | None = None, credit: Account | None = None
) -> Counter[bytes | None]:
    moved: Counter[bytes | None] = Counter()
    for posting in entry.postings:
        if debit in (None, posting.debit) and credit in (None, posting.credit):
            moved[posting.lot_id] += posting.amount
    return moved


def check_standing(holder: HolderRow, lots: list[LotRow], holds: Iterable[HoldRow] = ()) -> None:
    """The stored standing is what the lots made of it when the holder's last entry was recorded."""
    if holder.recorded_at is None:
        return
    now = holder.recorded_at
    live = [lot for lot in lots if lot.remaining and (lot.expires_at is None or now < lot.expires_at)]
    points = [lot for lot in live if lot.unit == 1]
    ends = sorted(lot.expires_at for lot in points if lot.expires_at)
    changes = [lot.expires_at for lot in live if lot.expires_at]
    changes += [lot.available_at for lot in points if lot.available_at > now]
    changes += [hold.expires_at for hold in holds if hold.closed_entry_id is None]
    assert holder.available == sum(lot.remaining for lot in points if lot.available_at <= now)
    assert holder.pending == sum(lot.remaining for lot in points if lot.available_at > now)
    assert holder.growth_value == sum(lot.remaining for lot in live if lot.unit == 2)
    assert holder.next_expiry_at == (ends[0] if ends else None)
    assert holder.next_expiry_points == sum(
        lot.remaining for lot in points if ends and lot.expires_at == ends[0]
    )
    assert holder.fresh_until == (min(changes) if changes else None)
    assert holder.available + holder.pending <= holder.points


class Flows(Counter[str]):
    """What moved a member's points, by the words of the roll-forward."""


def flows(entries: Iterable[EntryRow]) -> Flows:
    """The roll-forward of a member: what was issued, redeemed and so on, in whole points."""
    moved = Flows()
    for posting in _postings(entries):
        for account, sign in ((posting.credit, 1), (posting.debit, -1)):
            if name := _FLOW_NAMES.get(account):
                # A house account that is credited takes; one that is debited gives.
                moved[name if sign > 0 else f"{name} back"] += posting.amount
    return moved


_FLOW_NAMES: Final[dict[int, str]] = {
    Account.ISSUED: "issued",
    Account.REDEEMED: "redeemed",
    Account.EXPIRED: "expired",
    Account.TRANSFER: "transferred",
    Account.ADJUSTED: "adjusted",
}


def check_roll_forward(holder: HolderRow, entries: list[EntryRow]) -> None:
    """Invariant 7: issued − clawed back − redeemed + refunded − expired ± transferred ± adjusted = points − debt."""
    moved = flows(entries)
    issued, clawed = moved["issued back"], moved["issued"]
    redeemed, refunded = moved["redeemed"], moved["redeemed back"]
    assert moved["expired back"] == 0
    closing = issued - clawed - redeemed + refunded - moved["expired"]
    closing += moved["transferred back"] - moved["transferred"]
    closing += moved["adjusted back"] - moved["adjusted"]
    assert closing == holder.points + holder.held - holder.debt
    assert refunded <= redeemed
    assert clawed <= issued


def check_transfers_cancel(books: Snapshot) -> None:
    """Invariant 7, in total: what one member's transfers take, another's give."""
    moved = flows(entry for entries in books.entries.values() for entry in entries)
    assert moved["transferred"] == moved["transferred back"]


def check_names_have_one_effect(books: Snapshot) -> None:
    """Invariant 5: each name of the business, and each key, is about one entry that is there."""
    entries = {entry.entry_id: entry for entries in books.entries.values() for entry in entries}
    assert len(entries) == sum(map(len, books.entries.values()))
    for (kind, name), entry_id in books.references.items():
        entry = entries[entry_id]
        assert entry.kind == _KINDS[kind]
        assert kind == "reversal" or entry.reference == name
    effects = Counter((e.kind, e.reference) for e in entries.values() if e.reference is not None)
    assert all(times == 1 for times in effects.values()), effects
    answered = [entry for entry in books.keys.values() if entry is not None]
    assert len(set(answered)) == len(answered)
    assert set(answered) <= entries.keys()


_KINDS = {
    "purchase": "earn",
    "earning": "award",
    "redemption": "redeem",
    "hold": "hold",
    "refund": "refund",
    "return": "return",
    "transfer": "transfer_out",
    "activity": "activity",
    "reversal": "reversal",
    "fund_grant": "fund_grant",
    "adjustment": "adjust",
}


def _postings(entries: Iterable[EntryRow]) -> Iterable[PostingRow]:
    return (posting for entry in entries for posting in entry.postings)
