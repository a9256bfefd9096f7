"""Judging what is common once gives what judging everything twice gives, whatever a draft changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.chart import Unit
from ledger.accounts.program import HEADQUARTERS
from ledger.ids import holder_id
from ledger.journal.commands import MemberRow
from ledger.rules.rulebook import Compiled, rules_at
from ledger.rules.simulation import questions, replay
from ledger.rules.simulation.deltas import delta_of
from ledger.rules.simulation.drafts import Draft, Selection, Worlds
from ledger.rules.simulation.events import Event, Member
from ledger.rules.simulation.replay import Replay
from ledger.rules.simulation.tally import Tally
from tests.builders import NOW, program
from tests.ladders import tiers
from tests.profiles import examples
from tests.rulesets import fixed, in_force, rule

DOUBLE = {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": ["base"]}
BEST = {"group": "basket", "mode": "best_of"}
RULES = [
    rule("base", by_tier={"silver": {"numerator": 2, "denominator": 1}}),
    rule("growth", "GROWTH", caps={"day": 60}),
    rule("first-order", rate=DOUBLE, when="member.visits == 1", once=True),
    fixed("large", 20, when="purchase.amount > 5000", stacking=BEST),
    fixed("third", 15, when="member.visits % 3 == 0", stacking=BEST),
    fixed("coffee", 9, campaign="spring", lines={"categories": ["coffee"]}),
    fixed("tea", 8, campaign="spring", lines={"categories": ["tea"]}, caps={"week": 12}),
    fixed("plain", 4, caps={"month": 10}),
]
CAMPAIGNS = [{"code": "spring", "name": {"en": "s", "zh": "s"}, "caps": {"day": 11}}]
MEMBER = Member(holder_id(1, "m-1"), "m-1", MemberRow())


def changed(rule_form: dict[str, Any]) -> dict[str, Any]:
    rate = rule_form["rate"]
    if rate["kind"] == "fixed":
        return {**rule_form, "rate": {**rate, "amount": rate["amount"] + 7}}
    if rate["kind"] == "multiplier":
        return {**rule_form, "rate": {**rate, "numerator": 3}}
    return {**rule_form, "rate": {**rate, "amount": 50}}


def events(seed: int) -> list[Event]:
    chance, found = Random(seed), []
    for number in range(1, 25):
        at = NOW + timedelta(hours=9 * number)
        lines: list[dict[str, Any]] = [
            {"line_id": str(n), "quantity": 1, "amount": chance.randrange(4_000), "category": category}
            for n, category in enumerate(chance.choices(["coffee", "tea", "milk"], k=3))
        ]
        details = {"currency": "CNY", "lines": lines, "awards": []}
        name = number.to_bytes(16)
        found.append(Event(name, number, "earn", at, at, 1, None, None, None, None, None, 0, 0, 0, details))
        if chance.random() < 0.2:
            back = {"purchase_id": "p", "lines": [{**lines[0], "amount": lines[0]["amount"] // 2}]}
            found.append(
                Event(
                    b"r" + name[1:], number, "return", at, at, 1, name, None, None, None, None, 0, 0, 0, back
                )
            )
    return found


def worlds(draft: list[dict[str, Any]]) -> Worlds:
    under = replace(
        program(tiers=tiers({"member": 0, "silver": 200}, crossing_rate="after")),
        rules=in_force(*RULES, campaigns=CAMPAIGNS),
    )
    content = orjson.dumps({"rules": draft, "campaigns": CAMPAIGNS}).decode()
    return Worlds(under, [], Draft(HEADQUARTERS, 2, content), Selection())


def counted(draft: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    tally, history = Tally(), events(seed)
    Replay(MEMBER, worlds(draft), tally).run(history, NOW + timedelta(days=30))
    stored: dict[str, Any] = orjson.loads(orjson.dumps(tally.stored(), option=orjson.OPT_SORT_KEYS))
    return {name: sorted(map(str, rows)) for name, rows in stored.items()}


@contextmanager
def nothing_remembered(*, nothing_common: bool = False) -> Iterator[None]:
    """Events here have no awards, so the books are not to be asked."""

    def apart(active: Compiled, draft: Compiled, occasion: str, unit: Unit) -> Any:
        return delta_of(active, draft, occasion, unit)._replace(kept=frozenset())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "is_remembered", lambda *_: False)
        if nothing_common:
            patch.setattr(questions, "delta_of", apart)
        yield


@examples(60)
@given(
    st.sets(st.integers(0, len(RULES) - 1), max_size=4),
    st.sets(st.integers(0, len(RULES) - 1), max_size=2),
    st.integers(0, 1_000),
)
def test_what_is_common_is_judged_once_and_to_the_same_end(
    altered: set[int], dropped: set[int], seed: int
) -> None:
    # A multiplier may not stand without the rule it names.
    dropped -= {0}
    draft = [
        changed(form) if place in altered else form
        for place, form in enumerate(RULES)
        if place not in dropped
    ]
    with nothing_remembered():
        once = counted(draft, seed)
    with nothing_remembered(nothing_common=True):
        assert counted(draft, seed) == once


def kept_of(draft: list[dict[str, Any]]) -> set[str]:
    both = worlds(draft)
    active, drafted = (rules_at(each, NOW, None) for each in both.programs(1, NOW))
    return set(delta_of(active, drafted, "purchase", Unit.POINT).codes)


def test_a_rule_is_judged_apart_with_those_it_hangs_together_with() -> None:
    points = {form["code"] for form in RULES if form["unit"] == "POINT"}
    assert kept_of(RULES) == points
    by_code = {form["code"]: form for form in RULES}
    for code, apart in (
        ("plain", {"plain"}),
        ("large", {"large", "third"}),
        ("tea", {"tea", "coffee"}),
        ("base", {"base", "first-order"}),
        ("first-order", {"base", "first-order"}),
        ("growth", set()),
    ):
        draft = [changed(form) if form is by_code[code] else form for form in RULES]
        assert kept_of(draft) == points - apart, code
