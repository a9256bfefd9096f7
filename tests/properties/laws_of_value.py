"""The laws of points that are worth money, checked on each new entry and on what it leaves.

Written apart from the engine: what was paid and what went back is read from the postings, and rates come from
whoever set them.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.accounts.chart import Account
from tests.model.invariants import MICRO, check_face_value, check_postings
from tests.model.memory import MemoryDriver
from tests.model.snapshot import EntryRow

Prices = Mapping[int, tuple[int, int]]
"""Bid and ask in millionths of a minor unit for one point, by version of the rate."""

MONEY = (
    Account.TRADING_POINTS,
    Account.CONVERTED,
    Account.TENDER_CASH,
    Account.SALES,
    Account.POINTS_DISCOUNT,
    Account.TRADING_MONEY,
    Account.ROUNDING,
    Account.TRADING_RESIDUE,
)


@dataclass
class Payment:
    """Points that were spent at a rate, and what has gone back of them."""

    entry: EntryRow
    bid: int
    moved: Counter[int]
    """By account of the house, debits less credits: of the payment, and of all that has gone back of it."""
    drawn: Counter[bytes | None]
    """Points that are still spent, by lot; by none what nothing covered when a till took it offline."""
    points: int
    value: int
    backs: int = 0


@dataclass
class Laws:
    """Follows a driver's books, entry by entry."""

    driver: MemoryDriver
    prices: Prices
    seen: int = 0
    payments: dict[bytes, Payment] = field(default_factory=dict)
    flows: dict[bytes, Counter[str]] = field(default_factory=dict)

    def check(self) -> None:
        """Every entry since the last time, and what the holders have now."""
        new, self.seen = self.driver.rows[self.seen :], len(self.driver.rows)
        check_postings(new)
        check_face_value(new)
        for row in new:
            self._follow(row)
        for holder_id in {row.holder_id for row in new}:
            self._check_holder(holder_id)

    def _follow(self, row: EntryRow) -> None:
        details: dict[str, Any] = json.loads(row.details) if row.details else {}
        moved = _moved(row)
        flows = self.flows.setdefault(row.holder_id, Counter())
        for posting in row.postings:
            flows["issued"] += posting.amount * (posting.debit == Account.ISSUED)
        flows["redeemed"] -= moved[Account.REDEEMED]
        if "sold" in details:
            self._check_sale(details["sold"], moved)
        if "paid" in details:
            self._check_payment(row, details, moved)
        elif row.parent_entry_id in self.payments and row.kind in ("refund", "return", "reversal"):
            self._check_back(self.payments[row.parent_entry_id], row, moved)
        else:
            assert not any(moved[account] for account in MONEY), f"money moves in {row.kind}"

    def _check_payment(self, row: EntryRow, details: dict[str, Any], moved: Counter[int]) -> None:
        """Value is what the points are worth at the rate that the entry names, floored; with the cash, the price."""
        paid = details["paid"]
        bid, _ = self.prices[paid["rate_version"]]
        points, value, residue = _face(moved)
        assert (points, value) == (paid["points"], paid["points_value"])
        assert points == -moved[Account.REDEEMED] > 0
        assert value * MICRO + residue == points * bid
        assert 0 <= residue < MICRO
        if row.kind == "earn":
            price = sum(line["amount"] for line in details["lines"])
            assert moved[Account.TENDER_CASH] == paid["cash"] == price - value
        drawn = Counter[bytes | None]()
        for posting in row.postings:
            if posting.credit == Account.REDEEMED:
                drawn[posting.lot_id] += posting.amount
        self.payments[row.entry_id] = Payment(row, bid, moved, drawn, points, value)

    def _check_back(self, paid: Payment, row: EntryRow, moved: Counter[int]) -> None:
        """No more goes back than was paid, and what stays spent is worth no less than what was given for it."""
        back = Counter({account: moved[account] for account in MONEY})
        assert all(back[account] <= 0 for account in (Account.TRADING_POINTS, Account.POINTS_DISCOUNT))
        for account in MONEY:
            paid.moved[account] += back[account]
        for posting in row.postings:
            if posting.debit == Account.REDEEMED:
                # What came out of no lot comes back in a new one.
                paid.drawn[posting.lot_id if posting.lot_id in paid.drawn else None] -= posting.amount
        paid.backs += 1
        points, value, residue = _face(paid.moved)
        assert 0 <= points <= paid.points and 0 <= value <= paid.value and 0 <= residue < MICRO
        assert points == paid.drawn.total() and min(paid.drawn.values()) >= 0
        assert paid.moved[Account.TENDER_CASH] >= 0
        assert value * MICRO <= points * paid.bid, "less stays spent than was given for it"
        assert points * paid.bid < (value + 1 + paid.backs) * MICRO + paid.bid * (paid.backs > 0)

    def _check_sale(self, sold: dict[str, Any], moved: Counter[int]) -> None:
        """Points made good cost what they do at the ask, ceiled. What is left of ``moved`` is without them."""
        points, amount = sold["points"], sold["amount"]
        _, ask = self.prices[sold["rate_version"]]
        over = amount * MICRO - points * ask
        assert 0 <= over < MICRO
        assert moved[Account.POINTS_SOLD] == -amount
        moved[Account.TENDER_CASH] -= amount
        moved[Account.TRADING_POINTS] += points
        moved[Account.CONVERTED] -= points
        moved[Account.POINTS_DISCOUNT] += amount
        moved[Account.TRADING_MONEY] -= amount
        moved[Account.TRADING_RESIDUE] -= over
        moved[Account.ROUNDING] += over

    def _check_holder(self, holder_id: bytes) -> None:
        """What is there is what lots and open holds make, none of it negative, and all of it was issued or is owed.

        And nobody owes points who has some that the clock has not taken: what arrives repays first.
        """
        holder, flows = self.driver.holders[holder_id], self.flows[holder_id]
        lots = self.driver.lots.get(holder_id, {})
        held = Counter[bytes]()
        for hold in self.driver.holds.get(holder_id, {}).values():
            for lot, amount in hold.draws:
                held[lot] += amount
        assert holder.points == sum(lot.remaining for lot in lots.values() if lot.unit == 1)
        assert holder.held == held.total()
        assert min(holder.points, holder.held, holder.debt, holder.growth, flows["redeemed"]) >= 0
        assert all(0 <= lot.remaining <= lot.original - held[lot.lot_id] for lot in lots.values())
        assert holder.points + holder.held + flows["redeemed"] <= flows["issued"] + holder.debt
        now = holder.recorded_at
        assert now is not None
        assert not holder.debt or not any(lot.unit == 1 and lot.is_live(now) for lot in lots.values())

    def check_all_is_back(self, entry_id: bytes) -> None:
        """Of a payment nothing is left: every point is in its lot again, and no account of money keeps anything."""
        paid = self.payments[entry_id]
        assert not any(paid.drawn.values())
        assert not any(paid.moved[account] for account in MONEY)

    def check_nobody_gained(self) -> None:
        """In all, no more was given for points than they were worth at the rates of their entries."""
        faces = [(paid.bid, *_face(paid.moved)) for paid in self.payments.values()]
        exact = sum(points * bid for bid, points, _, _ in faces)
        assert MICRO * sum(value for _, _, value, _ in faces) <= exact


def _face(moved: Counter[int]) -> tuple[int, int, int]:
    """Points, value and residue that stay taken in."""
    points, value = moved[Account.TRADING_POINTS], moved[Account.POINTS_DISCOUNT]
    residue = moved[Account.TRADING_RESIDUE]
    assert (-points, -value, -residue) == (
        moved[Account.CONVERTED],
        moved[Account.TRADING_MONEY],
        moved[Account.ROUNDING],
    )
    return points, value, residue


def _moved(row: EntryRow) -> Counter[int]:
    moved = Counter[int]()
    for posting in row.postings:
        moved[posting.debit] += posting.amount
        moved[posting.credit] -= posting.amount
    return moved
