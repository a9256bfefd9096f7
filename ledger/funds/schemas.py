"""The shapes of funds, of what changes them, and of what they paid for."""

from marshmallow import fields

from ledger.accounts.schemas import PageQuery
from ledger.http.fields import (
    Answer,
    CallerId,
    Instant,
    Integer,
    LedgerId,
    Pattern,
    Points,
    SignedPoints,
    Strict,
    Text,
)
from ledger.money import MAX_AMOUNT


class FundCode(Pattern):
    """The code of a fund. Longer than other ids: the ledger makes some of it from codes of regions and stores."""

    pattern = "[A-Za-z0-9._:-]{1,96}"
    must = "must be 1 to 96 of A-Z a-z 0-9 . _ : -"


class FundQuery(Strict):
    """A fund."""

    fund = FundCode(required=True)


class FundEntriesQuery(FundQuery, PageQuery):
    """A page of a fund's entries."""


class FundChangeSchema(FundQuery):
    """A grant or a withdrawal, as it is proposed."""

    points = Points(required=True)
    reason = Text(256, "Why, in words; kept in the books", required=True)
    reference = CallerId("The caller's own id; has one effect, for ever", required=True)


class FundSchema(Answer):
    """A budget: what was granted, what of it was spent, and what is left."""

    fund = FundCode(required=True)
    granted = Points("In all, less what was withdrawn", minimum=0, required=True)
    spent = Points("Paid for awards", minimum=0, required=True)
    available = Points("What is left", minimum=0, required=True)
    account_version = Integer(1, MAX_AMOUNT, "Number of the fund's last entry", required=True)


class FundEntrySchema(Answer):
    """An entry of a fund."""

    entry_id = LedgerId("ent", required=True)
    version = Integer(1, MAX_AMOUNT, "Its number among the fund's entries", required=True)
    kind = fields.String(required=True, metadata={"description": "`fund_grant` or `fund_spend`"})
    recorded_at = Instant(required=True)
    points = SignedPoints("Negative for what was spent or withdrawn", required=True)
    available_after = Points(minimum=0, required=True)
    reference = CallerId("Of a grant or a withdrawal", required=True, allow_none=True)
    award_entry_id = LedgerId(
        "ent", "The entry of the award that it paid for", required=True, allow_none=True
    )
    member_id = CallerId("Who was awarded", required=True, allow_none=True)
    details = fields.Dict(required=True, allow_none=True, metadata={"description": "Why, and by whose word"})


class ShareSchema(Answer):
    """A region's share of a period, after a top-up."""

    fund = FundCode(required=True)
    issued = fields.Integer(
        required=True, metadata={"description": "What headquarters has issued in the period", "minimum": 0}
    )
    allowed = Points("What the region may spend of it in all", minimum=0, required=True)
    points = Points("What was granted just now", minimum=0, required=True)


class TopUpSchema(Answer):
    """What a top-up has granted."""

    data = fields.List(fields.Nested(ShareSchema), required=True)
