"""Routes of members: who they are, what they have, and the lots that it sits in."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger import errors
from ledger.accounts.members import Member, put_member, read_member
from ledger.accounts.queries import read_balance, read_lots
from ledger.accounts.schemas import (
    BalanceQuery,
    BalanceSchema,
    LotSchema,
    LotsQuery,
    MemberChangeSchema,
    MemberQuery,
    MemberSchema,
    page_of,
)
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.journal.history import read_balance_at, times_of
from ledger.journal.load import StaleProgramError
from ledger.limits.sharing import lock_beyond, value_of

routes = Routes(
    "Members", "Members by an opaque id of the caller's, their balances and lots. No personal data."
)


@routes.put(
    "/v1/members/<member_id>",
    scope="members:write",
    schema=MemberChangeSchema,
    answer=MemberSchema,
    statuses=(200, 201),
    refusals=(errors.OccurredInFuture, errors.MemberErased),
)
def change_member(call: Call, member_id: str, **facts: Any) -> tuple[dict[str, Any], int]:
    """Create a member, or change what is known of one.

    What is left out stays as it is; attributes are replaced as a whole. Answers 201 for a new member and
    200 for one that was known. Sending it again changes nothing. Where the terms limit how many members may have
    the same attribute, whoever comes beyond it is frozen, or what he is awarded is held for review.
    """

    def put(connection: Connection) -> tuple[Member, bool]:
        # Nothing else that is known of him tells a device.
        before = value_of(connection, call.program, member_id) if "attributes" in facts else None
        member, is_new = put_member(connection, call.program, member_id, now=call.now, **facts)
        if "attributes" in facts:
            member = lock_beyond(connection, call.program, member, before, by=call.principal, now=call.now)
        return member, is_new

    member, is_new = call.database.run(put)
    return member.shown(), 201 if is_new else 200


@routes.get(
    "/v1/members/<member_id>",
    scope="read",
    schema=MemberQuery,
    answer=MemberSchema,
    refusals=(errors.MemberUnknown,),
)
def show_member(call: Call, member_id: str) -> dict[str, Any]:
    """Show a member."""
    with call.database.read() as connection:
        return read_member(connection, call.program, member_id).shown()


@routes.get(
    "/v1/members/<member_id>/balance",
    scope="read",
    is_own=True,
    schema=BalanceQuery,
    answer=BalanceSchema,
    refusals=(errors.MemberUnknown,),
    recalls=True,
)
def show_balance(
    call: Call, member_id: str, as_of: datetime | None = None, known_as_of: datetime | None = None
) -> dict[str, Any]:
    """Show what a member has.

    Now, or as of two times: `as_of` for what had happened by then, `known_as_of` for what was recorded by
    then. A balance of the past stays the same for the same two times, whatever arrives later.
    """
    is_present = as_of is None and known_as_of is None
    if call.is_recalled:
        found = call.services.reader(call.program, member_id) if is_present else None
        if found is not None:
            return found
        raise StaleProgramError(call.program.name)
    with call.database.read() as connection:
        if is_present:
            return read_balance(connection, call.program, member_id, call.now)
        times = times_of(as_of, known_as_of, call.now)
        return read_balance_at(connection, call.program, member_id, times)


@routes.get(
    "/v1/members/<member_id>/lots",
    scope="read",
    is_own=True,
    schema=LotsQuery,
    answer=page_of(LotSchema),
    refusals=(errors.MemberUnknown,),
)
def list_lots(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List a member's lots, newest first."""
    with call.database.read() as connection:
        return read_lots(connection, call.program, member_id, call.now, **page).shown()
