"""Who asks: from an Authorization header to a principal, in one query; and whether he may."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from ledger.access.claims import Claims, is_token, unbelieved
from ledger.access.keys import digest_of, key_id_of
from ledger.access.models import api_keys
from ledger.access.roles import MEMBER, ROLES
from ledger.accounts.models import programs
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program, program_of, select_program
from ledger.accounts.queries import unknown_member
from ledger.errors import Forbidden, KeyFrozen, OtherRegion, Unauthenticated


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of an API key: the program that it belongs to and what it may do there. Or a member, by a token.

    ``region`` is the one whose rules it may make and decide on; None stands for headquarters, which may
    decide for every region. A member (``member_id``) has no scopes: he reads what is his own, where a route
    is open to that.
    """

    key_id: str
    program: Program
    role: str
    scopes: frozenset[str]
    region: str | None = None
    expires_at: datetime | None = None
    member_id: str | None = None
    is_frozen: bool = False

    def require(self, scope: str, own: str | None = None) -> None:
        """Refuse what the role does not carry (``forbidden``), and whatever a frozen key asks for (``key_frozen``).

        ``own`` names the member who is read of, where members may read that of themselves. Whatever is another's
        is answered like what is nobody's (``member_unknown``).
        """
        if self.is_frozen:
            raise KeyFrozen("the key is frozen")
        if self.member_id is not None and own is not None:
            if own != self.member_id:
                raise unknown_member(own)
        elif scope not in self.scopes:
            raise Forbidden(f"this needs the scope {scope}", required_scope=scope)

    def require_region(self, region: str | None) -> None:
        """Refuse to act for another region than the key's, or for headquarters (``other_region``)."""
        if self.region is not None and self.region != region:
            raise OtherRegion(f"the key speaks for the region {self.region} alone", region=self.region)


_SELECT_KEY = (
    select_program()
    .add_columns(
        api_keys.c.digest, api_keys.c.role, api_keys.c.region, api_keys.c.expires_at, api_keys.c.frozen_at
    )
    .join(api_keys, api_keys.c.program_id == programs.c.program_id)
)


def authenticate(connection: Connection, header: str | None, now: datetime) -> Principal:
    """The principal of ``Authorization: Bearer KEY``.

    Refuses with one and the same answer whatever is wrong (``unauthenticated``): a caller learns
    nothing about which keys exist. ``now`` is the system's time; a program's test clock ages no key.
    """
    key_id, token = presented_key(header)
    row = connection.execute(
        _SELECT_KEY.where(
            api_keys.c.key_id == key_id,
            api_keys.c.revoked_at.is_(None),
            or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
        )
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, digest_of(token)):
        raise unauthenticated()
    # A role that this release does not know carries nothing.
    scopes = ROLES.get(row.role, frozenset())
    return Principal(
        key_id,
        program_of(connection, row),
        row.role,
        scopes,
        row.region,
        row.expires_at,
        is_frozen=row.frozen_at is not None,
    )


def require_holding(connection: Connection, by: Principal) -> None:
    """Refuse a key that was revoked or frozen since it was let in (``unauthenticated``, ``key_frozen``).

    Whoever holds the program's row keeps it so until the end of the transaction.
    """
    query = select(api_keys.c.revoked_at, api_keys.c.frozen_at).where(api_keys.c.key_id == by.key_id)
    row = connection.execute(query).one_or_none()
    if row is not None and row.revoked_at is not None:
        raise unauthenticated()
    if row is not None and row.frozen_at is not None:
        raise KeyFrozen("the key is frozen")


def admit_member(connection: Connection, claims: Claims) -> Principal:
    """The principal of a sound token; ``unauthenticated`` where its program is nowhere."""
    program = find_program(connection, claims.program)
    if program is None:
        raise unbelieved()
    return Principal(
        f"member:{claims.kid}",
        program,
        MEMBER,
        frozenset(),
        expires_at=claims.expires_at,
        member_id=claims.member_id,
    )


def presented_token(header: str | None) -> str | None:
    """The member token in a header; None for anything that has not its form."""
    scheme, _, token = (header or "").partition(" ")
    return token if scheme.lower() == "bearer" and is_token(token) else None


def presented_key(header: str | None) -> tuple[str, str]:
    """The id and the whole of the key in a header, when it is one at all (``unauthenticated``).

    Costs no query: a stranger cannot keep the database busy with nonsense.
    """
    scheme, _, token = (header or "").partition(" ")
    key_id = key_id_of(token) if scheme.lower() == "bearer" else None
    if key_id is None:
        raise unauthenticated()
    return key_id, token


def unauthenticated() -> Unauthenticated:
    """The refusal of a key, whatever is wrong with it."""
    return Unauthenticated("send a valid API key as Authorization: Bearer KEY")
