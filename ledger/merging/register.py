"""The register of merges: proposed by one key, carried out by another's approval, and told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, or_, select

from ledger.access.approvals import Approval, Handler, propose, require_approval
from ledger.access.principals import Principal
from ledger.accounts.listing import newest_rows
from ledger.accounts.members import refuse_erased
from ledger.accounts.models import holders, merges
from ledger.accounts.paging import DEFAULT_LIMIT, Page
from ledger.accounts.program import Program
from ledger.accounts.queries import holder_uuid, require_member
from ledger.clock import show
from ledger.funds.commands import Authority
from ledger.ids import show as show_id
from ledger.journal import Request, post
from ledger.merging.commands import Merge, Unmerge

MERGE: Final = "merge"
UNMERGE: Final = "unmerge"
REASONS: Final = ("duplicate", "card_replaced", "mistake", "other")
"""Why members are merged or parted: closed words, because what is written here is never erased."""

_COMMANDS: Final = {MERGE: Merge, UNMERGE: Unmerge}
_LIST: Final = b"J"


def propose_joining(
    connection: Connection,
    program: Program,
    kind: Literal["merge", "unmerge"],
    wanted: Mapping[str, str],
    *,
    by: Principal,
    now: datetime,
) -> Approval:
    """Propose to merge ``duplicate_id`` into ``member_id``, or to part them; the proposal.

    It is rehearsed: what could not be done now is refused now. Refuses another region's key (``other_region``), and
    members who were erased: nobody can tell any more who they are.
    """
    by.require_region(None)
    _post(connection, program, kind, wanted, Authority("", by.key_id, ""), now, dry_run=True)
    made = propose(connection, program, kind, wanted["member_id"], wanted, by=by, now=now)
    return require_approval(connection, program, show_id("apr", made))


def list_merges(
    connection: Connection,
    program: Program,
    member_id: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Whom a member was merged with, in either part, newest first. Refuses an unknown one (``member_unknown``)."""
    key = require_member(connection, program, member_id)
    query = select(merges).where(or_(merges.c.holder_id == key, merges.c.duplicate_id == key))
    rows, more = newest_rows(connection, query, merges.c.merge_id, _LIST, limit=limit, cursor=cursor)
    members = {member for row in rows for member in (row.holder_id, row.duplicate_id)}
    named = select(holders.c.holder_id, holders.c.member_id).where(holders.c.holder_id.in_(members))
    names = {row.holder_id: row.member_id for row in connection.execute(named)} if members else {}
    shown = [
        {
            "merge_id": show_id("mrg", row.merge_id.bytes),
            "member_id": names[row.holder_id],
            "duplicate_id": names[row.duplicate_id],
            "merged_at": show(row.merged_at),
            "undone_at": row.undone_at and show(row.undone_at),
        }
        for row in rows
    ]
    return Page(shown, more)


def _carry_out(
    connection: Connection, program: Program, content: Mapping[str, Any], approval: Approval, now: datetime
) -> dict[str, Any]:
    """Merge or part what was approved. Refuses as the commands do."""
    assert approval.decided_by is not None
    by = Authority(show_id("apr", approval.approval_id), approval.proposed_by, approval.decided_by)
    return _post(connection, program, approval.kind, content, by, now)


def _post(
    connection: Connection,
    program: Program,
    kind: str,
    wanted: Mapping[str, Any],
    by: Authority,
    now: datetime,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    command = _COMMANDS[kind](wanted["member_id"], wanted["duplicate_id"], by)
    (outcome,) = post(connection, program, [Request(command)], now=now, dry_run=dry_run)
    if outcome.error is not None:
        raise outcome.error
    if kind == MERGE:
        # Their rows are locked: an erasure is before this or after it.
        for member in command.members:
            refuse_erased(connection, holder_uuid(program, member), member)
    assert outcome.answer is not None
    return outcome.answer


APPROVALS: Final[dict[str, Handler]] = {MERGE: _carry_out, UNMERGE: _carry_out}
"""What carries out an approved merge, and its undoing."""
