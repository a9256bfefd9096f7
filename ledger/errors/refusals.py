"""Requests that a rule of the business refuses."""

from ledger.errors.base import Refused


class InsufficientPoints(Refused):
    code = "insufficient_points"  # details: available, requested
    title = "The member has not enough points available"


class BudgetExhausted(Refused):
    code = "budget_exhausted"  # details: fund, available, requested
    title = "The fund has not enough left to pay for it"


class FundReserved(Refused):
    """A region's share follows from what headquarters issues; nobody grants or withdraws it."""

    code = "fund_reserved"  # details: fund
    title = "The fund is a region's share"


class DebtLimitExceeded(Refused):
    code = "debt_limit_exceeded"  # details: debt, shortfall, limit
    title = "The claw-back would exceed the debt limit"


class ReturnExceedsPurchase(Refused):
    code = "return_exceeds_purchase"  # details: line_id, returnable_quantity, returnable_amount
    title = "More would be returned than was bought"


class ReturnBeforePurchase(Refused):
    code = "return_before_purchase"  # details: occurred_at, purchased_at
    title = "The return lies before its purchase"


class RefundExceedsRedemption(Refused):
    code = "refund_exceeds_redemption"  # details: refundable, requested
    title = "More would be refunded than was redeemed"


class EntryNotReversible(Refused):
    code = "entry_not_reversible"  # details: entry_id, kind
    title = "Entries of this kind cannot be reversed"


class SameMember(Refused):
    code = "same_member"  # details: member_id
    title = "A transfer needs two different members"


class SelfReferral(Refused):
    code = "self_referral"  # details: member_id
    title = "Nobody brings himself"


class CircularReferral(Refused):
    """Directly or through others: whoever was brought by a member cannot bring that member."""

    code = "circular_referral"  # details: member_id, referrer
    title = "The referrer was brought by this member"


class ReferralTooLate(Refused):
    code = "referral_too_late"  # details: member_id, purchases
    title = "The member has bought before"


class OccurredInFuture(Refused):
    code = "occurred_in_future"  # details: occurred_at, now
    title = "The event lies in the future"


class LotWindowEmpty(Refused):
    code = "lot_window_empty"  # details: available_at, expires_at
    title = "The points would expire before they become available"


class CurrencyMismatch(Refused):
    code = "currency_mismatch"  # details: currency, expected
    title = "The currency is not the program's"


class AmountTooLarge(Refused):
    code = "amount_too_large"  # details: limit
    title = "The amount or the balance would exceed 2^53-1"


class RuleNotOverridable(Refused):
    code = "rule_not_overridable"  # details: owner, rules
    title = "A region may not override these rules of headquarters"


class ActiveFromPast(Refused):
    code = "active_from_past"  # details: active_from, now
    title = "Rules and rates cannot come into force in the past"


class RateOutOfBounds(Refused):
    code = "rate_out_of_bounds"  # details: rate, floor, ceiling
    title = "The rate lies beyond its floor or its ceiling"


class RateStepExceeded(Refused):
    """Of two neighbours in time, the one that was there first says how far they may lie apart."""

    code = "rate_step_exceeded"  # details: rate, version, neighbour, max_step
    title = "The rate lies too far from the one before or after it"


class RateAskBelowBid(Refused):
    """Otherwise points could be bought and spent at a gain."""

    code = "rate_ask_below_bid"  # details: rate, ask
    title = "Points would cost less than they are worth"


class MemberFrozen(Refused):
    """By the house, as long as it looks into something."""

    code = "member_frozen"  # details: member_id
    title = "The member's points are frozen"


class SpendLocked(Refused):
    """By the member's own wish. What he earns is booked all the same."""

    code = "spend_locked"  # details: member_id
    title = "The member has locked the spending of points"


class LimitExceeded(Refused):
    """Days are those of the program. The refusal moves nothing, and counts for nothing."""

    code = "limit_exceeded"  # details: of, operation, per, counts, limit, used, requested
    title = "More would be moved than the program allows"


class NotRedeemableHere(Refused):
    code = "not_redeemable_here"  # details: store, sku, tier
    title = "Points are not taken here for this"


class PointsNotOffered(Refused):
    """Nothing is clamped: the caller asks again for what is offered."""

    code = "points_not_offered"  # details: requested, minimum, maximum, step
    title = "So many points are not taken against this price"


class TooManyQuotes(Refused):
    code = "too_many_quotes"  # details: open, limit
    title = "The member has as many open quotes as are allowed"


class QuotePriceMismatch(Refused):
    code = "quote_price_mismatch"  # details: price, total
    title = "The purchase does not come to the price of the quote"


class CaptureExceedsHold(Refused):
    code = "capture_exceeds_hold"  # details: held, requested
    title = "More would be captured than is held"


class PointsAlreadySpent(Refused):
    """Where the program takes nothing back whose earned points are gone."""

    code = "points_already_spent"  # details: shortfall
    title = "The points to take back were spent"


class OfflineNotAllowed(Refused):
    code = "offline_not_allowed"
    title = "The program takes no points offline"


class OfflineCreditExceeded(Refused):
    code = "offline_credit_exceeded"  # details: requested, credit
    title = "One redemption is more than a device may take offline"
