"""The shapes of an erasure."""

from marshmallow import fields

from ledger.accounts.schemas import MemberQuery
from ledger.http.fields import Answer, CallerId, Choice, Instant, Integer
from ledger.money import MAX_AMOUNT
from ledger.privacy.erasing import REASONS


class EraseSchema(MemberQuery):
    """Why a member is erased: his own request, the end of what is kept, or another reason."""

    reason = Choice(REASONS, "One of these words: it is kept for ever", load_default="request")


def _count(description: str) -> Integer:
    return Integer(0, MAX_AMOUNT, description, required=True)


class RemovedSchema(Answer):
    """What was removed this time."""

    attributes = _count("Attributes of the member")
    texts = _count("Entries whose words are gone")
    proposals = _count("Proposals of adjustments whose words are gone")
    notes = _count("Notes on alerts, and reasons of locks")


class ErasedSchema(Answer):
    """A member of whom nothing is known but the books."""

    member_id = CallerId(required=True)
    erased_at = Instant("The first time", required=True)
    removed = fields.Nested(RemovedSchema, required=True)
    kept_in_entries = _count("Entries from before words lay beside the books: theirs lie inside the hash")
