"""The guides for marketing say what the engine does: every example is worked out, and both languages say the same."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from ledger.journal.commands import Source
from ledger.journal.wants import Usage, UsageKey
from ledger.rules.conditions import check
from ledger.rules.facts import Facts, Line
from ledger.rules.variables import VARIABLES
from tests.docs.pages import blocks, text_of
from tests.rulebooks import facts, judged, rulebook

ENGLISH, CHINESE = "docs/marketing.md", "docs/marketing.zh.md"
GUIDES = (ENGLISH, CHINESE)
BASE = json.loads(blocks(ENGLISH, "")[0])
GRANTED = {"spring": 300}

_EXAMPLE = re.compile(r"(?ms)^```\n(.*?)^```\n(?:\n(?:\|[^\n]*\n){2}((?:\|[^\n]*\n)+))?")
_ROW = re.compile(r"(?P<items>[^(]+?)(?: \((?P<more>[^)]+)\))?")
_ITEM = re.compile(r"(?:(?P<pieces>\d+) )?(?P<what>[\w-]+) (?P<price>\d+\.\d\d)")


class Example(NamedTuple):
    """What a guide shows: JSON, and rows of what is bought under it and what comes of it."""

    shown: Any
    rows: tuple[tuple[str, ...], ...]


def examples(page: str) -> list[Example]:
    found = []
    for shown, table in _EXAMPLE.findall(text_of(page)):
        found.append(Example(json.loads(shown), tuple(map(cells, table.splitlines()))))
    return found


def cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("|").split("|"))


def content(shown: Any) -> dict[str, Any]:
    """What is shown as a whole rule set: a rule alone has ``base`` beside it, unless it is that itself."""
    if isinstance(shown, dict) and "rules" in shown:
        return shown
    rules = shown if isinstance(shown, list) else [shown]
    return {"rules": rules if any(rule["code"] == "base" for rule in rules) else [BASE, *rules]}


def event(told: str) -> Facts:
    """What a row says was bought; in brackets the day and the time, the tier, the channel, what points paid."""
    row = _ROW.fullmatch(told)
    assert row, told
    lines = tuple(items(row["items"]))
    spent = sum(line.amount for line in lines)
    found = facts()._replace(lines=lines, spent=spent, cash=spent)
    for word in (row["more"] or "").split(", "):
        if word.endswith(" with points"):
            found = found._replace(cash=spent - _fen(word.split()[0]))
        elif re.match(r"\d", word):
            local = datetime.fromisoformat(word if " " in word else f"{word} 12:00")
            found = found._replace(at=local.replace(tzinfo=ZoneInfo("Asia/Shanghai")))
        elif word == "app":
            found = found._replace(source=Source(channel=word))
        elif word:
            found = found._replace(member=found.member._replace(tier=word))
    return found


def items(told: str) -> Iterator[Line]:
    for number, item in enumerate(told.split(" + "), 1):
        found = _ITEM.fullmatch(item)
        assert found, item
        yield Line(str(number), int(found["pieces"] or 1), _fen(found["price"]), None, found["what"])


def _fen(price: str) -> int:
    return int(price.replace(".", ""))


def worked_out(example: Example) -> Iterator[tuple[str, ...]]:
    """The rows as the engine has them, one purchase after the other."""
    shown = content(example.shown)
    rules = rulebook(*shown["rules"], campaigns=shown.get("campaigns", []))
    usages: dict[UsageKey, Usage] = {}
    funds = dict(GRANTED)
    for bought, *rest in example.rows:
        evaluation = judged(rules, event(bought), usages, funds)
        for key, amount, times in evaluation.uses:
            used = usages.get(key, Usage())
            usages[key] = Usage(used.amount + amount, used.times + times)
        for fund, points in evaluation.spends.items():
            funds[fund] -= points
        terms = " + ".join(f"{award.rule} {award.amount}" for award in evaluation.awards)
        total = str(sum(award.amount for award in evaluation.awards))
        kept = ", ".join(f"{each.rule} {_lost(each)} by {each.fence}" for each in evaluation.fenced)
        earned = f"{total} = {terms}" if terms else total
        yield (bought, earned, kept) if len(rest) > 1 else (bought, earned)


def _lost(fenced: Any) -> int:
    return int(fenced.wanted - fenced.given)


WORKED = [example for example in examples(ENGLISH) if example.rows]


@pytest.mark.parametrize("example", WORKED, ids=lambda example: str(json.dumps(example.shown)[:40]))
def test_the_examples_are_what_the_engine_works_out(example: Example) -> None:
    assert list(worked_out(example)) == list(example.rows)


def test_every_kind_of_rate_has_a_worked_example() -> None:
    kinds = {rule["rate"]["kind"] for example in WORKED for rule in content(example.shown)["rules"]}
    assert kinds == {"per_amount", "fixed", "multiplier", "steps"}


def test_marginal_steps_give_what_the_text_says() -> None:
    (steps,) = [each for each in WORKED if "steps" in json.dumps(each.shown)]
    marginal = {**steps.shown, "rate": {**steps.shown["rate"], "mode": "marginal"}}
    ((_, earned),) = worked_out(Example(marginal, (("shoes 620.00", ""),)))
    assert earned == "740 = base 740"


def test_both_languages_show_the_same_examples() -> None:
    assert examples(CHINESE) == examples(ENGLISH)


@pytest.mark.parametrize("page", GUIDES)
def test_every_json_of_a_guide_is_a_rule_set_or_a_simulation(page: str) -> None:
    for shown, _rows in examples(page):
        if isinstance(shown, dict) and "rule_set" in shown:
            assert shown["rule_set"].keys() == {"version"}
            continue
        whole = content(shown)
        parts = {name: whole.get(name, []) for name in ("campaigns", "experiments")}
        assert rulebook(*whole["rules"], **parts).ready


@pytest.mark.parametrize("page", GUIDES)
def test_the_conditions_of_a_guide_are_conditions(page: str) -> None:
    shown = re.findall(r"(?m)^\| [^|`]+ \| `([^`]+)`.* \|$", text_of(page))
    assert len(shown) == 8
    assert all(check(condition).variables for condition in shown)
    assert check("has(member.attributes.vip) && member.attributes.vip").source in text_of(page)


@pytest.mark.parametrize(("page", "language"), [(ENGLISH, "en"), (CHINESE, "zh")])
def test_the_table_of_variables_is_the_schema(page: str, language: str) -> None:
    rows = re.findall(r"(?m)^\| `([\w.]+)` \| `([^`]+)` \| (.+) \|$", text_of(page))
    told = [(variable.name, variable.type, getattr(variable, language)) for variable in VARIABLES]
    assert rows == told
