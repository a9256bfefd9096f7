"""The terms of a program: what is earned, how long it lives, what happens when things go back.

Terms are recorded as immutable versions; every entry names the version that it was decided under.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from ledger.accounts.policies import ExpiryPolicy, parse_policy
from ledger.accounts.program import Program
from ledger.money import scale

DEFAULT_TERMS: dict[str, Any] = {
    "points": {"per": 1, "amount": 100},
    "growth": {"per": 1, "amount": 100},
    "pending_days": 0,
    "points_expiry": {"kind": "end_of_month", "months": 12},
    "growth_expiry": {"kind": "never"},
    "lapsed_refund": {"policy": "lapse"},
    "debt_limit": 1_000_000,
}
"""One point and one unit of growth for each whole currency unit; points live to the end of the month twelve on."""


@dataclass(frozen=True, slots=True)
class EarnRate:
    """``per`` units for every ``amount`` of money in minor units; value given out is floored."""

    per: int
    amount: int

    def of(self, spent: int) -> int:
        """What ``spent`` minor units earn."""
        return scale(spent, self.per, self.amount)


Tender = Literal["pro_rata", "points_first", "cash_first"]
Shortfall = Literal["debt", "deduct_cash", "refuse"]


class RegionShare(NamedTuple):
    """What a region's own rules may spend, by value: ``percent`` of what was issued in a local calendar period."""

    percent: int
    of: Literal["headquarters", "total"]
    period: Literal["month", "quarter", "year"]


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a program's terms."""

    points: EarnRate
    growth: EarnRate
    pending_days: int
    """Days that points of a purchase stay pending: the return window."""
    points_expiry: ExpiryPolicy
    growth_expiry: ExpiryPolicy
    grace_days: int | None
    """Days that refunded points of a lapsed lot live on; None when they lapse at once."""
    debt_limit: int
    """Points that a member may owe after a claw-back of points already spent."""
    judged_at: Literal["occurred_at", "recorded_at"] = "occurred_at"
    """Which time of a purchase chooses the version of the rules."""
    region_share: RegionShare | None = None
    """None where nothing limits a region but its funds."""
    tender: Tender = "pro_rata"
    """In which order points and cash of a purchase go back with its goods."""
    shortfall: Shortfall = "debt"
    """What becomes of earned points that are to be taken back and were spent."""
    offline_credit: int | None = None
    """Points that a device may take from a member in a day while it is offline; None where it may take none."""


def terms_of(program: Program) -> Terms:
    """The terms in force."""
    return _parse(program.terms)


def extended_to(program: Program, now: datetime) -> datetime | None:
    """Until when a member's activity keeps rolling points alive; None where it moves nothing."""
    policy = terms_of(program).points_expiry
    return policy.expires_at(now, program.timezone) if policy.is_rolling else None


@lru_cache(maxsize=256)
def _parse(text: str) -> Terms:
    # Cached by the text itself: an immutable version can never be stale.
    terms: Mapping[str, Any] = json.loads(text)
    lapsed = terms["lapsed_refund"]
    return Terms(
        points=EarnRate(**terms["points"]),
        growth=EarnRate(**terms["growth"]),
        pending_days=terms["pending_days"],
        points_expiry=parse_policy(terms["points_expiry"]),
        growth_expiry=parse_policy(terms["growth_expiry"]),
        grace_days=lapsed["grace_days"] if lapsed["policy"] == "grace" else None,
        debt_limit=terms["debt_limit"],
        judged_at=terms.get("judged_at", "occurred_at"),
        tender=terms.get("returns", {}).get("tender", "pro_rata"),
        shortfall=terms.get("returns", {}).get("shortfall", "debt"),
        offline_credit=terms.get("offline", {}).get("credit"),
        region_share=RegionShare(**share) if (share := terms.get("region_share")) else None,
    )
