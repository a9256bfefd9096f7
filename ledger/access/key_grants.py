"""Keys that are made over HTTP: one key proposes them, and another approves.

The secret is made with the proposal and told to whoever proposes, once. What is proposed, approved and kept is its
digest: the approver decides on this very key and never sees it, and until then it opens nothing. What may approve is
made by the owner of the database alone: a maker who got such a key would be his own checker. The database checks all
of it again, of whatever the application makes.

A rotation is the same proposal with the key that it takes over from: the new secret is a new key, and whoever holds
one, and is found out, must not have another one by himself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert

from ledger import clock
from ledger.access.approvals import Approval, Handler, propose, require_approval
from ledger.access.key_events import change_key
from ledger.access.key_keeping import find_key, not_usable, require_key
from ledger.access.keys import digest_of, new_key
from ledger.access.models import api_keys
from ledger.access.principals import Principal
from ledger.access.register import lapsing, usable
from ledger.access.roles import GRANTABLE
from ledger.accounts.program import Program
from ledger.accounts.programs import touch
from ledger.clock import show
from ledger.ids import show as show_id

KIND: Final = "key"
MOST_DAYS: Final = 3_650


def propose_key(
    connection: Connection,
    program: Program,
    wanted: Mapping[str, Any],
    *,
    by: Principal,
    now: datetime,
) -> tuple[Approval, str]:
    """Propose a key of ``role``, ``name``, ``region`` and ``valid_days``; the proposal, and the token of the key.

    Refuses another region's (``other_region``).
    """
    key = new_key()
    content = {**wanted, "digest": digest_of(key.token).hex()}
    made = propose(connection, program, KIND, key.key_id, content, by=by, now=now)
    return require_approval(connection, program, show_id("apr", made)), key.token


def propose_rotation(
    connection: Connection,
    program: Program,
    key_id: str,
    wanted: Mapping[str, Any],
    *,
    by: Principal,
    now: datetime,
) -> tuple[Approval, str]:
    """Propose a key of ``valid_days`` like one that is there, which then is good for ``grace_days`` at most.

    The proposal, and the token of the new key. Refuses what ``require_key`` refuses, and a key that could not be used
    now (``key_not_usable``).
    """
    old = require_key(connection, program, key_id, by=by, is_reviving=True)
    if not old.is_usable(clock.system_now()):
        raise not_usable(old)
    like = {"role": old.role, "name": old.name, "region": old.region, "rotates": old.key_id}
    return propose_key(connection, program, {**like, **wanted}, by=by, now=now)


def _carry_out(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, _now: datetime
) -> dict[str, Any]:
    """Make the key. Gives the program a new stamp, as whatever changes keys does."""
    assert content["role"] in GRANTABLE
    # A program's test clock ages no key.
    now = clock.system_now()
    told = _take_over(connection, program, content, approval, now) if "rotates" in content else {}
    expires_at = now + timedelta(days=content["valid_days"])
    connection.execute(
        insert(api_keys).values(
            key_id=approval.subject,
            program_id=program.program_id,
            digest=bytes.fromhex(content["digest"]),
            role=content["role"],
            name=content["name"],
            created_at=now,
            expires_at=expires_at,
            region=content["region"],
        )
    )
    touch(connection, program.program_id)
    return {"key_id": approval.subject, "expires_at": show(expires_at), **told}


def _take_over(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Let the key that is rotated lapse when the days of grace are over. Refuses one that is no good any more."""
    key_id, ends_at = content["rotates"], lapsing(now + timedelta(days=content["grace_days"]))
    told = {"by": approval.proposed_by, "reason": content["reason"]}
    changed = change_key(connection, key_id, "rotate", now, *usable(now), **told, expires_at=ends_at)
    old = find_key(connection, program, key_id)
    if changed is None:
        raise not_usable(old)
    assert old.expires_at is not None
    return {"rotated": key_id, "rotated_expires_at": show(old.expires_at)}


APPROVALS: Final[Mapping[str, Handler]] = {KIND: _carry_out}
