"""A quote: what a member was told that points are worth against a price, at one version of the rate."""

from datetime import datetime
from typing import NamedTuple

QuoteKey = tuple[bytes, bytes]
"""Whose it is, and its id."""


class Quote(NamedTuple):
    """Amounts of money in minor units of the program's currency. Used once, by the entry named."""

    holder_id: bytes
    quote_id: bytes
    points: int
    points_value: int
    price: int
    made_at: datetime
    expires_at: datetime
    rate_version: int
    used_entry_id: bytes | None = None
    store: str | None = None
    sku: str | None = None

    @property
    def key(self) -> QuoteKey:
        """What it is found by."""
        return self.holder_id, self.quote_id

    @property
    def cash(self) -> int:
        """What is left to pay in money."""
        return self.price - self.points_value

    def is_open(self, now: datetime) -> bool:
        """Whether it may still be used, as far as the clock and its use tell."""
        return self.used_entry_id is None and now < self.expires_at
