"""Damage of every kind: one row changed or removed, the check that must find it, and what it must name."""

from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True)
class Damage:
    """Done to the rows of ``table`` where ``where`` holds; without ``change`` they are removed."""

    check: str
    table: str
    change: str | None
    where: str
    names: str
    """What the first fault must name: a column of the damaged row, or another row."""

    def statement(self, rows: dict[str, str]) -> str:
        done = f"UPDATE {self.table} SET {self.change}" if self.change else f"DELETE FROM {self.table}"
        return f"{done} WHERE {self.where} RETURNING {self.names}".format(**rows)

    def __str__(self) -> str:
        return f"{self.check}-{self.table}-{self.change or 'removed'}"


REDEEM = "entry_id = {redeem}"
PURCHASE = "entry_id = {purchase}"
AWARD = "entry_id = {award}"
REFUND = "entry_id = {refund}"
GIVEN_BACK = "entry_id = {given_back}"
ARRIVAL = "entry_id = {arrival}"
HOLDER = "holder_id = {holder}"
LOT = "lot_id = {lot}"
PAYMENT = "entry_id = {payment}"
SHARE = "entry_id = {share}"
TIERED = "holder_id = {tiered}"
HOLD = "hold_id = {hold}"
HOLDING = "entry_id = {hold}"
CAPTURED = "hold_id = {captured_hold}"
CAPTURE = "entry_id = {capture}"
RELEASE = "entry_id = {release}"
LAPSE = "entry_id = {lapse}"
QUOTE = "quote_id = {quote}"
USED = "quote_id = {used_quote}"
PAID = "entry_id = {paid_purchase}"
PAID_BACK = "entry_id = {paid_back}"
SALE = "entry_id = {sale}"
OVERRUN = "entry_id = {overrun}"
OPENING = "lot_id = {lot} AND available_at IS NOT NULL"

FIRST = "version = 1"
APPROVED = "status = 'approved'"
ABAB = "decode(repeat('ab', 32), 'hex')"
ANOTHER_HASH = f"content_hash = {ABAB}"

ENOUGH_FOR_ANYBODY = "amount = 100000"

FIRST_LOCK = "event_id = {first_lock}"
OPENED = "event_id = {opened}"
WRONG_PACK = "replace(pack::text, '\"issued\":', '\"issued\":9')"
HASHED_ANEW = f"pack = {WRONG_PACK}::json, pack_hash = sha256(convert_to({WRONG_PACK}, 'UTF8'))"
OF_CLOSED = "program_id = (SELECT program_id FROM programs WHERE name = 'closed')"

TAKEN = "entry_id = {taken}"
THE_ADJUSTMENT = "kind = 'adjustment' AND subject = 'm-2' AND status = 'approved'"

WAITING = "hold_id = {waiting_review}"
REJECTED = "hold_id = {rejected_review}"
HELD_AWARD = "entry_id = {waiting_review}"

MERGE = "merge_id = {merge}"
DUPLICATE = "holder_id = {duplicate}"

DAMAGES = (
    Damage("chart", "chart", "normal_side = 'debit'", "account = 1", "account"),
    Damage("terms", "programs", "terms_version = 99", "name = 'shop'", "program_id"),
    Damage("terms", "program_terms", None, "version = 1 AND program_id = 1", "program_id"),
    Damage("identities", "holders", "member_id = 'm-9'", HOLDER, "holder_id"),
    Damage("owners", "entries", None, REDEEM, "entry_id"),
    Damage("owners", "holders", None, HOLDER, "holder_id"),
    Damage("versions", "entries", "version = 9999", REDEEM, "holder_id"),
    Damage("versions", "entries", "recorded_at = '2020-01-01'", REDEEM, "entry_id"),
    Damage("versions", "entries", "terms_version = 99", REDEEM, "entry_id"),
    Damage("versions", "holders", "head_hash = decode(repeat('ab', 32), 'hex')", HOLDER, "holder_id"),
    Damage("versions", "holders", "version = version + 1", HOLDER, "holder_id"),
    Damage("versions", "holders", "recorded_at = '2020-01-01'", HOLDER, "holder_id"),
    Damage("units", "postings", "credit = 4", AWARD, "entry_id"),
    Damage("units", "postings", "unit = 2", AWARD, "entry_id"),
    Damage("kinds", "postings", "credit = 52", REDEEM, "entry_id"),
    Damage("kinds", "postings", "ordinal = ordinal + 5", REDEEM, "entry_id"),
    Damage("kinds", "postings", None, AWARD, "entry_id"),
    Damage("kinds", "entries", "kind = 'expire'", REDEEM, "entry_id"),
    Damage("chain", "entries", "operator = 'op-9'", REDEEM, "entry_id"),
    Damage("chain", "entries", "details = '{{}}'", PURCHASE, "entry_id"),
    Damage("chain", "postings", "amount = amount + 1", AWARD, "entry_id"),
    Damage("chain", "postings", None, AWARD, "entry_id"),
    Damage("running balances", "entries", "points_after = points_after + 1", REDEEM, "entry_id"),
    Damage("running balances", "postings", "amount = amount + 1", AWARD, "entry_id"),
    Damage("balances", "holders", "points = points + 1", HOLDER, "holder_id"),
    Damage("lots", "lots", "original = original + 1", LOT, "lot_id"),
    Damage("lots", "lots", None, LOT, "lot_id"),
    Damage("lots", "postings", "amount = amount + 1", OPENING, "lot_id"),
    Damage("lot ids", "postings", "lot_id = gen_random_uuid()", OPENING, "entry_id"),
    Damage("lot ids", "entries", "entry_id = gen_random_uuid()", REDEEM, "entry_id"),
    Damage("lot sums", "lots", "remaining = remaining - 1", LOT, "holder_id"),
    Damage("draws", "postings", ENOUGH_FOR_ANYBODY, REDEEM, "entry_id"),
    Damage("draws", "postings", "lot_id = {foreign_lot}", REDEEM + " AND ordinal = 1", "entry_id"),
    Damage("standings", "holders", "available = available + 1", HOLDER, "holder_id"),
    Damage("standings", "holders", "fresh_until = NULL", HOLDER, "holder_id"),
    Damage("roll-forward", "holders", "debt = debt + 1", HOLDER, "holder_id"),
    Damage("rolling lots", "lots", "expires_at = '2099-01-01'", "lot_id = {rolling_lot}", "lot_id"),
    Damage("parents", "entries", "parent_entry_id = {purchase}", REFUND, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = NULL", REFUND, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = gen_random_uuid()", REFUND, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = {foreign_redeem}", REFUND, "entry_id"),
    Damage("parents", "entries", "peer_holder_id = holder_id", REFUND, "entry_id"),
    Damage("parents", "entries", "effective_at = '2020-01-01'", GIVEN_BACK, "entry_id"),
    Damage("transfers", "postings", "amount = amount + 1", ARRIVAL + " AND ordinal = 1", "{departure}"),
    Damage("transfers", "entries", "reference = 'x'", ARRIVAL, "{departure}"),
    Damage("transfers", "entries", None, ARRIVAL, "{departure}"),
    Damage("references", "business_references", None, REDEEM, "entry_id"),
    Damage("references", "business_references", "entry_id = gen_random_uuid()", REDEEM, "reference"),
    Damage("references", "business_references", "reference = 'x'", REDEEM, "reference"),
    Damage("references", "entries", "reference = 'x'", "entry_id = {expiry}", "entry_id"),
    Damage("outcomes", "outcomes", "entry_id = {purchase}", REDEEM, "key"),
    Damage("outcomes", "outcomes", "answer = '\\x6e6f'", REDEEM, "key"),
    Damage("outcomes", "outcomes", "code = 'insufficient_points'", REDEEM, "key"),
    Damage("outcomes", "outcomes", "code = 'no_such_code'", "code IS NOT NULL", "key"),
    Damage("times", "entries", "effective_at = '2020-01-01'", REDEEM, "entry_id"),
    Damage("times", "entries", "effective_at = '2099-01-01'", PURCHASE, "entry_id"),
    Damage("windows", "lots", "available_at = '2099-01-01'", "lot_id = {drawn_lot}", "lot_id"),
    Damage("windows", "lots", "expires_at = '2020-01-01'", "lot_id = {drawn_lot}", "lot_id"),
    Damage("windows", "lots", "expires_at = '2099-01-01'", "lot_id = {expired_lot}", "lot_id"),
    Damage("refunds", "postings", ENOUGH_FOR_ANYBODY, REFUND + " AND debit = 51", "{refunded}"),
    Damage(
        "returns",
        "entries",
        "details = replace(details::text, '\"amount\":', '\"amount\":9')::json",
        GIVEN_BACK,
        "parent_entry_id",
    ),
    Damage("claw-backs", "postings", ENOUGH_FOR_ANYBODY, GIVEN_BACK + " AND ordinal = 1", "{returned}"),
    Damage(
        "awards", "postings", "amount = amount + 1", PURCHASE + " AND available_at IS NOT NULL", "entry_id"
    ),
    Damage(
        "awards", "entries", "details = replace(details::text, 'spent', 'lent')::json", PURCHASE, "entry_id"
    ),
    Damage(
        "awards",
        "entries",
        "details = replace(details::text, '\"per\":', '\"per\":9')::json",
        PURCHASE,
        "entry_id",
    ),
    Damage("awards", "entries", "details = '[]'", PURCHASE, "entry_id"),
    Damage("kinds", "postings", "debit = 1", PAYMENT, "entry_id"),
    Damage("running balances", "entries", "points_after = points_after - 1", PAYMENT, "entry_id"),
    Damage("balances", "holders", "points = points + 1", "holder_id = {fund}", "holder_id"),
    Damage("parents", "entries", "peer_holder_id = holder_id", PAYMENT, "entry_id"),
    Damage("parents", "entries", "peer_holder_id = NULL", PAYMENT, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = NULL", PAYMENT, "entry_id"),
    Damage("references", "business_references", None, "entry_id = {grant}", "entry_id"),
    Damage("budgets", "postings", "holder_id = {holder}", PAYMENT, "entry_id"),
    Damage("budgets", "postings", "amount = amount + 1", "entry_id = {grant}", "holder_id"),
    Damage("budgets", "usages", "amount = amount - 1", "holder_id = {fund}", "holder_id"),
    Damage("budgets", "usages", None, "holder_id = {fund}", "holder_id"),
    Damage("budgets", "entries", "details = replace(details::text, '203', '199')::json", SHARE, "entry_id"),
    Damage("budgets", "entries", "details = NULL", SHARE, "entry_id"),
    Damage("payments", "postings", "amount = amount + 1", PAYMENT, "{paid}"),
    Damage("payments", "entries", 'details = \'{{"fund": "x"}}\'', "entry_id = {paid}", "entry_id"),
    Damage("payments", "entries", "details = '[]'", "entry_id = {paid}", "entry_id"),
    Damage("payments", "entries", "parent_entry_id = {award}", PAYMENT, "parent_entry_id"),
    Damage("holds", "holds", "points = points + 1", HOLD, "hold_id"),
    Damage("holds", "holds", "expires_at = '2099-01-01'", HOLD, "hold_id"),
    Damage("holds", "holds", "status = 'released'", CAPTURED, "hold_id"),
    Damage("holds", "holds", "captured = captured - 1", CAPTURED, "hold_id"),
    Damage("holds", "holds", "closed_entry_id = gen_random_uuid()", CAPTURED, "hold_id"),
    Damage("holds", "holds", None, CAPTURED, "hold_id"),
    Damage("holds", "entries", "parent_entry_id = {hold}", CAPTURE, "{captured_hold}, entry_id"),
    Damage("holds", "entries", "parent_entry_id = {captured_hold}", RELEASE, "parent_entry_id"),
    Damage("holds", "entries", "details = '{{}}'", LAPSE, "entry_id"),
    Damage("holds", "entries", "details = '{{}}'", HOLDING, "entry_id"),
    Damage("holds", "postings", "amount = amount - 1", CAPTURE + " AND credit = 51", "entry_id"),
    Damage("held points", "postings", "amount = amount - 1", CAPTURE + " AND credit = 1", "entry_id"),
    Damage("held points", "postings", None, CAPTURE + " AND credit = 1", "entry_id"),
    Damage(
        "held points", "postings", "lot_id = {lot}", HOLDING.replace("{hold}", "{captured_hold}"), "entry_id"
    ),
    Damage("held points", "postings", None, LAPSE, "{lapsed_hold}"),
    Damage("held points", "holds", "status = 'released'", HOLD, "holder_id"),
    Damage("held points", "holders", "held = held + 1", "holder_id = {holding}", "holder_id"),
    Damage("lapses", "entries", "effective_at = effective_at + interval '1 second'", LAPSE, "entry_id"),
    Damage("lapses", "entries", "recorded_at = '2020-01-01'", LAPSE, "entry_id"),
    Damage("lapses", "entries", "recorded_at = '2099-01-01'", CAPTURE, "entry_id"),
    Damage("lapses", "entries", "effective_at = '2020-01-01'", RELEASE, "entry_id"),
    Damage("lapses", "holders", "recorded_at = '2099-01-01'", "holder_id = {holding}", "holder_id"),
    Damage("standings", "holders", "fresh_until = '2099-01-01'", "holder_id = {holding}", "holder_id"),
    Damage("draws", "postings", ENOUGH_FOR_ANYBODY, HOLDING, "entry_id"),
    Damage("windows", "lots", "available_at = '2099-01-01'", "lot_id = {held_lot}", "lot_id"),
    Damage("kinds", "postings", "credit = 51", HOLDING, "entry_id"),
    Damage("times", "entries", "effective_at = '2020-01-01'", HOLDING, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = {paid_purchase}", CAPTURE, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = NULL", RELEASE, "entry_id"),
    Damage("references", "entries", "reference = 'x'", RELEASE, "entry_id"),
    Damage("references", "business_references", None, HOLDING, "entry_id"),
    Damage("owners", "holds", "holder_id = gen_random_uuid()", HOLD, "hold_id"),
    Damage("owners", "quotes", "holder_id = gen_random_uuid()", QUOTE, "quote_id"),
    Damage("quotes", "quotes", "points_value = points_value + 1", QUOTE, "quote_id"),
    Damage("quotes", "quotes", "points = points + 1", USED, "quote_id"),
    Damage("quotes", "quotes", "price = price + 1", USED, "quote_id"),
    Damage("quotes", "quotes", "rate_version = 1", USED, "quote_id"),
    Damage("quotes", "quotes", "rate_version = 99", USED, "quote_id"),
    Damage("quotes", "quotes", "used_entry_id = NULL", USED, "quote_id"),
    Damage("quotes", "quotes", "used_entry_id = gen_random_uuid()", USED, "quote_id"),
    Damage("quotes", "quotes", "used_entry_id = {paid_purchase}", QUOTE, "quote_id"),
    Damage("quotes", "quotes", "made_at = '2020-01-01'", QUOTE, "quote_id"),
    Damage("quotes", "quotes", "expires_at = '2020-01-01'", USED, "quote_id"),
    Damage("quotes", "quotes", None, USED, "quote_id"),
    Damage("quotes", "entries", "details = NULL", PAID, "{used_quote}"),
    Damage("quotes", "entries", "details = NULL", CAPTURE, "entry_id"),
    Damage("quotes", "entries", "recorded_at = '2099-01-01'", PAID, "entry_id"),
    Damage("promises", "quotes", "expires_at = '2099-01-01'", QUOTE, "quote_id"),
    Damage("promises", "quotes", "price = price + 1", QUOTE, "quote_id"),
    Damage("promises", "quotes", None, QUOTE, "quote_id"),
    *(
        Damage("face values", "postings", "amount = amount + 1", f"{PAID} AND {account}", "entry_id")
        for account in ("debit = 70", "debit = 82", "debit = 91", "debit = 80", "credit = 51")
    ),
    *(
        Damage("face values", "postings", change, f"{PAID_BACK} AND {account}", "{paid_purchase}, entry_id")
        for account in ("debit = 71", "debit = 83", "debit = 90", "debit = 81", "debit = 51")
        for change in ("amount = amount + 1", None)
    ),
    *(
        Damage("face values", "postings", "amount = amount + 1", f"{SALE} AND {account}", "entry_id")
        for account in ("debit = 71", "debit = 83", "debit = 91", "debit = 80", "debit = 50")
    ),
    Damage("face values", "entries", "details = '{{}}'", PAID, "entry_id"),
    Damage("face values", "entries", "details = '[]'", PAID, "entry_id"),
    Damage(
        "face values",
        "entries",
        "details = replace(details::text, '0.009503', '0.0095')::json",
        PAID,
        "entry_id",
    ),
    Damage("face values", "entries", "details = '{{}}'", SALE, "entry_id"),
    Damage("overruns", "postings", "amount = amount + 1", OVERRUN + " AND debit = 3", "entry_id"),
    Damage("overruns", "entries", "details = NULL", OVERRUN, "entry_id"),
    Damage("units", "postings", "unit = 840", f"{PAID} AND debit = 80", "entry_id"),
    Damage("units", "postings", "unit = 156", f"{PAID} AND debit = 91", "entry_id"),
    Damage("tiers", "holders", "tier_since = '2020-01-01'", TIERED, "holder_id"),
    Damage("tiers", "holders", "tier_in_grace = NOT tier_in_grace", TIERED, "holder_id"),
    Damage("tiers", "holders", "tier = 'x'", TIERED, "holder_id"),
    Damage("tiers", "postings", None, TIERED + " AND unit = 2 AND available_at IS NOT NULL", "holder_id"),
    Damage("tier events", "tier_events", None, TIERED, "holder_id"),
    Damage("tier events", "tier_events", None, TIERED + " AND ordinal = 1", "holder_id"),
    Damage("tier events", "tier_events", "to_tier = 'x'", TIERED, "holder_id"),
    Damage(
        "contents",
        "rule_sets",
        "content = '{{\"rules\": []}}'",
        f"{FIRST} AND owner = ''",
        "program_id, version",
    ),
    Damage("contents", "rule_sets", "version = 9", "version = 2", "program_id"),
    Damage("contents", "rule_sets", None, f"{FIRST} AND owner = ''", "program_id"),
    Damage("contents", "approvals", "content = '{{}}'", "status = 'rejected'", "approval_id"),
    Damage("contents", "approvals", ANOTHER_HASH, "status = 'approved'", "approval_id"),
    Damage("decisions", "approvals", "decided_by = proposed_by", "status = 'rejected'", "approval_id"),
    Damage("decisions", "approvals", "status = 'rejected'", APPROVED, "program_id"),
    Damage("decisions", "approvals", "status = 'approved'", "status = 'rejected'", "program_id"),
    Damage("decisions", "approvals", "decided_by = 'x'", APPROVED, "program_id"),
    Damage("decisions", "approvals", None, APPROVED, "program_id"),
    Damage("decisions", "rule_activations", "version = 3", f"{FIRST} AND owner = ''", "activation_id"),
    Damage("decisions", "rule_activations", "activated_by = 'x'", "reason IS NULL", "activation_id"),
    Damage(
        "decisions", "rule_activations", "active_from = '2020-01-01'", "reason IS NOT NULL", "activation_id"
    ),
    Damage("decisions", "rule_activations", "reason = 'x'", "version = 2", "activation_id"),
    Damage("decisions", "rule_activations", None, "version = 2", "program_id"),
    Damage("decisions", "rule_sets", ANOTHER_HASH, "version = 2", "program_id"),
    Damage("rates", "rates", "version = 9", "version = 4", "program_id"),
    Damage("rates", "rates", None, "version = 2", "program_id"),
    Damage("rates", "rates", None, "version = 1 AND program_id = 1", "program_id"),
    Damage("rates", "rates", "ask = bid / 2", "version = 2", "version"),
    Damage("rates", "rates", "floor = bid * 2", "version = 4", "version"),
    Damage("rates", "rates", "valid_from = '2020-01-01'", "version = 3", "version"),
    Damage("rate approvals", "rates", "bid = bid + 0.0001", "version = 2", "version"),
    Damage("rate approvals", "rates", "ceiling = ceiling * 2", "version = 3", "version"),
    Damage("rate approvals", "rates", "approved_by = 'x'", "version = 3", "version"),
    Damage("rate approvals", "rates", "approved_by = 'first+x'", "version = 4", "version"),
    Damage("rate approvals", "rates", "proposed_by = 'band-controller'", "version = 2", "version"),
    Damage("rate approvals", "rates", "recorded_at = '2020-01-01'", "version = 4", "version"),
    Damage("rate approvals", "approvals", "status = 'rejected'", "kind = 'rate'", "program_id"),
    Damage("rate approvals", "approvals", None, "kind = 'band_auto_second'", "program_id"),
    Damage("rate approvals", "rule_switches", "is_on = false", "code = 'auto'", "program_id"),
    Damage("rate steps", "rates", "bid = bid * 2", "version = 4", "version"),
    Damage("rate steps", "rates", "max_step = 0.01", "version = 2", "program_id"),
    Damage("checkpoints", "checkpoints", f"root = {ABAB}", "number = 1", "checkpoint_id"),
    Damage("checkpoints", "checkpoints", "made_at = '2020-01-01'", "number = 2", "checkpoint_id"),
    Damage("checkpoints", "checkpoints", "number = 3", "number = 2", "checkpoint_id"),
    Damage("checkpoints", "checkpoints", "entries = entries + 1", "number = 2", "checkpoint_id"),
    Damage("checkpoints", "checkpoints", "checkpoint_id = gen_random_uuid()", "number = 1", "checkpoint_id"),
    Damage("checkpoints", "checkpoints", None, "number = 1", "program_id"),
    Damage("adjustments", "postings", "amount = amount + 1", TAKEN, "entry_id"),
    Damage("adjustments", "entries", "details = NULL", TAKEN, "entry_id"),
    Damage(
        "adjustments", "entries", "details = replace(details::text, 'maker', 'me')::json", TAKEN, "entry_id"
    ),
    Damage(
        "adjustments",
        "entry_texts",
        "texts = replace(texts::text, 'mistake', 'gift')::json",
        TAKEN,
        "entry_id",
    ),
    Damage("adjustments", "entries", "reference = 'x'", TAKEN, "entry_id"),
    Damage("adjustments", "entries", "kind = 'award'", TAKEN, "{adjustment}"),
    Damage(
        "adjustments",
        "entries",
        "details = (SELECT details FROM entries WHERE entry_id = {added})",
        TAKEN,
        "{added}",
    ),
    Damage("adjustments", "approvals", None, THE_ADJUSTMENT, "program_id"),
    Damage("adjustments", "approvals", "status = 'pending'", THE_ADJUSTMENT, "program_id"),
    Damage("adjustments", "approvals", "decided_by = 'x'", THE_ADJUSTMENT, "approval_id"),
    Damage(
        "adjustments",
        "approvals",
        "status = 'approved'",
        "kind = 'adjustment' AND status = 'rejected'",
        "approval_id",
    ),
    Damage("kinds", "postings", "credit = 51", TAKEN, "entry_id"),
    Damage("windows", "lots", "available_at = '2099-01-01'", "lot_id = {taken_lot}", "lot_id"),
    Damage(
        "refunds", "postings", ENOUGH_FOR_ANYBODY, "entry_id = {put_back} AND debit = 53", "{taken_twice}"
    ),
    Damage(
        "claw-backs",
        "postings",
        ENOUGH_FOR_ANYBODY,
        "entry_id = {added_back} AND ordinal = 1",
        "{added_twice}",
    ),
    Damage("locks", "holders", "locks = 1", HOLDER, "holder_id"),
    Damage("texts", "entry_texts", "texts = '[]'", AWARD, "entry_id"),
    Damage("texts", "entry_texts", "salt = decode(repeat('ab', 16), 'hex')", AWARD, "entry_id"),
    Damage("texts", "entry_texts", "salt = NULL, texts = NULL", AWARD, "entry_id"),
    Damage("texts", "entry_texts", None, AWARD, "entry_id"),
    Damage("texts", "entries", "details = NULL", AWARD, "entry_id"),
    Damage("references", "business_references", None, TAKEN, "entry_id"),
    Damage("parents", "entries", "parent_entry_id = {taken}", TAKEN, "entry_id"),
    Damage("closed months", "period_events", f"pack = {WRONG_PACK}::json", FIRST_LOCK, "event_id"),
    Damage("closed months", "period_events", f"pack_hash = {ABAB}", FIRST_LOCK, "event_id"),
    Damage("closed months", "period_events", HASHED_ANEW, FIRST_LOCK, "event_id"),
    Damage("closed months", "period_events", "changed_by = 'x'", FIRST_LOCK, "event_id"),
    Damage("closed months", "period_events", "recorded_at = '2026-02-12'", FIRST_LOCK, "event_id"),
    Damage("closed months", "period_events", "recorded_at = '2026-01-10'", FIRST_LOCK, "event_id"),
    Damage(
        "closed months",
        "period_events",
        None,
        "status = 'soft_closed' AND period = '2026-01-01'",
        "{first_lock}",
    ),
    Damage("closed months", "period_events", None, FIRST_LOCK, "{second_soft_close}"),
    Damage("closed months", "period_events", "period = '2026-04-01'", "period = '2026-03-01'", "event_id"),
    Damage("closed months", "period_events", "approved_by = changed_by", OPENED, "event_id"),
    Damage("closed months", "period_events", "reason = 'none'", OPENED, "event_id"),
    Damage("closed months", "approvals", None, "kind = 'period_reopening'", "{opened}"),
    Damage(
        "daily totals",
        "daily_totals",
        "amount = amount + 1",
        f"{OF_CLOSED} AND dimension = 'all'",
        "booked_on",
    ),
    Damage(
        "daily totals",
        "daily_totals",
        "postings = postings + 1",
        f"{OF_CLOSED} AND dimension = 'tier'",
        "key",
    ),
    Damage("daily totals", "daily_totals", None, f"{OF_CLOSED} AND dimension = 'cohort'", "key"),
    Damage(
        "daily totals",
        "daily_totals",
        "booked_on = booked_on + 1",
        f"{OF_CLOSED} AND dimension = 'rule'",
        "key",
    ),
    Damage("daily totals", "total_days", "entries = entries + 1", OF_CLOSED, "effective_on"),
    Damage("daily totals", "total_days", "last_booked_at = '2026-01-01'", OF_CLOSED, "effective_on"),
    Damage("daily totals", "contract_totals", "amount = amount + 1", OF_CLOSED, "measure"),
    Damage("daily totals", "flagged_entries", None, f"{OF_CLOSED} AND flag = 'late'", "entry_id"),
    Damage(
        "daily totals",
        "flagged_entries",
        "booked_on = booked_on + 31",
        f"{OF_CLOSED} AND flag = 'late'",
        "entry_id",
    ),
    Damage(
        "daily totals",
        "totals_state",
        "through = '00000000-0000-0000-0000-000000000000'",
        OF_CLOSED,
        "'2026-01-01'::date",
    ),
    Damage(
        "daily totals", "postings", "amount = amount + 1", "entry_id = {closed_award}", "'2026-03-07'::date"
    ),
    Damage("reviews", "reviews", None, WAITING, "hold_id"),
    Damage("reviews", "reviews", "opened_by = 'x'", WAITING, "hold_id"),
    Damage("reviews", "reviews", "entry_id = gen_random_uuid()", WAITING, "hold_id"),
    Damage("reviews", "reviews", "program_id = 0", WAITING, "hold_id"),
    Damage("reviews", "reviews", "decision = 'released', decided_by = 'x'", WAITING, "hold_id"),
    Damage("reviews", "reviews", "decision = 'released'", REJECTED, "hold_id"),
    Damage("reviews", "reviews", "decided_by = 'x'", REJECTED, "hold_id"),
    Damage("reviews", "entries", None, "entry_id = {rejection}", "holder_id"),
    Damage(
        "reviews", "entries", "parent_entry_id = gen_random_uuid()", "entry_id = {rejection}", "holder_id"
    ),
    Damage("reviews", "entries", "details = NULL", "entry_id = {verdict}", "holder_id"),
    Damage("held awards", "entries", "parent_entry_id = NULL", HELD_AWARD, "entry_id"),
    Damage("held awards", "entries", "details = NULL", HELD_AWARD, "entry_id"),
    Damage("held awards", "postings", "lot_id = gen_random_uuid()", HELD_AWARD, "entry_id"),
    Damage("merges", "merges", None, MERGE, "duplicate_id"),
    Damage("merges", "merges", "undone_at = merged_at", MERGE, "merge_id"),
    Damage("merges", "merges", "merged_at = merged_at + interval '1 day'", MERGE, "merge_id"),
    Damage("merges", "merges", "uncounted = '{{}}'", MERGE, "merge_id"),
    Damage("merges", "holders", "merged_into = NULL", DUPLICATE, "holder_id"),
    Damage("merges", "holders", "debt = 1", DUPLICATE, "holder_id"),
    Damage("merges", "lots", "remaining = 1", "lot_id = {gone_over}", "holder_id"),
    Damage("tiers", "merges", "uncounted = uncounted || {grown}", MERGE, "holder_id"),
)

# One row of each sort, by a query for its id. What has one posting alone has one place to be wrong.
ROWS = {
    "purchase": "SELECT e.entry_id FROM entries e JOIN postings p USING (entry_id)"
    " WHERE kind = 'earn' AND p.available_at IS NOT NULL AND version > 3 LIMIT 1",
    "award": "SELECT e.entry_id FROM entries e JOIN postings p USING (entry_id)"
    " WHERE kind = 'award' AND details ->> 'fund' IS NULL GROUP BY 1 HAVING count(*) = 1 LIMIT 1",
    "redeem": "SELECT entry_id FROM entries WHERE kind = 'redeem' AND version > 3 LIMIT 1",
    "refund": "SELECT e.entry_id FROM entries e JOIN postings p USING (entry_id)"
    " WHERE kind = 'refund' GROUP BY 1 HAVING count(*) = 1 LIMIT 1",
    "refunded": "SELECT parent_entry_id FROM entries WHERE entry_id = {refund}",
    "given_back": "SELECT entry_id FROM entries JOIN postings USING (entry_id) WHERE kind = 'return' LIMIT 1",
    "returned": "SELECT parent_entry_id FROM entries WHERE entry_id = {given_back}",
    "arrival": "SELECT entry_id FROM entries WHERE kind = 'transfer_in' LIMIT 1",
    "departure": "SELECT parent_entry_id FROM entries WHERE entry_id = {arrival}",
    "expiry": "SELECT entry_id FROM entries WHERE kind = 'expire' LIMIT 1",
    "holder": "SELECT holder_id FROM holders WHERE available > 0 AND version > 9 LIMIT 1",
    "foreign_redeem": "SELECT entry_id FROM entries WHERE kind = 'redeem'"
    " AND holder_id <> (SELECT holder_id FROM entries WHERE entry_id = {refund}) LIMIT 1",
    "lot": "SELECT lot_id FROM lots WHERE remaining > 0 AND unit = 1 LIMIT 1",
    "foreign_lot": "SELECT lot_id FROM lots WHERE unit = 1"
    " AND holder_id <> (SELECT holder_id FROM entries WHERE entry_id = {redeem}) LIMIT 1",
    "rolling_lot": "SELECT lot_id FROM lots WHERE rolling LIMIT 1",
    "drawn_lot": "SELECT lot_id FROM postings WHERE credit = 51 LIMIT 1",
    "fund": "SELECT holder_id FROM holders WHERE member_id = 'fund/care' AND points > 0",
    "grant": "SELECT entry_id FROM entries WHERE kind = 'fund_grant' AND holder_id = {fund} LIMIT 1",
    "share": "SELECT entry_id FROM entries WHERE kind = 'fund_grant' AND reference IS NULL AND version = 2",
    "payment": "SELECT entry_id FROM entries WHERE kind = 'fund_spend'"
    " AND holder_id = {fund} ORDER BY version DESC LIMIT 1",
    "paid": "SELECT parent_entry_id FROM entries WHERE entry_id = {payment}",
    "tiered": "SELECT holder_id FROM holders JOIN tier_events USING (holder_id) WHERE tier IS NOT NULL"
    " GROUP BY holder_id HAVING count(*) > 1 ORDER BY holder_id LIMIT 1",
    "hold": "SELECT hold_id FROM holds JOIN programs USING (program_id) WHERE name = 'paying' AND status = 'open'",
    "holding": "SELECT holder_id FROM holds WHERE hold_id = {hold}",
    "held_lot": "SELECT lot_id FROM postings WHERE entry_id = {hold} LIMIT 1",
    "captured_hold": "SELECT hold_id FROM holds JOIN programs USING (program_id)"
    " WHERE name = 'paying' AND status = 'captured' AND captured < points",
    "capture": "SELECT closed_entry_id FROM holds WHERE hold_id = {captured_hold}",
    "release": "SELECT closed_entry_id FROM holds JOIN programs USING (program_id)"
    " WHERE name = 'paying' AND status = 'released'",
    "lapsed_hold": "SELECT hold_id FROM holds JOIN programs USING (program_id)"
    " WHERE name = 'paying' AND status = 'lapsed'",
    "lapse": "SELECT closed_entry_id FROM holds WHERE hold_id = {lapsed_hold}",
    "waiting_review": "SELECT hold_id FROM reviews WHERE decision IS NULL",
    "rejected_review": "SELECT hold_id FROM reviews WHERE decision = 'rejected'",
    "rejection": "SELECT entry_id FROM entries WHERE kind = 'reject'",
    "verdict": "SELECT closed_entry_id FROM holds WHERE hold_id = {rejected_review}",
    "merge": "SELECT merge_id FROM merges JOIN holders USING (holder_id) JOIN programs USING (program_id)"
    " WHERE name = 'merged' AND undone_at IS NULL",
    "undone_merge": "SELECT merge_id FROM merges JOIN holders USING (holder_id) JOIN programs USING (program_id)"
    " WHERE name = 'merged' AND undone_at IS NOT NULL",
    "duplicate": "SELECT duplicate_id FROM merges WHERE merge_id = {merge}",
    "gone_over": "SELECT lot_id FROM lots WHERE holder_id = {duplicate} AND unit = 1 LIMIT 1",
    "grown": "SELECT lot_id FROM lots WHERE holder_id = {duplicate} AND unit = 2 AND remaining = 0",
    "quote": "SELECT quote_id FROM quotes WHERE holder_id = {holding} AND used_entry_id IS NULL",
    "paid_back": "SELECT r.entry_id FROM entries r JOIN postings p USING (entry_id)"
    " WHERE r.kind = 'return' AND r.holder_id = {holding} AND p.debit = 90",
    "paid_purchase": "SELECT parent_entry_id FROM entries WHERE entry_id = {paid_back}",
    "used_quote": "SELECT quote_id FROM quotes WHERE used_entry_id = {paid_purchase}",
    "sale": "SELECT entry_id FROM postings JOIN holders USING (holder_id) JOIN programs USING (program_id)"
    " WHERE credit = 84 AND name = 'paying'",
    "overrun": "SELECT entry_id FROM postings JOIN holders USING (holder_id) JOIN programs USING (program_id)"
    " WHERE debit = 3 AND credit = 51 AND name = 'paying'",
    # Of the member whose one adjustment took points, and of whom it was never taken back.
    "taken": "SELECT entry_id FROM entries JOIN holders USING (holder_id) JOIN programs USING (program_id)"
    " WHERE kind = 'adjust' AND name = 'adjusted' AND member_id = 'm-2'",
    "adjustment": "SELECT approval_id FROM approvals WHERE kind = 'adjustment' AND subject = 'm-2'"
    " AND status = 'approved'",
    "taken_lot": "SELECT lot_id FROM postings WHERE entry_id = {taken}",
    "put_back": "SELECT entry_id FROM entries JOIN postings USING (entry_id, holder_id)"
    " WHERE kind = 'reversal' AND debit = 53 LIMIT 1",
    "taken_twice": "SELECT parent_entry_id FROM entries WHERE entry_id = {put_back}",
    "added_back": "SELECT entry_id FROM entries JOIN postings USING (entry_id, holder_id)"
    " WHERE kind = 'reversal' AND credit = 53 LIMIT 1",
    "added_twice": "SELECT parent_entry_id FROM entries WHERE entry_id = {added_back}",
    "added": "SELECT entry_id FROM entries WHERE reference = 'sorry-1'",
    "expired_lot": "SELECT lot_id FROM lots WHERE expired > 0 AND NOT rolling LIMIT 1",
    "first_lock": "SELECT event_id FROM period_events WHERE status = 'locked' AND period = '2026-01-01'",
    "second_soft_close": "SELECT event_id FROM period_events WHERE status = 'soft_closed'"
    " AND period = '2026-02-01' ORDER BY event_id LIMIT 1",
    "opened": "SELECT event_id FROM period_events WHERE status = 'open'",
    "closed_award": "SELECT entry_id FROM entries JOIN holders USING (holder_id) JOIN programs USING (program_id)"
    " WHERE name = 'closed' AND kind = 'award'",
}


def rows_of(connection: Connection) -> dict[str, str]:
    """The rows that are damaged, as literals by their names."""
    found: dict[str, str] = {}
    for name, query in ROWS.items():
        found[name] = f"'{connection.exec_driver_sql(query.format(**found)).scalar_one()}'::uuid"
    return found
