"""Lots: where every point and every unit of growth sits until it is drawn, and in which order.

A lot is spendable while ``available_at <= now < expires_at``, whether or not a sweep has booked its
expiry. Drawing order: earliest expiry, then oldest, then id. A lot without expiry comes last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ledger.accounts.chart import Unit
from ledger.clock import FAR_FUTURE


@dataclass(slots=True)
class Lot:
    """Points or growth of one origin. ``remaining`` falls with draws and rises again with refunds."""

    lot_id: bytes
    unit: int
    original: int
    remaining: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    rolling: bool = False
    """Whether activity of the member moves ``expires_at`` forward."""
    expired: int = 0
    """How much of the lot has been booked as expired."""

    def is_live(self, now: datetime) -> bool:
        """Whether something is left that the clock has not taken."""
        return self.remaining > 0 and (self.expires_at is None or now < self.expires_at)

    def has_ended(self, now: datetime) -> bool:
        """Whether the clock has reached its end, whatever is left of it or held."""
        return self.expires_at is not None and self.expires_at <= now

    def is_spendable(self, now: datetime) -> bool:
        """Whether something is left that may be drawn now."""
        return self.available_at <= now and self.is_live(now)


_GROWTH = Unit.GROWTH  # looked up once: see ledger.accounts.holder


class Draw(NamedTuple):
    """An amount taken from a lot."""

    lot: Lot
    amount: int


class Standing(NamedTuple):
    """What a member has, by the clock. True from the moment it was taken until ``fresh_until``.

    ``fresh_until`` is the next instant at which the clock alone changes it: the earliest end of a
    pending period or of a lot. So a stored standing answers without reading the lots.
    """

    available: int
    pending: int
    growth: int
    next_expiry_at: datetime | None
    next_expiry_points: int
    fresh_until: datetime


EMPTY = Standing(0, 0, 0, None, 0, FAR_FUTURE)


def drawing_order(lot: Lot) -> tuple[datetime, datetime, bytes]:
    """Sort key: earliest expiry, then oldest, then id."""
    return lot.expires_at or FAR_FUTURE, lot.earned_at, lot.lot_id


def consume(lots: Iterable[Lot], amount: int) -> list[Draw]:
    """Draw ``amount`` from ``lots`` in drawing order; the lots themselves are left as they are.

    Draws less when the lots hold less: the caller compares and refuses, or books the shortfall.
    """
    draws = []
    for lot in sorted(lots, key=drawing_order):
        if amount == 0:
            break
        taken = min(lot.remaining, amount)
        if taken:
            draws.append(Draw(lot, taken))
            amount -= taken
    return draws


def standing_of(lots: Iterable[Lot], now: datetime) -> Standing:
    """The standing that these lots make at ``now``."""
    standing = EMPTY
    for lot in lots:
        if lot.is_live(now):
            standing = with_lot(standing, lot, now)
    return standing


def with_lot(standing: Standing, lot: Lot, now: datetime) -> Standing:
    """The standing after a live lot has joined it; adding lots one by one gives ``standing_of`` them."""
    available, pending, growth, next_at, next_points, fresh_until = standing
    expires_at = lot.expires_at
    if expires_at is not None and expires_at < fresh_until:
        fresh_until = expires_at
    if lot.unit == _GROWTH:
        return Standing(available, pending, growth + lot.remaining, next_at, next_points, fresh_until)
    if lot.available_at <= now:
        available += lot.remaining
    else:
        pending += lot.remaining
        fresh_until = min(fresh_until, lot.available_at)
    if expires_at is not None:
        if next_at is None or expires_at < next_at:
            next_at, next_points = expires_at, lot.remaining
        elif expires_at == next_at:
            next_points += lot.remaining
    return Standing(available, pending, growth, next_at, next_points, fresh_until)
