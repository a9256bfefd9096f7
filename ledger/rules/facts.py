"""What an evaluation of rules may see, and what it says: plain values, no books, no clock, no database.

Whatever decides about an award stands in ``Facts``; the same facts under the same rules give the same
``Evaluation``, at the till, in a replay and in a simulation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.journal.commands import NO_SOURCE, Source
from ledger.journal.wants import Use

PURCHASE = "purchase"
"""The occasion of a sale."""
REFERRAL = "referral"
"""The occasion on which a member who was referred has bought for the first time."""
REFERRER = "referrer"
"""The same occasion, for the member who referred."""

# Python 3.11 finds the name of a member of an enumeration by a function call each: here it is asked once.
_NAMES = {unit: unit.name for unit in Unit}


class Line(NamedTuple):
    """A line of a purchase. ``amount`` is the line's total in minor units after discounts."""

    line_id: str
    quantity: int
    amount: int
    sku: str | None = None
    category: str | None = None

    def stored(self) -> dict[str, Any]:
        """The form kept on the entry, without what was not given."""
        kept: dict[str, Any] = {"line_id": self.line_id, "quantity": self.quantity, "amount": self.amount}
        if self.sku is not None:
            kept["sku"] = self.sku
        if self.category is not None:
            kept["category"] = self.category
        return kept


class MemberFacts(NamedTuple):
    """The member as the event finds him. What is not known is empty, zero or None."""

    member_id: str
    tier: str = ""
    growth: int = 0
    points: int = 0
    visits: int = 0
    """Which purchase this is: the first is 1."""
    streak: int = 0
    """Days in a row with a visit, this one included."""
    region: str = ""
    store: str = ""
    enrolled_at: datetime | None = None
    attributes: Mapping[str, Any] = {}


class Facts(NamedTuple):
    """One event: when, what, where, who. Amounts are minor units; ``cash`` is the part not paid with points.

    The two holder ids name what the caps of the member and of the operator have used so far.
    """

    occasion: str
    at: datetime
    timezone: str
    currency: str
    lines: tuple[Line, ...]
    spent: int
    cash: int
    member: MemberFacts
    source: Source = NO_SOURCE
    activity: Mapping[str, Any] = {}
    holder_id: bytes = b""
    operator_holder_id: bytes | None = None


class Award(NamedTuple):
    """What one rule gives on one occasion, with the arithmetic that makes it."""

    rule: str
    rule_version: int
    unit: Unit
    amount: int
    inputs: dict[str, Any]
    owner: str = ""
    """The region whose rule it is; empty for headquarters."""
    campaign: str | None = None
    funds: tuple[str, ...] = ()
    """The funds that paid, each the whole amount."""

    def stored(self) -> dict[str, Any]:
        """The form kept on the entry, without what does not apply."""
        kept: dict[str, Any] = {
            "rule": self.rule,
            "rule_version": self.rule_version,
            "unit": _NAMES[self.unit],
            "amount": self.amount,
            "inputs": self.inputs,
        }
        if self.owner:
            kept["owner"] = self.owner
        if self.campaign is not None:
            kept["campaign"] = self.campaign
        if self.funds:
            kept["funds"] = list(self.funds)
        return kept


class Fenced(NamedTuple):
    """What a fence kept from a member: an award that was cut or did not come, and why.

    ``wanted`` and ``given`` are amounts before and after. A rule that failed wanted an unknown amount: 0.
    """

    rule: str
    unit: Unit
    fence: str
    wanted: int
    given: int
    detail: dict[str, Any]

    def stored(self) -> dict[str, Any]:
        """The form kept on the entry."""
        return {
            "rule": self.rule,
            "unit": _NAMES[self.unit],
            "fence": self.fence,
            "wanted": self.wanted,
            "given": self.given,
            "detail": self.detail,
        }


class Evaluation(NamedTuple):
    """What the rules of one unit say about one event."""

    awards: list[Award]
    fenced: list[Fenced]
    uses: list[Use]
    """What the awards count against caps; to be added to the usages once they are posted."""
    spends: dict[str, int]
    """Points that each fund pays."""
    arms: dict[str, str]
    """The arm of each experiment that had a say."""
