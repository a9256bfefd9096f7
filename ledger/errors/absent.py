"""What is not there, or not the caller's to see; and what was good once and never will be again."""

from ledger.errors.base import Absent, Gone


class QuoteExpired(Gone):
    """Its time is up, or the rate has changed since."""

    code = "quote_expired"  # details: quote_id, expires_at, rate_version, rate_version_in_force
    title = "The quote is no longer valid"


class MemberErased(Gone):
    """Nothing more may become known of a member who was erased; postings under the opaque id go on."""

    code = "member_erased"  # details: member_id, erased_at
    title = "The member was erased"


class MergeUnknown(Absent):
    code = "merge_unknown"  # details: member_id, duplicate_id
    title = "The members are not merged"


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


class ReviewUnknown(Absent):
    code = "review_unknown"  # details: review_id
    title = "The review is not known"


class AlertUnknown(Absent):
    code = "alert_unknown"  # details: alert_id
    title = "The alert is not known"


class CheckpointUnknown(Absent):
    code = "checkpoint_unknown"  # details: checkpoint_id
    title = "The checkpoint is not known"


class DeviceUnknown(Absent):
    code = "device_unknown"  # details: device_id
    title = "No batch of the device has arrived"


class QuoteUnknown(Absent):
    code = "quote_unknown"  # details: quote_id
    title = "The member has no such quote"


class ApprovalUnknown(Absent):
    code = "approval_unknown"  # details: approval_id
    title = "The proposal is not known"


class KeyUnknown(Absent):
    code = "key_unknown"  # details: key_id
    title = "The key is not known"


class AdjustmentUnknown(Absent):
    code = "adjustment_unknown"  # details: adjustment_id
    title = "The adjustment is not known"


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


class ReconciliationUnknown(Absent):
    code = "reconciliation_unknown"  # details: reconciliation_id
    title = "The reconciliation is not known"


class PackUnknown(Absent):
    code = "pack_unknown"  # details: period
    title = "The month was never locked"
