"""The inputs of an award, and the award again from its inputs alone: what an auditor does with paper.

Every stored award keeps ``inputs`` in one of these forms. A member in brackets stands only where it is not
the default; amounts of money are minor units, ratios are ``numerator`` and ``denominator``.

Money spent, by a rate (``per`` units for each ``amount`` of money):

    {"spent": {"amount": 3990, "currency": "CNY"}, "per": 1, "amount": 100,
     ["factors": [{"by": "tier"|"channel", "value": "gold", "numerator": 3, "denominator": 2}, …]],
     ["parts": [{"spent": 1990, ["category": "coffee"], ["line": "1"], ["numerator": 2, "denominator": 1]}, …]],
     ["rounding": "ceiling"|"half_up"], ["rounded_per": "line"],
     ["lines": ["1", "3"]], ["basis": "cash"]}

``spent`` is what counts for the rule: of its ``lines`` where only some count, without what was paid with points
where the basis is cash. The parts add up to it; their ratio is the category's factor (a part without a category
is all the rest). The sum over the parts is rounded once, or each part by itself where ``rounded_per`` is a line:
then every line is a part.

Money spent, by the step that the whole of it reaches: the same, with

    "step": {"from": 50000, "per": 2, "amount": 100}      in the place of "per" and "amount".

Money spent, each slice by the step that it lies in (no parts; rounded once):

    {"spent": …, "steps": [{"from": 0, "spent": 50000, "per": 1, "amount": 100},
                           {"from": 50000, "spent": 12000, "per": 2, "amount": 100}],
     ["factors"], ["rounding"], ["lines"], ["basis"]}

A fixed award, so many times (for each line, each piece; else once):

    {"fixed": 50, "times": 1, ["each": "line"|"piece"], ["lines": ["2"]]}

An extra on what other rules give, before fences: their sum × (numerator ÷ denominator − 1):

    {"of": [{"rule": "base", "amount": 39, ["owner": "north"]}], "numerator": 2, "denominator": 1, ["rounding"]}

Any of them, where a fence cut the award: ``wanted`` before, and what the fence had ``left``, which was given:

    "wanted": 120, "fence": "cap_day", "left": 80
"""

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import Any

from ledger.money import Rounding, scale

Inputs = Mapping[str, Any]


def recompute(award: Mapping[str, Any]) -> int:
    """The amount of a stored award from its inputs; KeyError or ValueError where they are in none of the forms."""
    inputs = award["inputs"]
    wanted = recompute_wanted(inputs)
    return min(wanted, inputs["left"]) if "fence" in inputs else wanted


def recompute_wanted(inputs: Inputs) -> int:
    """The amount before fences."""
    if "fixed" in inputs:
        fixed, times = inputs["fixed"], inputs["times"]
        return int(fixed * times)
    rounding = Rounding(inputs.get("rounding", "floor"))
    if inputs.get("rounded_per") == "line":
        return sum(_rounded(part, rounding) for part in _parts(inputs))
    if "of" in inputs:
        whole = sum(of["amount"] for of in inputs["of"])
        return _rounded(whole * (_ratio(inputs) - 1), rounding)
    return _rounded(sum(_parts(inputs), Fraction()), rounding)


def _parts(inputs: Inputs) -> list[Fraction]:
    """What each part of the money is worth, exactly."""
    factors = prod((_ratio(factor) for factor in inputs.get("factors", ())), start=Fraction(1))
    if "steps" in inputs:
        return [_of_rate(step["spent"], step) * factors for step in inputs["steps"]]
    rate, spent = inputs.get("step", inputs), inputs["spent"]["amount"]
    parts = inputs.get("parts", [{"spent": spent}])
    if sum(part["spent"] for part in parts) != spent:
        raise ValueError("the parts do not add up to what was spent")
    return [_of_rate(part["spent"], rate) * factors * _ratio(part) for part in parts]


def _of_rate(spent: int, rate: Inputs) -> Fraction:
    return Fraction(spent * rate["per"], rate["amount"])


def _ratio(given: Inputs) -> Fraction:
    return Fraction(given.get("numerator", 1), given.get("denominator", 1))


def _rounded(exact: Fraction, rounding: Rounding) -> int:
    return scale(1, exact.numerator, exact.denominator, rounding)
