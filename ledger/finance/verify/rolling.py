"""Lots of rolling expiry: their extensions followed entry by entry, because each depends on the one before.

An entry that extends moves, before its own postings, the expiry of every rolling lot of the holder that
has something left, held points included, and has not lapsed when the entry is recorded. What has lapsed stays lapsed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString
from uuid import UUID

from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_walk

_STEPS: LiteralString = """
SELECT e.holder_id, e.version, e.recorded_at, e.extends_to, p.lot_id,
       p.amount * ((p.credit IN (1, 2, 4))::int - (p.debit IN (1, 2, 4))::int),
       p.rolling, p.expires_at, l.expires_at
  FROM entries e
  LEFT JOIN postings p USING (entry_id, holder_id)
  LEFT JOIN lots l ON p.rolling AND l.holder_id = p.holder_id AND l.lot_id = p.lot_id
 WHERE e.holder_id IN (SELECT holder_id FROM postings WHERE rolling)
 ORDER BY e.holder_id, e.version, p.ordinal
"""


@dataclass(slots=True)
class _Lot:
    expires_at: datetime | None
    stored: datetime | None
    remaining: int = 0

    def extend(self, extends_to: datetime, recorded_at: datetime) -> None:
        if self.remaining > 0 and self.expires_at is not None and recorded_at < self.expires_at < extends_to:
            self.expires_at = extends_to


def wrong_expiries(rows: Rows) -> Iterator[Fault]:
    """Every rolling lot whose stored expiry is not where the entries have moved it."""
    for holder_id, steps in groupby(rows.stream(_STEPS), key=lambda row: row[0]):
        lots: dict[UUID, _Lot] = {}
        for (recorded_at, extends_to), postings in groupby(steps, key=lambda row: (row[2], row[3])):
            _step(lots, recorded_at, extends_to, postings)
        for lot_id, lot in lots.items():
            if lot.expires_at != lot.stored:
                key = {"holder_id": holder_id, "lot_id": lot_id}
                yield Fault("lots", key, "expires_at", str(lot.expires_at), str(lot.stored))


def _step(
    lots: dict[UUID, _Lot],
    recorded_at: datetime,
    extends_to: datetime | None,
    postings: Iterator[tuple[Any, ...]],
) -> None:
    if extends_to is not None:
        for lot in lots.values():
            lot.extend(extends_to, recorded_at)
    for *_, lot_id, change, rolling, expires_at, stored in postings:
        if rolling:
            lots[lot_id] = _Lot(expires_at, stored)
        if lot_id in lots:
            lots[lot_id].remaining += change


CHECKS = (
    by_walk(
        "rolling lots",
        "activity moves the expiry of the lots that are alive, and of no others",
        ("entries", "lots"),
        wrong_expiries,
    ),
)
