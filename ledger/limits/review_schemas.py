"""The shapes of reviews, and of decisions on them."""

from marshmallow import fields

from ledger.accounts.limits import DAY, HELD_FOR_REVIEW, OF, OPERATION
from ledger.accounts.schemas import LotShareSchema, PageQuery, RestoredSchema
from ledger.http.fields import Answer, CallerId, Choice, Instant, LedgerId, Points, Strict, Text
from ledger.limits.reviews import STATUSES
from ledger.limits.verdicts import VERDICTS


class ReviewQuery(Strict):
    """A review."""

    review_id = LedgerId("hld", "The hold's own id", required=True)


class ReviewsQuery(PageQuery):
    """A page of the reviews."""

    status = Choice(STATUSES, "Only those in this state")
    member_id = CallerId("Only those of this member")


class VerdictSchema(ReviewQuery):
    """A decision on a review."""

    reason = Text(256, "Why, in words; kept with who has decided", required=True)


class WhySchema(Answer):
    """Why an award is held: its member is under review, or it goes beyond a limit, told by the other members."""

    of = Choice(OF, required=True)
    who = fields.String()
    operation = Choice(HELD_FOR_REVIEW)
    per = Choice([DAY, OPERATION])
    counts = Choice(["points", "times"])
    limit = Points()
    used = Points("With this award")


class ReviewSchema(Answer):
    """An award that is held, and what was decided on it."""

    review_id = LedgerId("hld", required=True)
    member_id = CallerId(required=True)
    entry_id = LedgerId("ent", "The award", required=True)
    points = Points("What is held of it", required=True)
    status = Choice(STATUSES, "By the clock: past its time a review has lapsed", required=True)
    why = fields.Nested(WhySchema, required=True)
    opened_by = fields.String(
        required=True, metadata={"description": "The id of the key that has sent the award"}
    )
    opened_at = Instant(required=True)
    expires_at = Instant("When the clock releases the points, unless somebody decides before", required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class JudgedReviewSchema(RestoredSchema):
    """What was decided, and what became of the points."""

    review_id = LedgerId("hld", required=True)
    member_id = CallerId(required=True)
    award_entry_id = LedgerId("ent", required=True)
    decision = Choice(VERDICTS, required=True)
    decided_by = fields.String(required=True)
    reason = fields.String(required=True)
    points = Points("What was held", required=True)
    rejection_entry_id = LedgerId("ent", "The entry that takes the award back; of a rejection alone")
    points_clawed_back = Points(minimum=0)
    growth_clawed_back = Points(minimum=0)
    lapsed = fields.List(
        fields.Nested(LotShareSchema), metadata={"description": "Points whose lot has lapsed meanwhile"}
    )
