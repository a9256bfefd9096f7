"""Whose rules are whose: what a region may write, what it may override, and how its pilot becomes everybody's.

Headquarters' rules hold everywhere. A region adds rules of its own, which hold where it sells, are paid by its
own budgets, and are named after it, so that no two owners ever mean two things by one code. It replaces only
what headquarters has marked as overridable. All of this works on the JSON of rule sets that are well formed.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ledger.accounts.program import HEADQUARTERS, Activation, Program, Rules

Content = Mapping[str, Any]
Fault = tuple[str, str]
"""Where something is wrong, and what."""
RuleKey = tuple[str, str]
"""Code and unit."""

KINDS: Final = ("rules", "campaigns", "experiments")
BASE: Final = "base"

_SHARED_FUNDS: Final = frozenset({"region:{region}", "store:{store}"})
"""Budgets of whatever region and store the sale is in: for a region's rule, always its own."""
_SHARED_PREFIXES: Final = frozenset({"region", "store", "share"})


def in_force(rules: Rules, owner: str, at: Any) -> Activation | None:
    """The owner's version in force at that time: of those that have begun, the last one."""
    begun = [each for each in rules.activations if each.owner == owner and each.active_from <= at]
    return begun[-1] if begun else None


def implicit_content(program: Program) -> dict[str, Any]:
    """What is in force where headquarters has activated nothing: the rates of the terms, as rules."""
    terms = program.terms_object()
    return {
        "rules": [
            {"code": BASE, "unit": unit, "rate": {"kind": "per_amount", **terms[rate]}}
            for unit, rate in (("POINT", "points"), ("GROWTH", "growth"))
        ]
    }


def codes_of(content: Content, kind: str) -> list[str]:
    """The codes of one kind (``rules``, ``campaigns``, ``experiments``), as they stand."""
    return [each["code"] for each in content.get(kind, ())]


def faults_of_region(content: Content, region: str, headquarters: Content) -> list[Fault]:
    """What a region may not write: codes that are not named after it or are headquarters', others' budgets."""
    return [*_faults_of_codes(content, region, headquarters), *_faults_of_funds(content, region)]


def overridden_by(content: Content) -> dict[RuleKey, list[str]]:
    """The rules that a region's rules override, each with the codes of those that do: rules of the same unit."""
    found: dict[RuleKey, list[str]] = {}
    for rule in content.get("rules", ()):
        for code in rule.get("overrides", ()):
            found.setdefault((code, rule["unit"]), []).append(rule["code"])
    return found


def not_overridable(content: Content, headquarters: Content) -> list[str]:
    """The codes that a region's rules override and may not: not marked so, or not headquarters' at all."""
    overridable = {key_of(rule) for rule in headquarters.get("rules", ()) if rule.get("overridable")}
    return sorted({code for code, unit in overridden_by(content) if (code, unit) not in overridable})


def promoted(headquarters: Content, region: Content) -> dict[str, Any]:
    """Headquarters' content with a region's put into it: a rule takes the place of those that it overrides.

    What multiplied an overridden rule multiplies those in its place. What headquarters has under the same
    code, from an earlier promotion, is replaced.
    """
    rules = list(headquarters.get("rules", ()))
    for rule in region.get("rules", ()):
        rules = _put_in_place(rules, rule)
    replaced = overridden_by(region)
    found: dict[str, Any] = {"rules": [_pointed(rule, replaced) for rule in rules]}
    for kind in ("campaigns", "experiments"):
        found[kind] = _put_in(headquarters.get(kind, ()), region.get(kind, ()))
    return {kind: found[kind] for kind in KINDS if found[kind]}


def key_of(rule: Content) -> RuleKey:
    """What tells a rule from all others of its set."""
    return rule["code"], rule["unit"]


def _faults_of_codes(content: Content, region: str, headquarters: Content) -> Iterator[Fault]:
    for kind in KINDS:
        taken = set(codes_of(headquarters, kind))
        for number, code in enumerate(codes_of(content, kind)):
            where = f"{kind}.{number}.code"
            if not code.startswith(f"{region}:"):
                yield where, f"must begin with {region}: in a rule set of this region"
            elif code in taken:
                yield where, "is the code of something that headquarters has in force"


def _faults_of_funds(content: Content, region: str) -> Iterator[Fault]:
    for kind in ("rules", "campaigns"):
        for number, each in enumerate(content.get(kind, ())):
            for place, fund in enumerate(each.get("funds", ())):
                if not _is_own_fund(fund, region):
                    yield f"{kind}.{number}.funds.{place}", f"is not a fund of the region {region}"


def _is_own_fund(fund: str, region: str) -> bool:
    is_named_after_it = fund.startswith(f"{region}:") and region not in _SHARED_PREFIXES
    return fund in _SHARED_FUNDS or fund == f"region:{region}" or is_named_after_it


def _put_in(present: Any, new: Any) -> list[Any]:
    codes = {each["code"] for each in new}
    return [each for each in present if each["code"] not in codes] + list(new)


def _put_in_place(rules: list[Any], new: Content) -> list[Any]:
    """The rules with a new one where the first of those stood that it replaces."""
    replaced = {key_of(new), *((code, new["unit"]) for code in new.get("overrides", ()))}
    places = [place for place, rule in enumerate(rules) if key_of(rule) in replaced]
    rest = [rule for rule in rules if key_of(rule) not in replaced]
    place = places[0] if places else len(rest)
    own = {name: value for name, value in new.items() if name != "overrides"}
    return [*rest[:place], own, *rest[place:]]


def _pointed(rule: Content, replaced: Mapping[RuleKey, list[str]]) -> Content:
    """A rule that multiplies what stands now in the place of what it multiplied."""
    named = rule["rate"].get("of", ())
    now = [code for each in named for code in replaced.get((each, rule["unit"]), [each])]
    return rule if now == list(named) else {**rule, "rate": {**rule["rate"], "of": list(dict.fromkeys(now))}}


def owner_of(region: str | None) -> str:
    """The owner of a region's rules; of headquarters' for None."""
    return HEADQUARTERS if region is None else region


def region_of(owner: str) -> str | None:
    """The region that an owner is; None for headquarters."""
    return None if owner == HEADQUARTERS else owner
