"""Load: lock the holders of a batch and read what its commands may see, in a fixed number of statements.

Nothing of a holder is read before its row is locked: under READ COMMITTED each statement sees what was
committed when it began, so a read begun before the lock was granted could be of the past.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString

from psycopg import Cursor
from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Lot, Standing
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.program import Program
from ledger.clock import FAR_FUTURE
from ledger.ids import holder_id
from ledger.journal import wire
from ledger.journal.commands import Claim, Command, Outcome, Recorded, Request
from ledger.journal.outcomes import restore

# Locks in id order, whoever asks, so that no two batches wait for each other. NO KEY: an insert that
# refers to the holder need not wait.
_LOCK: LiteralString = """
SELECT uuid_send(holder_id), program_id, member_id, version, head_hash, recorded_at, points, held, debt, growth,
       available, pending, growth_value, next_expiry_at, next_expiry_points, fresh_until
  FROM holders WHERE holder_id = ANY(%b) ORDER BY holder_id FOR NO KEY UPDATE
"""

_OUTCOMES: LiteralString = """
SELECT key, fingerprint, code, answer, request_id, uuid_send(entry_id)
  FROM outcomes WHERE program_id = %b AND key = ANY(%b)
"""

_CLAIMS: LiteralString = """
SELECT r.kind, r.reference, uuid_send(r.entry_id), uuid_send(r.holder_id)
  FROM unnest(%b, %b) AS wanted (kind, reference)
  JOIN business_references r ON r.program_id = %b AND r.kind = wanted.kind AND r.reference = wanted.reference
"""

_TARGETS: LiteralString = """
SELECT uuid_send(e.entry_id), uuid_send(e.holder_id), uuid_send(e.peer_holder_id)
  FROM entries e JOIN holders h USING (holder_id)
 WHERE e.entry_id = ANY(%b) AND h.program_id = %b
"""

_RECORDED: LiteralString = """
SELECT uuid_send(e.entry_id), uuid_send(e.holder_id), e.kind, e.effective_at, e.reference,
       uuid_send(e.parent_entry_id), uuid_send(e.peer_holder_id), e.details,
       p.debit, p.credit, p.amount, uuid_send(p.lot_id), p.available_at, p.expires_at, p.rolling
  FROM entries e LEFT JOIN postings p USING (entry_id, holder_id)
 WHERE e.entry_id IN (
       SELECT entry_id FROM entries WHERE entry_id = ANY(%b)
       UNION ALL SELECT entry_id FROM entries WHERE parent_entry_id = ANY(%b))
 ORDER BY e.entry_id, p.ordinal
"""

_LOT_COLUMNS: LiteralString = """
uuid_send(l.holder_id), uuid_send(l.lot_id), l.unit, l.original, l.remaining, l.earned_at, l.available_at,
l.expires_at, l.rolling, l.expired
"""

_OPEN_LOTS: LiteralString = (
    "SELECT " + _LOT_COLUMNS + " FROM lots l WHERE l.holder_id = ANY(%b) AND l.is_open"
)

_CLOSED_LOTS: LiteralString = (
    "SELECT "
    + _LOT_COLUMNS
    + " FROM unnest(%b, %b) AS w (holder_id, lot_id) JOIN lots l USING (holder_id, lot_id) WHERE NOT l.is_open"
)


@dataclass(slots=True)
class Loaded:
    """What a batch sees: locked holders, earlier answers, names taken, entries referred to."""

    holders: dict[bytes, Holder]
    outcomes: dict[str, tuple[bytes, Outcome]]
    claims: dict[tuple[str, str], tuple[bytes, bytes]]
    """Names taken: by which entry, of which holder."""
    recorded: dict[bytes, Recorded] = field(default_factory=dict)
    now: datetime = FAR_FUTURE


def load(connection: Connection, program: Program, requests: Sequence[Request], now: datetime) -> Loaded:
    """Lock and read for a batch. Locks the row of every holder that it may change, in id order."""
    cursor = driver_cursor(connection)
    commands = [request.command for request in requests]
    targets = _resolve_targets(cursor, program, commands)
    holders = _lock(cursor, program, commands, targets)
    # From here on nobody else changes these holders.
    loaded = Loaded(
        holders=holders,
        outcomes=_read_outcomes(cursor, program, requests),
        claims=_read_claims(cursor, program, [claim for c in commands if (claim := c.claim)]),
        # Versions of a holder never run against time, whatever this machine's clock does.
        now=max([now, *(h.recorded_at for h in holders.values() if h.recorded_at)]),
    )
    if targets:
        loaded.recorded = _read_recorded(cursor, [entry for entry, _ in targets.values()])
    for (kind, name), (entry, holder) in targets.items():
        loaded.claims.setdefault((kind, name), (entry, holder))
    _read_lots(cursor, loaded, holders_needing_lots(program, commands, loaded))
    return loaded


def driver_cursor(connection: Connection) -> Cursor[Any]:
    """A cursor of the driver on the connection's transaction: binary both ways, prepared when repeated."""
    raw = connection.connection.driver_connection
    assert raw is not None
    cursor: Cursor[Any] = raw.cursor(binary=True)
    return cursor


def _resolve_targets(
    cursor: Cursor[Any], program: Program, commands: Iterable[Command]
) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    """Entry and holder of every target that the books have. What an entry is never changes, so this reads unlocked."""
    wanted = {(t.kind, t.name) for t in (command.target for command in commands) if t}
    if not wanted:
        return {}
    found = _read_claims(cursor, program, [Claim(*w) for w in wanted if w[0] != "entry"])
    ids = [bytes.fromhex(name) for kind, name in wanted if kind == "entry" and name]
    ids += [entry for entry, _ in found.values()]
    cursor.execute(_TARGETS, (_uuids(ids), program.program_id))
    peers: dict[bytes, bytes] = {}
    for entry, holder, peer in cursor.fetchall():
        found["entry", entry.hex()] = (entry, holder)
        if peer is not None:
            peers[entry] = peer
    # A transfer has a second holder, who must be locked as well.
    for entry, peer in peers.items():
        found["peer", entry.hex()] = (entry, peer)
    return found


def _lock(
    cursor: Cursor[Any],
    program: Program,
    commands: Sequence[Command],
    targets: dict[tuple[str, str], tuple[bytes, bytes]],
) -> dict[bytes, Holder]:
    number = program.program_id
    named = [(holder_id(number, m), m, command.enrols) for command in commands for m in command.members]
    ids = sorted({identifier for identifier, _, _ in named} | {holder for _, holder in targets.values()})
    cursor.execute(_LOCK, (_uuids(ids),))
    holders = {row[0]: _holder(row) for row in cursor.fetchall()}
    for identifier, member, enrols in named:
        if enrols and identifier not in holders:
            # Written only if something is posted. Two batches may both take a member for new: the primary
            # key lets one of them through, and the other runs again.
            holders[identifier] = Holder(identifier, number, member, is_new=True)
    return holders


def _read_outcomes(
    cursor: Cursor[Any], program: Program, requests: Sequence[Request]
) -> dict[str, tuple[bytes, Outcome]]:
    keys = [request.key for request in requests if request.key]
    if not keys:
        return {}
    cursor.execute(_OUTCOMES, (program.program_id, wire.Texts.of_values(keys)))
    return {row[0]: (row[1], restore(*row[2:])) for row in cursor.fetchall()}


def _read_claims(
    cursor: Cursor[Any], program: Program, claims: Sequence[Claim]
) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    if not claims:
        return {}
    kinds, names = (wire.Texts.of_values(column) for column in zip(*claims, strict=True))
    cursor.execute(_CLAIMS, (kinds, names, program.program_id))
    return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def _read_recorded(cursor: Cursor[Any], entry_ids: list[bytes]) -> dict[bytes, Recorded]:
    ids = _uuids(entry_ids)
    cursor.execute(_RECORDED, (ids, ids))
    recorded: dict[bytes, Recorded] = {}
    for _, rows in groupby(cursor.fetchall(), key=lambda row: row[0]):
        found = list(rows)
        identifier, holder, kind, effective_at, reference, parent, peer, details, *_ = found[0]
        entry = Recorded(
            identifier, holder, kind, effective_at, reference, parent, peer, details or {}, postings=[]
        )
        entry.postings = [_posting(entry, row) for row in found if row[8] is not None]
        recorded[entry.entry_id] = entry
    for entry in recorded.values():
        if entry.parent_entry_id in recorded:
            recorded[entry.parent_entry_id].children.append(entry)
    return recorded


def _posting(entry: Recorded, row: tuple[Any, ...]) -> Posting:
    debit, credit, amount, lot, available_at, expires_at, rolling = row[8:]
    opens = available_at and Opening(entry.effective_at, available_at, expires_at, rolling)
    return Posting(Account(debit), Account(credit), amount, lot, opens)


def holders_needing_lots(program: Program, commands: Sequence[Command], loaded: Loaded) -> list[bytes]:
    """Those whose lots a command must see, whose standing the clock has overtaken, or who owe points."""
    needing = {
        holder.holder_id
        for holder in loaded.holders.values()
        if holder.debt or loaded.now >= holder.standing.fresh_until
    }
    for command in commands:
        if command.needs_lots(program):
            needing.update(holder_id(program.program_id, member) for member in command.members)
            target = command.target
            if target and (target.kind, target.name) in loaded.claims:
                entry = loaded.claims[target.kind, target.name][0]
                needing.update(h for e, h in loaded.claims.values() if e == entry)
            elif target:
                # Its target may be decided earlier in this very batch.
                needing.update(loaded.holders)
    return [identifier for identifier in needing if identifier in loaded.holders]


def _read_lots(cursor: Cursor[Any], loaded: Loaded, holder_ids: list[bytes]) -> None:
    if not holder_ids:
        return
    for identifier in holder_ids:
        loaded.holders[identifier].lots = {}
    cursor.execute(_OPEN_LOTS, (_uuids(holder_ids),))
    _place_lots(cursor, loaded)
    closed = _lots_of(loaded.recorded.values())
    if closed:
        holders, lots = zip(*closed, strict=True)
        cursor.execute(_CLOSED_LOTS, (_uuids(holders), _uuids(lots)))
        _place_lots(cursor, loaded)
    for identifier in holder_ids:
        loaded.holders[identifier].refresh(loaded.now)


def _place_lots(cursor: Cursor[Any], loaded: Loaded) -> None:
    holders = loaded.holders
    for row in cursor.fetchall():
        lots = holders[row[0]].lots
        assert lots is not None
        lots[row[1]] = Lot(*row[1:])


def _lots_of(recorded: Iterable[Recorded]) -> list[tuple[bytes, bytes]]:
    return sorted({(e.holder_id, p.lot_id) for e in recorded for p in e.postings if p.lot_id is not None})


def _uuids(identifiers: Iterable[bytes]) -> wire.Uuids:
    return wire.Uuids.of_values(list(identifiers))


def _holder(row: tuple[Any, ...]) -> Holder:
    (identifier, program_id, member_id, version, head, recorded_at, points, held, debt, growth) = row[:10]
    available, pending, growth_value, next_at, next_points, fresh_until = row[10:]
    standing = Standing(available, pending, growth_value, next_at, next_points, fresh_until or FAR_FUTURE)
    return Holder(
        identifier, program_id, member_id, version, head, recorded_at, points, held, debt, growth, standing
    )
