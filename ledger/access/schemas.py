"""The shapes of proposals and of decisions on them."""

from marshmallow import fields

from ledger.access.approvals import STATUSES
from ledger.accounts.schemas import PageQuery
from ledger.http.fields import Answer, Choice, ContentHash, Instant, LedgerId, Strict, Text


class ApprovalQuery(Strict):
    """A proposal."""

    approval_id = LedgerId("apr", required=True)


class ApprovalsQuery(PageQuery):
    """A page of the proposals."""

    status = Choice(STATUSES, "Only those in this state")


class ApproveSchema(ApprovalQuery):
    """An approval."""

    content_hash = ContentHash("The `content_hash` of what was looked at; another one is refused")


class RejectSchema(ApprovalQuery):
    """A rejection."""

    reason = Text(256, "Why, in words; kept", required=True)


class ApprovalSchema(Answer):
    """What one key has proposed, and what another has decided on it."""

    approval_id = LedgerId("apr", required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    content = fields.Dict(required=True)
    content_hash = ContentHash("SHA-256 of the content: what is approved", required=True)
    status = Choice(STATUSES, required=True)
    proposed_by = fields.String(required=True)
    proposed_at = Instant(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class ApprovedSchema(ApprovalSchema):
    """An approved proposal, and what came of it."""

    result = fields.Dict(required=True)
