"""The balance of a member, as every write answers it and as ``GET …/balance`` reads it."""

from datetime import datetime
from typing import Any

from ledger.accounts.holder import Holder
from ledger.accounts.lots import Standing
from ledger.clock import show


def balance_of(holder: Holder, now: datetime) -> dict[str, Any]:
    """The balance object of a holder whose standing is fresh at ``now``."""
    return balance_object(
        holder.member_id, now, holder.standing, held=holder.held, debt=holder.debt, version=holder.version
    )


def balance_object(
    member_id: str, as_of: datetime, standing: Standing, *, held: int, debt: int, version: int
) -> dict[str, Any]:
    """The balance object of the contract. Points and growth in whole units; ``next_expiry`` or null."""
    expiry = standing.next_expiry_at
    return {
        "member_id": member_id,
        "as_of": show(as_of),
        "points": {
            "available": standing.available,
            "pending": standing.pending,
            "held": held,
            "debt": debt,
            "next_expiry": expiry and {"points": standing.next_expiry_points, "expires_at": show(expiry)},
        },
        "growth": {"value": standing.growth},
        "tier": None,
        "account_version": version,
    }
