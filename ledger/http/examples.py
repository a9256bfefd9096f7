"""What the document shows as examples: the same small story throughout, instead of random characters.

An example only illustrates. Members of the same name mean the same everywhere, so examples go by name; a
name that is not listed shows nothing, and the reader sees the constraint itself.
"""

from typing import Any, Final

from ledger.http.fields import Answer, Choice, Instant, Plain

_TAIL: Final = "019a3b5c7d2e7f308c41d2e3f4a5"

EXAMPLES: Final[dict[str, Any]] = {
    "activity_id": "sign-in-1",
    "amount": 3900,
    "account_version": 17,
    "available": 120,
    "available_at": "2026-11-01T02:00:00.000000Z",
    "category": "coffee",
    "channel": "pos",
    "csv": "purchase_id,occurred_at,amount\norder-1001,2026-11-01T10:00:00+08:00,3900\n",
    "currency": "CNY",
    "debt": 0,
    "debt_limit": 1_000_000,
    "earned_at": "2026-11-01T02:00:00.000000Z",
    "effective_at": "2026-11-01T02:00:00.000000Z",
    "enrolled_at": "2026-11-01T02:00:00.000000Z",
    "entry_id": f"ent_{_TAIL}0000",
    "expires_at": "2027-11-30T16:00:00.000000Z",
    "from_member_id": "m-1",
    "fund": "goodwill",
    "growth": 39,
    "held": 0,
    "idempotency_key": "till-3-000481",
    "line_id": "1",
    "lot_id": f"lot_{_TAIL}0001",
    "member_id": "m-1",
    "occurred_at": "2026-11-01T10:00:00+08:00",
    "operation": "redemption",
    "operator": "op-7",
    "original": 39,
    "pending": 50,
    "pending_days": 0,
    "per": 1,
    "points": 39,
    "purchase_id": "order-1001",
    "quantity": 2,
    "reason": "late delivery",
    "recorded_at": "2026-11-01T02:00:00.184203Z",
    "redemption_id": f"red_{_TAIL}0000",
    "reference": "case-77",
    "region": "east",
    "remaining": 39,
    "return_id": "return-1001-1",
    "sku": "A",
    "store": "s-12",
    "terminal": "t-3",
    "terms_version": 1,
    "to_member_id": "m-2",
    "transfer_id": f"trf_{_TAIL}0000",
    "value": 340,
    "version": 17,
}

_SHOWN: Final = "2026-11-22T04:00:00.000000Z"


def example_of(field: Plain) -> Any:
    """What the document shows for a field; None for nothing."""
    listed = EXAMPLES.get(field.name or "")
    if isinstance(field, Choice) and listed not in field.choices:
        # A name that means the same in every text may stand for one word of a few.
        return None
    if isinstance(field, Instant) and isinstance(field.parent, Answer):
        return listed if listed and listed.endswith("Z") else _SHOWN
    return listed
