"""Keys as callers keep them over HTTP: who may do what to which key.

What ends a key, or halts it, takes one hand, because it has to be quick. Nobody reaches a key that may more than his
role could have granted (``KEEPS``); and what gives a key more life than it has, whoever it is, reaches none that
approves: such a key is set free and rotated by the owner of the database alone. The database checks that again.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, literal, select, tuple_

from ledger.access.key_events import Change, change_key
from ledger.access.models import api_keys
from ledger.access.principals import Principal, require_holding
from ledger.access.register import RegisteredKey, select_keys
from ledger.access.roles import GRANTABLE, KEEPS
from ledger.accounts.paging import DEFAULT_LIMIT, Page, read_cursor, write_cursor
from ledger.accounts.program import Program
from ledger.accounts.programs import lock_program
from ledger.errors import KeyNotUsable, KeyOutOfReach, KeyUnknown

_LIST: Final = b"y"
_ID_BYTES: Final = 32
"""As many as an id has at most."""


def find_page(
    connection: Connection, program: Program, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """The program's keys, newest first."""
    place = tuple_(api_keys.c.created_at, api_keys.c.key_id)
    query = select_keys().where(api_keys.c.program_id == program.program_id)
    if cursor is not None:
        last = read_cursor(_LIST, cursor, _ID_BYTES).rstrip(b"\0").decode("ascii", "replace")
        made = select(api_keys.c.created_at).where(
            api_keys.c.key_id == last, api_keys.c.program_id == program.program_id
        )
        query = query.where(place < tuple_(made.scalar_subquery(), literal(last)))
    query = query.order_by(api_keys.c.created_at.desc(), api_keys.c.key_id.desc()).limit(limit + 1)
    keys = [RegisteredKey(*row) for row in connection.execute(query)]
    is_more = len(keys) > limit
    more = write_cursor(_LIST, keys[limit - 1].key_id.encode().ljust(_ID_BYTES, b"\0")) if is_more else None
    return Page([key.shown() for key in keys[:limit]], more)


def find_key(connection: Connection, program: Program, key_id: str) -> RegisteredKey:
    """What is known of a key of the program, or ``key_unknown``."""
    query = select_keys().where(api_keys.c.key_id == key_id, api_keys.c.program_id == program.program_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise KeyUnknown(f"there is no key {key_id}", key_id=key_id)
    return RegisteredKey(*row)


def require_key(
    connection: Connection, program: Program, key_id: str, *, by: Principal, is_reviving: bool = False
) -> RegisteredKey:
    """A key of the program that ``by`` may change. Locks the program's row, so that no key changes meanwhile.

    Refuses a caller who is revoked or frozen by now (``unauthenticated``, ``key_frozen``): nobody sets himself free.
    Refuses a key that is not there (``key_unknown``), another region's (``other_region``), one that may more than
    the caller's role may grant, and to revive one that approves (``key_out_of_reach``).
    """
    lock_program(connection, program)
    require_holding(connection, by)
    found = find_key(connection, program, key_id)
    by.require_region(found.region)
    if found.role not in KEEPS.get(by.role, ()) or (is_reviving and found.role not in GRANTABLE):
        detail = (
            f"a key of the role {found.role} is out of the caller's reach; let the owner use `ledger keys`"
        )
        raise KeyOutOfReach(detail, key_id=key_id, role=found.role)
    return found


def freeze(
    connection: Connection, program: Program, key_id: str, reason: str, *, by: Principal, now: datetime
) -> RegisteredKey:
    """Refuse a key until it is set free; the key as it is then. The first time and reason stay."""
    found = _require_valid(require_key(connection, program, key_id, by=by))
    if found.frozen_at is not None:
        return found
    return _change(connection, program, found, "freeze", reason, by, now, frozen_at=now, frozen_reason=reason)


def unfreeze(
    connection: Connection, program: Program, key_id: str, reason: str, *, by: Principal, now: datetime
) -> RegisteredKey:
    """Set a frozen key free; the key as it is then. What is free already changes nothing."""
    found = _require_valid(require_key(connection, program, key_id, by=by, is_reviving=True))
    if found.frozen_at is None:
        return found
    return _change(
        connection, program, found, "unfreeze", reason, by, now, frozen_at=None, frozen_reason=None
    )


def revoke(
    connection: Connection, program: Program, key_id: str, reason: str, *, by: Principal, now: datetime
) -> RegisteredKey:
    """Revoke a key for good; the key as it is then. The first time of revocation stays."""
    found = require_key(connection, program, key_id, by=by)
    if found.revoked_at is not None:
        return found
    return _change(connection, program, found, "revoke", reason, by, now, revoked_at=now)


def not_usable(key: RegisteredKey) -> KeyNotUsable:
    """The refusal of what takes a key that is good."""
    ends = {"frozen_at": key.frozen_at, "revoked_at": key.revoked_at, "expires_at": key.expires_at}
    return KeyNotUsable("the key is revoked, has lapsed or is frozen", key_id=key.key_id, **ends)


def _require_valid(key: RegisteredKey) -> RegisteredKey:
    if key.revoked_at is not None:
        raise not_usable(key)
    return key


def _change(
    connection: Connection,
    program: Program,
    key: RegisteredKey,
    change: Change,
    reason: str,
    by: Principal,
    now: datetime,
    **values: Any,
) -> RegisteredKey:
    change_key(connection, key.key_id, change, now, by=by.key_id, reason=reason, **values)
    return find_key(connection, program, key.key_id)
