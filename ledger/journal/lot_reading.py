"""Lots, as a batch reads them of holders whose rows it has locked."""

from collections.abc import Iterable
from itertools import chain
from typing import LiteralString

from ledger.accounts.hold_queries import OPEN_HOLDS, holds_in
from ledger.accounts.lots import Lot
from ledger.journal.asking import Driver, Row, ask, uuids
from ledger.journal.commands import Recorded
from ledger.journal.loaded import Loaded

_LOT_COLUMNS: LiteralString = """
uuid_send(l.holder_id), uuid_send(l.lot_id), l.unit, l.original, l.remaining, l.earned_at, l.available_at,
l.expires_at, l.rolling, l.expired
"""

_OPEN_LOTS: LiteralString = (
    "SELECT "
    + _LOT_COLUMNS
    + " FROM lots l WHERE l.holder_id = ANY(%b) AND l.is_open AND (l.unit = 1 OR l.expires_at IS NOT NULL)"
)

_ENDLESS_GROWTH: LiteralString = (
    "SELECT "
    + _LOT_COLUMNS
    + " FROM lots l WHERE l.holder_id = ANY(%b) AND l.is_open AND l.unit = 2 AND l.expires_at IS NULL"
)

_CLOSED_LOTS: LiteralString = (
    "SELECT "
    + _LOT_COLUMNS
    + " FROM unnest(%b, %b) AS w (holder_id, lot_id) JOIN lots l USING (holder_id, lot_id)"
    " WHERE NOT (l.is_open AND (l.unit = 1 OR l.expires_at IS NOT NULL))"
)

# Lots of open holds from which nothing is left beside what they have drawn.
_HELD_LOTS: LiteralString = (
    "SELECT "
    + _LOT_COLUMNS
    + """ FROM (SELECT DISTINCT p.holder_id, p.lot_id
                  FROM holds h JOIN postings p ON p.entry_id = h.hold_id AND p.holder_id = h.holder_id
                 WHERE h.holder_id = ANY(%b) AND h.status = 'open' AND p.credit = 2 OFFSET 0) w
            JOIN lots l USING (holder_id, lot_id) WHERE NOT l.is_open"""
)


def read_lots(driver: Driver, loaded: Loaded, holder_ids: list[bytes]) -> None:
    """Read the open lots of holders who are locked, their holds, and the lots that the batch is about; take their
    standing anew."""
    if not holder_ids:
        return
    for identifier in holder_ids:
        loaded.holders[identifier].lots = {}
    # Nobody can lock what is not there: a rival may have enrolled a new member since, and its lots would
    # be counted to a holder without points. The rerun, after the unique key, sees both.
    enrolled = [identifier for identifier in holder_ids if not loaded.holders[identifier].is_new]
    holding = [identifier for identifier in enrolled if loaded.holders[identifier].held]
    with driver.pipeline():
        opened = ask(driver, _OPEN_LOTS, uuids(enrolled))
        closed = _ask_closed_lots(driver, [*_lots_of(loaded.recorded.values()), *_gone_over(loaded)])
        endless = _ask_endless_growth(driver, loaded, enrolled)
        held = ask(driver, _HELD_LOTS, uuids(holding)) if holding else ()
        holds = ask(driver, OPEN_HOLDS, uuids(holding)) if holding else ()
    for row in chain(opened, closed, endless, held):
        lots = loaded.holders[row[0]].lots
        assert lots is not None
        lots[row[1]] = Lot(*row[1:])
    for holder, hold in holds_in(holds):
        loaded.holders[holder].holds[hold.hold_id] = hold
    for identifier in holder_ids:
        loaded.holders[identifier].refresh(loaded.now)


def _ask_closed_lots(driver: Driver, named: list[tuple[bytes, bytes]]) -> Iterable[Row]:
    if not named:
        return ()
    holders, lots = zip(*named, strict=True)
    return ask(driver, _CLOSED_LOTS, uuids(holders), uuids(lots))


def _gone_over(loaded: Loaded) -> list[tuple[bytes, bytes]]:
    """The lots of either side, of all that has ever gone over."""
    return [
        pair
        for merged in loaded.merged.values()
        for origin, lots in merged.gone_over.items()
        for pair in ((merged.duplicate, origin), *((merged.survivor, lot) for lot in lots))
    ]


def _ask_endless_growth(driver: Driver, loaded: Loaded, holder_ids: list[bytes]) -> Iterable[Row]:
    """Growth that never expires, of members whose growth changes books: of all others its sum is enough."""
    if not loaded.merged and not loaded.joining:
        return ()
    return ask(driver, _ENDLESS_GROWTH, uuids(holder_ids))


def _lots_of(recorded: Iterable[Recorded]) -> list[tuple[bytes, bytes]]:
    return sorted({(e.holder_id, p.lot_id) for e in recorded for p in e.postings if p.lot_id is not None})
