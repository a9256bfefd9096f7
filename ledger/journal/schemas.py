"""The shapes of entries as they are read."""

from marshmallow import fields

from ledger.accounts.chart import Account
from ledger.accounts.schemas import MemberQuery, PageQuery
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    Instant,
    Integer,
    LedgerId,
    Pattern,
    Points,
    Strict,
)
from ledger.money import MAX_AMOUNT
from ledger.rules.schemas import AwardSchema

_ACCOUNTS = [account.name.lower() for account in Account]


class EntriesQuery(MemberQuery, PageQuery):
    """A page of a member's entries."""


class EntryQuery(Strict):
    """An entry."""

    entry_id = CallerId(required=True)


class HolderName(Pattern):
    """A member's id, or the name of a fund: `fund/` and its code."""

    pattern = "(?:fund/)?[A-Za-z0-9._:-]{1,96}"
    must = "must be the name of a holder"


class PostingSchema(Answer):
    """An amount that moved from the debit account to the credit account."""

    debit = Choice(_ACCOUNTS, required=True)
    credit = Choice(_ACCOUNTS, required=True)
    unit = fields.String(
        required=True,
        metadata={
            "description": "POINT, GROWTH, a currency, or a currency and _MICRO: millionths of its minor unit"
        },
    )
    amount = Points(required=True)
    lot_id = LedgerId("lot", required=True, allow_none=True)


class BalancesSchema(Answer):
    """The balances of the member's accounts after an entry."""

    points = Points(minimum=0, required=True)
    held = Points(minimum=0, required=True)
    debt = Points(minimum=0, required=True)
    growth = Points(minimum=0, required=True)


class EntrySchema(Answer):
    """An entry as it stands in the books."""

    entry_id = LedgerId("ent", required=True)
    member_id = HolderName("Whose books it is in; of a budget, `fund/` and its code", required=True)
    version = Integer(1, MAX_AMOUNT, "Its number among the member's entries", required=True)
    kind = fields.String(required=True)
    effective_at = Instant("When it happened", required=True)
    recorded_at = Instant("When it was written", required=True)
    channel = CallerId(required=True, allow_none=True)
    store = CallerId(required=True, allow_none=True)
    region = CallerId(required=True, allow_none=True)
    operator = CallerId(required=True, allow_none=True)
    terminal = CallerId(required=True, allow_none=True)
    reference = CallerId("The business name that it took", required=True, allow_none=True)
    parent_entry_id = LedgerId("ent", "The entry that it follows", required=True, allow_none=True)
    peer_member_id = CallerId(
        "The other member of a transfer or a referral; of what a budget paid, who was awarded",
        required=True,
        allow_none=True,
    )
    terms_version = Integer(1, 2**31 - 1, "The terms that it was decided by", required=True)
    extends_to = Instant("Where it moved the expiry of rolling lots", required=True, allow_none=True)
    postings = fields.List(fields.Nested(PostingSchema), required=True)
    details = fields.Dict(required=True, allow_none=True, metadata={"description": "As stored"})
    awards = fields.List(fields.Nested(AwardSchema), required=True)
    balances_after = fields.Nested(BalancesSchema, required=True)
    hash = fields.String(
        required=True,
        metadata={"description": "Covers the whole entry and the hash before it; SHA-256 in hex"},
    )
