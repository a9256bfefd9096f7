"""Adjustments by maker and checker: proposed under an idempotency key, and carried out by the approval itself.

An adjustment is a proposal of the one mechanism of approvals (``ledger.access.approvals``), of the kind
``adjustment``: ``adj_`` and ``apr_`` before the same digits are the same proposal. So whoever decides on it by the
generic routes does the same as by its own, which remember the answer under a key as well.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from ledger.access.approvals import (
    APPROVED,
    Approval,
    Handler,
    decide,
    find_approvals,
    hashed,
    propose,
    record_decision,
    require_approval,
    require_decidable,
)
from ledger.access.principals import Principal
from ledger.accounts.paging import Page
from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import AdjustmentUnknown, ApprovalUnknown
from ledger.funds.commands import Authority
from ledger.ids import new_entry_id
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.journal import Outcome, Request, post
from ledger.journal.commands import Command
from ledger.journal.models import business_references, outcomes
from ledger.redemption.adjustments import CLAIM, Adjust, ProposeAdjustment, Wanted

KIND: Final = "adjustment"
"""The kind of the proposals."""

_PREFIX: Final = "adj"


def propose_adjustment(
    connection: Connection,
    program: Program,
    wanted: Wanted,
    posting: Callable[[Command], Request],
    *,
    by: Principal,
    now: datetime,
    dry_run: bool = False,
) -> Outcome:
    """Propose an adjustment; the outcome that ``posting`` remembers under its key.

    Refuses keys of regions (``other_region``), an unknown member, and a reference that an adjustment has taken.
    """
    by.require_region(None)
    approval_id, content = new_entry_id(), wanted._asdict()
    digest = hashed(content)[1].hex()
    command = ProposeAdjustment(show_id(_PREFIX, approval_id), wanted, digest, by.key_id)
    (outcome,) = post(connection, program, [posting(command)], now=now, dry_run=dry_run)
    if outcome.error is None and not outcome.replayed and not dry_run:
        propose(connection, program, KIND, wanted.member_id, content, by=by, now=now, approval_id=approval_id)
    return outcome


def approve_adjustment(
    connection: Connection,
    program: Program,
    adjustment_id: str,
    posting: Callable[[Command], Request],
    *,
    by: Principal,
    now: datetime,
    content_hash: str | None = None,
    dry_run: bool = False,
) -> Outcome:
    """Approve an adjustment and post it; the outcome that ``posting`` remembers under its key.

    Refuses as ``require_decidable`` and ``Adjust`` do. Where the points are not there, nothing is decided, and the
    refusal is what the key is answered with. Locks the proposal's row, then the member's.
    """
    found = _require(connection, program, adjustment_id, is_locking=True)
    request = posting(_command(found, by.key_id))
    # The lock is held: whoever has used the key on this proposal before has ended.
    is_answered = _is_answered(connection, program, request.key)
    if not is_answered:
        approval_id = _approval_id(found)
        require_decidable(connection, program, approval_id, by=by, content_hash=content_hash)
    (outcome,) = post(connection, program, [request], now=now, dry_run=dry_run)
    if outcome.error is None and not outcome.replayed and not dry_run:
        record_decision(connection, program, found, APPROVED, by=by, reason=None, now=now)
    return outcome


def reject_adjustment(
    connection: Connection,
    program: Program,
    adjustment_id: str,
    reason: str,
    *,
    by: Principal,
    now: datetime,
) -> dict[str, Any]:
    """Reject an adjustment for good; the adjustment as decided. Refuses as ``require_decidable`` does."""
    found = _require(connection, program, adjustment_id)
    decided = decide(connection, program, _approval_id(found), "rejected", by=by, reason=reason, now=now)
    return _shown(decided, {})


def read_adjustment(connection: Connection, program: Program, adjustment_id: str) -> dict[str, Any]:
    """The adjustment of that id, or ``adjustment_unknown``."""
    found = _require(connection, program, adjustment_id)
    return _shown(found, _entries(connection, program, [found]))


def list_adjustments(
    connection: Connection, program: Program, *, member_id: str | None = None, **page: Any
) -> Page:
    """The program's adjustments, newest first; of one member or status where it is given."""
    found, more = find_approvals(connection, program, kind=KIND, subject=member_id, **page)
    entries = _entries(connection, program, found)
    return Page([_shown(each, entries) for each in found], more)


def _carry_out(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Post what was approved by the generic route. Refuses as the command does."""
    assert content == approval.content
    assert approval.decided_by is not None
    (outcome,) = post(connection, program, [Request(_command(approval, approval.decided_by))], now=now)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.answer is not None
    return outcome.answer


def _command(found: Approval, approved_by: str) -> Adjust:
    by = Authority(_approval_id(found), found.proposed_by, approved_by)
    return Adjust(_adjustment_id(found), Wanted(**found.content), by)


def _require(
    connection: Connection, program: Program, adjustment_id: str, *, is_locking: bool = False
) -> Approval:
    identifier = read_id(_PREFIX, adjustment_id)
    absent = AdjustmentUnknown(f"there is no adjustment {adjustment_id}", adjustment_id=adjustment_id)
    if identifier is None:
        raise absent
    try:
        found = require_approval(connection, program, show_id("apr", identifier), is_locking=is_locking)
    except ApprovalUnknown:
        raise absent from None
    if found.kind != KIND:
        raise absent
    return found


def _is_answered(connection: Connection, program: Program, key: str | None) -> bool:
    query = select(outcomes.c.key).where(outcomes.c.program_id == program.program_id, outcomes.c.key == key)
    return key is not None and connection.execute(query).first() is not None


def _entries(connection: Connection, program: Program, found: Sequence[Approval]) -> dict[str, str]:
    """The entry of each name that an approved adjustment has taken."""
    names = [_name(each) for each in found if each.status == APPROVED]
    if not names:
        return {}
    query = select(business_references.c.reference, business_references.c.entry_id).where(
        business_references.c.program_id == program.program_id,
        business_references.c.kind == CLAIM,
        business_references.c.reference.in_(names),
    )
    return {row.reference: show_id("ent", row.entry_id.bytes) for row in connection.execute(query)}


def _shown(found: Approval, entries: Mapping[str, str]) -> dict[str, Any]:
    return {
        "adjustment_id": _adjustment_id(found),
        **found.content,
        "content_hash": found.content_hash.hex(),
        "status": found.status,
        "proposed_by": found.proposed_by,
        "proposed_at": show(found.proposed_at),
        "decided_by": found.decided_by,
        "decided_at": show(found.decided_at) if found.decided_at else None,
        "rejected_because": found.reason,
        "entry_id": entries.get(_name(found)) if found.status == APPROVED else None,
    }


def _name(found: Approval) -> str:
    return found.content["reference"] or _adjustment_id(found)


def _adjustment_id(found: Approval) -> str:
    return show_id(_PREFIX, found.approval_id)


def _approval_id(found: Approval) -> str:
    return show_id("apr", found.approval_id)


APPROVALS: Final[dict[str, Handler]] = {KIND: _carry_out}
"""What carries out an approved adjustment."""
