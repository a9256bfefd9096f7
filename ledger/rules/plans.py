"""Plans: the rules of one occasion and one unit with everything at hand that does not depend on the event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.clock import start_of_day
from ledger.rules.conditions import Conditions
from ledger.rules.definitions import Campaign, Experiment, Multiplier, Rule, RuleSet
from ledger.rules.facts import Facts
from ledger.rules.fences import Cap, subject_of
from ledger.rules.line_conditions import LineConditions
from ledger.rules.variables import event_values


class Owned(NamedTuple):
    """A version of an owner's rule set."""

    owner: str
    version: int
    rules: RuleSet


class Window(NamedTuple):
    """When a campaign runs: from the first instant up to the last, which is outside."""

    begins_at: datetime | None
    ends_at: datetime | None

    def contains(self, at: datetime) -> bool:
        """Whether the campaign runs then."""
        return (self.begins_at is None or self.begins_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A rule with all that belongs to it at hand."""

    rule: Rule
    owner: str
    version: int
    window: Window | None
    experiment: Experiment | None
    caps: tuple[Cap, ...]
    """Its own, then its campaign's."""
    once: str | None
    """The subject under which it is counted that it was given, if it is given once."""
    funds: tuple[str, ...]
    """Templates, its own and its campaign's."""
    is_fenced: bool


class Check(NamedTuple):
    """What decides whether a rule applies: the place of its condition, its campaign, its experiment; if it has any."""

    place: int
    condition: int | None
    window: Window | None
    experiment: Experiment | None
    arm: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The rules of one occasion and one unit, by priority, then by code."""

    rules: tuple[Ready, ...]
    conditions: Conditions | None
    values: Callable[[Facts], dict[str, Any]] | None
    """Reads the variables of the conditions from facts."""
    checks: tuple[Check, ...]
    """What decides whether each rule applies."""
    line_conditions: LineConditions | None
    line_condition_of: tuple[int | None, ...]
    multiplied: Mapping[int, tuple[int, ...]]
    """For each multiplier, by its place, the places of the rules that it multiplies."""
    is_selective: bool
    """Whether a rule may not apply: by a condition, a campaign's window or an experiment."""
    has_once: bool
    has_stacking: bool
    has_fences: bool


def runs(ready: Ready, at: datetime) -> bool:
    """Whether the rule's campaign, if it has one, runs then."""
    return ready.window is None or ready.window.contains(at)


def ready_rule(rule: Rule, owned: Owned, timezone: str) -> Ready:
    """A rule of a set with its campaign's window, caps and funds."""
    campaign = next((each for each in owned.rules.campaigns if each.code == rule.campaign), None)
    experiment = next((each for each in owned.rules.experiments if each.code == rule.experiment), None)
    caps = _caps("rule", rule.code, rule.caps, rule.unit)
    funds = rule.funds
    if campaign is not None:
        caps += _caps("campaign", campaign.code, campaign.caps, rule.unit)
        # Funds hold points; growth value needs no budget.
        funds += campaign.funds if rule.unit is Unit.POINT else ()
    once = subject_of("rule", rule.code, rule.unit) if rule.is_once else None
    return Ready(
        rule,
        owned.owner,
        owned.version,
        _window(campaign, timezone) if campaign is not None else None,
        experiment,
        caps,
        once,
        tuple(dict.fromkeys(funds)),
        is_fenced=bool(caps or once or funds),
    )


def _caps(kind: str, code: str, limits: Mapping[str, int], unit: Unit) -> tuple[Cap, ...]:
    subject, campaign = subject_of(kind, code, unit), code if kind == "campaign" else None
    return tuple(Cap(name, limit, subject, campaign) for name, limit in limits.items())


def _window(campaign: Campaign, timezone: str) -> Window:
    first, last = campaign.first_day, campaign.last_day
    return Window(
        start_of_day(first, timezone) if first is not None else None,
        start_of_day(last + timedelta(days=1), timezone) if last is not None else None,
    )


def plan_of(ready: list[Ready]) -> Plan:
    """The plan of these rules, which are of one occasion and one unit and stand in order."""
    conditions, condition_of = _gathered([each.rule.condition for each in ready])
    line_conditions, line_condition_of = _gathered(
        [each.rule.lines.condition if each.rule.lines is not None else None for each in ready]
    )
    together = Conditions(conditions) if conditions else None
    return Plan(
        tuple(ready),
        together,
        event_values(together.variables) if together is not None else None,
        tuple(
            Check(place, condition_of[place], each.window, each.experiment, each.rule.arm)
            for place, each in enumerate(ready)
        ),
        LineConditions(line_conditions) if line_conditions else None,
        line_condition_of,
        _multiplied(ready),
        is_selective=any(
            each.rule.condition is not None or each.window is not None or each.experiment is not None
            for each in ready
        ),
        has_once=any(each.once is not None for each in ready),
        has_stacking=any(each.rule.stacking is not None for each in ready),
        has_fences=any(each.is_fenced or each.owner for each in ready),
    )


def _gathered(sources: Sequence[str | None]) -> tuple[list[str], tuple[int | None, ...]]:
    """The different conditions, and for each rule the place of its own."""
    places: dict[str, int] = {}
    place_of = tuple(None if source is None else places.setdefault(source, len(places)) for source in sources)
    return list(places), place_of


def _multiplied(ready: list[Ready]) -> dict[int, tuple[int, ...]]:
    return {
        place: tuple(_bases(each, each.rule.rate, ready))
        for place, each in enumerate(ready)
        if isinstance(each.rule.rate, Multiplier)
    }


def _bases(multiplier: Ready, rate: Multiplier, ready: list[Ready]) -> list[int]:
    """The rules that a multiplier multiplies: those it names, or all it may.

    Headquarters does not multiply what a region adds; but a rule that replaces another takes its place.
    """
    bases = {
        place: each
        for place, each in enumerate(ready)
        if each.rule.stacking is None
        and not isinstance(each.rule.rate, Multiplier)
        and (multiplier.owner or not each.owner or each.rule.overrides)
    }
    if not rate.of:
        return list(bases)
    return [
        place
        for place, each in bases.items()
        if not {each.rule.code, *each.rule.overrides}.isdisjoint(rate.of)
    ]
