"""Rules and facts for the tests of the engine: plain functions with defaults, no program and no books."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ledger.accounts.chart import Unit
from ledger.accounts.program import Program
from ledger.journal.commands import Source
from ledger.journal.wants import Usage, UsageKey
from ledger.rules.engine import evaluate
from ledger.rules.facts import PURCHASE, Evaluation, Facts, Line, MemberFacts
from ledger.rules.forms import parse_rule_set
from ledger.rules.rulebook import Compiled, Owned, compile_rules
from ledger.rules.terms import terms_of
from tests.builders import program

NOON = datetime(2026, 3, 14, 4, tzinfo=UTC)
"""Saturday noon in Shanghai."""
HOLDER = b"h" * 16
OPERATOR = b"o" * 16
PER_YUAN = {"kind": "per_amount", "per": 1, "amount": 100}


def rule(code: str = "base", rate: Mapping[str, Any] = PER_YUAN, **more: Any) -> dict[str, Any]:
    """A rule that gives a point for each whole yuan unless it is said otherwise."""
    return {"code": code, "unit": "POINT", "rate": rate, **more}


def fixed(amount: int, **more: Any) -> dict[str, Any]:
    """The rate of so many points."""
    return {"kind": "fixed", "amount": amount, **more}


def times(numerator: int, denominator: int = 1, *of: str) -> dict[str, Any]:
    """The rate that makes others so many times as much."""
    rate = {"kind": "multiplier", "numerator": numerator, "denominator": denominator}
    return rate | {"of": list(of)} if of else rate


def content(*rules: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """The content of a rule set."""
    return {"rules": list(rules), **parts}


def rulebook(
    *rules: dict[str, Any],
    regional: Mapping[str, Any] | None = None,
    of: Program | None = None,
    off_rules: Sequence[str] = (),
    off_campaigns: Sequence[str] = (),
    **parts: Any,
) -> Compiled:
    """These rules of headquarters, with those of the region ``north`` if there are any, ready for the engine."""
    tenant = of or program()
    sets = [Owned("", 7, parse_rule_set(content(*rules, **parts)))]
    if regional is not None:
        sets.append(Owned("north", 3, parse_rule_set(regional, "north")))
    return compile_rules(
        sets,
        terms_of(tenant),
        tenant.timezone,
        off_rules=frozenset(off_rules),
        off_campaigns=frozenset(off_campaigns),
    )


def facts(
    *lines: tuple[str | None, int],
    cash: int | None = None,
    at: datetime = NOON,
    occasion: str = PURCHASE,
    channel: str | None = None,
    store: str | None = None,
    region: str | None = None,
    operator: bytes | None = None,
    **member: Any,
) -> Facts:
    """A purchase of lines, each with its category and its amount; one of 39.90 if none is given."""
    bought = tuple(
        Line(str(number), 1, amount, f"sku-{number}", category)
        for number, (category, amount) in enumerate(lines or [("coffee", 3_990)], 1)
    )
    spent = sum(line.amount for line in bought)
    return Facts(
        occasion,
        at,
        "Asia/Shanghai",
        "CNY",
        bought if occasion == PURCHASE else (),
        spent,
        spent if cash is None else cash,
        MemberFacts(**{"member_id": "m-1", **member}),
        Source(channel, store, region),
        holder_id=HOLDER,
        operator_holder_id=operator,
    )


def judged(
    rules: Compiled,
    event: Facts,
    usages: Mapping[UsageKey, Usage] | None = None,
    funds: Mapping[str, int] | None = None,
    unit: Unit = Unit.POINT,
) -> Evaluation:
    """What the rules give of a unit, points unless said otherwise."""
    return evaluate(rules, event, unit, usages or {}, funds or {})


def given(evaluation: Evaluation) -> dict[str, int]:
    """How much each rule gave."""
    return {award.rule: award.amount for award in evaluation.awards}


def kept_back(evaluation: Evaluation) -> dict[str, tuple[str, int, int]]:
    """What the fences did: for each rule which of them, of how much, and what was left of it."""
    return {each.rule: (each.fence, each.wanted, each.given) for each in evaluation.fenced}
