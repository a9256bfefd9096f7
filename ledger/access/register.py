"""The register of keys: made, listed and revoked by the owner of the database, never by the application."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from ledger.access.keys import NewKey, digest_of, new_key
from ledger.access.models import api_keys
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
    key = new_key()
    connection.execute(
        insert(api_keys).values(
            key_id=key.key_id,
            program_id=program.program_id,
            digest=digest_of(key.token),
            role=role,
            name=name,
            created_at=now,
            expires_at=expires_at,
            region=region,
        )
    )
    return key


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
    ).join_from(api_keys, programs)
    if program is not None:
        query = query.where(api_keys.c.program_id == program.program_id)
    rows = connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.key_id))
    return [RegisteredKey(*row) for row in rows]


def revoke_key(connection: Connection, key_id: str, now: datetime) -> bool:
    """Revoke a key for good; False when there is none of that id. The first time of revocation stays.

    Locks the program's row: with its new stamp, nobody goes on with what he remembers of the key.
    """
    changed = connection.execute(
        update(api_keys)
        .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(api_keys.c.program_id)
    ).scalar_one_or_none()
    if changed is not None:
        touch(connection, changed)
    known = connection.execute(select(api_keys.c.key_id).where(api_keys.c.key_id == key_id))
    return changed is not None or known.first() is not None
