"""Erasing a member: what is known of him and what was said about him goes, and the books stay byte for byte.

Gone are his attributes, region and store; the words beside his entries, with their salts; why his points were to be
adjusted, in proposals, and why they were locked; and notes on alerts about him. What stays is an opaque id with
amounts, times, articles and references. Entries of before words lay beside the books keep theirs: they lie inside
the hash.
"""

import json
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from sqlalchemy import Connection, Text, cast, delete, literal, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSON, insert

from ledger.access.approvals import hashed
from ledger.access.models import approvals
from ledger.accounts.members import erased_at_of
from ledger.accounts.models import erasures, holders, member_attributes, member_lock_events
from ledger.accounts.program import Program
from ledger.accounts.queries import lock_member
from ledger.clock import show
from ledger.journal.models import alerts, entries, entry_texts
from ledger.redemption.adjusting import KIND

ERASED: Final = "erased"
"""What stands where somebody's words must not be missing."""

REASONS: Final = ("request", "retention", "other")
"""Why a member is erased: closed words, because what is written here is never erased."""

# Entries of before words lay beside the books. Who brought whom is an id, and stays in any case.
_KEPT: LiteralString = """
SELECT count(*) FROM entries
 WHERE holder_id = :holder AND kind IN ('award', 'adjust', 'reversal', 'activity')
   AND (details -> 'reason' IS NOT NULL
        OR coalesce((details -> 'attributes')::jsonb - 'referrer', '{}') <> '{}')
"""


def erase_member(
    connection: Connection, program: Program, member_id: str, *, reason: str, by: str, at: datetime
) -> dict[str, Any]:
    """Erase what is known of a member; what was removed, and what could not be.

    May be done again at any time: the first erasure is the one that is kept. Refuses an unknown member
    (``member_unknown``). Locks his proposals, then his row, as an approval does.
    """
    proposals = _erase_proposals(connection, program, member_id)
    key, _ = lock_member(connection, program, member_id)
    removed = {
        "attributes": _erase_attributes(connection, key),
        "texts": _erase_texts(connection, key),
        # Once more: nobody proposes anything from here on, who may have while the row was waited for.
        "proposals": proposals + _erase_proposals(connection, program, member_id),
        "notes": _erase_notes(connection, program, member_id) + _erase_locks(connection, key),
    }
    connection.execute(
        insert(erasures)
        .values(holder_id=key, erased_at=at, erased_by=by, reason=reason)
        .on_conflict_do_nothing()
    )
    erased_at = erased_at_of(connection, key)
    assert erased_at is not None
    kept = connection.execute(text(_KEPT), {"holder": key}).scalar_one()
    return {
        "member_id": member_id,
        "erased_at": show(erased_at),
        "removed": removed,
        "kept_in_entries": kept,
    }


def _erase_attributes(connection: Connection, key: UUID) -> int:
    """How many attributes there were."""
    gone = connection.execute(
        delete(member_attributes)
        .where(member_attributes.c.holder_id == key)
        .returning(member_attributes.c.attributes)
    ).scalars()
    connection.execute(update(holders).where(holders.c.holder_id == key).values(region=None, store=None))
    return sum(len(attributes) for attributes in gone)


def _erase_texts(connection: Connection, key: UUID) -> int:
    """Of how many entries the words are gone: the member's, and those that say the same in another's books."""
    own = select(entry_texts.c.entry_id).where(entry_texts.c.holder_id == key)
    count = _forget(connection, key, own)
    twins = select(entries.c.peer_holder_id, entries.c.parent_entry_id).where(
        entries.c.holder_id == key, entries.c.kind == "reversal", entries.c.peer_holder_id.is_not(None)
    )
    for peer, parent in connection.execute(twins).all():
        theirs = select(entries.c.entry_id).where(
            entries.c.holder_id == peer, entries.c.parent_entry_id == parent, entries.c.kind == "reversal"
        )
        count += _forget(connection, peer, theirs)
    return count


def _forget(connection: Connection, key: UUID, of_entries: Any) -> int:
    return connection.execute(
        update(entry_texts)
        .where(
            entry_texts.c.holder_id == key,
            entry_texts.c.entry_id.in_(of_entries),
            entry_texts.c.salt.is_not(None),
        )
        .values(salt=null(), texts=null())
    ).rowcount


def _erase_proposals(connection: Connection, program: Program, member_id: str) -> int:
    """In how many proposals of adjustments, decided or not, words have given way."""
    of_member = (
        approvals.c.program_id == program.program_id,
        approvals.c.kind == KIND,
        approvals.c.subject == member_id,
    )
    query = select(
        approvals.c.approval_id, cast(approvals.c.content, Text).label("text"), approvals.c.reason
    ).where(*of_member)
    rows = connection.execute(query.order_by(approvals.c.approval_id).with_for_update()).all()
    count = 0
    for row in rows:
        content = json.loads(row.text)
        if content["reason"] == ERASED and row.reason in (None, ERASED):
            continue
        kept, digest = hashed({**content, "reason": ERASED})
        connection.execute(
            update(approvals)
            .where(*of_member, approvals.c.approval_id == row.approval_id)
            .values(
                content=cast(literal(kept, Text), JSON),
                content_hash=digest,
                reason=ERASED if row.reason is not None else None,
            )
        )
        count += 1
    return count


def _erase_locks(connection: Connection, key: UUID) -> int:
    """Of how many locks that were put on or taken off nobody knows any more why."""
    events = member_lock_events
    return connection.execute(
        update(events).where(events.c.holder_id == key, events.c.reason != ERASED).values(reason=ERASED)
    ).rowcount


def _erase_notes(connection: Connection, program: Program, member_id: str) -> int:
    """On how many alerts about the member a note has given way."""
    about = or_(alerts.c.subject == member_id, alerts.c.details["member_id"].as_string() == member_id)
    return connection.execute(
        update(alerts)
        .where(alerts.c.program_id == program.program_id, about, alerts.c.note != ERASED)
        .values(note=ERASED)
    ).rowcount
