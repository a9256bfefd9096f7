"""Rule sets for the tests: rules as the API takes them, in force from the beginning of time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ledger.accounts.program import HEADQUARTERS, Activation, Rules
from ledger.rules.forms import parse_rule_set
from tests.builders import Bench

RuleForm = dict[str, Any]

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def rule(code: str, unit: str = "POINT", **rest: Any) -> RuleForm:
    """A rule by its code; one point or one unit of growth for each whole yuan unless told otherwise."""
    rate = {"kind": "per_amount", "per": 1, "amount": 100}
    return {"code": code, "name": {"en": code, "zh": code}, "unit": unit, "rate": rate, **rest}


def fixed(code: str, amount: int, unit: str = "POINT", **rest: Any) -> RuleForm:
    """A rule that gives the same each time."""
    return rule(code, unit, rate={"kind": "fixed", "amount": amount}, **rest)


def doubled(code: str, **rest: Any) -> RuleForm:
    """A rule that gives what the plain rules give once more."""
    return rule(code, rate={"kind": "multiplier", "numerator": 2, "denominator": 1}, **rest)


def in_force(*rules: RuleForm, owner: str = HEADQUARTERS, since: datetime = EVER, **rest: Any) -> Rules:
    """These rules as version 1 of their owner, after they have been read as a saved set is."""
    content = {"rules": list(rules), **rest}
    parse_rule_set(content, owner)
    return Rules((Activation(owner, 1, since, json.dumps(content)),))


def ruled(bench: Bench, *rules: RuleForm, **rest: Any) -> Bench:
    """The bench, with its program under these rules."""
    bench.driver.program = replace(bench.driver.program, rules=in_force(*rules, **rest))
    return bench
