"""Conditions: what may be saved, what it may cost, and that failing is holding back."""

from collections.abc import Mapping
from typing import Any

import pytest

from ledger.rules.conditions import MAX_LENGTH, VARIABLES, ConditionError, Conditions, check
from ledger.rules.variables import BOOL, INT, LIST, MAP, STRING, event_values, line_values
from tests.rulebooks import facts

SOME: Mapping[str, Any] = {INT: 7, STRING: "gold", BOOL: True, LIST: ["coffee"], MAP: {"vip": True}}
_MOST = 500
_ANYTHING: Mapping[str, Any] = {
    variable.name: SOME[variable.type] for variable in VARIABLES if variable.scope == "event"
}


def verdict(source: str, **values: Any) -> bool | str:
    return Conditions([source]).verdicts(
        {**_ANYTHING, **{name.replace("__", "."): value for name, value in values.items()}}
    )[0]


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: str(variable.name))
def test_every_published_variable_can_be_read(variable: Any) -> None:
    by_type = {INT: "> 0", STRING: "!= ''", BOOL: "== true", LIST: ".size() > 0", MAP: ".size() > 0"}
    source = f"{variable.name}{by_type[variable.type]}"
    assert check(source, variable.scope).variables == {variable.name}
    assert variable.en and variable.zh


def test_every_variable_is_read_from_facts() -> None:
    names = [variable.name for variable in VARIABLES if variable.scope == "event"]
    assert set(event_values(names)(facts())) == set(names)
    assert set(line_values(facts().lines[0])) == {v.name for v in VARIABLES if v.scope == "line"}


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("purchase.amuont > 1", 1, 9, "undeclared reference to 'purchase.amuont'"),
        ("purchase.amount > 1 &&\n  member.teir == 'gold'", 2, 9, "undeclared reference to 'member.teir'"),
        ("purchase.amount > 'x'", 1, 17, "no matching overload"),
        ("purchase.amount > 1.5", 1, 17, "no matching overload"),
        ("purchase.amount >", 1, 18, "mismatched input"),
        ("", 1, 1, "mismatched input"),
        ("purchase.amount", 1, 1, "is true or false (bool), this is int"),
        ("member.attributes.vip", 1, 1, "is true or false (bool), this is dyn"),
        ("line.amount > 1", 1, 5, "undeclared reference to 'line.amount'"),
        ("true] == [true", 1, 5, "mismatched input ']'"),
        ("true, true", 1, 5, "mismatched input ','"),
        ("member.id == '\ud800'", 1, 1, "halves of characters"),
        ("member.id == '''x'''", 1, 14, "between single marks"),
        ("b'x' == b'x'", 1, 1, "no bytes"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(
    source: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(ConditionError) as refused:
        check(source)
    assert words in refused.value.message
    assert (refused.value.line, refused.value.column, refused.value.source) == (line, column, source)
    assert str(refused.value).endswith(f"at {line}:{column}")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("purchase.skus.exists(a, [a].exists(b, b == 'x'))", "loop may not stand in another"),
        ("purchase.skus . all (a, [a].all(b, [b].all(c, c == 'x')))", "loop may not stand in another"),
        ("purchase.skus.exists(a, a in purchase.categories)", "may not be read in a loop"),
        ("purchase.skus.exists(a, 'x' in member.attributes)", "may not be read in a loop"),
        ("purchase.skus.exists(a, a.matches('x'))", "matches may not stand in a loop"),
        ("['a']" + ".map(x, x + x)" * 10 + " == []", "map is not offered"),
        (" && ".join(["purchase.skus.exists(a, a == 'x')"] * 9), "at most 8 loops"),
        ("member.id.matches(member.tier)", "pattern of matches is a constant"),
        ("member.id.matches('a' + 'b')", "pattern of matches is a constant"),
        ("member.id.matches('(a')", "missing )"),
        ("member.id.matches('a{1001}')", "repetition"),
        (f"member.id.matches('{'a' * 100}')", "at most 100 characters"),
        (f"purchase.amount > {'1' * MAX_LENGTH}", "at most 1000 characters"),
        ("(" * 40 + "true" + ")" * 40, "recursion"),
        ("(" * 32 + "true" + ")" * 32, "recursion"),
        ("purchase.amount " + "+ 1 " * 100 + "> 3", "recursion depth"),
    ],
)
def test_what_could_exceed_its_budget_is_refused(source: str, words: str) -> None:
    with pytest.raises(ConditionError, match=words.replace("(", r"\(").replace(")", r"\)")):
        check(source)


def test_a_text_that_looks_like_a_loop_is_a_text() -> None:
    check("purchase.skus.exists(a, a == '.map(x, purchase.skus)' || a == \"it's .all(\")")
    check("purchase.skus.filter(a, a != 'x').exists(b, b == 'y') && 'y' in purchase.skus // .map(")


def test_loops_over_the_largest_basket_stay_within_the_budget() -> None:
    loop = "purchase.skus.all(a, a != 'x')"
    many = [f"sku-{number}" for number in range(_MOST)]
    assert verdict(" && ".join([loop] * 8), purchase__skus=many) is True


def test_a_hostile_pattern_costs_linear_time() -> None:
    assert verdict("member.id.matches('(a+)+$')", member__id="a" * 5_000 + "b") is False


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("purchase.amount / 0 > 1", "divide by zero"),
        ("purchase.amount % (purchase.lines - 7) > 1", "modulus by zero"),
        ("9223372036854775807 + purchase.amount > 0", "integer overflow"),
        ("member.attributes.missing == 1", 'Key not found in map : "missing"'),
        ("int(member.tier) > 0", "cannot convert string to int"),
    ],
)
def test_what_fails_does_not_hold_and_says_why(source: str, reason: str) -> None:
    assert verdict(source) == reason


def test_an_attribute_that_no_expression_can_carry_fails_by_itself() -> None:
    found = verdict("has(member.attributes.vip)", member__attributes={"vip": 2**70})
    assert isinstance(found, str) and "out of range" in found


def test_a_failure_is_of_its_own_condition_alone() -> None:
    sources = ["purchase.amount > 1", "purchase.amount / 0 > 1", "purchase.amount > 99", "true // so be it"]
    assert Conditions(sources).verdicts(_ANYTHING) == [True, "divide by zero", False, True]


def test_loops_that_exceed_the_budget_together_are_judged_one_by_one() -> None:
    loop = "purchase.skus.all(a, a != 'x')"
    many = [f"sku-{number}" for number in range(_MOST)]
    sources = [" && ".join([loop] * 8)] * 5
    assert Conditions(sources).verdicts({**_ANYTHING, "purchase.skus": many}) == [True] * 5


@pytest.mark.parametrize("failing", [None, 150])
def test_two_hundred_conditions_are_judged_together(failing: int | None) -> None:
    sources = [f"purchase.amount > {number} && member.tier == 'gold'" for number in range(200)]
    expected: list[bool | str] = [number < 120 for number in range(200)]
    if failing is not None:
        sources[failing], expected[failing] = "purchase.amount / 0 > 1", "divide by zero"
    assert Conditions(sources).verdicts({**_ANYTHING, "purchase.amount": 120}) == expected


def test_the_deepest_condition_that_may_be_saved_works_in_a_list() -> None:
    deepest = "true"
    while True:
        try:
            check(f"({deepest})")
        except ConditionError:
            break
        deepest = f"({deepest})"
    assert len(deepest) > 20
    assert Conditions([deepest] * 200).verdicts(_ANYTHING) == [True] * 200


def test_only_what_is_read_is_named() -> None:
    named = check(
        "member.attributes.member == 'purchase.amount' && purchase.lines > 1 // time.hour"
    ).variables
    assert named == {"member.attributes", "purchase.lines"}
