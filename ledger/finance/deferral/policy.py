"""How points are measured in money: policies, estimates, and which of them holds for a cohort in a month. Pure.

A *cohort* is the calendar month in which points were issued. A *policy* holds for the cohorts from ``applies_from``
on; a later version for the same cohort takes the place of an earlier one. An *estimate* says what share of a cohort's
points will ever be redeemed; one without a cohort holds for every cohort that has none of its own. It counts for the
accounting months from ``applies_from`` on, so that a close can go by what was found out after its month had ended.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple, get_args

from ledger.clock import show
from ledger.finance.months import show_month
from ledger.ids import show as show_id

Method = Literal["deferral_relative_ssp", "deferral_residual_fv", "cost_provision", "agent_net"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)

NOTHING_BREAKS: Final = Fraction(1)
"""Expected where there is no estimate: breakage that nobody has estimated is not recognised."""


class Policy(NamedTuple):
    """A version of a program's policy. Rates in major units of the currency for one point."""

    version: int
    applies_from: date
    method: Method
    unit_value: Decimal | None
    """What a point is worth on its own, for allocation; None for the bid in force at the purchase."""
    unit_cost: Decimal | None
    """What a point costs, for provisions; None for the bid in force."""
    settlement_price: Decimal | None
    """What is due to the partner whose point it is; of ``agent_net`` alone."""
    share_decimals: int | None
    tax_rate: Decimal
    recorded_at: datetime
    reason: str
    proposed_by: str | None
    approved_by: str | None

    def shown(self) -> dict[str, Any]:
        """The version as answers show it."""
        return {
            "version": self.version,
            "applies_from": show_month(self.applies_from),
            "method": self.method,
            **{name: plain(getattr(self, name)) for name in ("unit_value", "unit_cost", "settlement_price")},
            "share_decimals": self.share_decimals,
            "tax_rate": plain(self.tax_rate),
            "recorded_at": show(self.recorded_at),
            "reason": self.reason,
            "proposed_by": self.proposed_by,
            "approved_by": self.approved_by,
        }


class Estimate(NamedTuple):
    """A version of an estimate: what share of a cohort's points will ever be redeemed."""

    version: int
    estimate_id: bytes
    cohort: date | None
    applies_from: date
    expected_redemption: Decimal
    method: str
    inputs: dict[str, Any]
    recorded_at: datetime
    reason: str
    proposed_by: str
    approved_by: str

    def shown(self) -> dict[str, Any]:
        """The version as answers show it."""
        return {
            "version": self.version,
            "estimate_id": show_id("est", self.estimate_id),
            "cohort": self.cohort and show_month(self.cohort),
            "applies_from": show_month(self.applies_from),
            "expected_redemption": plain(self.expected_redemption),
            "method": self.method,
            "inputs": self.inputs,
            "recorded_at": show(self.recorded_at),
            "reason": self.reason,
            "proposed_by": self.proposed_by,
            "approved_by": self.approved_by,
        }


def policy_for(policies: Sequence[Policy], cohort: date) -> Policy:
    """The policy of a cohort. Versions stand in their order."""
    return max((each for each in policies if each.applies_from <= cohort), key=lambda each: each.version)


def estimate_for(estimates: Sequence[Estimate], cohort: date, month: date) -> Estimate | None:
    """The estimate of a cohort that an accounting month goes by; the cohort's own before the general one."""
    return max(_applicable(estimates, cohort, month), key=_precedence, default=None)


def estimate_at_issue(estimates: Sequence[Estimate], cohort: date) -> Estimate | None:
    """The estimate by which the first month of a cohort releases, before it is trued up.

    The first of the cohort's own, which it began with; else the general one that held before.
    """
    found = _applicable(estimates, cohort, cohort)
    own = [each for each in found if each.cohort is not None]
    if own:
        return min(own, key=lambda each: each.version)
    earlier = [each for each in found if each.applies_from < cohort]
    if earlier:
        return max(earlier, key=lambda each: each.version)
    return min(found, key=lambda each: each.version, default=None)


def expected(estimate: Estimate | None) -> Fraction:
    """The share of points that is expected to be redeemed."""
    return Fraction(estimate.expected_redemption) if estimate else NOTHING_BREAKS


def plain(number: Decimal | None) -> str | None:
    """A decimal in plain digits, without zeros at the end."""
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _applicable(estimates: Sequence[Estimate], cohort: date, month: date) -> list[Estimate]:
    return [each for each in estimates if each.applies_from <= month and each.cohort in (None, cohort)]


def _precedence(estimate: Estimate) -> tuple[bool, int]:
    return estimate.cohort is not None, estimate.version
