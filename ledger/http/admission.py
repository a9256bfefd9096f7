"""Who is behind the present request: looked up, or remembered from a moment ago, and let in as far as he may go."""

from datetime import datetime

from flask import g, request

from ledger.access import Principal, admit_member, authenticate, presented_key, presented_token
from ledger.access.claims import Claims
from ledger.errors import (
    Forbidden,
    LedgerError,
    MemberUnknown,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from ledger.http import headers
from ledger.http.services import services


def admit(scope: str, own: str | None = None) -> Principal:
    """The caller of the present request, if he may do what ``scope`` says or read what is ``own``; or a refusal."""
    headers.refuse_ambiguous(request)
    shared = services()
    header, now = request.headers.get("Authorization"), shared.clock()
    principal = _look_up(header, now)
    shared.keyring.keep(header, principal, now)
    # What is asked from here on is asked by somebody who was looked up in this request.
    g.is_recalled = False
    return _within_limits(principal, scope, own, now)


def recall(scope: str, own: str | None = None) -> Principal:
    """Like ``admit``, but by what was looked up a moment ago. Whoever acts on it lets the database confirm it."""
    headers.refuse_ambiguous(request)
    shared = services()
    header, now = request.headers.get("Authorization"), shared.clock()
    principal = shared.keyring.find(header, now)
    if principal is None:
        return admit(scope, own)
    if principal.member_id is not None:
        # No row of the database tells that a key of an issuer is trusted no more.
        _verify(header, now)
    try:
        principal = _within_limits(principal, scope, own, now)
    except (Forbidden, MemberUnknown):
        # A key that was frozen may be free again, or be no more.
        return admit(scope, own)
    g.is_recalled = True
    return principal


def confirm(error: LedgerError, scope: str, own: str | None = None) -> None:
    """Look up again who was admitted from memory, before he is refused: his key may be no more.

    A database that answers nobody is spared the query, and so is who sends too much.
    """
    if g.get("is_recalled") and not isinstance(error, Unavailable | TooManyRequests):
        admit(scope, own)


def _within_limits(principal: Principal, scope: str, own: str | None, now: datetime) -> Principal:
    g.principal = principal
    if "standing" not in g:
        # Who is looked up again within one request has been counted.
        g.standing = services().rates.admit(principal, now)
    principal.require(scope, own)
    return principal


def _look_up(header: str | None, now: datetime) -> Principal:
    try:
        return _find_principal(header, now)
    except Unauthenticated:
        services().rates.note_failure(request.remote_addr or "", now)
        raise


def _find_principal(header: str | None, now: datetime) -> Principal:
    # A unit of work, because that is asked again when the connection turns out to be a dead one.
    run = services().database.run
    if (claims := _verify(header, now)) is not None:
        return run(lambda connection: admit_member(connection, claims))
    presented_key(header)
    principal = run(lambda connection: authenticate(connection, header, now))
    services().key_uses.note(principal.key_id, now)
    return principal


def _verify(header: str | None, now: datetime) -> Claims | None:
    token = presented_token(header)
    return services().member_keys.verify(token, now) if token is not None else None
