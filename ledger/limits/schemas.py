"""The shapes of locks on members."""

from marshmallow import fields

from ledger.accounts.member_locks import MEMBER_LOCKS
from ledger.accounts.schemas import MemberQuery, PageQuery
from ledger.http.fields import Answer, Choice, Instant, LedgerId, Text


class LockChangeSchema(MemberQuery):
    """Why a member is locked or unlocked."""

    reason = Text(256, "In words; kept with who has done it", required=True)


class LockEventsQuery(MemberQuery, PageQuery):
    """A page of a member's locks."""


class LockEventSchema(Answer):
    """A lock that was put on or taken off."""

    event_id = LedgerId("lke", required=True)
    lock = Choice([lock.name for lock in MEMBER_LOCKS], required=True)
    on = fields.Boolean(required=True, metadata={"description": "True where it was put on"})
    reason = fields.String(required=True)
    changed_by = fields.String(required=True, metadata={"description": "The id of the key"})
    recorded_at = Instant(required=True)
