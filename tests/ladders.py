"""Ladders and growth for the tests: a ladder as terms hold it, and growth told line by line."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import BEGINNING, Ladders, Reign, ladder_of
from ledger.accounts.policies import parse_policy
from ledger.accounts.tiers import TierEvent

SHANGHAI = "Asia/Shanghai"
LEVELS = {"member": 0, "silver": 1_000, "gold": 5_000, "diamond": 20_000}


def tiers(levels: Mapping[str, int] = LEVELS, **changes: Any) -> dict[str, Any]:
    """The terms of a ladder: kept to the end of the calendar year after next to nothing else."""
    return {
        "levels": [
            {"code": code, "threshold": threshold, "name": {"en": code, "zh": code}}
            for code, threshold in levels.items()
        ],
        "period": {"kind": "end_of_year", "months": 0},
        "landing": "soft",
        "return_policy": "immediate",
        **changes,
    }


def ladders(*reigns: tuple[str, dict[str, Any] | None], timezone: str = SHANGHAI) -> Ladders:
    """Ladders by the local day on which they come into force, numbered from 1; the first was there always."""
    found = []
    for version, (day, stored) in enumerate(reigns, 1):
        begins = at(day, timezone) if day else BEGINNING
        found.append(Reign(begins, version, ladder_of(json.dumps({"tiers": stored}))))
    return Ladders(timezone, tuple(found))


def at(text: str, timezone: str = SHANGHAI) -> datetime:
    """A local time; midnight if only the day is given."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))


def growth(told: str, window: dict[str, Any], timezone: str = SHANGHAI) -> Timeline:
    """Lines such as ``2026-03-01 gains 1000 as a`` and ``2026-04-01 loses 200 of a``, at noon each day."""
    policy, ends, changes = parse_policy(window), {}, []
    for line in told.strip().splitlines():
        when, _, said = line.strip().partition(" ")
        verb, amount, *name = said.split()
        instant = at(f"{when} 12:00", timezone)
        lot = name[-1] if name else ""
        if verb == "gains":
            ends[lot] = policy.expires_at(instant, timezone)
        changes.append(Change(instant, int(amount) if verb == "gains" else -int(amount), ends[lot]))
    return Timeline(changes)


def told(event: TierEvent, timezone: str = SHANGHAI) -> str:
    """An event as a person would note it: local day, reason, tier, growth, and the last day of the period."""
    day = event.effective_at.astimezone(ZoneInfo(timezone)).date()
    period = ""
    if event.ends_at is not None:
        last_day = event.ends_at.astimezone(ZoneInfo(timezone)) - timedelta(microseconds=1)
        period = f" until {last_day.date()}"
    return f"{day} {event.reason} {event.to_tier} with {event.growth}{period}"
