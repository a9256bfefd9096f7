"""Rule sets for the tests: rules as the API takes them, in force from the beginning of time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ledger.access.principals import Principal
from ledger.accounts.program import HEADQUARTERS, Activation, Rules
from ledger.rules.forms import parse_rule_set
from ledger.rules.register import save
from tests.builders import Bench
from tests.model.postgres import PostgresDriver

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


def in_force(
    *rules: RuleForm, owner: str = HEADQUARTERS, since: datetime = EVER, version: int = 1, **rest: Any
) -> Rules:
    """These rules as a version of their owner, after they have been read as a saved set is."""
    content = {"rules": list(rules), **rest}
    parse_rule_set(content, owner)
    return Rules((Activation(owner, version, since, json.dumps(content)),))


def ruled(bench: Bench, *rules: RuleForm, **rest: Any) -> Bench:
    """The bench, with its program under these rules of headquarters; saved where there is a database."""
    driver = bench.driver
    version = 1
    if isinstance(driver, PostgresDriver):
        maker = Principal("tests", driver.program, "admin", frozenset())
        saved, _ = driver.database.run(
            lambda c: save(
                c, driver.program, HEADQUARTERS, {"rules": list(rules), **rest}, by=maker, now=bench.now
            )
        )
        version = saved.version
    driver.program = replace(driver.program, rules=in_force(*rules, version=version, **rest))
    return bench
