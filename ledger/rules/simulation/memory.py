"""What need not be worked out again: what two sets of rules have in common, and what the books remember.

An entry keeps the awards that the rules in force gave. They are what evaluating these rules again would say, as
long as nothing decides that is known of the present alone: attributes of members, caps of operators, budgets.
"""

from typing import Any

from ledger.accounts.chart import Unit
from ledger.rules.definitions import OPERATOR_DAY
from ledger.rules.facts import Award, Evaluation, Facts, Fenced
from ledger.rules.fences import Fences
from ledger.rules.rulebook import Compiled, Ready
from ledger.rules.simulation.events import Event

_UNITS = {unit.name: unit for unit in Unit}
_NAMES = {unit: unit.name for unit in Unit}
_BUDGETS = frozenset({"budget_exhausted", "region_share"})

_sameness: dict[tuple[int, int], tuple[Compiled, Compiled, frozenset[tuple[str, Unit]]]] = {}


def is_same(first: Compiled, second: Compiled, occasion: str, unit: Unit) -> bool:
    """Whether two compilations say the same about an occasion and a unit, whatever their versions."""
    if first is second:
        return True
    key = (id(first), id(second))
    found = _sameness.get(key)
    if found is None:
        if len(_sameness) > 4_096:
            _sameness.clear()
        plans = {*first.plans, *second.plans}
        same = frozenset(plan for plan in plans if _told(first, plan) == _told(second, plan))
        # Both are kept, so that no other object can take over their ids.
        found = _sameness[key] = (first, second, same)
    return (occasion, unit) in found[2] or (occasion, unit) not in {*first.plans, *second.plans}


def _told(rules: Compiled, plan: tuple[str, Unit]) -> list[Any]:
    found = rules.plans.get(plan)
    return [
        (ready.rule, ready.owner, ready.window, ready.experiment, ready.caps, ready.once, ready.funds)
        for ready in (found.rules if found is not None else ())
    ]


_reliable: dict[int, tuple[Compiled, bool]] = {}


def is_remembered(rules: Compiled, event: Event) -> bool:
    """Whether the awards of an entry are what its rules would say again, budgets being without a bound."""
    found = _reliable.get(id(rules))
    if found is None:
        if len(_reliable) > 4_096:
            _reliable.clear()
        found = _reliable[id(rules)] = (rules, _is_reliable(rules))
    if not found[1]:
        return False
    return not any(each["fence"] in _BUDGETS for each in event.details.get("fenced", ()))


def _is_reliable(rules: Compiled) -> bool:
    has_operators = any(cap.name == OPERATOR_DAY for ready in rules.ready for cap in ready.caps)
    return not (rules.needs_member or has_operators)


def remembered(rules: Compiled, facts: Facts, unit: Unit, event: Event) -> Evaluation:
    """The evaluation as the entry keeps it, without the inputs."""
    name, details = _NAMES[unit], event.details
    awards = [
        Award(
            each["rule"],
            each["rule_version"],
            unit,
            each["amount"],
            {},
            each.get("owner", ""),
            each.get("campaign"),
            tuple(each.get("funds", ())),
        )
        for each in details["awards"]
        if each["unit"] == name
    ]
    fenced = [
        Fenced(each["rule"], unit, each["fence"], each["wanted"], each["given"], {})
        for each in details.get("fenced", ())
        if each["unit"] == name
    ]
    if not (rules.has_caps or rules.has_funds):
        return Evaluation(awards, fenced, [], {}, {})
    fences = Fences(facts, {}, {})
    by_rule = {(ready.owner, ready.rule.code): ready for ready in rules.ready if ready.rule.unit is unit}
    for award in awards:
        _count(fences, award, by_rule.get((award.owner, award.rule)))
    spends: dict[str, int] = {}
    for award in awards:
        for fund in award.funds:
            spends[fund] = spends.get(fund, 0) + award.amount
    return Evaluation(awards, fenced, fences.uses, spends, {})


def _count(fences: Fences, award: Award, ready: Ready | None) -> None:
    if ready is not None and (ready.caps or ready.once):
        fences.admit(award.amount, ready.caps, ready.once, {})


_reading: dict[int, tuple[Compiled, bool]] = {}


def reads_points(rules: Compiled) -> bool:
    """Whether a condition looks at the points that a member has."""
    found = _reading.get(id(rules))
    if found is None:
        if len(_reading) > 4_096:
            _reading.clear()
        plans = rules.plans.values()
        is_so = any(plan.conditions and "member.points" in plan.conditions.variables for plan in plans)
        found = _reading[id(rules)] = (rules, is_so)
    return found[1]
