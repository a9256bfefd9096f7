"""What a program wants of its rate: the share of issued points that should be redeemed, and how far it may stray.

The settings are an optional part of the program's terms, so that each change of them is a version of the terms.
"""

import json
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from ledger.accounts.program import Program

DEFAULT_BAND: Final[dict[str, Any]] = {
    "target": "0.30",
    "low": "0.28",
    "high": "0.32",
    "minimum_volume": 10_000,
    "lag_hours_max": 48,
    "mode": "recommend",
}
"""What holds for each setting that the terms leave out."""


class BandSettings(NamedTuple):
    """The band of one version of the terms. Shares are of the points issued in the same weeks."""

    target: Decimal
    low: Decimal
    high: Decimal
    minimum_volume: int
    """Points that must have been issued in the window; of fewer, a share says nothing."""
    lag_hours_max: int
    """How old the newest entry may be before it seems that tills no longer report."""
    mode: Literal["recommend", "auto"]
    """The most that the band may do. By itself ``auto`` does nothing: two approvals must turn it on as well."""

    @property
    def lag_max(self) -> timedelta:
        """The age of the newest entry from which on nothing is recommended."""
        return timedelta(hours=self.lag_hours_max)


def band_of(program: Program) -> BandSettings:
    """The band of the terms in force."""
    return _parse(program.terms)


@lru_cache(maxsize=256)
def _parse(text: str) -> BandSettings:
    # Cached by the text itself: an immutable version can never be stale.
    band = {**DEFAULT_BAND, **json.loads(text).get("band", {})}
    shares = {name: Decimal(band[name]) for name in ("target", "low", "high")}
    return BandSettings(**{**band, **shares})
