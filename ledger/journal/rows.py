"""Rows of a decided batch: the columns that it writes, table by table, and the values in their order."""

from datetime import datetime
from typing import Any

import orjson

from ledger.accounts.holder import Closing, Hold, Holder, Review, Verdict
from ledger.accounts.lots import Lot
from ledger.clock import FAR_FUTURE
from ledger.ids import new_entry_id
from ledger.journal import wire
from ledger.journal.commands import Alert, Claim, Draft, Outcome, Request
from ledger.journal.outcomes import stored_form

Row = tuple[Any, ...]

BALANCE_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "version": wire.Int8s,
    "head_hash": wire.Bytes,
    "recorded_at": wire.Moments,
    "points": wire.Int8s,
    "held": wire.Int8s,
    "debt": wire.Int8s,
    "growth": wire.Int8s,
    "available": wire.Int8s,
    "pending": wire.Int8s,
    "growth_value": wire.Int8s,
    "next_expiry_at": wire.Moments,
    "next_expiry_points": wire.Int8s,
    "fresh_until": wire.Moments,
}
HOLDER_COLUMNS = BALANCE_COLUMNS | {
    "program_id": wire.Int4s,
    "member_id": wire.Texts,
    "enrolled_at": wire.Moments,
}
TOUCHED_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "lot_id": wire.Uuids,
    "remaining": wire.Int8s,
    "expired": wire.Int8s,
    "expires_at": wire.Moments,
    "is_open": wire.Booleans,
}
LOT_COLUMNS = TOUCHED_COLUMNS | {
    "original": wire.Int8s,
    "earned_at": wire.Moments,
    "available_at": wire.Moments,
    "program_id": wire.Int4s,
    "unit": wire.Int2s,
    "rolling": wire.Booleans,
}
CLAIM_COLUMNS: dict[str, type[wire.Array]] = {
    "program_id": wire.Int4s,
    "kind": wire.Texts,
    "reference": wire.Texts,
    "holder_id": wire.Uuids,
    "entry_id": wire.Uuids,
}
HOLD_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "hold_id": wire.Uuids,
    "points": wire.Int8s,
    "expires_at": wire.Moments,
    "quote_id": wire.Uuids,
    "program_id": wire.Int4s,
    "status": wire.Texts,
}
CLOSING_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "hold_id": wire.Uuids,
    "status": wire.Texts,
    "captured": wire.Int8s,
    "closed_entry_id": wire.Uuids,
}
REVIEW_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "hold_id": wire.Uuids,
    "entry_id": wire.Uuids,
    "opened_by": wire.Texts,
    "program_id": wire.Int4s,
}
VERDICT_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "hold_id": wire.Uuids,
    "decision": wire.Texts,
    "decided_by": wire.Texts,
}
QUOTE_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "quote_id": wire.Uuids,
    "points": wire.Int8s,
    "points_value": wire.Int8s,
    "price": wire.Int8s,
    "made_at": wire.Moments,
    "expires_at": wire.Moments,
    "rate_version": wire.Int4s,
    "used_entry_id": wire.Uuids,
    "store": wire.Texts,
    "sku": wire.Texts,
}
USED_QUOTE_COLUMNS = {name: QUOTE_COLUMNS[name] for name in ("holder_id", "quote_id", "used_entry_id")}
ALERT_COLUMNS: dict[str, type[wire.Array]] = {
    "program_id": wire.Int4s,
    "alert_id": wire.Uuids,
    "code": wire.Texts,
    "subject": wire.Texts,
    "details": wire.Jsons,
    "raised_at": wire.Moments,
}
USAGE_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "subject": wire.Texts,
    "period": wire.Texts,
    "amount": wire.Int8s,
    "times": wire.Int8s,
}
REFERRAL_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "referrer_holder_id": wire.Uuids,
    "referrer_id": wire.Texts,
    "activity_entry_id": wire.Uuids,
    "settled_entry_id": wire.Uuids,
    "recorded_at": wire.Moments,
}
TEXT_COLUMNS: dict[str, type[wire.Array]] = {
    "holder_id": wire.Uuids,
    "entry_id": wire.Uuids,
    "salt": wire.Bytes,
    "texts": wire.Jsons,
}
OUTCOME_COLUMNS: dict[str, type[wire.Array]] = {
    "program_id": wire.Int4s,
    "key": wire.Texts,
    "fingerprint": wire.Bytes,
    "recorded_at": wire.Moments,
    "entry_id": wire.Uuids,
    "request_id": wire.Texts,
    "code": wire.Texts,
    "answer": wire.Bytes,
    "caller": wire.Texts,
    "action": wire.Texts,
}


def new_holder_row(holder: Holder, now: datetime) -> Row:
    """A member, a fund or an operator that becomes known."""
    return (*holder_row(holder), holder.program_id, holder.member_id, now)


def holder_row(holder: Holder) -> Row:
    """Balances, standing and head of a holder."""
    standing = holder.kept or holder.standing
    available, pending, growth, next_expiry_at, next_expiry_points, fresh_until = standing
    return (
        holder.holder_id,
        holder.version,
        holder.head,
        holder.recorded_at,
        holder.points,
        holder.held,
        holder.debt,
        holder.growth,
        available,
        pending,
        growth,
        next_expiry_at,
        next_expiry_points,
        None if fresh_until == FAR_FUTURE else fresh_until,
    )


def lot_row(holder: Holder, lot: Lot) -> Row:
    """A lot that is opened."""
    return (
        *touched_row(holder, lot),
        lot.original,
        lot.earned_at,
        lot.available_at,
        holder.program_id,
        lot.unit,
        lot.rolling,
    )


def touched_row(holder: Holder, lot: Lot) -> Row:
    """A lot as it stands now."""
    return (holder.holder_id, lot.lot_id, lot.remaining, lot.expired, lot.expires_at, lot.remaining > 0)


def earlier_lots(holder: Holder) -> list[Lot]:
    """Lots touched that the batch did not open itself."""
    if not holder.touched:
        return []
    opened = {lot.lot_id for lot in holder.opened}
    return [lot for identifier, lot in holder.touched.items() if identifier not in opened]


def hold_row(holder: Holder, hold: Hold) -> Row:
    """A hold that is made."""
    hold_id, points, expires_at, _, quote_id, _ = hold
    return (holder.holder_id, hold_id, points, expires_at, quote_id, holder.program_id, "open")


def closing_row(holder: Holder, closing: Closing) -> Row:
    """How a hold ended."""
    hold_id, status, captured, entry_id, _ = closing
    return (holder.holder_id, hold_id, status, captured, entry_id)


def review_row(holder: Holder, hold_id: bytes, review: Review) -> Row:
    """A review that is opened, by the hold that it decides on."""
    return (holder.holder_id, hold_id, *review, holder.program_id)


def verdict_row(holder: Holder, hold_id: bytes, verdict: Verdict) -> Row:
    """What was decided on a review."""
    return (holder.holder_id, hold_id, *verdict)


def alert_row(program_id: int, now: datetime, alert: Alert) -> Row:
    """An alert; where its subject was raised before, nothing comes of it."""
    return (program_id, new_entry_id(), alert.code, alert.subject, orjson.dumps(alert.details), now)


def claim_row(program_id: int, claim: Claim, draft: Draft) -> Row:
    """A name that is taken, for ever."""
    return (program_id, claim.kind, claim.reference, draft.holder_id, draft.entry_id)


def outcome_row(program_id: int, now: datetime, request: Request, outcome: Outcome) -> Row:
    """The answer that a key has from now on."""
    code, answer = stored_form(outcome)
    return (
        program_id,
        request.key,
        request.fingerprint,
        now,
        outcome.entry_id,
        request.request_id,
        code,
        answer,
        request.caller or None,
        request.action or None,
    )
