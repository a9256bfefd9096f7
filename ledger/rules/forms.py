"""From the JSON of a rule set to frozen rules, or to all that is wrong with it.

What stands here is the promise of a saved rule set: everything in it has a meaning, names what is there, and
computes within exact numbers.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from ledger.accounts.chart import Unit
from ledger.funds.share import SHARE_PREFIX, is_share
from ledger.money import MAX_AMOUNT, Rounding
from ledger.rules.conditions import ConditionError, check
from ledger.rules.consistency import check_set
from ledger.rules.definitions import (
    CAPS,
    Arm,
    Campaign,
    Experiment,
    Fixed,
    LineFilter,
    Multiplier,
    PerAmount,
    Rate,
    Ratio,
    Rule,
    RuleSet,
    Stacking,
    Step,
    Steps,
)
from ledger.rules.facts import PURCHASE
from ledger.rules.reading import Fault, Node
from ledger.rules.terms import Terms

BASE: Final = "base"
"""The code of the rules that the terms' rates stand for."""

MAX_RULES: Final = 200
MAX_CAMPAIGNS: Final = 200
MAX_EXPERIMENTS: Final = 50
MAX_ARMS: Final = 10
MAX_STEPS: Final = 50
MAX_PER: Final = 1_000_000
MAX_PRIORITY: Final = 1_000_000
MAX_WEIGHT: Final = 1_000_000
_PLACEHOLDERS: Final = ("{store}", "{region}")
_FUND: Final = re.compile(r"[A-Za-z0-9._:-]+")


class RuleSetFaults(ValueError):
    """A rule set that cannot be saved: everything that is wrong with it, each with its path."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{path}: {message}" for path, message in faults))
        self.faults = faults


def parse_rule_set(content: Mapping[str, Any], owner: str = "") -> RuleSet:
    """The rule set of an owner; ``RuleSetFaults`` with everything that is wrong with it.

    A region's rules may name rules of headquarters, which nobody can promise will be there.
    """
    faults: list[Fault] = []
    node = Node(content, "", faults)
    parsed = RuleSet(
        tuple(_rule(each) for each in node.children("rules", MAX_RULES)),
        tuple(_campaign(each) for each in node.children("campaigns", MAX_CAMPAIGNS)),
        tuple(_experiment(each) for each in node.children("experiments", MAX_EXPERIMENTS)),
    )
    node.close()
    faults += check_set(parsed, owner)
    if faults:
        raise RuleSetFaults(faults)
    return parsed


def implicit_set(terms: Terms) -> RuleSet:
    """What a program without rules of its own earns by: the rates of its terms, as rules."""
    return RuleSet(
        (
            Rule(BASE, Unit.POINT, PerAmount(terms.points.per, terms.points.amount)),
            Rule(BASE, Unit.GROWTH, PerAmount(terms.growth.per, terms.growth.amount)),
        )
    )


def _rule(node: Node) -> Rule:
    arm = node.child("arm")
    rule = Rule(
        code=node.code("code"),
        unit=Unit[node.choice("unit", ("POINT", "GROWTH"))],
        rate=_rate(node.require_child("rate")),
        name=node.name(),
        on=node.code("on", PURCHASE),
        condition=_condition(node, "event"),
        lines=_line_filter(node.child("lines")),
        by_tier=_ratios(node, "by_tier"),
        by_channel=_ratios(node, "by_channel"),
        by_category=_ratios(node, "by_category"),
        rounding=Rounding(node.choice("rounding", ("floor", "ceiling", "half_up"), "floor")),
        is_rounded_per_line=node.choice("rounded_per", ("basket", "line"), "basket") == "line",
        is_on_cash=node.choice("basis", ("total", "cash"), "total") == "cash",
        priority=node.integer("priority", -MAX_PRIORITY, MAX_PRIORITY, 0),
        stacking=_stacking(node.child("stacking")),
        caps=_caps(node.child("caps")),
        is_once=node.flag("once"),
        funds=node.texts("funds", _fault_of_fund),
        campaign=node.code_or_none("campaign"),
        experiment=arm.code("experiment") if arm else None,
        arm=arm.code("is") if arm else None,
        is_overridable=node.flag("overridable"),
        overrides=node.codes("overrides"),
    )
    for each in (arm, node):
        if each is not None:
            each.close()
    return rule


def _rate(node: Node) -> Rate:
    kind = node.choice("kind", ("per_amount", "fixed", "multiplier", "steps"))
    rate: Rate
    if kind == "per_amount":
        rate = PerAmount(node.integer("per", 1, MAX_PER), node.integer("amount", 1, MAX_AMOUNT))
    elif kind == "fixed":
        each = node.choice("each", ("basket", "line", "piece"), "basket")
        rate = Fixed(node.integer("amount", 1, MAX_AMOUNT), each)
    elif kind == "multiplier":
        rate = Multiplier(_ratio(node), node.codes("of"))
        if rate.ratio.numerator <= rate.ratio.denominator:
            node.fault("numerator", "is greater than the denominator: a multiplier gives something extra")
    else:
        rate = _steps(node)
    node.close()
    return rate


def _steps(node: Node) -> Steps:
    steps = []
    for each in node.children("steps", MAX_STEPS):
        # A step may give nothing, so that a marginal rate can begin above an amount or end at it.
        start, per = each.integer("from", 0, MAX_AMOUNT), each.integer("per", 0, MAX_PER)
        steps.append(Step(start, per, each.integer("amount", 1, MAX_AMOUNT)))
        each.close()
    if not steps:
        node.fault("steps", "has at least one step")
    for i, (before, after) in enumerate(pairwise(steps), 1):
        if before.start >= after.start:
            node.fault(f"steps.{i}.from", "is greater than that of the step before")
    return Steps(tuple(steps), node.choice("mode", ("whole", "marginal"), "whole") == "marginal")


def _ratio(node: Node) -> Ratio:
    return Ratio(node.integer("numerator", 1, MAX_PER), node.integer("denominator", 1, MAX_PER))


def _ratios(node: Node, name: str) -> Mapping[str, Ratio]:
    ratios = {}
    for key, each in node.members(name):
        ratios[key] = _ratio(each)
        each.close()
    return ratios


def _condition(node: Node, scope: str) -> str | None:
    source = node.text_or_none("when")
    if source is not None:
        try:
            check(source, scope)
        except ConditionError as error:
            node.fault("when", str(error))
    return source


def _line_filter(node: Node | None) -> LineFilter | None:
    if node is None:
        return None
    chosen = LineFilter(
        frozenset(node.texts("categories")), frozenset(node.texts("skus")), _condition(node, "line")
    )
    if chosen == LineFilter():
        node.fault("", "names categories, skus or a condition")
    node.close()
    return chosen


def _stacking(node: Node | None) -> Stacking | None:
    if node is None:
        return None
    stacking = Stacking(node.code("group"), node.choice("mode", ("best_of", "sum", "exclusive")))
    node.close()
    return stacking


def _caps(node: Node | None) -> Mapping[str, int]:
    if node is None:
        return {}
    caps = {name: node.integer(name, 1, MAX_AMOUNT) for name in CAPS if node.has(name)}
    node.close()
    return caps


def _fault_of_fund(template: str) -> str | None:
    plain = template
    for placeholder in _PLACEHOLDERS:
        plain = plain.replace(placeholder, "x")
    if not _FUND.fullmatch(plain):
        return "is the code of a fund; it may contain {store} and {region}"
    return f"begins with {SHARE_PREFIX}, which is for the regions' shares" if is_share(plain) else None


def _campaign(node: Node) -> Campaign:
    campaign = Campaign(
        node.code("code"),
        node.name(),
        node.day_or_none("from"),
        node.day_or_none("until"),
        _caps(node.child("caps")),
        node.texts("funds", _fault_of_fund),
    )
    first, last = campaign.first_day, campaign.last_day
    if first is not None and last is not None and last < first:
        node.fault("until", "is no day before the first")
    node.close()
    return campaign


def _experiment(node: Node) -> Experiment:
    arms = []
    for each in node.children("arms", MAX_ARMS):
        arms.append(Arm(each.code("code"), each.integer("weight", 1, MAX_WEIGHT)))
        each.close()
    if len(arms) < 2:
        node.fault("arms", "has at least two arms")
    for i in _repeated(arm.code for arm in arms):
        node.fault(f"arms.{i}.code", "stands twice")
    experiment = Experiment(node.code("code"), node.code("salt", ""), tuple(arms))
    node.close()
    return experiment


def _repeated(codes: Iterable[str]) -> list[int]:
    seen = list(codes)
    return [i for i, code in enumerate(seen) if code in seen[:i]]
