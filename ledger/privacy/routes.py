"""The route of erasing a member."""

from typing import Any

from ledger import errors
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.privacy.erasing import erase_member
from ledger.privacy.schemas import ErasedSchema, EraseSchema

routes = Routes("Privacy", "What is known of a member is erased; the books, which know an opaque id, stay.")


@routes.post(
    "/v1/members/<member_id>/erase",
    scope="erase",
    schema=EraseSchema,
    answer=ErasedSchema,
    is_body_optional=True,
    refusals=(errors.MemberUnknown, errors.OtherRegion, errors.OutcomeUnknown),
)
def erase(call: Call, member_id: str, reason: str) -> dict[str, Any]:
    """Erase what is known of a member, for good.

    Attributes, region, store, and whatever was said about the member in words are gone; nothing more is accepted of
    what is known of the member. Balances, entries, hashes and reports stay as they were, under the opaque id, and
    postings go on: an old order may still come back. Sending it again erases what has been said since.
    """
    call.principal.require_region(None)
    return call.database.run(
        lambda connection: erase_member(
            connection, call.program, member_id, reason=reason, by=call.principal.key_id, at=call.now
        )
    )
