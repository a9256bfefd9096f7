"""The deferral book: what the books of points, the policies and the estimates make of the liability in money. Pure.

For each cohort the liability after each accounting month is a function of what has been issued and redeemed up to
then, and of the estimate of that month (IFRS 15.B40-B47; the cumulative catch-up of IE52):

- deferral: ``L * (1 - R / N)``, where L is the price allocated to the points, R the points redeemed so far, and
  ``N = issued * expected redemption`` all that ever will be. L follows from the purchases and moves with nothing else.
- provision: ``(N - R) * cost``, remeasured with the cost of a point (IAS 37).
- agent: no liability; what is due to the partner is owed at once, the rest of the allocation is a fee.

What is left once no point is left in any lot is released by expiry. What is released is the difference of
cumulative, rounded figures, so that rounding never adds up. A month releases at the estimate of the month before, and
is then trued up to its own. Money in minor units, points in points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from ledger.finance.deferral.policy import (
    Estimate,
    Method,
    Policy,
    estimate_at_issue,
    estimate_for,
    expected,
    policy_for,
)

SALE: Final = "sale"
AWARD: Final = "award"


class CohortKey(NamedTuple):
    """Points of one issue month, of purchases (``sale``) or of anything else (``award``)."""

    month: date
    pool: str


@dataclass(slots=True)
class Facts:
    """What has happened to a cohort, or what happened to it between two times. Points, and prices in minor units."""

    price: int = 0
    """What was paid for goods and points, less what was paid back."""
    allocated: int = 0
    reversed: int = 0
    price_changed: int = 0
    """What the allocation lost with the price, as far as no points went back with it."""
    issued: int = 0
    clawed: int = 0
    redeemed: int = 0
    left: int = 0
    """Points in lots."""

    def add(self, other: "Facts") -> None:
        """Add what happened next."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def allocation(self) -> int:
        """L: the price allocated to the points that were not taken back."""
        return self.allocated - self.reversed - self.price_changed


class Step(NamedTuple):
    """A stretch of an accounting month during which the bid was the same, in minor units for a point."""

    month: date
    bid: Fraction
    facts: Mapping[CohortKey, Facts]


@dataclass(slots=True)
class Rows:
    """The roll-forward in money, in minor units."""

    deferred: int = 0
    released_on_redemption: int = 0
    released_on_expiry: int = 0
    estimate_trueup: int = 0
    issue_reversals: int = 0
    transaction_price_changes: int = 0
    revalued: int = 0
    passed_on: int = 0
    """Due to a partner; no part of the liability, like ``agent_fees``."""
    agent_fees: int = 0

    @property
    def liability(self) -> int:
        """The closing balance, where the rows are counted from the beginning."""
        return (
            self.deferred
            - self.released_on_redemption
            - self.released_on_expiry
            + self.estimate_trueup
            - self.issue_reversals
            + self.transaction_price_changes
            + self.revalued
        )

    def add(self, other: "Rows") -> None:
        """Add the rows of another cohort."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def since(self, earlier: "Rows") -> "Rows":
        """What moved since, where both are counted from the beginning."""
        return Rows(*(getattr(self, field.name) - getattr(earlier, field.name) for field in fields(self)))


class Measured(NamedTuple):
    """How a cohort stands. ``rows`` are counted from its beginning."""

    key: CohortKey
    policy: Policy
    kind: str
    facts: Facts
    rows: Rows
    at_issue: Estimate | None
    """By which the first month released, before it was trued up."""
    estimate: Estimate | None
    cost: Fraction

    @property
    def method(self) -> Method:
        """The policy's for points of purchases; all others are provided for."""
        return self.policy.method if self.key.pool == SALE else "cost_provision"

    @property
    def points_expected(self) -> Fraction:
        """N: the points that are ever expected to be redeemed."""
        return expected(self.estimate) * (self.facts.issued - self.facts.clawed)

    @property
    def points_to_come(self) -> Fraction:
        """The points that are still expected to be redeemed."""
        return _to_come(self.facts, expected(self.estimate)) if self.facts.left else Fraction(0)

    def liability_if(self, share: Fraction) -> int:
        """The liability if ``share`` of the points, from none to all, were expected to be redeemed."""
        if not self.facts.left or self.kind == "agent":
            return 0
        if self.kind == "provision":
            return _provided(self.facts, share, self.cost)
        return self.facts.allocation - _released(self.facts, share)


KINDS: Final[dict[str, str]] = {
    "deferral_relative_ssp": "deferral",
    "deferral_residual_fv": "deferral",
    "cost_provision": "provision",
    "agent_net": "agent",
}
"""How the points of purchases are measured under each method."""


def measure(
    steps: Sequence[Step], policies: Sequence[Policy], estimates: Sequence[Estimate], minor: int
) -> list[Measured]:
    """Every cohort as it stands after the last step, oldest first. ``minor``: minor units of one major.

    ``steps`` are in order and leave out no month from the first one's to the last one's. Points that came with no
    purchase bring no price: they are provided for at their cost, whatever the policy.
    """
    keys = sorted({key for step in steps for key in step.facts})
    return [_measured(key, steps, policy_for(policies, key.month), estimates, minor) for key in keys]


def _measured(
    key: CohortKey, steps: Sequence[Step], policy: Policy, estimates: Sequence[Estimate], minor: int
) -> Measured:
    kind = KINDS[policy.method] if key.pool == SALE else "provision"
    running = _RUNNING[kind](policy, minor)
    at_issue = estimate_at_issue(estimates, key.month)
    share = expected(at_issue)
    begun = next(number for number, step in enumerate(steps) if key in step.facts)
    for number, step in enumerate(steps[begun:], begun):
        running.step(step.facts.get(key, _NOTHING), share, step.bid)
        if number + 1 == len(steps) or steps[number + 1].month != step.month:
            share = expected(estimate_for(estimates, key.month, max(step.month, key.month)))
            running.close(share)
    last = max(steps[-1].month, key.month)
    estimate = estimate_for(estimates, key.month, last)
    return Measured(key, policy, kind, running.facts, running.rows, at_issue, estimate, running.cost)


_NOTHING: Final = Facts()


class _Running:
    """A cohort on its way through the months."""

    def __init__(self, policy: Policy, minor: int) -> None:
        self.facts = Facts()
        self.rows = Rows()
        self.cost = Fraction(0)
        self._policy = policy
        self._minor = minor
        self._lapsed = 0

    def step(self, facts: Facts, share: Fraction, bid: Fraction) -> None:
        """Add what happened during a step, at the estimate of the month before."""
        raise NotImplementedError

    def close(self, share: Fraction) -> None:
        """End a month at its own estimate."""
        raise NotImplementedError

    def _let_lapse(self, unreleased: int) -> None:
        """Release what is left of the liability where no points are left; take that back where some are again."""
        lapsed = 0 if self.facts.left else unreleased
        self.rows.released_on_expiry += lapsed - self._lapsed
        self._lapsed = lapsed


class _Deferral(_Running):
    released = 0

    def step(self, facts: Facts, share: Fraction, bid: Fraction) -> None:
        self.facts.add(facts)
        self.rows.deferred += facts.allocated
        self.rows.issue_reversals += facts.reversed
        self.rows.transaction_price_changes -= facts.price_changed
        self.rows.released_on_redemption += self._release(share)

    def close(self, share: Fraction) -> None:
        self.rows.estimate_trueup -= self._release(share)
        self._let_lapse(self.facts.allocation - self.released)

    def _release(self, share: Fraction) -> int:
        before, self.released = self.released, _released(self.facts, share)
        return self.released - before


class _Provision(_Running):
    provided = 0

    def step(self, facts: Facts, share: Fraction, bid: Fraction) -> None:
        cost = bid if self._policy.unit_cost is None else Fraction(self._policy.unit_cost) * self._minor
        self.rows.revalued += self._provide(share, cost)
        self.facts.issued += facts.issued
        self.rows.deferred += self._provide(share, cost)
        self.facts.clawed += facts.clawed
        self.rows.issue_reversals -= self._provide(share, cost)
        self.facts.redeemed += facts.redeemed
        self.rows.released_on_redemption -= self._provide(share, cost)
        self.facts.left += facts.left
        self.facts.price += facts.price

    def close(self, share: Fraction) -> None:
        self.rows.estimate_trueup += self._provide(share, self.cost)
        self._let_lapse(self.provided)

    def _provide(self, share: Fraction, cost: Fraction) -> int:
        before, self.cost = self.provided, cost
        self.provided = _provided(self.facts, share, cost)
        return self.provided - before


class _Agency(_Running):
    def step(self, facts: Facts, share: Fraction, bid: Fraction) -> None:
        self.facts.add(facts)

    def close(self, share: Fraction) -> None:
        price = Fraction(self._policy.settlement_price or 0) * self._minor
        self.rows.passed_on = round(price * (self.facts.issued - self.facts.clawed))
        self.rows.agent_fees = self.facts.allocation - self.rows.passed_on


_RUNNING: Final[dict[str, type[_Running]]] = {
    "deferral": _Deferral,
    "provision": _Provision,
    "agent": _Agency,
}


def _released(facts: Facts, share: Fraction) -> int:
    """What of the allocation has been released in all; all of it, where more was redeemed than expected."""
    points = share * (facts.issued - facts.clawed)
    if points <= 0 or facts.redeemed <= 0:
        return 0
    return round(facts.allocation * min(Fraction(1), facts.redeemed / points))


def _provided(facts: Facts, share: Fraction, cost: Fraction) -> int:
    return round(_to_come(facts, share) * cost)


def _to_come(facts: Facts, share: Fraction) -> Fraction:
    return max(Fraction(0), share * (facts.issued - facts.clawed) - facts.redeemed)
