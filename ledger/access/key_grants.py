"""Keys that are made over HTTP: one key proposes them, and another approves.

The secret is made with the proposal and told to whoever proposes, once. What is proposed, approved and kept is its
digest: the approver decides on this very key and never sees it, and until then it opens nothing. What may approve is
made by the owner of the database alone: a maker who got such a key would be his own checker. The database checks all
of it again, of whatever the application makes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert

from ledger.access.approvals import Approval, Handler, propose, require_approval
from ledger.access.keys import digest_of, new_key
from ledger.access.models import api_keys
from ledger.access.principals import Principal
from ledger.access.roles import ROLES
from ledger.accounts.program import Program
from ledger.accounts.programs import touch
from ledger.clock import show
from ledger.ids import show as show_id

KIND: Final = "key"
GRANTABLE: Final = tuple(sorted(role for role, scopes in ROLES.items() if "approve" not in scopes))
"""The roles of keys that are made over HTTP."""
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


def _carry_out(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Make the key. Gives the program a new stamp, as whatever changes keys does."""
    assert content["role"] in GRANTABLE
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
    return {"key_id": approval.subject, "expires_at": show(expires_at)}


APPROVALS: Final[Mapping[str, Handler]] = {KIND: _carry_out}
