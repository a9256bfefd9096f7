"""The register of keys: made and changed by the owner of the database, never by the application.

Whatever changes a key gives its program a new stamp, so that nobody goes on with what he remembers of it, and is in the
audit log as the owner's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from ledger.access.audit_log import record_owner
from ledger.access.keys import NewKey, digest_of, new_key
from ledger.access.models import api_keys, key_uses
from ledger.access.roles import HEADQUARTERS_ROLES, ROLES
from ledger.accounts.models import programs
from ledger.accounts.program import Program
from ledger.accounts.programs import touch


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """What is known of a key; the key itself is not."""

    key_id: str
    program: str
    role: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    region: str | None
    last_used_at: datetime | None
    frozen_at: datetime | None
    frozen_reason: str | None


def create_key(
    connection: Connection,
    program: Program,
    role: str,
    *,
    now: datetime,
    name: str = "",
    expires_at: datetime | None = None,
    region: str | None = None,
) -> NewKey:
    """Register a fresh key. Its token is in the answer and nowhere else.

    With a ``region`` it may make and decide on that region's rules alone. An admin speaks for headquarters:
    much of what he may do, such as changing the terms, is no region's to do.
    """
    assert role in ROLES
    assert region is None or role not in HEADQUARTERS_ROLES
    facts = {"role": role, "name": name, "expires_at": expires_at, "region": region}
    return _register(connection, program.program_id, now, **facts)


def list_keys(connection: Connection, program: Program | None = None) -> list[RegisteredKey]:
    """Every key, or those of one program, oldest first."""
    query = select(
        api_keys.c.key_id,
        programs.c.name.label("program"),
        api_keys.c.role,
        api_keys.c.name,
        api_keys.c.created_at,
        api_keys.c.expires_at,
        api_keys.c.revoked_at,
        api_keys.c.region,
        key_uses.c.last_used_at,
        api_keys.c.frozen_at,
        api_keys.c.frozen_reason,
    ).select_from(api_keys.join(programs).outerjoin(key_uses))
    if program is not None:
        query = query.where(api_keys.c.program_id == program.program_id)
    rows = connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.key_id))
    return [RegisteredKey(*row) for row in rows]


def rotate_key(connection: Connection, key_id: str, now: datetime, grace: timedelta) -> NewKey | None:
    """Register a fresh key of the same role, name and region; the old one lapses when ``grace`` is over.

    None where there is no key of that id that may be used now. Locks the key's row and the program's.
    """
    old = connection.execute(
        select(api_keys)
        .where(
            api_keys.c.key_id == key_id,
            api_keys.c.revoked_at.is_(None),
            api_keys.c.frozen_at.is_(None),
            or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
        )
        .with_for_update()
    ).one_or_none()
    if old is None:
        return None
    ends_at = now + grace if old.expires_at is None else min(old.expires_at, now + grace)
    _change(connection, key_id, "rotate_key", now, expires_at=ends_at)
    facts = {"role": old.role, "name": old.name, "region": old.region}
    return _register(connection, old.program_id, now, **facts)


def revoke_key(connection: Connection, key_id: str, now: datetime) -> bool:
    """Revoke a key for good; False when there is none of that id. The first time of revocation stays.

    Locks the program's row: with its new stamp, nobody goes on with what he remembers of the key.
    """
    return _change(connection, key_id, "revoke_key", now, api_keys.c.revoked_at.is_(None), revoked_at=now)


def freeze_key(connection: Connection, key_id: str, reason: str, now: datetime) -> bool:
    """Refuse a key until it is set free; False when there is none of that id. The first time and reason stay.

    Locks the program's row.
    """
    is_free = api_keys.c.frozen_at.is_(None)
    return _change(connection, key_id, "freeze_key", now, is_free, frozen_at=now, frozen_reason=reason)


def unfreeze_key(connection: Connection, key_id: str, now: datetime) -> bool:
    """Set a frozen key free; False when there is none of that id. Locks the program's row."""
    is_frozen = api_keys.c.frozen_at.is_not(None)
    return _change(connection, key_id, "unfreeze_key", now, is_frozen, frozen_at=None, frozen_reason=None)


def _change(
    connection: Connection, key_id: str, action: str, now: datetime, *conditions: Any, **values: Any
) -> bool:
    """Change a key where the conditions hold; whether there is one of that id."""
    changed = connection.execute(
        update(api_keys)
        .where(api_keys.c.key_id == key_id, *conditions)
        .values(**values)
        .returning(api_keys.c.program_id)
    ).scalar_one_or_none()
    if changed is not None:
        touch(connection, changed)
        record_owner(connection, changed, action, key_id, now)
        return True
    known = connection.execute(select(api_keys.c.key_id).where(api_keys.c.key_id == key_id))
    return known.first() is not None


def _register(connection: Connection, program_id: int, now: datetime, **facts: Any) -> NewKey:
    key = new_key()
    record_owner(connection, program_id, "create_key", key.key_id, now)
    known = {
        "key_id": key.key_id,
        "program_id": program_id,
        "digest": digest_of(key.token),
        "created_at": now,
    }
    connection.execute(insert(api_keys).values(**known, **facts))
    return key
