"""Routes of reviews: awards that are held until somebody has looked, and the decision on each."""

from typing import Any

from ledger import errors
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes, Under
from ledger.http.services import Call
from ledger.journal import Outcome
from ledger.limits.review_schemas import (
    JudgedReviewSchema,
    ReviewQuery,
    ReviewSchema,
    ReviewsQuery,
    VerdictSchema,
)
from ledger.limits.reviews import Ruling, judge_review, list_reviews, read_review
from ledger.limits.verdicts import REJECTED
from ledger.redemption.holds import RELEASED

routes = Routes(
    "Reviews", "Awards that look suspicious are booked, and their points held until another key has decided."
)

_FORM: dict[str, Any] = {
    "scope": "review",
    "schema": VerdictSchema,
    "answer": JudgedReviewSchema,
    "statuses": (201,),
    "refusals": (
        errors.ReviewUnknown,
        errors.ReviewDecided,
        errors.SelfReview,
        errors.OtherRegion,
        errors.OutcomeUnknown,
    ),
}


@routes.get(
    "/v1/reviews",
    scope="review",
    schema=ReviewsQuery,
    answer=page_of(ReviewSchema),
    refusals=(errors.MemberUnknown,),
)
def list_program_reviews(call: Call, **page: Any) -> dict[str, Any]:
    """List the reviews, newest first."""
    with call.database.read() as connection:
        return list_reviews(connection, call.program, call.now, **page).shown()


@routes.get(
    "/v1/reviews/<review_id>",
    scope="review",
    schema=ReviewQuery,
    answer=ReviewSchema,
    refusals=(errors.ReviewUnknown,),
)
def show_review(call: Call, review_id: str) -> dict[str, Any]:
    """Show a review."""
    with call.database.read() as connection:
        return read_review(connection, call.program, review_id, call.now)


@routes.keyed("/v1/reviews/<review_id>/release", **_FORM)
def release_review(call: Call, under: Under, review_id: str, reason: str) -> Outcome:
    """Release what is held: the award stands.

    Another key than the one that has sent the award must do it, and it is done once. The points go back to their lots,
    with their expiry, and repay a debt first. Points whose lot has lapsed meanwhile follow the program's policy.
    """
    return _judge(call, under, review_id, RELEASED, reason)


@routes.keyed("/v1/reviews/<review_id>/reject", **_FORM)
def reject_review(call: Call, under: Under, review_id: str, reason: str) -> Outcome:
    """Reject an award: it is taken back, points and growth.

    Another key than the one that has sent the award must do it, and it is done once. What was sold stays sold, and
    what the member owes is owed as before.
    """
    return _judge(call, under, review_id, REJECTED, reason)


def _judge(call: Call, under: Under, review_id: str, decision: str, reason: str) -> Outcome:
    return call.database.run(
        lambda connection: judge_review(
            connection,
            call.program,
            review_id,
            Ruling(decision, reason),
            under.posting,
            by=call.principal,
            now=call.now,
            dry_run=under.dry_run,
        )
    )
