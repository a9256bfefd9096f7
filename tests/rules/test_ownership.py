"""What a region may write, and what becomes of headquarters' rules when its pilot is taken over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.forms import parse_rule_set
from ledger.rules.ownership import (
    faults_of_region,
    key_of,
    not_overridable,
    owner_of,
    promoted,
    region_of,
)


def rule(code: str, unit: str = "POINT", **more: Any) -> dict[str, Any]:
    return {"code": code, "unit": unit, "rate": {"kind": "fixed", "amount": 1}, **more}


def doubled(code: str, *of: str) -> dict[str, Any]:
    rate = {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": list(of)}
    return {"code": code, "unit": "POINT", "rate": rate}


def codes(content: dict[str, Any]) -> list[str]:
    return [each["code"] for each in content["rules"]]


def test_a_rule_is_overridden_in_its_own_unit_alone() -> None:
    headquarters = {"rules": [rule("base", overridable=True), rule("base", "GROWTH")]}
    points, growth = ({"rules": [rule("east:a", unit, overrides=["base"])]} for unit in ("POINT", "GROWTH"))
    assert not_overridable(points, headquarters) == []
    assert not_overridable(growth, headquarters) == ["base"]
    merged = promoted(headquarters, points)
    assert [key_of(each) for each in merged["rules"]] == [("east:a", "POINT"), ("base", "GROWTH")]


def test_what_overrides_two_rules_stands_where_the_first_stood() -> None:
    headquarters = {"rules": [rule("a"), rule("b"), rule("c"), rule("d")]}
    assert codes(promoted(headquarters, {"rules": [rule("east:x", overrides=["b", "d"])]})) == [
        "a",
        "east:x",
        "c",
    ]


def test_a_multiplier_follows_to_all_that_came_in_the_place_of_what_it_multiplied() -> None:
    headquarters = {"rules": [rule("a"), rule("b"), doubled("double", "a", "b")]}
    region = {"rules": [rule("east:x", overrides=["a"]), rule("east:y", overrides=["a", "b"])]}
    merged = promoted(headquarters, region)
    (found,) = [each for each in merged["rules"] if each["code"] == "double"]
    assert found["rate"]["of"] == ["east:x", "east:y"]
    parse_rule_set(merged)


def test_a_second_promotion_takes_the_place_of_the_first() -> None:
    first = promoted({"rules": [rule("a"), rule("z")]}, {"rules": [rule("east:x", overrides=["a"])]})
    newer = rule("east:x", priority=5)
    campaign = {"code": "east:c", "name": {"en": "C", "zh": "C"}}
    second = promoted(first, {"rules": [newer], "campaigns": [campaign]})
    assert second == {"rules": [newer, rule("z")], "campaigns": [campaign]}
    assert promoted(second, {"rules": [newer], "campaigns": [campaign]}) == second


def test_headquarters_is_the_owner_that_is_no_region() -> None:
    assert [owner_of(region) for region in (None, "east")] == ["", "east"]
    assert [region_of(owner) for owner in ("", "east")] == [None, "east"]


@pytest.mark.parametrize(
    ("fund", "is_own"),
    [
        ("region:{region}", True),
        ("store:{store}", True),
        ("region:east", True),
        ("east:spring", True),
        ("east:{store}", True),
        ("region:west", False),
        ("region:eastern", False),
        ("eastern:spring", False),
        ("east", False),
        ("spring", False),
        ("store:s-1", False),
        ("{region}:spring", False),
        ("region:{store}", False),
    ],
)
def test_a_region_spends_what_is_its_own(fund: str, is_own: bool) -> None:
    content = {"rules": [rule("east:a", funds=[fund])]}
    assert (not faults_of_region(content, "east", {})) == is_own


_CODES = st.sampled_from(["a", "b", "c", "d"])
_HEADQUARTERS = st.lists(_CODES, unique=True).map(
    lambda found: {"rules": [rule(code, overridable=True) for code in found]}
)
_REGION = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.lists(_CODES, unique=True)),
    unique_by=lambda each: each[0],
).map(lambda found: {"rules": [rule(f"east:{code}", overrides=over) for code, over in found]})


@given(_HEADQUARTERS, _REGION)
def test_whatever_is_promoted_can_be_saved_and_gives_what_the_region_gave(
    headquarters: dict[str, Any], region: dict[str, Any]
) -> None:
    merged = promoted(headquarters, region)
    parse_rule_set(merged)
    overridden = {code for each in region["rules"] for code in each["overrides"]}
    kept = [code for code in codes(headquarters) if code not in overridden]
    found = codes(merged) if "rules" in merged else []
    assert sorted(found) == sorted([*kept, *codes(region)])
    assert [code for code in found if code in kept] == kept
