"""The journal leg by leg: each posting as its debit and its credit, with all that its entry says of itself.

Amounts are integers in the smallest step of their commodity: points, growth, minor units of money, millionths of a
minor unit (``_MICRO``). Nothing here is a float, and nothing depends on when the export is made.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from ledger.accounts.chart import Account, unit_name
from ledger.clock import local_date, start_of_day
from ledger.ids import show as show_id

TICK: Final = timedelta(microseconds=1)
"""The step of every stored time: the last moment of a day is one before the next day begins."""


class Move(NamedTuple):
    """A posting of an entry."""

    ordinal: int
    debit: int
    credit: int
    unit: int
    amount: int
    lot_id: UUID | None


class Entry(NamedTuple):
    """An entry as it is stored, and its postings. ``told`` is its details where they name a rate or who decided."""

    entry_id: UUID
    holder_id: UUID
    holder: str
    version: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    terms_version: int
    hash: bytes
    parent_entry_id: UUID | None
    reference: str | None
    channel: str | None
    store: str | None
    region: str | None
    operator: str | None
    terminal: str | None
    told: str | None
    moves: tuple[Move, ...]

    @property
    def shown_id(self) -> str:
        return show_id("ent", self.entry_id.bytes)

    @property
    def shown_parent(self) -> str | None:
        return show_id("ent", self.parent_entry_id.bytes) if self.parent_entry_id else None


COLUMNS: Final[Mapping[str, type]] = {
    "entry_id": str,
    "line": int,
    "side": str,
    "kind": str,
    "date": date,
    "effective_at": datetime,
    "recorded_at": datetime,
    "holder": str,
    "version": int,
    "account": str,
    "commodity": str,
    "amount": int,
    "lot_id": str,
    "rate": str,
    "rate_version": int,
    "terms_version": int,
    "reference": str,
    "channel": str,
    "store": str,
    "region": str,
    "operator": str,
    "terminal": str,
    "maker": str,
    "checker": str,
    "parent_entry_id": str,
    "hash": str,
}
"""What a row holds, in this order. ``line`` is the posting's number within its entry; both its legs bear it."""

_RATED: Final = ("paid", "refunded", "quote")


class Days:
    """The calendar of a program: days that begin where ``clock.start_of_day`` says, and never go back.

    Made for instants that come in order: the day is looked up once and kept until it is over.
    """

    def __init__(self, timezone: str) -> None:
        self._timezone = timezone
        self._known: tuple[datetime, datetime, date] | None = None

    def day_of(self, instant: datetime) -> date:
        """The day that an instant belongs to: the last that had begun by then."""
        if self._known is not None:
            since, until, day = self._known
            if since <= instant < until:
                return day
        day = local_date(instant, self._timezone)
        # A clock set back over midnight shows the same day again; in the books it has ended.
        if self.start_of(day + timedelta(days=1)) <= instant:
            day += timedelta(days=1)
        self._known = self.start_of(day), self.start_of(day + timedelta(days=1)), day
        return day

    def start_of(self, day: date) -> datetime:
        """The first instant of a day."""
        return start_of_day(day, self._timezone)

    def before(self, day: date) -> datetime:
        """The last instant before a day."""
        return self.start_of(day) - TICK


def legs_of(entry: Entry, day: date) -> Iterator[tuple[Any, ...]]:
    """The rows of an entry in the order of ``COLUMNS``: posting by posting, the debit before the credit."""
    told = orjson.loads(entry.told) if entry.told else {}
    head = (entry.kind, day, entry.effective_at, entry.recorded_at, entry.holder, entry.version)
    source = (entry.reference, entry.channel, entry.store, entry.region, entry.operator, entry.terminal)
    tail = (told.get("proposed_by"), told.get("approved_by"), entry.shown_parent, entry.hash.hex())
    for move in entry.moves:
        lot = show_id("lot", move.lot_id.bytes) if move.lot_id else None
        amount = (unit_name(move.unit), move.amount, lot, *_rate_of(told, move), entry.terms_version)
        for side, account in (("debit", move.debit), ("credit", move.credit)):
            line = (entry.shown_id, move.ordinal, side)
            yield (*line, *head, Account(account).name.lower(), *amount, *source, *tail)


def _rate_of(told: Mapping[str, Any], move: Move) -> tuple[str | None, int | None]:
    """The rate that a posting was made at. A return may name two: what was paid at, and what points were sold at."""
    sold = told.get("sold")
    named = next((told[name] for name in _RATED if name in told), told)
    if sold and (Account.POINTS_SOLD in (move.debit, move.credit) or "rate_version" not in named):
        named = sold
    return named.get("rate"), named.get("rate_version")
