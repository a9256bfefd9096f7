"""When a program wants to be told: thresholds of the redemption rate, and ceilings of what is issued and owed.

The settings are an optional part of the program's terms, so that each change of them is a version of the terms.
"""

import json
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ledger.accounts.program import Program

DEFAULT_ALERTS: Final[dict[str, Any]] = {
    "redemption_low": "0.15",
    "minimum_sample": 10_000,
    "window_days": 28,
    "liability_ceiling": None,
    "issuance_ceiling": None,
}
"""What holds for each setting that the terms leave out."""


class AlertSettings(NamedTuple):
    """The thresholds of one version of the terms."""

    redemption_low: Decimal
    """The share of issued points below which too few are redeemed. The band has edges of its own."""
    minimum_sample: int
    """Points that must have been issued in the window; of fewer, a share says nothing."""
    window_days: int
    """Whole local days that are looked at, the last of them yesterday."""
    liability_ceiling: int | None
    """Minor units that the outstanding points may be worth; None where nothing limits them."""
    issuance_ceiling: int | None
    """Points that may be issued in the window, less what was clawed back; None where nothing limits them."""


def alert_settings_of(program: Program) -> AlertSettings:
    """The settings of the terms in force."""
    return _parse(program.terms)


@lru_cache(maxsize=256)
def _parse(text: str) -> AlertSettings:
    # Cached by the text itself: an immutable version can never be stale.
    settings = {**DEFAULT_ALERTS, **json.loads(text).get("alerts", {})}
    return AlertSettings(**{**settings, "redemption_low": Decimal(settings["redemption_low"])})
