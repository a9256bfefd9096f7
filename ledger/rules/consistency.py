"""What the parts of a rule set say about each other: names that must be there, and what goes with what."""

from collections.abc import Iterable, Iterator

from ledger.accounts.chart import Unit
from ledger.rules.definitions import (
    OPERATOR_DAY,
    Campaign,
    Experiment,
    Fixed,
    Multiplier,
    PerAmount,
    Rule,
    RuleSet,
    Steps,
)
from ledger.rules.facts import PURCHASE, REFERRAL, REFERRER
from ledger.rules.reading import Fault

_WITH_A_BASKET = frozenset({PURCHASE, REFERRAL, REFERRER})
"""Occasions that have money spent and lines."""


def check_set(parsed: RuleSet, owner: str) -> list[Fault]:
    """Everything that is wrong between the parts."""
    return [
        *_repeated("rules", [(rule.code, rule.unit) for rule in parsed.rules]),
        *_repeated("campaigns", [campaign.code for campaign in parsed.campaigns]),
        *_repeated("experiments", [experiment.code for experiment in parsed.experiments]),
        *_modes(parsed.rules),
        *(
            (f"rules.{i}.{path}" if path else f"rules.{i}", message)
            for i, rule in enumerate(parsed.rules)
            for path, message in (
                *_names(rule, parsed.campaigns, parsed.experiments),
                *_overriding(rule, owner),
                *_fitting(rule),
                *_of(rule, parsed.rules, owner),
            )
        ),
    ]


def _repeated(path: str, codes: list[object]) -> Iterator[Fault]:
    for i, code in enumerate(codes):
        if code in codes[:i]:
            yield f"{path}.{i}.code", "stands twice"


def _modes(rules: Iterable[Rule]) -> Iterator[Fault]:
    modes: dict[tuple[Unit, str], str] = {}
    for i, rule in enumerate(rules):
        if rule.stacking is None:
            continue
        mode = modes.setdefault((rule.unit, rule.stacking.group), rule.stacking.mode)
        if mode != rule.stacking.mode:
            yield f"rules.{i}.stacking.mode", f"is {mode} in the other rules of the group"


def _names(
    rule: Rule, campaigns: Iterable[Campaign], experiments: Iterable[Experiment]
) -> Iterator[tuple[str, str]]:
    if rule.campaign is not None and rule.campaign not in {campaign.code for campaign in campaigns}:
        yield "campaign", "names no campaign of this rule set"
    if rule.experiment is None:
        return
    arms = {each.code: [arm.code for arm in each.arms] for each in experiments}
    if rule.experiment not in arms:
        yield "arm.experiment", "names no experiment of this rule set"
    elif rule.arm not in arms[rule.experiment]:
        yield "arm.is", "names no arm of the experiment"


def _overriding(rule: Rule, owner: str) -> Iterator[tuple[str, str]]:
    if owner and rule.is_overridable:
        yield "overridable", "is for rules of headquarters"
    if not owner and rule.overrides:
        yield "overrides", "is for rules of a region"


def _fitting(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a rule says that its rate, its unit or its occasion has no use for."""
    if rule.unit is Unit.GROWTH and rule.funds:
        yield "funds", "pay points; growth value needs no budget"
    if rule.on not in _WITH_A_BASKET:
        yield from _without_a_basket(rule)
    if not isinstance(rule.rate, PerAmount | Steps):
        yield from _without_money(rule)
    if isinstance(rule.rate, Multiplier) and rule.lines is not None:
        yield "lines", "do not go with a multiplier: it multiplies what other rules give"
    if isinstance(rule.rate, Steps) and rule.rate.is_marginal:
        if rule.is_rounded_per_line:
            yield "rounded_per", "is basket where steps are marginal"
        if rule.by_category:
            yield "by_category", "does not go with marginal steps"
    if OPERATOR_DAY in rule.caps and rule.on != PURCHASE:
        yield f"caps.{OPERATOR_DAY}", "is for purchases"


def _without_a_basket(rule: Rule) -> Iterator[tuple[str, str]]:
    if isinstance(rule.rate, PerAmount | Steps):
        yield "rate.kind", f"needs money spent; on {rule.on} there is none"
    if isinstance(rule.rate, Fixed) and rule.rate.each != "basket":
        yield "rate.each", f"is basket on {rule.on}: it has no lines"
    if rule.lines is not None:
        yield "lines", f"do not go with {rule.on}: it has none"


def _without_money(rule: Rule) -> Iterator[tuple[str, str]]:
    unused = (
        ("by_tier", rule.by_tier),
        ("by_channel", rule.by_channel),
        ("by_category", rule.by_category),
        ("rounded_per", rule.is_rounded_per_line),
        ("basis", rule.is_on_cash),
    )
    for name, given in unused:
        if given:
            yield name, "goes with rates on money spent"


def _of(rule: Rule, rules: Iterable[Rule], owner: str) -> Iterator[tuple[str, str]]:
    if not isinstance(rule.rate, Multiplier):
        return
    siblings = {each.code: each for each in rules if each.unit is rule.unit}
    for i, code in enumerate(rule.rate.of):
        sibling = siblings.get(code)
        if sibling is None:
            # A region may build on a rule of headquarters; it gives nothing where that is not there.
            if not owner:
                yield f"rate.of.{i}", "names no rule of this rule set and unit"
        elif isinstance(sibling.rate, Multiplier):
            yield f"rate.of.{i}", "names a multiplier"
        elif sibling.stacking is not None:
            yield f"rate.of.{i}", "names a rule with stacking, which may not be given"
        elif sibling.on != rule.on:
            yield f"rate.of.{i}", f"names a rule on {sibling.on}"
