"""The register of keys, and what the owner of the database does to them: without asking anybody, for every role.

It is in the audit log as the owner's. What callers may do to keys stands in ``ledger.access.key_keeping``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select

from ledger.access.audit_log import OWNER, record_owner
from ledger.access.key_events import Change, change_key
from ledger.access.keys import NewKey, digest_of, new_key
from ledger.access.models import api_keys, key_uses
from ledger.access.roles import HEADQUARTERS_ROLES, ROLES
from ledger.accounts.models import programs
from ledger.accounts.program import Program
from ledger.clock import show


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

    def has_ended(self, now: datetime) -> bool:
        """Whether it was revoked or has lapsed: nothing makes it good again."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)

    def is_usable(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.frozen_at is None and not self.has_ended(now)

    def shown(self) -> dict[str, Any]:
        """The key as answers show it."""
        moments = ("created_at", "expires_at", "revoked_at", "last_used_at", "frozen_at")
        return {
            "key_id": self.key_id,
            "role": self.role,
            "name": self.name,
            "region": self.region,
            "frozen_reason": self.frozen_reason,
            **{name: (at := getattr(self, name)) and show(at) for name in moments},
        }


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
    query = select_keys()
    if program is not None:
        query = query.where(api_keys.c.program_id == program.program_id)
    rows = connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.key_id))
    return [RegisteredKey(*row) for row in rows]


def select_keys() -> Select[Any]:
    """The query of all that is known of keys."""
    return select(
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


def usable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a key that may be used now."""
    return (
        api_keys.c.revoked_at.is_(None),
        api_keys.c.frozen_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
    )


def lapsing(at: datetime) -> ColumnElement[datetime]:
    """When a key lapses that is to be good until then at most."""
    return func.least(api_keys.c.expires_at, at)


def rotate_key(
    connection: Connection, key_id: str, now: datetime, grace: timedelta, reason: str = ""
) -> NewKey | None:
    """Register a fresh key of the same role, name and region; the old one lapses when ``grace`` is over.

    None where there is no key of that id that may be used now. Locks the key's row and the program's.
    """
    ends_at = lapsing(now + grace)
    if not _change(connection, key_id, "rotate", now, *usable(now), reason=reason, expires_at=ends_at):
        return None
    old = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one()
    facts = {"role": old.role, "name": old.name, "region": old.region}
    return _register(connection, old.program_id, now, **facts)


def revoke_key(connection: Connection, key_id: str, now: datetime, reason: str = "") -> bool:
    """Revoke a key for good; False when there is none of that id. The first time of revocation stays.

    Locks the program's row: with its new stamp, nobody goes on with what he remembers of the key.
    """
    is_valid = api_keys.c.revoked_at.is_(None)
    changed = _change(connection, key_id, "revoke", now, is_valid, reason=reason, revoked_at=now)
    return changed or _is_known(connection, key_id)


def freeze_key(connection: Connection, key_id: str, reason: str, now: datetime) -> bool:
    """Refuse a key until it is set free; False when there is none of that id. The first time and reason stay.

    Locks the program's row.
    """
    is_free, frozen = api_keys.c.frozen_at.is_(None), {"frozen_at": now, "frozen_reason": reason}
    changed = _change(connection, key_id, "freeze", now, is_free, reason=reason, **frozen)
    return changed or _is_known(connection, key_id)


def unfreeze_key(connection: Connection, key_id: str, now: datetime, reason: str = "") -> bool:
    """Set a frozen key free; False when there is none of that id. Locks the program's row."""
    is_frozen, free = api_keys.c.frozen_at.is_not(None), {"frozen_at": None, "frozen_reason": None}
    changed = _change(connection, key_id, "unfreeze", now, is_frozen, reason=reason, **free)
    return changed or _is_known(connection, key_id)


def _change(
    connection: Connection,
    key_id: str,
    change: Change,
    now: datetime,
    *conditions: Any,
    reason: str,
    **values: Any,
) -> bool:
    """Change a key as the owner, where the conditions hold."""
    changed = change_key(connection, key_id, change, now, *conditions, by=OWNER, reason=reason, **values)
    if changed is not None:
        record_owner(connection, changed, f"{change}_key", key_id, now)
    return changed is not None


def _is_known(connection: Connection, key_id: str) -> bool:
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
