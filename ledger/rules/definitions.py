"""What a rule set consists of, as frozen values. ``ledger.rules.forms`` makes them from JSON and vouches for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ledger.accounts.chart import Unit
from ledger.money import Rounding
from ledger.rules.facts import PURCHASE

Name = Mapping[str, str]
"""A text per language: ``en``, ``zh``."""


class Ratio(NamedTuple):
    """An exact factor."""

    numerator: int
    denominator: int


class PerAmount(NamedTuple):
    """``per`` units for each ``amount`` of money in minor units."""

    per: int
    amount: int


class Fixed(NamedTuple):
    """So many units for the basket, for each line or for each piece."""

    amount: int
    each: str = "basket"


class Multiplier(NamedTuple):
    """The extra that makes what other rules give ``ratio`` times as much: all that it may, if none is named."""

    ratio: Ratio
    of: tuple[str, ...] = ()


class Step(NamedTuple):
    """The rate from an amount of money on."""

    start: int
    per: int
    amount: int


class Steps(NamedTuple):
    """Rates by the amount of the basket: one for the whole of it, or (marginal) each for its own slice."""

    steps: tuple[Step, ...]
    is_marginal: bool = False


Rate = PerAmount | Fixed | Multiplier | Steps


class LineFilter(NamedTuple):
    """Which lines count: those of the categories or the articles named (where any is), and of the condition."""

    categories: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    condition: str | None = None


class Stacking(NamedTuple):
    """What happens where several rules of a group give at once: ``best_of``, ``sum`` or ``exclusive``."""

    group: str
    mode: str


class Arm(NamedTuple):
    """One way of an experiment; members fall into the arms in proportion to the weights."""

    code: str
    weight: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """A trial of rules on some of the members. Another ``salt`` deals the members anew."""

    code: str
    salt: str
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A window of local days, both inclusive; its caps and funds hold for all its rules together."""

    code: str
    name: Name = field(default_factory=dict)
    first_day: date | None = None
    last_day: date | None = None
    caps: Mapping[str, int] = field(default_factory=dict)
    funds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """When something is given, how much of it, and within which fences."""

    code: str
    unit: Unit
    rate: Rate
    name: Name = field(default_factory=dict)
    on: str = PURCHASE
    condition: str | None = None
    lines: LineFilter | None = None
    by_tier: Mapping[str, Ratio] = field(default_factory=dict)
    by_channel: Mapping[str, Ratio] = field(default_factory=dict)
    by_category: Mapping[str, Ratio] = field(default_factory=dict)
    rounding: Rounding = Rounding.FLOOR
    is_rounded_per_line: bool = False
    is_on_cash: bool = False
    priority: int = 0
    stacking: Stacking | None = None
    caps: Mapping[str, int] = field(default_factory=dict)
    is_once: bool = False
    funds: tuple[str, ...] = ()
    campaign: str | None = None
    experiment: str | None = None
    arm: str | None = None
    is_overridable: bool = False
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One owner's rules, campaigns and experiments."""

    rules: tuple[Rule, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    experiments: tuple[Experiment, ...] = ()


TRANSACTION = "transaction"
OPERATOR_DAY = "operator_day"
CAPS = (TRANSACTION, "day", "week", "month", "ever", OPERATOR_DAY)
"""What a cap may hold for; all are of the member but the last, which is of the operator of the till."""
