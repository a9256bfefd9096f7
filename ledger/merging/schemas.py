"""The shapes of merges."""

from typing import Any

from marshmallow import fields

from ledger.accounts.schemas import MemberQuery, PageQuery
from ledger.http.fields import Answer, CallerId, Choice, Instant, LedgerId
from ledger.merging.register import REASONS


class JoiningSchema(MemberQuery):
    """Who is, or was taken to be, the same as the member of the path."""

    duplicate_id = CallerId("The member whose points and growth go over, or back", required=True)
    reason = Choice(REASONS, "Why", required=True)


class MergesQuery(MemberQuery, PageQuery):
    """A page of a member's merges."""


class MergeSchema(Answer):
    """A merge, which stands until it is undone."""

    merge_id = LedgerId("mrg", required=True)
    member_id: Any = fields.String(required=True, metadata={"description": "The survivor"})
    duplicate_id: Any = fields.String(required=True, metadata={"description": "Who was merged into it"})
    merged_at = Instant(required=True)
    undone_at = Instant(required=True, allow_none=True)
