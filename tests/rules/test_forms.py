"""Rule sets as they are saved: what is read of them, and everything that is refused, each with its path."""

from datetime import date
from typing import Any

import pytest

from ledger.accounts.chart import Unit
from ledger.money import MAX_AMOUNT, Rounding
from ledger.rules.definitions import (
    Arm,
    Campaign,
    Experiment,
    Fixed,
    LineFilter,
    Multiplier,
    PerAmount,
    Ratio,
    Rule,
    Stacking,
    Step,
    Steps,
)
from ledger.rules.forms import RuleSetFaults, implicit_set, parse_rule_set
from ledger.rules.terms import terms_of
from tests.builders import program
from tests.rulebooks import PER_YUAN, content, fixed, rule, times

WHOLE = {
    "code": "coffee-triple",
    "name": {"en": "Triple points on coffee", "zh": "咖啡三倍积分"},
    "unit": "POINT",
    "on": "purchase",
    "when": "purchase.amount >= 1000",
    "lines": {"categories": ["coffee"], "skus": ["s-1"], "when": "line.quantity > 1"},
    "rate": {
        "kind": "steps",
        "mode": "whole",
        "steps": [{"from": 0, "per": 1, "amount": 100}, {"from": 50_000, "per": 2, "amount": 100}],
    },
    "by_tier": {"gold": {"numerator": 3, "denominator": 2}},
    "by_channel": {"app": {"numerator": 2, "denominator": 1}},
    "by_category": {"coffee": {"numerator": 1, "denominator": 2}},
    "rounding": "half_up",
    "rounded_per": "line",
    "basis": "cash",
    "priority": 5,
    "stacking": {"group": "promo", "mode": "best_of"},
    "caps": {"transaction": 1, "day": 2, "week": 3, "month": 4, "ever": 5, "operator_day": 6},
    "once": True,
    "funds": ["spring", "store:{store}", "region:{region}"],
    "campaign": "spring-2026",
    "arm": {"experiment": "ab-1", "is": "B"},
    "overridable": True,
}
SPRING = {
    "code": "spring-2026",
    "name": {"zh": "春季"},
    "from": "2026-03-01",
    "until": "2026-03-31",
    "caps": {"ever": 1_000},
    "funds": ["spring"],
}
TRIAL = {"code": "ab-1", "salt": "x", "arms": [{"code": "A", "weight": 1}, {"code": "B", "weight": 3}]}


def faults(of: Any, owner: str = "") -> list[tuple[str, str]]:
    with pytest.raises(RuleSetFaults) as refused:
        parse_rule_set(of, owner)
    return refused.value.faults


def places(*rules: Any, owner: str = "", **parts: Any) -> list[str]:
    return [path for path, _message in faults(content(*rules, **parts), owner)]


def test_everything_that_a_rule_can_say_is_read() -> None:
    parsed = parse_rule_set(content(WHOLE, campaigns=[SPRING], experiments=[TRIAL]))
    assert parsed.rules == (
        Rule(
            "coffee-triple",
            Unit.POINT,
            Steps((Step(0, 1, 100), Step(50_000, 2, 100))),
            {"en": "Triple points on coffee", "zh": "咖啡三倍积分"},
            condition="purchase.amount >= 1000",
            lines=LineFilter(frozenset({"coffee"}), frozenset({"s-1"}), "line.quantity > 1"),
            by_tier={"gold": Ratio(3, 2)},
            by_channel={"app": Ratio(2, 1)},
            by_category={"coffee": Ratio(1, 2)},
            rounding=Rounding.HALF_UP,
            is_rounded_per_line=True,
            is_on_cash=True,
            priority=5,
            stacking=Stacking("promo", "best_of"),
            caps={"transaction": 1, "day": 2, "week": 3, "month": 4, "ever": 5, "operator_day": 6},
            is_once=True,
            funds=("spring", "store:{store}", "region:{region}"),
            campaign="spring-2026",
            experiment="ab-1",
            arm="B",
            is_overridable=True,
        ),
    )
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    assert parsed.campaigns == (
        Campaign("spring-2026", {"zh": "春季"}, first, last, {"ever": 1_000}, ("spring",)),
    )
    assert parsed.experiments == (Experiment("ab-1", "x", (Arm("A", 1), Arm("B", 3))),)


def test_what_is_left_out_has_a_plain_meaning() -> None:
    assert parse_rule_set(content(rule())).rules == (Rule("base", Unit.POINT, PerAmount(1, 100)),)
    assert parse_rule_set(content(rule(rate=fixed(5)))).rules[0].rate == Fixed(5, "basket")
    assert parse_rule_set(content(rule(), rule("x", times(3, 2)))).rules[1].rate == Multiplier(Ratio(3, 2))
    assert parse_rule_set({}) == parse_rule_set(content())


def test_a_code_may_serve_each_unit_once() -> None:
    growth = rule() | {"unit": "GROWTH"}
    assert len(parse_rule_set(content(rule(), growth)).rules) == 2
    assert places(rule(), growth, rule()) == ["rules.2.code"]


def test_the_terms_alone_are_two_rules() -> None:
    found = implicit_set(terms_of(program(growth={"per": 2, "amount": 300})))
    assert found.rules == (
        Rule("base", Unit.POINT, PerAmount(1, 100)),
        Rule("base", Unit.GROWTH, PerAmount(2, 300)),
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = rule(
        "a b",
        {"kind": "per_amount", "per": 1.0, "amount": 0},
        unit="POINTS",
        when="purchase.amuont > 1",
        colour="red",
    )
    assert faults(content(wrong, colour="blue")) == [
        ("rules.0.code", "is a code: 1 to 64 letters, digits, or . _ : -"),
        ("rules.0.unit", "is one of POINT, GROWTH"),
        ("rules.0.rate.per", "is a whole number from 1 to 1000000"),
        ("rules.0.rate.amount", f"is a whole number from 1 to {MAX_AMOUNT}"),
        ("rules.0.when", "undeclared reference to 'purchase.amuont' at 1:9"),
        ("rules.0.colour", "is unknown here"),
        ("colour", "is unknown here"),
    ]


@pytest.mark.parametrize("wrong", [None, [], "x", 1, True])
def test_what_is_no_object_is_refused(wrong: Any) -> None:
    assert faults(wrong) == [("", "is an object")]
    assert ("rules.0", "is an object") in faults({"rules": [wrong]})


def test_what_a_rule_must_say_is_missed() -> None:
    assert places({}) == ["rules.0.code", "rules.0.unit", "rules.0.rate"]
    assert faults({"rules": {}}) == [("rules", "is a list")]
    assert places(*[rule(f"r-{number}") for number in range(201)]) == ["rules"]


@pytest.mark.parametrize(
    ("rate", "place"),
    [
        (PER_YUAN | {"per": 0}, "per"),
        (PER_YUAN | {"per": 1_000_001}, "per"),
        (PER_YUAN | {"per": True}, "per"),
        (PER_YUAN | {"per": "1"}, "per"),
        (PER_YUAN | {"amount": 2**53}, "amount"),
        (PER_YUAN | {"amount": 99.5}, "amount"),
        (PER_YUAN | {"each": "line"}, "each"),
        (fixed(0), "amount"),
        (fixed(5, each="crate"), "each"),
        ({"kind": "guess"}, "kind"),
        ({"kind": ["fixed"]}, "kind"),
        (times(1, 1), "numerator"),
        (times(1, 2), "numerator"),
        (times(1_000_001, 1), "numerator"),
        ({"kind": "steps"}, "steps"),
        ({"kind": "steps", "steps": []}, "steps"),
        ({"kind": "steps", "steps": [{"from": 5, "per": 1, "amount": 1}] * 2}, "steps.1.from"),
        ({"kind": "steps", "steps": [{"from": -1, "per": 1, "amount": 1}]}, "steps.0.from"),
        ({"kind": "steps", "steps": [{"from": 0, "per": 1, "amount": 1, "to": 9}]}, "steps.0.to"),
    ],
)
def test_a_rate_out_of_bounds_is_refused(rate: dict[str, Any], place: str) -> None:
    assert f"rules.0.rate.{place}" in places(rule(rate=rate))


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"on": "sign in"}, "on"),
        ({"when": 1}, "when"),
        ({"when": "line.amount > 1"}, "when"),
        ({"lines": {}}, "lines"),
        ({"lines": {"categories": ["a", "a"]}}, "lines.categories.1"),
        ({"lines": {"categories": [1]}}, "lines.categories.0"),
        ({"lines": {"when": "purchase.amount > 1"}}, "lines.when"),
        ({"by_tier": {"gold": {"numerator": 0, "denominator": 1}}}, "by_tier.gold.numerator"),
        ({"by_tier": {"": {"numerator": 1, "denominator": 1}}}, "by_tier"),
        ({"by_tier": []}, "by_tier"),
        ({"rounding": "half_even"}, "rounding"),
        ({"rounded_per": "piece"}, "rounded_per"),
        ({"basis": "points"}, "basis"),
        ({"priority": 0.5}, "priority"),
        ({"stacking": {"group": "g"}}, "stacking.mode"),
        ({"stacking": {"mode": "sum"}}, "stacking.group"),
        ({"caps": {"day": 0}}, "caps.day"),
        ({"caps": {"hour": 1}}, "caps.hour"),
        ({"once": "yes"}, "once"),
        ({"funds": ["{purse}"]}, "funds.0"),
        ({"funds": ["a b"]}, "funds.0"),
        ({"funds": ["a", "a"]}, "funds.1"),
        ({"funds": ["share:north:2026-03"]}, "funds.0"),
        ({"funds": [["a"]]}, "funds.0"),
        ({"campaign": "spring"}, "campaign"),
        ({"arm": {"experiment": "ab-1", "is": "A"}}, "arm.experiment"),
        ({"arm": {"experiment": "ab-1"}}, "arm.is"),
        ({"name": {"fr": "café"}}, "name.fr"),
        ({"name": {"en": ""}}, "name.en"),
        ({"name": "café"}, "name"),
        ({"overrides": ["base"]}, "overrides"),
    ],
)
def test_a_part_without_a_meaning_is_refused(more: dict[str, Any], place: str) -> None:
    assert f"rules.0.{place}" in places(rule(**more))


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (rule(rate=fixed(5), by_tier={"gold": {"numerator": 2, "denominator": 1}}), "by_tier"),
        (rule(rate=fixed(5), basis="cash"), "basis"),
        (rule(rate=fixed(5), rounded_per="line"), "rounded_per"),
        (rule(on="sign_in"), "rate.kind"),
        (rule(rate=fixed(5, each="line"), on="sign_in"), "rate.each"),
        (rule(rate=fixed(5), on="sign_in", lines={"skus": ["s"]}), "lines"),
        (rule(rate=fixed(5), on="sign_in", caps={"operator_day": 5}), "caps.operator_day"),
        (rule(funds=["spring"]) | {"unit": "GROWTH"}, "funds"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(wrong: dict[str, Any], place: str) -> None:
    assert f"rules.0.{place}" in places(wrong)


@pytest.mark.parametrize(
    "more", [{"rounded_per": "line"}, {"by_category": {"a": {"numerator": 2, "denominator": 1}}}]
)
def test_marginal_steps_take_the_basket_as_a_whole(more: dict[str, Any]) -> None:
    steps = {"kind": "steps", "steps": [{"from": 0, "per": 1, "amount": 100}], "mode": "marginal"}
    assert places(rule(rate=steps, **more)) == [f"rules.0.{next(iter(more))}"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (rule("promo"), "names no rule of this rule set and unit"),
        (rule() | {"unit": "GROWTH"}, "names no rule of this rule set and unit"),
        (rule("base", times(3)), "names a multiplier"),
        (rule(stacking={"group": "g", "mode": "sum"}), "names a rule with stacking, which may not be given"),
        (rule(rate=fixed(1), on="sign_in"), "names a rule on sign_in"),
    ],
)
def test_a_multiplier_names_only_what_it_may_multiply(other: dict[str, Any], message: str) -> None:
    double = rule("double", times(2, 1, "base"))
    assert ("rules.0.rate.of.0", message) in faults(content(double, other))


def test_a_multiplier_knows_no_lines() -> None:
    assert places(rule(), rule("double", times(2), lines={"skus": ["s"]})) == ["rules.1.lines"]


def test_a_group_has_one_way_of_stacking() -> None:
    group = [
        rule(f"r-{n}", stacking={"group": "g", "mode": mode}) for n, mode in enumerate(("sum", "best_of"))
    ]
    assert faults(content(*group)) == [("rules.1.stacking.mode", "is sum in the other rules of the group")]


def test_a_region_builds_on_headquarters_without_owning_it() -> None:
    north = content(rule("north:more", times(2, 1, "base")), rule("north:base", overrides=["base"]))
    assert parse_rule_set(north, "north").rules[1].overrides == ("base",)
    assert places(rule(overridable=True), owner="north") == ["rules.0.overridable"]


@pytest.mark.parametrize(
    ("campaign", "place"),
    [
        ({"from": "2026-02-30"}, "from"),
        ({"from": "20260301"}, "from"),
        ({"from": "2026-W10-1"}, "from"),
        ({"from": "1999-12-31"}, "from"),
        ({"until": "9999-12-31"}, "until"),
        ({"until": "2026-02-28"}, "until"),
        ({"until": None}, "until"),
        ({"caps": {"ever": -1}}, "caps.ever"),
        ({"funds": "spring"}, "funds"),
        ({"budget": 1}, "budget"),
    ],
)
def test_a_campaign_has_days_that_exist(campaign: dict[str, Any], place: str) -> None:
    assert places(campaigns=[SPRING | campaign]) == [f"campaigns.0.{place}"]


def test_an_experiment_has_different_arms() -> None:
    arm = {"code": "A", "weight": 1}
    assert places(experiments=[TRIAL | {"arms": [arm]}]) == ["experiments.0.arms"]
    assert places(experiments=[TRIAL | {"arms": [arm, arm]}]) == ["experiments.0.arms.1.code"]
    assert places(experiments=[TRIAL | {"arms": [arm, {"code": "B", "weight": 0}]}]) == [
        "experiments.0.arms.1.weight"
    ]
    assert places(rule(arm={"experiment": "ab-1", "is": "C"}), experiments=[TRIAL]) == ["rules.0.arm.is"]


def test_names_stand_once() -> None:
    assert places(campaigns=[SPRING, SPRING]) == ["campaigns.1.code"]
    assert places(experiments=[TRIAL, TRIAL]) == ["experiments.1.code"]
