"""The shapes of proposals and of decisions on them, of keys, and of the audit log."""

from typing import Any

from marshmallow import fields

from ledger.access.approvals import STATUSES
from ledger.access.audit_log import MOST_SUBJECT
from ledger.access.audit_queries import OUTCOMES
from ledger.access.key_events import CHANGES, PREFIX
from ledger.access.key_grants import MOST_DAYS
from ledger.access.roles import GRANTABLE, ROLES
from ledger.accounts.schemas import PageQuery
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    ContentHash,
    Instant,
    Integer,
    LedgerId,
    RegionCode,
    Strict,
    Text,
)


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


class KeySchema(Strict):
    """A key as it is proposed."""

    role = Choice(GRANTABLE, "What it may do; none of these approves", required=True)
    name = Text(64, "Whose it is", required=True)
    region = RegionCode("The one region whose rules it may make; none for headquarters", load_default=None)
    valid_days = Integer(1, MOST_DAYS, "Days from its approval until it lapses", required=True)


class ProposedKeySchema(ApprovalSchema):
    """A key that waits for another key's approval."""

    token = fields.String(
        required=True, metadata={"description": "The key itself: told once, and kept by nobody"}
    )


class KeyQuery(Strict):
    """A key, by its id."""

    key_id = CallerId("The part of a key between its two underscores", required=True)


class KeyChangeSchema(KeyQuery):
    """Why something is done to a key."""

    reason = Text(256, "In words; kept with who has done it", required=True)


class RotationSchema(KeyChangeSchema):
    """A key as it is proposed in the place of another: of the same role, name and region."""

    valid_days = Integer(1, MOST_DAYS, "Days from its approval until it lapses", required=True)
    grace_days = Integer(
        0, MOST_DAYS, "Days from its approval in which the old one is good too", load_default=7
    )


class KeptKeySchema(Answer):
    """What is known of a key; the key itself is not."""

    key_id = fields.String(required=True)
    role = Choice(sorted(ROLES), required=True)
    name = fields.String(required=True)
    region = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    expires_at = Instant("From then on it opens nothing", required=True, allow_none=True)
    revoked_at = Instant("Since then it opens nothing, for good", required=True, allow_none=True)
    frozen_at = Instant("Since then it opens nothing, until it is set free", required=True, allow_none=True)
    frozen_reason = fields.String(required=True, allow_none=True)
    last_used_at = Instant("To ten minutes or so", required=True, allow_none=True)


class KeyEventsQuery(KeyQuery, PageQuery):
    """A page of what was done to a key."""


class KeyEventSchema(Answer):
    """What was done to a key."""

    event_id = LedgerId(PREFIX, required=True)
    change = Choice(CHANGES, required=True)
    changed_by = fields.String(
        required=True, metadata={"description": "The id of the key; `owner` for the command line"}
    )
    reason = fields.String(required=True)
    recorded_at = Instant(required=True)


def _nullable(description: str) -> fields.String:
    return fields.String(required=True, allow_none=True, metadata={"description": description})


_WANTED: dict[str, fields.Field[Any]] = {
    "principal": Text(
        64, "Only this key's, or those of tokens that this key has signed: `member:` and its `kid`"
    ),
    "subject": Text(MOST_SUBJECT, "Only this address, as the rows have it"),
    "action": Text(64, "Only this route, by the name that the document has for it"),
    "outcome": Choice(OUTCOMES, "Only what was done, refused by a rule of the business, or denied"),
    "from": Instant("From then on"),
    "to": Instant("Before then"),
}
AuditQuery = PageQuery.from_dict(_WANTED, name="AuditQuery")
AuditQuery.__doc__ = "A page of the audit log."


class AuditEventSchema(Answer):
    """What was done or denied, to whom."""

    audit_id = LedgerId("aud", required=True)
    recorded_at = Instant(required=True)
    outcome = Choice(OUTCOMES, required=True)
    principal = _nullable("The key; null for whoever had none")
    role = _nullable("The role of the key, or `member`")
    member_id = _nullable("Whose token it was")
    address = _nullable("Where whoever had no key has called from")
    action = fields.String(required=True, metadata={"description": "The route, by its name in the document"})
    subject = fields.String(
        required=True,
        metadata={"description": "The address; of a posting that of the entry that it has made"},
    )
    status = fields.Integer(required=True, metadata={"description": "Of the answer"})
    code = _nullable("Of the refusal")
    request_id = fields.String(required=True)
    times = fields.Integer(
        required=True, metadata={"description": "How often it had been denied by then, where that is counted"}
    )
    before_hash = ContentHash("Of the last row of the same subject", required=True, allow_none=True)
    after_hash = ContentHash("Of what came of it", required=True, allow_none=True)
