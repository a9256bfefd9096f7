"""What two sets of rules have in common: rules that say the same in both worlds are judged once for both.

A rule is judged apart where it was changed, and where it hangs together with one that was: by a stacking group,
by a campaign, by a multiplier. What is left gives in both worlds the same, as long as the member is the same and
has used up the same of its caps.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.rules.plans import Plan, Ready, plan_of
from ledger.rules.rulebook import Compiled

Name = tuple[str, str]
"""Owner and code: what a rule is called within an occasion and a unit."""


class Delta(NamedTuple):
    """How the rules of a draft differ from those in force, on an occasion and in a unit."""

    kept: frozenset[Name]
    """The rules that give the same in both worlds."""
    codes: frozenset[str]
    """Their codes."""
    subjects: frozenset[str]
    """What they count usages under."""
    rest: Compiled
    """The draft with its other rules alone."""
    is_whole: bool
    """Whether there are no other rules, in neither world."""


_deltas: dict[tuple[int, int, str, Unit], tuple[Compiled, Compiled, Delta]] = {}
_MOST_KEPT = 4_096


def delta_of(active: Compiled, draft: Compiled, occasion: str, unit: Unit) -> Delta:
    """The difference of two compilations; worked out once."""
    key = (id(active), id(draft), occasion, unit)
    found = _deltas.get(key)
    if found is None:
        if len(_deltas) > _MOST_KEPT:
            _deltas.clear()
        # Both are kept, so that no other object can take over their ids.
        found = _deltas[key] = (active, draft, _delta(active, draft, (occasion, unit)))
    return found[2]


def _delta(active: Compiled, draft: Compiled, key: tuple[str, Unit]) -> Delta:
    old, new = _rules(active.plans.get(key)), _rules(draft.plans.get(key))
    apart = {name for name in {*old, *new} if _told(old, name) != _told(new, name)}
    while more := {name for name in {*old, *new} - apart if _hangs_on(name, apart, old, new)}:
        apart |= more
    kept = [name for name in new if name not in apart]
    rest = [each for name, (each, _) in new.items() if name in apart]
    plans = {key: plan_of(rest)} if rest else {}
    return Delta(
        frozenset(kept),
        frozenset(code for _, code in kept),
        frozenset(subject for name in kept for subject in _subjects(new[name][0])),
        replace(draft, plans=plans),
        is_whole=not apart,
    )


_Rules = dict[Name, tuple[Ready, tuple[Name, ...]]]
"""Rules by name, each with those that it multiplies."""


def _rules(plan: Plan | None) -> _Rules:
    if plan is None:
        return {}
    names = [(ready.owner, ready.rule.code) for ready in plan.rules]
    bases: Mapping[int, Iterable[int]] = plan.multiplied
    return {
        name: (plan.rules[place], tuple(names[base] for base in bases.get(place, ())))
        for place, name in enumerate(names)
    }


def _told(rules: _Rules, name: Name) -> Any:
    """All that a rule says, whatever the version of its set."""
    if name not in rules:
        return None
    each, bases = rules[name]
    return (each.rule, each.window, each.experiment, each.caps, each.once, each.funds, bases)


def _hangs_on(name: Name, apart: set[Name], old: _Rules, new: _Rules) -> bool:
    """Whether a rule hangs together with one that is judged apart, in either world."""
    for rules in (old, new):
        ties = _ties(name, rules)
        if any(ties & _ties(other, rules) for other in apart if other in rules):
            return True
    return False


def _ties(name: Name, rules: _Rules) -> set[Any]:
    """What rules hang together by. A multiplier and the rules it multiplies are tied by its name."""
    each, bases = rules[name]
    ties: set[Any] = {("multiplier", other) for other, (_, of) in rules.items() if name in of}
    if bases:
        ties.add(("multiplier", name))
    if each.rule.stacking is not None:
        ties.add(("stacking", each.rule.stacking.group))
    if each.rule.campaign is not None:
        ties.add(("campaign", each.rule.campaign))
    return ties


def _subjects(ready: Ready) -> list[str]:
    subjects = [cap.subject for cap in ready.caps]
    return [*subjects, ready.once] if ready.once is not None else subjects
