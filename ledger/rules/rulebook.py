"""The rules in force at a time and a place, made ready for the engine: merged, sorted, and split by occasion and unit.

Everything that does not depend on the event is worked out here once, and kept as long as the program's rules
are the same object.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from weakref import WeakKeyDictionary

from ledger.accounts.chart import Unit
from ledger.accounts.program import HEADQUARTERS, Activation, Program, Rules
from ledger.clock import local_date
from ledger.funds.share import share_fund
from ledger.journal.commands import Source
from ledger.journal.wants import UsageKey
from ledger.rules.definitions import Rule, RuleSet
from ledger.rules.facts import REFERRAL, REFERRER
from ledger.rules.fences import Keys, resolved
from ledger.rules.forms import implicit_set, parse_rule_set
from ledger.rules.plans import Owned, Plan, Ready, plan_of, ready_rule, runs
from ledger.rules.terms import Terms, terms_of
from ledger.rules.variables import FROM_MEMBER_ROW

__all__ = ["Compiled", "Owned", "Ready", "compile_rules", "rules_at"]

_MOST_KEPT = 256


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """All rules in force at a time and a place."""

    plans: Mapping[tuple[str, Unit], Plan]
    terms: Terms
    timezone: str
    ready: tuple[Ready, ...]
    needs_member: bool
    """Whether a rule looks at what stands beside the member's books."""
    has_referral: bool
    """Whether anything is given for a referral."""
    has_caps: bool
    has_funds: bool
    _fenced: tuple[Ready, ...] = field(repr=False)

    def usage_keys(
        self, holder_id: bytes, operator_holder_id: bytes | None, at: datetime, timezone: str
    ) -> list[UsageKey]:
        """What was used of the caps that an event of that time may meet."""
        if not self.has_caps:
            return []
        keys = Keys(holder_id, operator_holder_id, local_date(at, timezone))
        found: dict[UsageKey | None, None] = {}
        for ready in self._fenced:
            if runs(ready, at):
                for cap in ready.caps:
                    found[keys.of(cap)] = None
                if ready.once is not None:
                    found[keys.once(ready.once)] = None
        return [key for key in found if key is not None]

    def funds(self, source: Source, at: datetime) -> list[str]:
        """The funds that an event of that time and place may ask to pay, each once."""
        if not self.has_funds:
            return []
        found: dict[str, None] = {}
        for ready in self._fenced:
            if ready.rule.unit is Unit.POINT and runs(ready, at):
                paying = self.paying(ready, source, at).values()
                found.update((fund, None) for fund in paying if fund is not None)
        return list(found)

    def paying(self, ready: Ready, source: Source, at: datetime) -> dict[str, str | None]:
        """Who pays for a rule: the fund of each of its templates, if there is one here, and the region's share."""
        if not ready.funds and not ready.owner:
            return {}
        paying: dict[str, str | None] = {template: resolved(template, source) for template in ready.funds}
        if ready.owner and ready.rule.unit is Unit.POINT:
            share = share_fund(ready.owner, at, self.terms, self.timezone)
            if share is not None:
                paying[share] = share
        return paying


def rules_at(program: Program, at: datetime, region: str | None) -> Compiled:
    """The rules that judge an event of that time and region. Switched off ones are not among them."""
    book = _books.get(program.rules)
    if book is None:
        book = _books.setdefault(program.rules, _Book(program.rules))
    return book.compiled(program, at, region)


def compile_rules(
    sets: Sequence[Owned],
    terms: Terms,
    timezone: str,
    *,
    off_rules: frozenset[str] = frozenset(),
    off_campaigns: frozenset[str] = frozenset(),
) -> Compiled:
    """The rules of headquarters and of a region together, ready for the engine.

    A region's rule replaces rules of headquarters only where those may be overridden. Where headquarters has a
    rule of the same code, as after a promotion, the region's is left out.
    """
    standing = _standing([(owned, _switched_on(owned, off_rules, off_campaigns)) for owned in sets])
    ready = [ready_rule(rule, owned, timezone) for owned, rule in standing]
    ready.sort(key=lambda each: (-each.rule.priority, each.rule.code, each.owner, each.rule.unit))
    kinds = dict.fromkeys((each.rule.on, each.rule.unit) for each in ready)
    plans = {
        (on, unit): plan_of([each for each in ready if (each.rule.on, each.rule.unit) == (on, unit)])
        for on, unit in kinds
    }
    variables = frozenset[str]().union(
        *(plan.conditions.variables for plan in plans.values() if plan.conditions is not None)
    )
    has_share = terms.region_share is not None and any(each.owner for each in ready)
    return Compiled(
        plans,
        terms,
        timezone,
        tuple(ready),
        needs_member=not variables.isdisjoint(FROM_MEMBER_ROW),
        has_referral=any(each.rule.on in {REFERRAL, REFERRER} for each in ready),
        has_caps=any(each.caps or each.once for each in ready),
        has_funds=has_share or any(each.funds for each in ready),
        _fenced=tuple(each for each in ready if each.is_fenced or each.owner),
    )


class _Book:
    """What follows from one ``Rules``: who was in force when, and the compiled rules asked for so far."""

    def __init__(self, rules: Rules) -> None:
        self._off = {"off_rules": rules.off_rules, "off_campaigns": rules.off_campaigns}
        self._timelines: dict[str, tuple[list[datetime], list[Activation]]] = {}
        for activation in rules.activations:
            begins, activations = self._timelines.setdefault(activation.owner, ([], []))
            begins.append(activation.active_from)
            activations.append(activation)
        self._compiled: dict[object, Compiled] = {}

    def compiled(self, program: Program, at: datetime, region: str | None) -> Compiled:
        headquarters = self._place(HEADQUARTERS, at)
        regional = self._place(region, at) if region else 0
        # The text is part of the key, since programs that stand in no database share their lack of rules.
        place = (headquarters, region if regional else None, regional)
        key = (place, program.terms_version, program.terms, program.timezone)
        found = self._compiled.get(key)
        if found is None:
            if len(self._compiled) >= _MOST_KEPT:
                self._compiled.clear()
            sets = [self._headquarters(headquarters, program)]
            if regional and region:
                sets.append(self._owned(region, regional))
            found = compile_rules(sets, terms_of(program), program.timezone, **self._off)
            self._compiled[key] = found
        return found

    def _place(self, owner: str, at: datetime) -> int:
        """How many activations of an owner have begun; the last of them is in force."""
        timeline = self._timelines.get(owner)
        return bisect_right(timeline[0], at) if timeline is not None else 0

    def _headquarters(self, place: int, program: Program) -> Owned:
        if place:
            return self._owned(HEADQUARTERS, place)
        return Owned(HEADQUARTERS, program.terms_version, implicit_set(terms_of(program)))

    def _owned(self, owner: str, place: int) -> Owned:
        activation = self._timelines[owner][1][place - 1]
        return Owned(owner, activation.version, _parsed(activation.content, owner))


_books: WeakKeyDictionary[Rules, _Book] = WeakKeyDictionary()


@lru_cache(maxsize=_MOST_KEPT)
def _parsed(content: str, owner: str) -> RuleSet:
    return parse_rule_set(json.loads(content), owner)


def _switched_on(owned: Owned, off_rules: frozenset[str], off_campaigns: frozenset[str]) -> list[Rule]:
    return [
        rule
        for rule in owned.rules.rules
        if rule.code not in off_rules and (rule.campaign is None or rule.campaign not in off_campaigns)
    ]


def _standing(sets: Sequence[tuple[Owned, list[Rule]]]) -> list[tuple[Owned, Rule]]:
    """The rules that are neither overridden nor, after a promotion, headquarters' by now."""
    promoted = {(rule.code, rule.unit) for owned, rules in sets for rule in rules if not owned.owner}
    standing = [
        (owned, rule)
        for owned, rules in sets
        for rule in rules
        if not owned.owner or (rule.code, rule.unit) not in promoted
    ]
    replaced = {(code, rule.unit) for _owned, rule in standing for code in rule.overrides}
    return [
        (owned, rule)
        for owned, rule in standing
        if owned.owner or not rule.is_overridable or (rule.code, rule.unit) not in replaced
    ]
