"""How points may be used against a price: from how many on, in which steps, for which share of it, and where.

The limits of the program hold, unless an exception says otherwise for the member's tier, the store or the article.
An exception names one or several of them and applies where all that it names fits; of those that apply, the later
in the list decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ledger.accounts.program import Program


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken against one price. Percents are of the price; the lower bound is ceiled, the upper floored."""

    redeemable: bool = True
    minimum_points: int = 1
    step: int = 1
    min_percent: int = 0
    max_percent: int = 100


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where other limits hold: an empty list names nothing, and so fits all."""

    tiers: frozenset[str]
    stores: frozenset[str]
    skus: frozenset[str]
    changes: Mapping[str, Any]

    def applies(self, tier: str, store: str | None, sku: str | None) -> bool:
        """Whether all that it names fits."""
        named = ((self.tiers, tier), (self.stores, store), (self.skus, sku))
        return all(value in names for names, value in named if names)


@dataclass(frozen=True, slots=True)
class Redemption:
    """The part of a program's terms that quotes go by."""

    limits: Limits = Limits()
    exceptions: tuple[Elsewhere, ...] = ()
    quote_seconds: int = 600
    """How long a quote lasts at most; a change of the rate ends it earlier."""
    open_quotes: int = 5
    """How many a member may have open: each is an option that costs nothing."""
    options: int = 10
    """How many choices a quote shows."""

    def at(self, tier: str, store: str | None, sku: str | None) -> Limits:
        """The limits that hold for a tier, a store and an article."""
        limits = self.limits
        for exception in self.exceptions:
            if exception.applies(tier, store, sku):
                limits = replace(limits, **exception.changes)
        return limits


def redemption_of(program: Program) -> Redemption:
    """What the terms in force say of redemptions."""
    return _parse(program.terms)


_LIMITS = frozenset(Limits.__dataclass_fields__)


@lru_cache(maxsize=256)
def _parse(text: str) -> Redemption:
    # Cached by the text itself: an immutable version can never be stale.
    said: dict[str, Any] = dict(json.loads(text).get("redemption") or {})
    exceptions = tuple(_exception(each) for each in said.pop("exceptions", ()))
    limits = Limits(**{name: said.pop(name) for name in _LIMITS & said.keys()})
    return Redemption(limits=limits, exceptions=exceptions, **said)


def _exception(said: Mapping[str, Any]) -> Elsewhere:
    tiers, stores, skus = (frozenset(said.get(name, ())) for name in ("tiers", "stores", "skus"))
    return Elsewhere(tiers, stores, skus, {name: said[name] for name in _LIMITS & said.keys()})
