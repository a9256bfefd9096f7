"""Awards in words: the arithmetic of every form of inputs, so that a reader can do it again.

The forms are those of ``ledger.rules.arithmetic``. An answer that is replayed has the bytes of the first, so
these words are made from the stored award alone, and the words of a released form never change.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import prod
from typing import Any, Final, NamedTuple

from ledger.money import Rounding, scale, show_major
from ledger.rules.fence_words import explain_fence, limit_in_words
from ledger.rules.phrases import amount_of, listed, money_of, number_of, plain, ratio_of
from ledger.rules.words import CATALOGUE, Text, say

NameOf = Callable[[str], Text]
"""What something is called, by its code."""


class Called(NamedTuple):
    """What rules and tiers are called; by their codes where no names are at hand."""

    rule: NameOf = plain
    tier: NameOf = plain


_BY_CODE: Final = Called()

Inputs = Mapping[str, Any]

_PLAIN: Final = {"spent", "per", "amount"}
_LINES_TOLD: Final = 20
"""So many lines are told one by one; the inputs have them all."""


def explained(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to a purchase with all that was given, and kept back, explained. Words are added where they are
    shown, never stored.
    """
    told: dict[str, Any] = {"awards": [award | {"explanation": explain(award)} for award in answer["awards"]]}
    if "fenced" in answer:
        told["fenced"] = [each | {"explanation": explain_fence(each)} for each in answer["fenced"]]
    return answer | told


def explain(award: Mapping[str, Any], called: Called = _BY_CODE) -> Text:
    """A stored award in words."""
    inputs, unit, amount = award["inputs"], award["unit"], award["amount"]
    if "fence" not in inputs:
        return _arithmetic(inputs, unit, amount, called)
    uncut = {name: value for name, value in inputs.items() if name not in ("wanted", "fence", "left")}
    return say(
        "award.cut",
        before=_arithmetic(uncut, unit, inputs["wanted"], called),
        limit=limit_in_words(inputs["fence"]),
        left=amount_of(unit, amount),
    )


def _arithmetic(inputs: Inputs, unit: str, earned: int, called: Called) -> Text:
    if set(inputs) == _PLAIN:
        return _plain_rate(inputs, unit, earned)
    if "fixed" in inputs:
        return _fixed(inputs, unit, earned)
    if "of" in inputs:
        return _extra(inputs, unit, earned, called)
    if "steps" in inputs:
        return _slices(inputs, unit, earned, called)
    if inputs.get("rounded_per") == "line":
        return _line_by_line(inputs, unit, earned, called)
    return _rate(inputs, unit, earned, called)


def _plain_rate(inputs: Inputs, unit: str, earned: int) -> Text:
    spent, currency = inputs["spent"]["amount"], inputs["spent"]["currency"]
    return say(
        "rate.plain",
        spent=show_major(spent, currency),
        step=show_major(inputs["amount"], currency),
        currency=currency,
        per=inputs["per"],
        noun=say(f"{unit}.noun"),
        earned=earned,
    )


# --- a rate on money ---------------------------------------------------------------------------------


def _rate(inputs: Inputs, unit: str, earned: int, called: Called) -> Text:
    told = _spent(inputs)
    if any(_ratio(part) != 1 for part in inputs.get("parts", ())):
        parts = [_part(part, inputs["spent"]["currency"]) for part in inputs["parts"]]
        told = say("spent.counted", before=told, parts=_joined("sum", parts))
    told = _times_factors(_times_rate(told, inputs, unit), inputs, called)
    return _result("rate", told, _worth(inputs), earned, unit, inputs)


def _line_by_line(inputs: Inputs, unit: str, earned: int, called: Called) -> Text:
    """Every line is a part and rounded by itself."""
    rounding, currency = inputs.get("rounding", "floor"), inputs["spent"]["currency"]
    factor, rate = _factor(inputs), inputs.get("step", inputs)
    gives = [
        _rounded(_of_rate(part["spent"], rate) * factor * _ratio(part), rounding) for part in inputs["parts"]
    ]
    lines = [
        say("lines.one", line=part.get("line", "-"), spent=_part(part, currency), number=number)
        for part, number in zip(inputs["parts"][:_LINES_TOLD], gives, strict=False)
    ]
    if more := gives[_LINES_TOLD:]:
        lines.append(say("lines.more", count=len(more), number=sum(more)))
    told = _times_factors(_times_rate(_spent(inputs), inputs, unit), inputs, called)
    told = say(f"lines.{rounding}", before=told, lines=listed(lines))
    return say("lines.total", before=told, earned=amount_of(unit, earned))


def _slices(inputs: Inputs, unit: str, earned: int, called: Called) -> Text:
    """Each slice of the money by the step that it lies in."""
    currency = inputs["spent"]["currency"]
    slices = [
        say(
            "slice",
            money=money_of(step["spent"], currency),
            given=amount_of(unit, step["per"]),
            step=money_of(step["amount"], currency),
        )
        for step in inputs["steps"]
    ]
    key = "slices.factored" if inputs.get("factors") and len(slices) > 1 else "slices"
    told = say(key, before=_spent(inputs), slices=_joined("slice.next", slices))
    exact = sum((_of_rate(step["spent"], step) for step in inputs["steps"]), Fraction()) * _factor(inputs)
    return _result("rate", _times_factors(told, inputs, called), exact, earned, unit, inputs)


def _spent(inputs: Inputs) -> Text:
    money = money_of(inputs["spent"]["amount"], inputs["spent"]["currency"])
    return _of_lines(
        say("spent.cash" if inputs.get("basis") == "cash" else "spent.total", money=money), inputs
    )


def _of_lines(before: Text, inputs: Inputs) -> Text:
    lines: Sequence[str] = inputs.get("lines", ())
    if not lines:
        return before
    key = "spent.line" if len(lines) == 1 else "spent.lines"
    return say(key, before=before, lines=listed([plain(line) for line in lines]))


def _part(part: Inputs, currency: str) -> Text:
    amount, category = show_major(part["spent"], currency), part.get("category")
    told = say("part.category", amount=amount, category=category) if category else plain(amount)
    ratio = _ratio(part)
    return told if ratio == 1 else say("part.factor", before=told, factor=ratio_of(ratio))


def _times_rate(before: Text, inputs: Inputs, unit: str) -> Text:
    currency, rate = inputs["spent"]["currency"], inputs.get("step", inputs)
    given, step = amount_of(unit, rate["per"]), money_of(rate["amount"], currency)
    if start := rate.get("from"):
        return say("rate.from", before=before, given=given, step=step, start=money_of(start, currency))
    return say("rate.per", before=before, given=given, step=step)


def _times_factors(before: Text, inputs: Inputs, called: Called) -> Text:
    for factor in inputs.get("factors", ()):
        by, value = factor["by"], factor["value"]
        key = f"factor.{by}" if f"factor.{by}" in CATALOGUE else "factor.other"
        reason = say(key, value=called.tier(value) if by == "tier" else value)
        before = say("rate.factor", before=before, factor=ratio_of(_ratio(factor)), reason=reason)
    return before


def _worth(inputs: Inputs) -> Fraction:
    parts = inputs.get("parts", [{"spent": inputs["spent"]["amount"]}])
    rate = inputs.get("step", inputs)
    whole = sum((_of_rate(part["spent"], rate) * _ratio(part) for part in parts), Fraction())
    return whole * _factor(inputs)


# --- other forms -------------------------------------------------------------------------------------


def _fixed(inputs: Inputs, unit: str, earned: int) -> Text:
    each = amount_of(unit, inputs["fixed"])
    if "each" not in inputs:
        return _of_lines(say("fixed.once", given=each), inputs)
    told = _of_lines(say(f"fixed.{inputs['each']}", given=each, times=inputs["times"]), inputs)
    return _result("sum", told, Fraction(earned), earned, unit, inputs)


def _extra(inputs: Inputs, unit: str, earned: int, called: Called) -> Text:
    parts = [say("extra.part", rule=called.rule(of["rule"]), amount=of["amount"]) for of in inputs["of"]]
    whole, ratio = sum(of["amount"] for of in inputs["of"]), _ratio(inputs)
    key = "extra.one" if len(parts) == 1 else "extra.many"
    told = say(key, parts=_joined("sum", parts), ratio=ratio_of(ratio), whole=whole)
    return _result("sum", told, whole * (ratio - 1), earned, unit, inputs)


# --- parts of all ------------------------------------------------------------------------------------


def _result(kind: str, told: Text, exact: Fraction, earned: int, unit: str, inputs: Inputs) -> Text:
    """The end of a calculation: exact, or rounded as the rule says."""
    amount = amount_of(unit, earned)
    if exact == earned:
        return say(f"{kind}.exact", before=told, earned=amount)
    rounding = inputs.get("rounding", "floor")
    return say(f"{kind}.{rounding}", before=told, exact=number_of(exact), earned=amount)


def _joined(key: str, texts: Sequence[Text]) -> Text:
    return reduce(lambda before, after: say(key, before=before, after=after), texts)


def _factor(inputs: Inputs) -> Fraction:
    return prod((_ratio(factor) for factor in inputs.get("factors", ())), start=Fraction(1))


def _ratio(given: Inputs) -> Fraction:
    return Fraction(given.get("numerator", 1), given.get("denominator", 1))


def _of_rate(spent: int, rate: Inputs) -> Fraction:
    return Fraction(spent * rate["per"], rate["amount"])


def _rounded(exact: Fraction, rounding: str) -> int:
    return scale(1, exact.numerator, exact.denominator, Rounding(rounding))
