"""The page about rules says what the code takes: every form, every condition, every member."""

import json
import re
from typing import Any

import pytest

from ledger.rules.conditions import check
from ledger.rules.definitions import CAPS
from ledger.rules.forms import parse_rule_set
from tests.docs.pages import blocks, text_of

PAGE = "docs/rules.md"
RULE, CONDITIONS, CAMPAIGN, EXPERIMENT = blocks(PAGE, "")
CODE = re.compile(r"`([a-z_]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    (section,) = re.findall(rf"(?ms)^## {heading}$(.*?)(?=^## |\Z)", text_of(PAGE))
    lines = re.findall(r"(?m)^\| (`.*) \|$", section)
    return [line.split(" | ") for line in lines]


def plain(**more: Any) -> dict[str, Any]:
    return {"code": "a", "unit": "POINT", "rate": {"kind": "fixed", "amount": 1}, **more}


def test_what_is_shown_can_be_saved() -> None:
    parsed = parse_rule_set(
        {
            "rules": [json.loads(RULE)],
            "campaigns": [json.loads(CAMPAIGN)],
            "experiments": [json.loads(EXPERIMENT)],
        }
    )
    assert (len(parsed.rules), len(parsed.campaigns), len(parsed.experiments)) == (1, 1, 1)


@pytest.mark.parametrize("condition", CONDITIONS.splitlines())
def test_the_conditions_shown_are_conditions(condition: str) -> None:
    assert check(condition).variables


@pytest.mark.parametrize("rate", [json.loads(row[0].strip("`")) for row in rows("Rates")])
def test_the_rates_shown_are_rates(rate: dict[str, Any]) -> None:
    base = {**plain(code="base"), "rate": {"kind": "per_amount", "per": 1, "amount": 100}}
    parse_rule_set({"rules": [base, plain(rate=rate)]})


def test_every_member_of_a_rule_stands_in_the_table() -> None:
    told = {name for row in rows("A rule") for name in CODE.findall(row[0])}
    sound = {
        "code": "a",
        "name": {"en": "a", "zh": "a"},
        "unit": "POINT",
        "on": "purchase",
        "when": "true",
        "lines": {"skus": ["A"]},
        "rate": {"kind": "per_amount", "per": 1, "amount": 100},
        **{name: {} for name in ("by_tier", "by_channel", "by_category")},
        "rounding": "floor",
        "rounded_per": "basket",
        "basis": "total",
        "priority": 0,
        "stacking": {"group": "g", "mode": "sum"},
        "caps": {},
        "once": True,
        "funds": ["f"],
        "campaign": "spring",
        "arm": {"experiment": "weekend", "is": "A"},
        "overridable": True,
    }
    assert told == {*sound, "overrides"}
    parts = {"campaigns": [json.loads(CAMPAIGN)], "experiments": [json.loads(EXPERIMENT)]}
    parse_rule_set({"rules": [sound], **parts})
    parse_rule_set({"rules": [plain(overrides=["base"])]}, "east")


def test_every_cap_stands_in_the_table() -> None:
    (told,) = [row[1] for row in rows("A rule") if row[0] == "`caps`"]
    assert set(CODE.findall(told)) == set(CAPS)
