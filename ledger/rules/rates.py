"""What a rate is worth for the facts before any fence, with the inputs that explain it.

Fractions are put together exactly and rounded once, or once a line where the rule says so. The forms of the
inputs are those of ``ledger.rules.arithmetic``, which works the same amounts out again in a way of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import lcm
from typing import Any, NamedTuple

from ledger.money import Rounding, scale, split
from ledger.rules.definitions import Fixed, Multiplier, PerAmount, Ratio, Rule, Step, Steps
from ledger.rules.facts import Facts, Line

Inputs = dict[str, Any]


class Worth(NamedTuple):
    """What a rule gives before fences."""

    amount: int
    inputs: Inputs


class Part(NamedTuple):
    """A share of what was spent, with the exact factor on it, and how the inputs show it."""

    spent: int
    ratio: Ratio
    shown: Inputs


NOTHING = Worth(0, {})
_ONE = Ratio(1, 1)
_FLOOR = Rounding.FLOOR


def worth(rule: Rule, facts: Facts, lines: Sequence[Line] | None) -> Worth:
    """What any rate but a multiplier gives; ``lines`` are those that count, None where all do."""
    rate = rule.rate
    if isinstance(rate, Fixed):
        return _fixed(rate, facts, lines)
    assert not isinstance(rate, Multiplier)
    if lines is None and not rule.is_on_cash:
        amounts, spent = None, facts.spent
    else:
        amounts = _amounts(rule, facts, lines)
        spent = sum(amounts)
    if isinstance(rate, PerAmount):
        inputs = {**_spent(spent, facts), "per": rate.per, "amount": rate.amount}
        return _on_money(rule, facts, lines, amounts, spent, rate, inputs)
    if rate.is_marginal:
        return _marginal(rule, rate, facts, lines, spent)
    return _whole(rule, rate, facts, lines, amounts, spent)


def extra(rule: Rule, of: Iterable[tuple[str, str, int]]) -> Worth:
    """What a multiplier adds to awards, each given by owner, rule and amount."""
    assert isinstance(rule.rate, Multiplier)
    shown, whole = [], 0
    for owner, code, amount in of:
        whole += amount
        shown.append({"rule": code, "amount": amount} | ({"owner": owner} if owner else {}))
    numerator, denominator = rule.rate.ratio
    inputs = {"of": shown, "numerator": numerator, "denominator": denominator}
    if rule.rounding is not _FLOOR:
        inputs["rounding"] = rule.rounding.value
    return Worth(scale(whole, numerator - denominator, denominator, rule.rounding), inputs)


def _fixed(rate: Fixed, facts: Facts, lines: Sequence[Line] | None) -> Worth:
    counted = facts.lines if lines is None else lines
    if rate.each == "basket":
        times = 1 if lines is None or lines else 0
    else:
        times = len(counted) if rate.each == "line" else sum([line.quantity for line in counted])
    inputs: Inputs = {"fixed": rate.amount, "times": times}
    if rate.each != "basket":
        inputs["each"] = rate.each
    if lines is not None:
        inputs["lines"] = [line.line_id for line in lines]
    return Worth(rate.amount * times, inputs)


def _amounts(rule: Rule, facts: Facts, lines: Sequence[Line] | None) -> list[int]:
    """What counts of each line: its amount, or the share of it that was not paid with points."""
    counted = facts.lines if lines is None else lines
    if not rule.is_on_cash or facts.cash == facts.spent:
        return [line.amount for line in counted]
    # The points paid for the basket as a whole, so every line bears its share of them.
    shares = split(facts.cash, [line.amount for line in facts.lines])
    by_line = {line.line_id: share for line, share in zip(facts.lines, shares, strict=True)}
    return [by_line[line.line_id] for line in counted]


def _spent(spent: int, facts: Facts) -> Inputs:
    return {"spent": {"amount": spent, "currency": facts.currency}}


def _whole(
    rule: Rule,
    rate: Steps,
    facts: Facts,
    lines: Sequence[Line] | None,
    amounts: Sequence[int] | None,
    spent: int,
) -> Worth:
    reached = next((step for step in reversed(rate.steps) if step.start <= spent), None)
    if reached is None:
        return NOTHING
    inputs = {**_spent(spent, facts), "step": _shown(reached)}
    return _on_money(rule, facts, lines, amounts, spent, PerAmount(reached.per, reached.amount), inputs)


def _shown(step: Step) -> Inputs:
    return {"from": step.start, "per": step.per, "amount": step.amount}


def _marginal(rule: Rule, rate: Steps, facts: Facts, lines: Sequence[Line] | None, spent: int) -> Worth:
    factors = _factors(rule, facts)
    ends = [step.start for step in rate.steps[1:]] + [spent]
    slices = [
        (min(end, spent) - step.start, step)
        for step, end in zip(rate.steps, ends, strict=True)
        if step.start < spent
    ]
    fractions = [_times(part * step.per, step.amount, factors) for part, step in slices]
    inputs = _spent(spent, facts)
    inputs["steps"] = [{**_shown(step), "spent": part} for part, step in slices]
    _tell(inputs, rule, factors, lines)
    return Worth(_rounded(fractions, rule.rounding), inputs)


def _on_money(
    rule: Rule,
    facts: Facts,
    lines: Sequence[Line] | None,
    amounts: Sequence[int] | None,
    spent: int,
    rate: PerAmount,
    inputs: Inputs,
) -> Worth:
    per, amount = rate
    if not (rule.by_tier or rule.by_channel or rule.by_category or rule.is_rounded_per_line):
        # Most rules by far, so they take the short way.
        _tell(inputs, rule, [], lines)
        return Worth(scale(spent, per, amount, rule.rounding), inputs)
    factors = _factors(rule, facts)
    numerator, denominator = _times(per, amount, factors)
    parts = None
    if rule.by_category or rule.is_rounded_per_line:
        parts = _parts(rule, facts.lines if lines is None else lines, amounts)
    _tell(inputs, rule, factors, lines)
    if parts is None:
        return Worth(scale(spent, numerator, denominator, rule.rounding), inputs)
    inputs["parts"] = [part.shown for part in parts]
    fractions = [
        (part.spent * numerator * part.ratio.numerator, denominator * part.ratio.denominator)
        for part in parts
    ]
    if not rule.is_rounded_per_line:
        return Worth(_rounded(fractions, rule.rounding), inputs)
    inputs["rounded_per"] = "line"
    return Worth(sum([scale(above, 1, below, rule.rounding) for above, below in fractions]), inputs)


def _tell(
    inputs: Inputs, rule: Rule, factors: list[tuple[str, str, Ratio]], lines: Sequence[Line] | None
) -> None:
    """Add what is not the default."""
    if factors:
        inputs["factors"] = [
            {"by": by, "value": value, "numerator": ratio.numerator, "denominator": ratio.denominator}
            for by, value, ratio in factors
        ]
    if rule.rounding is not _FLOOR:
        inputs["rounding"] = rule.rounding.value
    if lines is not None:
        inputs["lines"] = [line.line_id for line in lines]
    if rule.is_on_cash:
        inputs["basis"] = "cash"


def _factors(rule: Rule, facts: Facts) -> list[tuple[str, str, Ratio]]:
    factors = []
    if rule.by_tier and (ratio := rule.by_tier.get(facts.member.tier)) is not None:
        factors.append(("tier", facts.member.tier, ratio))
    channel = facts.source.channel
    if channel is not None and (ratio := rule.by_channel.get(channel)) is not None:
        factors.append(("channel", channel, ratio))
    return factors


def _times(numerator: int, denominator: int, factors: list[tuple[str, str, Ratio]]) -> tuple[int, int]:
    """The fraction with all factors on it."""
    for _by, _value, ratio in factors:
        numerator *= ratio.numerator
        denominator *= ratio.denominator
    return numerator, denominator


def _parts(rule: Rule, lines: Sequence[Line], amounts: Sequence[int] | None) -> list[Part] | None:
    """The parts that need a factor or a rounding of their own, or None where the whole will do."""
    by_category = rule.by_category
    amounts = [line.amount for line in lines] if amounts is None else amounts
    if rule.is_rounded_per_line:
        return [
            _part(amount, line.category, by_category, {"line": line.line_id})
            for line, amount in zip(lines, amounts, strict=True)
        ]
    spent: dict[str | None, int] = {}
    for line, amount in zip(lines, amounts, strict=True):
        category = line.category if line.category in by_category else None
        spent[category] = spent.get(category, 0) + amount
    if not spent or set(spent) == {None}:
        return None
    return [_part(amount, category, by_category, {}) for category, amount in spent.items()]


def _part(spent: int, category: str | None, by_category: Mapping[str, Ratio], named: Inputs) -> Part:
    ratio = by_category.get(category) if category is not None else None
    shown = {"spent": spent, **named}
    if ratio is None:
        return Part(spent, _ONE, shown)
    shown.update(category=category, numerator=ratio.numerator, denominator=ratio.denominator)
    return Part(spent, ratio, shown)


def _rounded(fractions: list[tuple[int, int]], rounding: Rounding) -> int:
    below = lcm(*(denominator for _numerator, denominator in fractions))
    return scale(
        sum([above * (below // denominator) for above, denominator in fractions]), 1, below, rounding
    )
