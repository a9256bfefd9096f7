"""The balance of a member, as every write answers it and as ``GET …/balance`` reads it."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from ledger.accounts.holder import Holder
from ledger.accounts.lots import Standing
from ledger.clock import show

# A batch has one time of its own, and what expires at all expires at the ends of few days.
_show = lru_cache(maxsize=1_024)(show)


def balance_of(holder: Holder, now: datetime, tier: dict[str, Any] | None = None) -> dict[str, Any]:
    """The balance object of a holder whose standing is fresh at ``now``."""
    return balance_object(
        holder.member_id,
        now,
        holder.standing,
        held=holder.held,
        debt=holder.debt,
        version=holder.version,
        tier=tier,
    )


def balance_object(
    member_id: str,
    as_of: datetime,
    standing: Standing,
    *,
    held: int,
    debt: int,
    version: int,
    tier: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The balance object of the contract. Points and growth in whole units; ``next_expiry`` and ``tier`` or null."""
    available, pending, growth, expires_at, expiring, _ = standing
    return {
        "member_id": member_id,
        "as_of": _show(as_of),
        "points": {
            "available": available,
            "pending": pending,
            "held": held,
            "debt": debt,
            "next_expiry": expires_at and {"points": expiring, "expires_at": _show(expires_at)},
        },
        "growth": {"value": growth},
        "tier": tier,
        "account_version": version,
    }
