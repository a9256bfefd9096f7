"""Maker and checker: what one key proposes, another decides, once, on exactly the content that was proposed.

This is the one such mechanism of the ledger. It knows nothing of what is proposed: a kind names the function
that carries an approved proposal out, in the same unit of work as the decision. So a proposal is decided and
carried out, or neither. Who proposes and who decides are told apart by their keys, and the database checks
that again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, Select, Text, cast, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSON

from ledger.access.models import api_keys, approvals
from ledger.access.principals import Principal, require_holding
from ledger.accounts.listing import newest_rows
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.program import Program
from ledger.accounts.programs import lock_program
from ledger.clock import show
from ledger.errors import (
    ApprovalContentChanged,
    ApprovalDecided,
    ApprovalUnknown,
    ProposerFrozen,
    ProposerRevoked,
    SelfApproval,
)
from ledger.ids import new_entry_id
from ledger.ids import read as read_id
from ledger.ids import show as show_id

PENDING: Final = "pending"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
STATUSES: Final = (PENDING, APPROVED, REJECTED)

_PREFIX: Final = "apr"
_LIST: Final = b"A"


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal, and what has been decided on it.

    ``content`` is whatever its kind is carried out from. Its member ``region``, where it has one, names the
    region that the proposal belongs to; without it the proposal is headquarters'.
    """

    approval_id: bytes
    kind: str
    subject: str
    content: Mapping[str, Any]
    content_hash: bytes
    status: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None

    @property
    def region(self) -> str | None:
        """The region that the proposal belongs to; None for headquarters'."""
        region: str | None = self.content.get("region")
        return region

    def shown(self) -> dict[str, Any]:
        """The proposal as answers show it."""
        return {
            "approval_id": show_id(_PREFIX, self.approval_id),
            "kind": self.kind,
            "subject": self.subject,
            "content": self.content,
            "content_hash": self.content_hash.hex(),
            "status": self.status,
            "proposed_by": self.proposed_by,
            "proposed_at": show(self.proposed_at),
            "decided_by": self.decided_by,
            "decided_at": show(self.decided_at) if self.decided_at else None,
            "reason": self.reason,
        }


Handler = Callable[[Connection, Program, Mapping[str, Any], Approval, datetime], dict[str, Any]]
"""``handler(connection, program, content, approval, now)``: carries out what is approved and says what came of it.

Runs in the unit of work of the decision, which holds the proposal's row. It may refuse: then nothing is
decided either, and the proposal waits on.
"""


def hashed(content: Mapping[str, Any]) -> tuple[str, bytes]:
    """The one text of a content, its members in order, and the hash that is approved."""
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return text.decode(), sha256(text).digest()


def propose(
    connection: Connection,
    program: Program,
    kind: str,
    subject: str,
    content: Mapping[str, Any],
    *,
    by: Principal,
    now: datetime,
    approval_id: bytes | None = None,
) -> bytes:
    """Record a proposal that waits for another key; its id. Refuses another region's (``other_region``).

    ``approval_id`` is one that the caller has made and told before, where it has.
    """
    by.require_region(content.get("region"))
    approval_id = approval_id or new_entry_id()
    text, digest = hashed(content)
    connection.execute(
        insert(approvals).values(
            program_id=program.program_id,
            approval_id=UUID(bytes=approval_id),
            kind=kind,
            subject=subject,
            # As text, so that the bytes that were hashed are the bytes that are kept.
            content=cast(literal(text, Text), JSON),
            content_hash=digest,
            proposed_by=by.key_id,
            proposed_at=now,
            status=PENDING,
        )
    )
    return approval_id


def propose_once(
    connection: Connection,
    program: Program,
    kind: str,
    subject: str,
    content: Mapping[str, Any],
    *,
    by: Principal,
    now: datetime,
) -> Approval:
    """Propose; where a proposal of the very same still waits, that is the answer, rather than a second one."""
    digest = hashed(content)[1]
    for waiting in approvals_of(connection, program, kind, subject):
        if waiting.status == PENDING and waiting.content_hash == digest:
            return waiting
    made = propose(connection, program, kind, subject, content, by=by, now=now)
    return require_approval(connection, program, show_id(_PREFIX, made))


def approve(
    connection: Connection,
    program: Program,
    handlers: Mapping[str, Handler],
    approval_id: str,
    *,
    by: Principal,
    content_hash: str | None = None,
    now: datetime,
) -> tuple[Approval, dict[str, Any]]:
    """Approve a proposal and carry it out; the proposal as decided, and what came of it.

    Refuses as ``decide`` does, and as the proposal's own kind does. Locks the proposal's row first.
    """
    decided = decide(
        connection, program, approval_id, APPROVED, by=by, content_hash=content_hash, reason=None, now=now
    )
    result = handlers[decided.kind](connection, program, decided.content, decided, now)
    return decided, result


def decide(
    connection: Connection,
    program: Program,
    approval_id: str,
    status: str,
    *,
    by: Principal,
    content_hash: str | None = None,
    reason: str | None,
    now: datetime,
) -> Approval:
    """Decide on a proposal; the proposal as decided.

    Refuses and locks as ``require_decidable`` and ``record_decision`` do.
    """
    found = require_decidable(connection, program, approval_id, by=by, content_hash=content_hash)
    return record_decision(connection, program, found, status, by=by, reason=reason, now=now)


def require_decidable(
    connection: Connection,
    program: Program,
    approval_id: str,
    *,
    by: Principal,
    content_hash: str | None = None,
) -> Approval:
    """A proposal that ``by`` may decide on now. Locks its row, so that of many decisions one is made.

    Refuses one that is not there (``approval_unknown``), another region's (``other_region``), one that is
    decided (``approval_decided``), the decider's own (``self_approval``), and a content that is not the one
    that the decider has seen or that was proposed (``approval_content_changed``).
    """
    found, text = _require(connection, program, approval_id, is_locking=True)
    by.require_region(found.region)
    _require_open(found, by)
    _require_unchanged(found, text, content_hash)
    return found


def record_decision(
    connection: Connection,
    program: Program,
    found: Approval,
    status: str,
    *,
    by: Principal,
    reason: str | None,
    now: datetime,
) -> Approval:
    """Write down what is decided on a proposal that ``require_decidable`` has found and locked.

    Refuses a key that was revoked or frozen meanwhile (``unauthenticated``, ``key_frozen``), and to approve what a key
    has proposed that was revoked since, or is frozen (``proposer_revoked``, ``proposer_frozen``). Locks the program's
    row, so that nothing happens to a key between.
    """
    _require_keys(connection, program, found, status, by)
    connection.execute(
        update(approvals)
        .where(
            approvals.c.program_id == program.program_id,
            approvals.c.approval_id == UUID(bytes=found.approval_id),
        )
        .values(status=status, decided_by=by.key_id, decided_at=now, reason=reason)
    )
    return _require(connection, program, show_id(_PREFIX, found.approval_id))[0]


def require_approval(
    connection: Connection, program: Program, approval_id: str, *, is_locking: bool = False
) -> Approval:
    """The proposal of that id, or ``approval_unknown``. Locks its row where ``is_locking``."""
    return _require(connection, program, approval_id, is_locking=is_locking)[0]


def approvals_of(connection: Connection, program: Program, kind: str, subject: str) -> list[Approval]:
    """All proposals of one kind on one subject, newest first."""
    query = _select(program).where(approvals.c.kind == kind, approvals.c.subject == subject)
    rows = connection.execute(query.order_by(approvals.c.approval_id.desc()))
    return [_approval(row) for row in rows]


def list_approvals(
    connection: Connection,
    program: Program,
    *,
    status: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The program's proposals, newest first; those of one status, where it is given."""
    found, more = find_approvals(connection, program, status=status, limit=limit, cursor=cursor)
    return Page([each.shown() for each in found], more)


def find_approvals(
    connection: Connection,
    program: Program,
    *,
    kind: str | None = None,
    subject: str | None = None,
    status: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> tuple[list[Approval], str | None]:
    """A page of the proposals, newest first, of one kind, subject or status where it is given; and its cursor."""
    query = _select(program)
    for column, wanted in (("kind", kind), ("subject", subject), ("status", status)):
        if wanted is not None:
            query = query.where(approvals.c[column] == wanted)
    rows, more = newest_rows(connection, query, approvals.c.approval_id, _LIST, limit=limit, cursor=cursor)
    return [_approval(row) for row in rows], more


def _require_open(found: Approval, by: Principal) -> None:
    if found.status != PENDING:
        assert found.decided_at is not None
        raise ApprovalDecided(
            f"the proposal was {found.status} before",
            approval_id=show_id(_PREFIX, found.approval_id),
            decision=found.status,
            decided_at=found.decided_at,
        )
    if found.proposed_by == by.key_id:
        raise SelfApproval(
            "the key that has proposed this may not decide on it", proposed_by=found.proposed_by
        )


def _require_keys(
    connection: Connection, program: Program, found: Approval, status: str, by: Principal
) -> None:
    lock_program(connection, program)
    require_holding(connection, by)
    query = select(api_keys).where(api_keys.c.key_id == found.proposed_by)
    maker = connection.execute(query).one_or_none()
    if status != APPROVED or maker is None:
        return
    if maker.revoked_at is not None:
        raise ProposerRevoked(
            "the key that has proposed this was revoked; reject it", proposed_by=found.proposed_by
        )
    if maker.frozen_at is not None:
        raise ProposerFrozen(
            "the key that has proposed this is frozen; wait, or reject it", proposed_by=found.proposed_by
        )


def _require_unchanged(found: Approval, text: str, seen: str | None) -> None:
    is_as_proposed = sha256(text.encode()).digest() == found.content_hash
    if not is_as_proposed or (seen is not None and seen != found.content_hash.hex()):
        raise ApprovalContentChanged(
            "the content is not the one that was looked at", content_hash=found.content_hash.hex()
        )


def _require(
    connection: Connection, program: Program, approval_id: str, *, is_locking: bool = False
) -> tuple[Approval, str]:
    """The proposal and the text of its content."""
    key = read_id(_PREFIX, approval_id)
    row = None
    if key is not None:
        query = _select(program).where(approvals.c.approval_id == UUID(bytes=key))
        row = connection.execute(query.with_for_update() if is_locking else query).one_or_none()
    if row is None:
        raise ApprovalUnknown(f"there is no proposal {approval_id}", approval_id=approval_id)
    return _approval(row), row.text


def _select(program: Program) -> Select[Any]:
    return select(
        approvals.c.approval_id,
        approvals.c.kind,
        approvals.c.subject,
        # As text: the bytes that were hashed.
        cast(approvals.c.content, Text).label("text"),
        approvals.c.content_hash,
        approvals.c.status,
        approvals.c.proposed_by,
        approvals.c.proposed_at,
        approvals.c.decided_by,
        approvals.c.decided_at,
        approvals.c.reason,
    ).where(approvals.c.program_id == program.program_id)


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        row.approval_id.bytes,
        row.kind,
        row.subject,
        json.loads(row.text),
        row.content_hash,
        row.status,
        row.proposed_by,
        row.proposed_at,
        row.decided_by,
        row.decided_at,
        row.reason,
    )
