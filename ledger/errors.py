"""Every way the ledger says no: one class per condition, one stable code per class.

The domain raises these and knows no HTTP; ``ledger.http.problems`` holds the one table from class to
status. A code never changes its meaning and a detail never changes its name. Broken invariants are
not errors of this kind: they are assertions, and roll the transaction back.
"""

from typing import Any, ClassVar


class LedgerError(Exception):
    """Base of all refusals. ``details`` are typed members of the answer; they name the facts at fault."""

    code: ClassVar[str]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, **details: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.details = details


class Malformed(LedgerError):
    """The request cannot be read. Nothing was decided and nothing is remembered."""


class Absent(LedgerError):
    """What the request names is not there, or not the caller's to see. May be there later: not remembered."""


class Conflict(LedgerError):
    """The request contradicts a fact already in the books. Remembered under its key."""


class Refused(LedgerError):
    """A rule of the business says no. Remembered under its key, and replayed."""


class Gone(LedgerError):
    """What the request names was good once and never will be again. Remembered under its key."""


class Unavailable(LedgerError):
    """Nothing is known to have happened; the same request, with the same key, may be sent again."""

    retryable = True


# --- malformed -----------------------------------------------------------------------------------


class InvalidRequest(Malformed):
    code = "invalid_request"  # details: errors [{field, message}]
    title = "The request is malformed"


class IdempotencyKeyMissing(Malformed):
    code = "idempotency_key_missing"
    title = "The Idempotency-Key header is missing"


class BodyTooLarge(Malformed):
    code = "body_too_large"  # details: limit_bytes
    title = "The body is too large"


class UnsupportedMediaType(Malformed):
    code = "unsupported_media_type"
    title = "The media type is not supported"


class MethodNotAllowed(LedgerError):
    code = "method_not_allowed"  # details: allowed
    title = "The address does not know this method"


# --- who asks ------------------------------------------------------------------------------------


class Unauthenticated(LedgerError):
    code = "unauthenticated"
    title = "A valid API key is required"


class Forbidden(LedgerError):
    code = "forbidden"  # details: required_scope
    title = "The key does not carry the required scope"


class SelfApproval(LedgerError):
    """Maker and checker are two keys."""

    code = "self_approval"  # details: proposed_by
    title = "Nobody decides on a proposal of his own"


class OtherRegion(LedgerError):
    code = "other_region"  # details: region of the key
    title = "The key speaks for another region"


# --- gone ----------------------------------------------------------------------------------------


class QuoteExpired(Gone):
    """Its time is up, or the rate has changed since."""

    code = "quote_expired"  # details: quote_id, expires_at, rate_version, rate_version_in_force
    title = "The quote is no longer valid"


# --- absent --------------------------------------------------------------------------------------


class RouteUnknown(Absent):
    code = "not_found"
    title = "There is nothing at this address"


class MemberUnknown(Absent):
    code = "member_unknown"  # details: member_id
    title = "The member is not known"


class EntryUnknown(Absent):
    code = "entry_unknown"  # details: entry_id
    title = "The entry is not known"


class FundUnknown(Absent):
    code = "fund_unknown"  # details: fund
    title = "The fund is not known"


class PurchaseUnknown(Absent):
    code = "purchase_unknown"  # details: purchase_id
    title = "The purchase is not known"


class RedemptionUnknown(Absent):
    code = "redemption_unknown"  # details: redemption_id
    title = "The redemption is not known"


class HoldUnknown(Absent):
    code = "hold_unknown"  # details: hold_id
    title = "The hold is not known"


class AlertUnknown(Absent):
    code = "alert_unknown"  # details: alert_id
    title = "The alert is not known"


class DeviceUnknown(Absent):
    code = "device_unknown"  # details: device_id
    title = "No batch of the device has arrived"


class QuoteUnknown(Absent):
    code = "quote_unknown"  # details: quote_id
    title = "The member has no such quote"


class ApprovalUnknown(Absent):
    code = "approval_unknown"  # details: approval_id
    title = "The proposal is not known"


class RuleSetUnknown(Absent):
    code = "rule_set_unknown"  # details: owner, version
    title = "The rule set has no such version"


class RuleUnknown(Absent):
    code = "rule_unknown"  # details: rule
    title = "No rule set has a rule of this code"


class CampaignUnknown(Absent):
    code = "campaign_unknown"  # details: campaign
    title = "No rule set has a campaign of this code"


class ExperimentUnknown(Absent):
    code = "experiment_unknown"  # details: experiment
    title = "No rule set has an experiment of this code"


class RateUnknown(Absent):
    code = "rate_unknown"  # details: at
    title = "The program has no rate for that time"


# --- conflicts with a fact -----------------------------------------------------------------------


class IdempotencyKeyReused(Refused):
    """Same key, other request. Not itself remembered: the first answer keeps the key."""

    code = "idempotency_key_reused"
    title = "The idempotency key was used for another request"


class ReferenceExists(Conflict):
    """A business reference has at most one effect, for ever, whatever key it comes under."""

    code = "reference_exists"  # details: reference, entry_id
    title = "The reference was posted before"


class PurchaseExists(ReferenceExists):
    code = "purchase_exists"  # details: purchase_id, entry_id
    title = "The purchase was posted before"


class ActivityExists(ReferenceExists):
    code = "activity_exists"  # details: activity_id, entry_id
    title = "The activity was posted before"


class ReturnExists(ReferenceExists):
    code = "return_exists"  # details: return_id, entry_id
    title = "The return was posted before"


class EntryAlreadyReversed(ReferenceExists):
    code = "entry_already_reversed"  # details: entry_id, reversal_entry_id
    title = "The entry was reversed before"


class ReferralExists(Conflict):
    """A member is brought once, by one other, for ever."""

    code = "referral_exists"  # details: member_id, entry_id
    title = "The member was brought before"


class ProgramExists(Conflict):
    code = "program_exists"  # details: program
    title = "A program of this name exists"


class ClockBackwards(Conflict):
    code = "test_clock_backwards"  # details: now, requested
    title = "A test clock only moves forward"


class NotATestProgram(Conflict):
    code = "not_a_test_program"
    title = "Only a test program has a clock that can be set"


class ApprovalDecided(Conflict):
    code = "approval_decided"  # details: approval_id, decision, decided_at
    title = "The proposal was decided before"


class ApprovalContentChanged(Conflict):
    """Whoever approves, approves what he has seen."""

    code = "approval_content_changed"  # details: content_hash
    title = "The content is not the one that was looked at"


class RuleSetNotApproved(Conflict):
    """Only what was approved once may be activated again without another approval."""

    code = "rule_set_not_approved"  # details: owner, version
    title = "This version of the rules was never approved"


class HoldNotOpen(Conflict):
    """A hold is captured or released once, by a caller or by the clock."""

    code = "hold_not_open"  # details: hold_id, hold_status
    title = "The hold was captured, released or has lapsed"


class QuoteUsed(Conflict):
    code = "quote_used"  # details: quote_id, entry_id
    title = "The quote was used before"


class TillBatchChanged(Conflict):
    """A device numbers its batches once. Not remembered: nothing of the batch was read."""

    code = "till_batch_changed"  # details: device_id, sequence
    title = "Another batch came under this number of the device"


class BandSwitchedOff(Conflict):
    """Automatic changes end with the controller for good: they are proposed and approved anew."""

    code = "band_switched_off"  # details: switched_off_at
    title = "The band controller is off, or was switched off meanwhile"


class BatchAborted(Conflict):
    """An atomic batch was not applied because another of its operations was refused. Not remembered."""

    code = "batch_aborted"  # details: index of the first refused operation
    title = "The atomic batch was not applied"


# --- refused by a rule ---------------------------------------------------------------------------


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


# --- try again -----------------------------------------------------------------------------------


class InFlight(Unavailable):
    """Another request holds the same member longer than the lock time-out."""

    code = "in_flight"
    title = "A request on the same member or key is still in flight"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database cannot be reached"


class OutcomeUnknown(Unavailable):
    """The connection broke after the commit was sent. Send the same key again to learn the outcome."""

    code = "outcome_unknown"
    title = "The outcome is unknown; send the same key again"


class Overloaded(Unavailable):
    code = "overloaded"
    title = "Too many requests are waiting"


class InternalError(LedgerError):
    code = "internal_error"
    title = "The ledger failed; nothing was written"
    retryable = True


def error_classes(base: type[LedgerError] = LedgerError) -> list[type[LedgerError]]:
    """Every class that has a code."""
    below = [kind for direct in base.__subclasses__() for kind in error_classes(direct)]
    return ([base] if "code" in base.__dict__ else []) + below


def error_class(code: str) -> type[LedgerError]:
    """The class of a code; KeyError for a code that no release ever had."""
    return {kind.code: kind for kind in error_classes()}[code]
