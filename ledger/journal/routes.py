"""Routes of entries: what happened to a member's account, each with the awards it explains."""

from typing import Any

from ledger import errors
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.journal.queries import read_entries, read_entry
from ledger.journal.schemas import EntriesQuery, EntryQuery, EntrySchema
from ledger.rules.explain import explained

routes = Routes("Entries", "The books, entry by entry.")


@routes.get(
    "/v1/members/<member_id>/entries",
    scope="read",
    is_own=True,
    schema=EntriesQuery,
    answer=page_of(EntrySchema),
    refusals=(errors.MemberUnknown,),
)
def list_entries(call: Call, member_id: str, **page: Any) -> dict[str, Any]:
    """List a member's entries, newest first."""
    with call.database.read() as connection:
        found = read_entries(connection, call.program, member_id, **page)
    return found._replace(items=[_told(entry) for entry in found.items]).shown()


@routes.get(
    "/v1/entries/<entry_id>",
    scope="read",
    schema=EntryQuery,
    answer=EntrySchema,
    refusals=(errors.EntryUnknown,),
)
def show_entry(call: Call, entry_id: str) -> dict[str, Any]:
    """Show an entry."""
    with call.database.read() as connection:
        return _told(read_entry(connection, call.program, entry_id))


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    return explained(entry | {"awards": (entry["details"] or {}).get("awards", [])})
