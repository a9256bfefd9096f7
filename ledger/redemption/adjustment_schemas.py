"""The shapes of manual adjustments and of decisions on them."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ledger.access.approvals import STATUSES
from ledger.accounts.schemas import LotShareSchema, PageQuery, PostedSchema
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    ContentHash,
    Instant,
    LedgerId,
    Points,
    SignedPoints,
    Strict,
    Text,
)


class AdjustmentProposalSchema(Strict):
    """Points to put right."""

    member_id = CallerId(required=True)
    points = SignedPoints("Added; taken where it is negative", required=True)
    reason = Text(256, "Why, in words; kept in the books", required=True)
    reference = CallerId("The caller's own id; has one effect, for ever. Not beginning with `adj_`")

    @validates_schema
    def refuse_names_of_the_ledger(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a reference that another adjustment without one may have for its name."""
        if payload.get("reference", "").startswith("adj_"):
            raise ValidationError({"reference": ["must not begin with adj_: ids of the ledger's own do"]})


class AdjustmentQuery(Strict):
    """An adjustment."""

    adjustment_id = LedgerId("adj", required=True)


class AdjustmentsQuery(PageQuery):
    """A page of the adjustments."""

    status = Choice(STATUSES, "Only those in this state")
    member_id = CallerId("Only those of this member")


class AdjustmentApprovalSchema(AdjustmentQuery):
    """An approval of an adjustment."""

    content_hash = ContentHash("The `content_hash` of what was looked at; another one is refused")


class AdjustmentRejectionSchema(AdjustmentQuery):
    """A rejection of an adjustment."""

    reason = Text(256, "Why, in words; kept", required=True)


class ProposedAdjustmentSchema(Answer):
    """An adjustment that waits for another key."""

    adjustment_id = LedgerId("adj", "As `apr_` with the same digits it is a proposal", required=True)
    member_id = CallerId(required=True)
    points = SignedPoints(required=True)
    reason = fields.String(required=True)
    reference = CallerId(required=True, allow_none=True)
    content_hash = ContentHash("SHA-256 of the content: what is approved", required=True)
    status = Choice(STATUSES, required=True)
    proposed_by = fields.String(required=True)
    proposed_at = Instant(required=True)
    dry_run = fields.Boolean(metadata={"description": "True when nothing was written"})


class AdjustmentSchema(ProposedAdjustmentSchema):
    """An adjustment, and what was decided on it."""

    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
    rejected_because = fields.String(required=True, allow_none=True)
    entry_id = LedgerId("ent", "The entry, once it is approved", required=True, allow_none=True)


class PostedAdjustmentSchema(PostedSchema):
    """An adjustment that was approved and posted."""

    adjustment_id = LedgerId("adj", required=True)
    member_id = CallerId(required=True)
    points = SignedPoints(required=True)
    reason = fields.String(required=True)
    reference = CallerId(required=True, allow_none=True)
    status = Choice(["approved"], required=True)
    proposed_by = fields.String(required=True)
    approved_by = fields.String(required=True)
    draws = fields.List(
        fields.Nested(LotShareSchema), required=True, metadata={"description": "What was taken, lot by lot"}
    )
    lot = fields.Nested(
        LotShareSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The lot that was opened with what was added; null where points were taken"},
    )
    debt_repaid = Points("What of it has repaid a debt", minimum=0, required=True)
