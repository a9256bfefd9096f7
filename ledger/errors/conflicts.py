"""Requests that contradict a fact already in the books."""

from ledger.errors.base import Conflict, Refused


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


class ProposerRevoked(Conflict):
    """Nothing is done in the name of a key that was taken away."""

    code = "proposer_revoked"  # details: proposed_by
    title = "The key that has proposed this was revoked"


class ProposerFrozen(Conflict):
    """Nothing is done in the name of a key that is frozen, until it is set free."""

    code = "proposer_frozen"  # details: proposed_by
    title = "The key that has proposed this is frozen"


class KeyNotUsable(Conflict):
    """What is frozen is set free first; for what is revoked or has lapsed, another key is made."""

    code = "key_not_usable"  # details: key_id, frozen_at, revoked_at, expires_at
    title = "The key is revoked, has lapsed or is frozen"


class RuleSetNotApproved(Conflict):
    """Only what was approved once may be activated again without another approval."""

    code = "rule_set_not_approved"  # details: owner, version
    title = "This version of the rules was never approved"


class HoldNotOpen(Conflict):
    """A hold is captured or released once, by a caller or by the clock."""

    code = "hold_not_open"  # details: hold_id, hold_status
    title = "The hold was captured, released or has lapsed"


class MemberMerged(Conflict):
    """Who was merged is the survivor, until they are parted."""

    code = "member_merged"  # details: member_id
    title = "The member was merged into another"


class MemberHasMerges(Conflict):
    """Merges do not form chains: everyone is merged into the one who is left at last."""

    code = "member_has_merges"  # details: member_id
    title = "Others were merged into the member"


class MemberLocked(Conflict):
    """Nobody gets rid of a lock by being merged."""

    code = "member_locked"  # details: member_id
    title = "The member is frozen, reviewed or has locked his spending"


class HoldsOpen(Conflict):
    """What is held for somebody stays in the books in which it was held."""

    code = "holds_open"  # details: member_id, holds
    title = "Points of the member are held"


class HoldUnderReview(Conflict):
    """What is held for review waits for whoever decides on the review."""

    code = "hold_under_review"  # details: hold_id
    title = "The points are held for review"


class ReviewDecided(Conflict):
    """A review is decided once, by somebody or by the clock."""

    code = "review_decided"  # details: review_id
    title = "The review was decided before, or has lapsed"


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


class PeriodClosed(Conflict):
    code = "period_closed"  # details: period, first_open
    title = "The accounting month is closed"


class PeriodOutOfTurn(Conflict):
    """Months close one after another, and open again in the other direction."""

    code = "period_out_of_turn"  # details: period, period_status, next
    title = "Another accounting month comes first"


class PolicyInUse(Conflict):
    """Prices are allocated at the beginning of a contract, and never again."""

    code = "policy_in_use"  # details: applies_from, last_measured
    title = "Purchases of that month have been measured already"
