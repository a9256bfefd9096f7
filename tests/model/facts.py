"""What the model's books are made of: members, lots, events; and the few things that are done with lots alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

MAX: Final = 2**53 - 1
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
SKEW: Final = timedelta(minutes=5)


class Refusal(Exception):
    """The model says no."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass
class Lot:
    """Points or growth of one origin."""

    number: int
    unit: str
    amount: int
    left: int
    earned: datetime
    available: datetime
    ends: datetime | None
    rolling: bool
    lapsed: int = 0
    """How much of it was booked as expired."""

    def is_live(self, now: datetime) -> bool:
        return self.left > 0 and (self.ends is None or now < self.ends)


@dataclass
class Event:
    """An entry, and what later ones have done to it."""

    number: int
    kind: str
    member: str
    at: datetime
    awards: list[Lot] = field(default_factory=list)
    taken_back: dict[str, int] = field(default_factory=lambda: {"POINT": 0, "GROWTH": 0})
    draws: list[tuple[Lot, int]] = field(default_factory=list)
    refunded: dict[int, int] = field(default_factory=dict)
    """Points given back, by the number of the lot."""
    bought: dict[str, tuple[int, int]] = field(default_factory=dict)
    returned: dict[str, tuple[int, int]] = field(default_factory=dict)
    currency: str = ""
    peer: str = ""
    """The other member of a transfer, or of its reversal."""
    arrived: list[Lot] = field(default_factory=list)
    reversed_by: int | None = None
    held: "Hold | None" = None
    """The hold that it has made."""


@dataclass
class Hold:
    """Points that are set aside."""

    number: int
    """Of the event that made it."""
    member: str
    draws: list[tuple[Lot, int]]
    ends: datetime
    status: str = "open"

    @property
    def points(self) -> int:
        return sum(points for _, points in self.draws)


@dataclass
class Member:
    """A member's books."""

    lots: list[Lot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    debt: int = 0
    recorded: datetime | None = None

    def total(self, unit: str) -> int:
        return sum(lot.left for lot in self.lots if lot.unit == unit)

    @property
    def held(self) -> int:
        return sum(hold.points for hold in self.holds if hold.status == "open")


def show(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def in_drawing_order(lots: list[Lot]) -> list[Lot]:
    """Earliest expiry, then oldest, then id."""
    return sorted(lots, key=lambda lot: (lot.ends or NEVER, lot.earned, lot.number))


def is_alive(lot: Lot, now: datetime) -> bool:
    """Whether the clock has not taken the lot, empty or not."""
    return lot.ends is None or now < lot.ends


def take(lots: list[Lot], points: int) -> list[tuple[Lot, int]]:
    """Up to ``points`` from these lots, in drawing order; the lots are left as they are."""
    draws = []
    for lot in in_drawing_order(lots):
        share = min(lot.left, points)
        if share:
            draws.append((lot, share))
            points -= share
    return draws


def show_lot(lot: Lot) -> dict[str, Any]:
    return {
        "lot_id": f"lot#{lot.number}",
        "unit": lot.unit,
        "amount": lot.amount,
        "available_at": show(lot.available),
        "expires_at": show(lot.ends) if lot.ends else None,
    }


def show_draw(lot: Lot, points: int) -> dict[str, Any]:
    return {
        "lot_id": f"lot#{lot.number}",
        "points": points,
        "expires_at": show(lot.ends) if lot.ends else None,
    }
