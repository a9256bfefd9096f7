"""Reads of the journal: entries with their postings, as they stand in the books."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, select

from ledger.accounts.chart import Account, unit_name
from ledger.accounts.models import holders
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.accounts.queries import require_member
from ledger.clock import show
from ledger.errors import EntryUnknown
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal.models import entries, entry_texts, postings
from ledger.journal.texts import with_texts

_ENTRIES = b"E"
_VERSION_BYTES = 8
_SOURCE = ("channel", "store", "region", "operator", "terminal")

peers = holders.alias("peers")


def read_entries(
    connection: Connection,
    program: Program,
    member_id: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """A member's entries, newest first by version.

    Refuses an unknown member (``member_unknown``) and a cursor of another list.
    """
    key = require_member(connection, program, member_id)
    query = _select_entries().where(entries.c.holder_id == key)
    if cursor is not None:
        before = int.from_bytes(read_cursor(_ENTRIES, cursor, _VERSION_BYTES), "big", signed=True)
        query = query.where(entries.c.version < before)
    # One more than asked for tells whether there are more.
    rows = connection.execute(query.order_by(entries.c.version.desc()).limit(limit + 1)).all()
    moves = _postings_of(connection, rows[:limit])
    return Page([_shown(row, moves[row.entry_id]) for row in rows[:limit]], _next_cursor(rows, limit))


def read_entry(connection: Connection, program: Program, entry_id: str) -> dict[str, Any]:
    """An entry of the program by its id; ``entry_unknown`` for what names none, or another program's."""
    key = read_id("ent", entry_id)
    query = _select_entries().where(
        entries.c.entry_id == (key and UUID(bytes=key)), holders.c.program_id == program.program_id
    )
    row = connection.execute(query).one_or_none() if key else None
    if row is None:
        raise EntryUnknown(f"there is no entry {entry_id}", entry_id=entry_id)
    return _shown(row, _postings_of(connection, [row])[row.entry_id])


def _select_entries() -> Select[Any]:
    # Looked up where an entry has a peer, and not joined: no plan can come to read every holder for it.
    peer = select(peers.c.member_id).where(peers.c.holder_id == entries.c.peer_holder_id).scalar_subquery()
    own = (entry_texts.c.holder_id == entries.c.holder_id) & (entry_texts.c.entry_id == entries.c.entry_id)
    words = select(entry_texts.c.texts).where(own).scalar_subquery()
    return select(entries, words.label("texts"), holders.c.member_id, peer.label("peer_member_id")).join_from(
        entries, holders, holders.c.holder_id == entries.c.holder_id
    )


def _postings_of(connection: Connection, rows: Sequence[Row[Any]]) -> dict[UUID, list[dict[str, Any]]]:
    """The postings of these entries, which are of one holder, in their order."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    if not rows:
        return found
    query = select(
        postings.c.entry_id,
        postings.c.debit,
        postings.c.credit,
        postings.c.unit,
        postings.c.amount,
        postings.c.lot_id,
    ).where(
        and_(
            postings.c.entry_id.in_([row.entry_id for row in rows]),
            postings.c.holder_id == rows[0].holder_id,
        )
    )
    for row in connection.execute(query.order_by(postings.c.entry_id, postings.c.ordinal)):
        found[row.entry_id].append(
            {
                "debit": Account(row.debit).name.lower(),
                "credit": Account(row.credit).name.lower(),
                "unit": unit_name(row.unit),
                "amount": row.amount,
                "lot_id": row.lot_id and show_id("lot", row.lot_id.bytes),
            }
        )
    return found


def _next_cursor(rows: Sequence[Row[Any]], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    return write_cursor(_ENTRIES, rows[limit - 1].version.to_bytes(_VERSION_BYTES, "big", signed=True))


def _shown(row: Row[Any], moves: list[dict[str, Any]]) -> dict[str, Any]:
    """The entry as answers show it; ``awards`` are those of ``details``, for the rules to explain."""
    parent = row.parent_entry_id
    return {
        "entry_id": show_id("ent", row.entry_id.bytes),
        "member_id": row.member_id,
        "version": row.version,
        "kind": row.kind,
        "effective_at": show(row.effective_at),
        "recorded_at": show(row.recorded_at),
        **{name: getattr(row, name) for name in _SOURCE},
        "reference": row.reference,
        "parent_entry_id": parent and show_id("ent", parent.bytes),
        "peer_member_id": row.peer_member_id,
        "terms_version": row.terms_version,
        "extends_to": _instant(row.extends_to),
        "postings": moves,
        "details": with_texts(row.details, row.texts),
        "balances_after": {
            "points": row.points_after,
            "held": row.held_after,
            "debt": row.debt_after,
            "growth": row.growth_after,
        },
        "hash": row.hash.hex(),
    }


def _instant(moment: datetime | None) -> str | None:
    return show(moment) if moment else None
