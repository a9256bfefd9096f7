"""What the books remember, so that it need not be worked out again.

An entry keeps the awards that the rules in force gave. They are what evaluating these rules again would say, as
long as nothing decides that is known of the present alone: attributes of members, caps of operators, budgets.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.accounts.chart import Unit
from ledger.clock import local_date
from ledger.journal.wants import UsageKey, Use
from ledger.rules.definitions import OPERATOR_DAY
from ledger.rules.facts import Award, Evaluation, Facts, Fenced
from ledger.rules.fences import Keys
from ledger.rules.plans import Ready
from ledger.rules.rulebook import Compiled
from ledger.rules.simulation.events import Event

_UNITS = {unit.name: unit for unit in Unit}
_NAMES = {unit: unit.name for unit in Unit}
_BUDGETS = frozenset({"budget_exhausted", "region_share"})

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
    awards = [_award(each, unit) for each in details["awards"] if each["unit"] == name]
    fenced = [
        Fenced(each["rule"], unit, each["fence"], each["wanted"], each["given"], {})
        for each in details.get("fenced", ())
        if each["unit"] == name
    ]
    spends: dict[str, int] = {}
    for award in awards:
        for fund in award.funds:
            spends[fund] = spends.get(fund, 0) + award.amount
    return Evaluation(awards, fenced, _uses(rules, facts, awards), spends, {})


def _award(stored: Mapping[str, Any], unit: Unit) -> Award:
    owner, campaign, funds = stored.get("owner", ""), stored.get("campaign"), stored.get("funds", ())
    return Award(
        stored["rule"], stored["rule_version"], unit, stored["amount"], {}, owner, campaign, tuple(funds)
    )


def _uses(rules: Compiled, facts: Facts, awards: Iterable[Award]) -> list[Use]:
    """What the awards have counted against caps, as ``ledger.rules.fences`` counts."""
    capped = _capped(rules)
    used: dict[UsageKey, list[int]] = {}
    keys: Keys | None = None
    for award in awards:
        ready = capped.get((award.owner, award.rule, award.unit))
        if ready is None:
            continue
        keys = keys or Keys(facts.holder_id, facts.operator_holder_id, local_date(facts.at, facts.timezone))
        for key in _keys(keys, ready):
            sums = used.setdefault(key, [0, 0])
            sums[0] += award.amount
            sums[1] += 1
    return [Use(key, amount, times) for key, (amount, times) in used.items()]


def _keys(keys: Keys, ready: Ready) -> set[UsageKey]:
    found = {key for cap in ready.caps if (key := keys.of(cap)) is not None}
    return found | {keys.once(ready.once)} if ready.once is not None else found


_caps: dict[int, tuple[Compiled, dict[tuple[str, str, Unit], Ready]]] = {}


def _capped(rules: Compiled) -> dict[tuple[str, str, Unit], Ready]:
    """The rules that have caps, or are given once, by owner, code and unit."""
    found = _caps.get(id(rules))
    if found is None:
        if len(_caps) > 4_096:
            _caps.clear()
        fenced = (ready for ready in rules.ready if ready.caps or ready.once)
        by_name = {(ready.owner, ready.rule.code, ready.rule.unit): ready for ready in fenced}
        found = _caps[id(rules)] = (rules, by_name)
    return found[1]


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
