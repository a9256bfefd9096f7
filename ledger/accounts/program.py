"""A program as one request sees it: the tenant with its currency, its time zone, its terms and its clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

HEADQUARTERS = ""
"""The owner of the rules that are no region's."""


class Activation(NamedTuple):
    """From when on a version of an owner's rules is in force, and its JSON text."""

    owner: str
    version: int
    active_from: datetime
    content: str


class TermsVersion(NamedTuple):
    """A version of the terms: in force from its recording until the next one's."""

    version: int
    recorded_at: datetime
    terms: str


class RateVersion(NamedTuple):
    """A version of the rate: exact decimals, money of one point in major units of the program's currency."""

    version: int
    valid_from: datetime
    recorded_at: datetime
    bid: Decimal
    """What a point is worth when it is spent."""
    ask: Decimal
    """What a point costs when it is sold or made good; never below the bid."""
    floor: Decimal
    ceiling: Decimal
    max_step: Decimal
    """By how much of itself the bid may differ from the one before or after it."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What decides postings beside the terms in force. Never changed, so its identity tells it: derived things
    are cached by it.

    ``activations`` stand in the order of their beginning, those that begin together in the order of their
    recording: of an owner's that have begun, the last one counts. ``terms`` are all versions, oldest first;
    none where a program stands in no database. ``rates`` stand in the order of their beginning, and those that
    begin together in the order of their versions. ``band`` are the switches of the band controller, by code.
    """

    activations: tuple[Activation, ...] = ()
    off_rules: frozenset[str] = frozenset()
    off_campaigns: frozenset[str] = frozenset()
    terms: tuple[TermsVersion, ...] = ()
    rates: tuple[RateVersion, ...] = ()
    band: Mapping[str, bool] = field(default_factory=dict)


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Program:
    """A tenant as one request sees it. ``terms`` is the JSON text of the version in force."""

    program_id: int
    name: str
    currency: str
    timezone: str
    terms_version: int
    terms: str
    is_test: bool = False
    test_now: datetime | None = None
    rules: Rules = NO_RULES
    stamp: UUID | None = None
    """Changes with all that decides postings and with the keys that are revoked; none outside a database."""

    def now(self, system_now: datetime) -> datetime:
        """The program's present: the test clock where one is set."""
        return self.test_now or system_now

    def terms_object(self) -> dict[str, Any]:
        """The terms in force as an object, to show or to build the next version from."""
        parsed: dict[str, Any] = json.loads(self.terms)
        return parsed
