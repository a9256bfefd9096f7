"""Many accounts on one device: members with the same attribute, of which the terms allow so many and no more.

The attribute is what a caller has hashed; the ledger compares it and knows nothing of it. Whoever comes beyond the
number is locked at once, and an alert is raised. By the terms he is frozen, so that nothing is awarded before somebody
has looked; or what he is awarded is held for review.
"""

import json
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, LiteralString, NamedTuple

from sqlalchemy import Connection, func, select, text

from ledger.access.principals import Principal
from ledger.accounts.member_locks import FROZEN, REVIEW, MemberLock
from ledger.accounts.members import Member
from ledger.accounts.models import holders, member_attributes
from ledger.accounts.program import Program
from ledger.accounts.queries import holder_uuid
from ledger.alerts.register import raise_alert
from ledger.ids import new_entry_id
from ledger.journal.commands import Alert
from ledger.limits.register import change_lock

_TURN: Final[LiteralString] = "SELECT pg_advisory_xact_lock(:key)"


class Sharing(NamedTuple):
    """What the terms say of shared attributes."""

    attribute: str
    members: int
    """So many members may have the same."""
    lock: MemberLock = FROZEN
    """What is put on whoever comes beyond."""


def sharing_of(program: Program) -> Sharing | None:
    """What holds in the program; None where nothing does."""
    return _parse(program.terms)


@lru_cache(maxsize=256)
def _parse(terms: str) -> Sharing | None:
    # Cached by the text itself: an immutable version can never be stale.
    abuse = json.loads(terms).get("abuse")
    if not abuse:
        return None
    return Sharing(abuse["attribute"], abuse["members"], REVIEW if abuse.get("then") == "hold" else FROZEN)


def value_of(connection: Connection, program: Program, member_id: str) -> object:
    """What a member has of the attribute that the terms name; None where he has none, or they name none."""
    sharing = sharing_of(program)
    if sharing is None:
        return None
    found = connection.execute(
        select(member_attributes.c.attributes).where(
            member_attributes.c.holder_id == holder_uuid(program, member_id)
        )
    ).scalar_one_or_none()
    return (found or {}).get(sharing.attribute)


def lock_beyond(
    connection: Connection, program: Program, member: Member, before: object, *, by: Principal, now: datetime
) -> Member:
    """The member, locked where too many others have the same; whoever has what he had ``before`` stays as he is.

    Whoever counts the same value waits until the transaction ends: of two who come at once, one is beyond.
    """
    sharing = sharing_of(program)
    value = member.attributes.get(sharing.attribute) if sharing is not None else None
    if sharing is None or value is None or (value == before and type(value) is type(before)):
        return member
    same = {sharing.attribute: value}
    digest = sha256(json.dumps([program.program_id, same], sort_keys=True).encode()).digest()
    connection.execute(text(_TURN), {"key": int.from_bytes(digest[:8], "big", signed=True)})
    others = connection.execute(
        select(func.count())
        .select_from(member_attributes)
        .join(holders, holders.c.holder_id == member_attributes.c.holder_id)
        .where(
            member_attributes.c.attributes.contains(same),
            holders.c.program_id == program.program_id,
            holders.c.holder_id != holder_uuid(program, member.member_id),
        )
    ).scalar_one()
    if others < sharing.members:
        return member
    told = {
        "member_id": member.member_id,
        "attribute": sharing.attribute,
        "members": others + 1,
        "limit": sharing.members,
    }
    subject = f"{member.member_id}/{new_entry_id().hex()}"
    code = "attribute_shared" if sharing.lock is FROZEN else "attribute_shared_reviewed"
    raise_alert(connection, program, Alert(code, subject, told), now)
    reason = f"{others + 1} members have the same {sharing.attribute}"
    return change_lock(
        connection, program, member.member_id, sharing.lock, is_on=True, reason=reason, by=by, now=now
    )
