"""What rules cost: processor time to evaluate a purchase for both units. ``python -m benchmarks.rules``, no database.

The aim: 30 active rules with conditions cost at most 60 µs a purchase on top of posting.
"""

import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ledger.accounts.chart import Unit
from ledger.accounts.program import Activation, Program, Rules
from ledger.journal.commands import Source
from ledger.journal.wants import Usage, UsageKey
from ledger.rules.engine import evaluate
from ledger.rules.facts import PURCHASE, Facts, Line, MemberFacts
from ledger.rules.rulebook import rules_at
from ledger.rules.terms import DEFAULT_TERMS

AIM = 60.0
BASKETS = 2_000
ROUNDS = 5

_NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
_PLAIN = Program(1, "benchmark", "CNY", "Asia/Shanghai", 1, json.dumps(DEFAULT_TERMS))
_CATEGORIES = ("coffee", "tea", "bread", "fruit", "dairy", "snacks")
_TIERS = ("member", "silver", "gold", "platinum")


class Case(NamedTuple):
    """A program, and what its rules find in the books."""

    name: str
    program: Program
    usages: Mapping[UsageKey, Usage]


def rules(count: int, *, capped: bool) -> list[dict[str, Any]]:
    """A base rate for each unit, then as many rules with conditions as are left: promotions as shops run them."""
    factors = {"gold": {"numerator": 3, "denominator": 2}, "platinum": {"numerator": 2, "denominator": 1}}
    rate = {"kind": "per_amount", "per": 1, "amount": 100}
    found: list[dict[str, Any]] = [
        {"code": "base", "unit": "POINT", "rate": rate, "by_tier": factors},
        {"code": "base", "unit": "GROWTH", "rate": rate},
    ]
    found += [_promotion(number) for number in range(count - len(found))]
    return [rule | {"caps": {"day": 500, "month": 5_000}} for rule in found] if capped else found


def _promotion(number: int) -> dict[str, Any]:
    category, tier = _CATEGORIES[number % 6], _TIERS[number % 4]
    shapes: tuple[dict[str, Any], ...] = (
        {
            "when": f"'{category}' in purchase.categories && purchase.amount >= {number * 500}",
            "rate": {"kind": "per_amount", "per": 2, "amount": 100},
            "lines": {"categories": [category]},
        },
        {
            "when": f"member.tier == '{tier}' && time.hour >= {number % 24}",
            "rate": {"kind": "fixed", "amount": 10},
        },
        {
            "when": f"time.weekday == {number % 7 + 1} && purchase.channel == 'app'",
            "rate": {"kind": "multiplier", "numerator": 3, "denominator": 2, "of": ["base"]},
            "stacking": {"group": "weekday", "mode": "best_of"},
        },
        {
            "when": f"store.id == 's-{number}' || region.id == 'r-{number % 5}'",
            "rate": {"kind": "fixed", "amount": 5, "each": "line"},
        },
    )
    unit = "GROWTH" if number % 8 == 7 else "POINT"
    return {"code": f"promotion-{number}", "unit": unit, **shapes[number % len(shapes)]}


def baskets(count: int) -> list[Facts]:
    """Purchases of one to eight lines, the same ones each time."""
    draw = random.Random(1)
    return [_basket(draw, number) for number in range(count)]


def _basket(draw: random.Random, number: int) -> Facts:
    lines = tuple(
        Line(str(i), draw.randint(1, 3), draw.randint(100, 5_000), f"sku-{i}", draw.choice(_CATEGORIES))
        for i in range(draw.randint(1, 8))
    )
    spent = sum(line.amount for line in lines)
    return Facts(
        PURCHASE,
        _NOW + timedelta(minutes=draw.randint(0, 100_000)),
        "Asia/Shanghai",
        "CNY",
        lines,
        spent,
        spent,
        MemberFacts(f"m-{number}", draw.choice(_TIERS), growth=draw.randint(0, 9_999)),
        Source(draw.choice(("app", "pos")), f"s-{draw.randint(0, 40)}", f"r-{draw.randint(0, 8)}"),
        holder_id=number.to_bytes(16),
    )


def cases() -> Iterator[Case]:
    """From the terms' rates alone to 30 rules that are all capped."""
    yield Case("base rates alone", _PLAIN, {})
    for capped in (False, True):
        content = json.dumps({"rules": rules(30, capped=capped)})
        activation = Activation("", 1, _NOW - timedelta(days=1), content)
        name = "30 rules with conditions" + (" and caps" if capped else "")
        yield Case(name, replace(_PLAIN, rules=Rules((activation,))), {})


def measure(case: Case, purchases: list[Facts]) -> float:
    """Microseconds a purchase: the best of some rounds, since all that others do only adds to it."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for facts in purchases:
            found = rules_at(case.program, facts.at, facts.source.region)
            evaluate(found, facts, Unit.GROWTH, case.usages, {})
            evaluate(found, facts, Unit.POINT, case.usages, {})
        best = min(best, time.process_time() - begun)
    return best / len(purchases) * 1e6


def main() -> None:
    """Print a line for each case."""
    purchases = baskets(BASKETS)
    for case in cases():
        print(f"{case.name:36} {measure(case, purchases):7.1f} µs a purchase")
    print(f"{'the aim, on top of the base rates':36} {AIM:7.1f} µs")


if __name__ == "__main__":
    main()
