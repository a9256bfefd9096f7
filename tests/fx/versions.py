"""Versions of a rate for the tests, by the members that matter."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.accounts.program import RateVersion

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    """The instant that many days after the beginning."""
    return BEGINNING + timedelta(days=number)


def version(number: int, begins: int, bid: str = "0.01", **changes: str) -> RateVersion:
    """A version that begins on that day, in wide bounds and with a step of a tenth."""
    prices: dict[str, Any] = {
        "ask": "0.02",
        "floor": "0.005",
        "ceiling": "0.02",
        "max_step": "0.1",
        "bid": bid,
        **changes,
    }
    return RateVersion(
        version=number,
        valid_from=day(begins),
        recorded_at=day(0),
        **{name: Decimal(price) for name, price in prices.items()},
    )
