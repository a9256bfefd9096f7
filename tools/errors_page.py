"""Writes docs/errors.md: every code that the ledger can answer with, and what a caller does about it.

Code, status, members and meaning come from the code; only the advice is written here. A test compares the
page with what this prints, and demands advice for every code: ``python -m tools.errors_page > docs/errors.md``.
"""

import inspect
import re
from typing import Final

from ledger import errors
from ledger.errors import LedgerError, error_classes
from ledger.http.problems import status_of
from ledger.journal.outcomes import is_remembered

_HEAD: Final = """\
# Errors

Every refusal is `application/problem+json` (RFC 9457). Its `type` is `/docs/errors#code`: the service serves that
page itself, and the headings below carry the same names. Decide by `code`, which never changes its meaning; `title`
and `detail` are for people. `request_id` is that of the request that was *first* answered so.

- **Retryable**: nothing is known to have happened, or the answer will be another one soon. Send the same request with
  the same idempotency key again, after the seconds in `Retry-After`.
- **Remembered**: the answer belongs to the idempotency key for ever, and a retry gets it again. For a new attempt take
  a new key.
- Neither: nothing was written and nothing is remembered. The same key may be used again, once the cause is mended.

What to do by status, with retries and late events: [Integrators](integrators.md).

<!-- Written by tools/errors_page.py from ledger/errors.py; a test compares the two. -->
"""

_GROUPS: Final[tuple[tuple[str, type[LedgerError]], ...]] = (
    ("The request cannot be read", errors.Malformed),
    ("What it names is not there", errors.Absent),
    ("It contradicts what is in the books", errors.Conflict),
    ("A rule says no", errors.Refused),
    ("It was good once", errors.Gone),
    ("Try again", errors.Unavailable),
    ("The rest", LedgerError),
)

ADVICE: Final = {
    "invalid_request": "Mend the fields that `errors` names. A request of this form never succeeds.",
    "idempotency_key_missing": "Send `Idempotency-Key`: one key for each thing that happens, kept for its retries.",
    "body_too_large": "Send less: 64 KiB a request, 8 MiB a batch. A stream of lines has no limit but that of a line.",
    "unsupported_media_type": "Send `application/json` in UTF-8, not compressed, or a batch as `application/x-ndjson`.",
    "method_not_allowed": "Use one of the methods in `allowed`.",
    "unauthenticated": "Check that the key is whole, of this installation, not revoked and not lapsed.",
    "self_approval": "Let another key decide. Who made the key is told by its name: give each person one.",
    "self_review": "Let another key decide: this one has sent the award. Give each person a key.",
    "other_region": "Use a key of the region that is concerned, or one of headquarters, which has no region.",
    "approval_unknown": "Check the id; it must be of the program that the key belongs to.",
    "adjustment_unknown": "Check the id: `GET /v1/adjustments` lists those of the program that the key belongs to.",
    "approval_decided": "`decision` says how. When it is the one that was meant, it is done.",
    "approval_content_changed": "Read the proposal again, look at its content, and approve the `content_hash` that it "
    "shows.",
    "rule_set_unknown": "Check the version and the owner: without `owner` it is headquarters'.",
    "rule_unknown": "Check the code: nothing has been switched. `GET /v1/rules` lists the rules in force.",
    "experiment_unknown": "Check the code: `GET /v1/rules` lists the experiments of the rules in force.",
    "campaign_unknown": "Check the code: nothing has been switched. `GET /v1/rules` lists the campaigns in force.",
    "rule_set_not_approved": "Propose the version, and let another key approve it.",
    "rule_not_overridable": "Leave the rules in `rules` alone, or ask headquarters to mark them `overridable`.",
    "active_from_past": "Leave `active_from`, or `valid_from` of a rate, out to begin at once, or name a time after "
    "`now`.",
    "band_switched_off": "Turn `controller` on at `/v1/rates/band/switch`, then propose automatic changes anew.",
    "rate_unknown": "The time lies before the program's first rate: check it.",
    "rate_out_of_bounds": "Propose a rate from `floor` to `ceiling`, or other bounds with it.",
    "rate_step_exceeded": "`neighbour` is the rate of `version`, and `max_step` the share of it that may be moved at "
    "once: go there in several versions, each with a time of its own.",
    "rate_ask_below_bid": "Propose an `ask` that is no less than the rate; left out, it is the rate.",
    "period_closed": "Choose `first_open`, or a month after it. A locked month is opened again by two keys: "
    "`POST /v1/periods/{period}/reopen`.",
    "period_out_of_turn": "Close or open `next` first.",
    "pack_unknown": "A pack is made when a month is locked: `GET /v1/periods` lists what has become of the months.",
    "policy_in_use": "Let the policy begin after `last_measured`: what was allocated stays as it is.",
    "key_frozen": "Ask whoever runs the ledger why: `ledger keys list` shows what is frozen, and an operator of the "
    "machine sets it free. Nothing has been done.",
    "forbidden": "Use a key whose role carries the scope in `required_scope`; an operator makes one.",
    "not_found": "Check the address: nothing of the ledger is there.",
    "member_erased": "Send nothing more of what is known of the member. Postings under the opaque id go on.",
    "member_unknown": "A purchase or an award enrols a member; a redemption and a read do not. Check the member id.",
    "entry_unknown": "Check the id; it must be of the program that the key belongs to.",
    "fund_unknown": "Check the code. A fund begins with its first grant: `POST /v1/funds/{fund}/grants`.",
    "purchase_unknown": "The return may have overtaken its purchase: post the purchase, then send the return again, "
    "with the same key.",
    "redemption_unknown": "Refund by the `redemption_id` that the redemption answered, with a key of the same program.",
    "review_unknown": "Check the id: `GET /v1/reviews` lists those of the program that the key belongs to.",
    "hold_unknown": "Use the `hold_id` that the hold answered, with a key of the same program.",
    "quote_unknown": "A quote is of one member: use the `quote_id` that was answered for this one, or ask for "
    "another.",
    "checkpoint_unknown": "Check the id: `GET /v1/checkpoints` lists those of the program that the key belongs to.",
    "reconciliation_unknown": "Check the id: `GET /v1/reconciliations` lists those of the program that the key belongs "
    "to.",
    "alert_unknown": "Check the id: `GET /v1/alerts` lists the alerts of the program that the key belongs to.",
    "device_unknown": "Check the id. A device is known from the first batch that it has numbered.",
    "hold_not_open": "`hold_status` says how it ended. When that is what was meant, it is done; when it has "
    "`lapsed`, the points are the member's again: ask anew before the goods leave.",
    "hold_under_review": "Leave it: the award is being checked, and whoever does so releases the points or takes them "
    "back (`GET /v1/reviews`).",
    "review_decided": "`GET /v1/reviews/{id}` says how, by whom and when. When that is what was meant, it is done; "
    "when it has `lapsed`, the points are the member's: what is to go back goes back by a reversal or an adjustment.",
    "quote_used": "`entry_id` is what has used it. When that is the same sale, it is done; otherwise ask for "
    "another quote.",
    "till_batch_changed": "Give the batch a number that the device has not used. A batch that is sent again is sent "
    "as it was, operation by operation.",
    "quote_expired": "Ask for another quote, show what it says now, and let the member agree to it. A hold made in "
    "time would have kept the terms.",
    "not_redeemable_here": "Take the whole price in money: the program takes no points at this `store`, for this "
    "`sku` or in this `tier`.",
    "points_not_offered": "Offer from `minimum` to `maximum` points in steps of `step`. Where the maximum is less "
    "than the minimum, the price is too low for points.",
    "too_many_quotes": "Use one of the quotes that are open, or wait until they have expired: each is a promise "
    "that costs the program something.",
    "quote_price_mismatch": "A quote pays one price. Ask for a quote of `total`, or send the lines that come to "
    "`price`.",
    "capture_exceeds_hold": "Capture at most what is in `held`; for more, make another hold.",
    "points_already_spent": "Let the member earn or buy the points in `shortfall` first, or let an operator choose "
    "another policy for the program; then send the return with a new key.",
    "offline_not_allowed": "Take no points while offline, or have `offline.credit` put into the program's terms. "
    "What a till has given away by then, an operator settles by hand.",
    "offline_credit_exceeded": "Hold the till to `credit`: no till that keeps the rule takes so much at once. An "
    "operator settles it by hand.",
    "idempotency_key_reused": "A fault of the caller: one key stands for two different requests. The first keeps it. "
    "Find out which of them was meant, and take a new key for the other.",
    "reference_exists": "The reference has had its effect, in `entry_id`. When it is the same event, it is done.",
    "purchase_exists": "The purchase is in the books, as `entry_id`, sent under another key. When it is the same "
    "sale, it is done. When it is not, two sales share an id: that is to be mended at the till.",
    "activity_exists": "The activity is in the books, as `entry_id`. When it is the same activity, it is done.",
    "referral_exists": "The member was brought before, by `entry_id`. The first referral stands; there is no second.",
    "return_exists": "The return is in the books, as `entry_id`. When it is the same return, it is done.",
    "entry_already_reversed": "It is done, by `reversal_entry_id`. What was reversed can be neither returned "
    "nor refunded.",
    "program_exists": "Take another name.",
    "test_clock_backwards": "Ask for a time after `now`. To begin again, make a new test program.",
    "not_a_test_program": "The clock of this program is the system's. Make a test program for tests.",
    "batch_aborted": "The result with the number in `index` says why. Mend or drop that operation, and send the batch "
    "again; the keys of the aborted ones are free.",
    "member_frozen": "Take the whole price in money, and tell the member to call the program: an operator unfreezes. "
    "Then ask again with a new key.",
    "limit_exceeded": "`of`, `operation` and `per` say which limit of the program's terms it is, and `limit` less "
    "`used` what is left of it, in `counts`. Ask for less, or tomorrow with a new key; or have an operator decide.",
    "spend_locked": "Let the member unlock spending in the app, then ask again with a new key. The reference is free.",
    "insufficient_points": "Offer what is in `available`. To try again later, take a new key; the reference is free.",
    "budget_exhausted": "Award at most what is in `available`, or have the fund granted more; then take a new key. The "
    "reference is free.",
    "fund_reserved": "Change `region_share` in the program's terms, or have the shares topped up.",
    "debt_limit_exceeded": "The goods can go back only when somebody decides on the points: an operator raises the "
    "program's `debt_limit`, or the member earns more first. Then send the return with a new key.",
    "return_exceeds_purchase": "Return at most what `returnable_quantity` and `returnable_amount` of the line leave.",
    "self_referral": "Name another member as the referrer.",
    "circular_referral": "The referrer came by this member, so this member cannot come by the referrer. Drop it.",
    "referral_too_late": "Post a referral before the first purchase. A member who has bought is no new one.",
    "return_before_purchase": "Check the clocks of the two tills; send the true time, with a new key.",
    "refund_exceeds_redemption": "Refund at most what is in `refundable`.",
    "entry_not_reversible": "Purchases, awards, redemptions and outgoing transfers can be reversed; the rest cannot.",
    "same_member": "Name two different members.",
    "occurred_in_future": "Set the clock of the terminal: it is more than five minutes ahead. Then send the true time, "
    "with a new key.",
    "lot_window_empty": "Give an `expires_at` that lies after `available_at` and after the present.",
    "currency_mismatch": "Send the amounts in the program's currency; the ledger converts nothing.",
    "amount_too_large": "Amounts and balances end at 2^53-1. A real one does not come near: look for a wrong unit.",
    "in_flight": "Another request holds the same member or key for longer than the lock time-out.",
    "database_unavailable": "The database is away, restarting or full. Keep the event and try until it is answered.",
    "outcome_unknown": "The connection broke while the commit was under way. Only the same key can tell what happened: "
    "send it again until it is answered, and never take a new one.",
    "member_merged": "Name the survivor: `merged_into` of the member tells who that is.",
    "member_has_merges": "Part the others first, or merge the other way round.",
    "member_locked": "Settle why he is frozen or reviewed, or let him unlock his spending; then propose again.",
    "holds_open": "Capture or release what is held, or wait until it has lapsed; then propose the merge again.",
    "merge_unknown": "Look who is merged into whom: `GET /v1/members/{member_id}/merges`.",
    "key_unknown": "Check the id: it is the part of a key between its two underscores. `GET /v1/keys` lists them.",
    "key_not_usable": "Set the key free first, where it is frozen; where it has ended, make another: `POST /v1/keys`.",
    "key_out_of_reach": "Ask whoever has the owner's login: `ledger keys` reaches every key.",
    "proposer_frozen": "Wait until somebody has found out what the key was frozen for; or reject the proposal.",
    "proposer_revoked": "Reject the proposal. What is to be done after all, another key proposes anew.",
    "rate_limited": "Wait as long as `Retry-After` says; then the same request may be sent again.",
    "overloaded": "All connections stayed busy. Wait longer from try to try.",
    "internal_error": "Try again a few times; then tell the operator the `request_id`, which stands in the log.",
}


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(title, kinds) for title, kinds in _grouped() if kinds)


def _grouped() -> list[tuple[str, list[type[LedgerError]]]]:
    """Every class that has a code, under the first heading that covers it."""
    left = error_classes()
    groups = []
    for title, base in _GROUPS:
        groups.append((title, [kind for kind in left if issubclass(kind, base)]))
        left = [kind for kind in left if not issubclass(kind, base)]
    return groups


def _section(title: str, kinds: list[type[LedgerError]]) -> str:
    return f"\n## {title}\n" + "".join(_paragraphs(kind) for kind in kinds)


def _paragraphs(kind: type[LedgerError]) -> str:
    facts = [
        f"**{status_of(kind)}**",
        "retryable" if kind.retryable else "not retryable",
        "remembered" if is_remembered(kind("")) else "not remembered",
    ]
    meaning = " ".join([f"{kind.title}.", *(kind.__dict__.get("__doc__") or "").split()])
    members = _members(kind)
    lines = [f"\n### `{kind.code}`\n", f"{', '.join(facts)}. {meaning}"]
    if members:
        lines.append(f"Members: {members}.")
    return "\n".join([*lines, "", f"*What to do:* {ADVICE.get(kind.code, 'nobody has said yet.')}\n"])


def _members(kind: type[LedgerError]) -> str:
    """The typed members of the answer, as the class itself lists them; explaining words are left out."""
    listed = re.search(r"# details: (.+)", inspect.getsource(kind))
    if listed is None:
        return ""
    names = re.sub(r"\[.*?\]", "", listed[1]).split(",")
    return ", ".join(f"`{name.split()[0]}`" for name in names)


if __name__ == "__main__":
    print(page(), end="")
