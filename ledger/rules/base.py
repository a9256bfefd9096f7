"""The base rule: points and growth for each whole ``amount`` of money spent, and the words that explain it."""

from typing import Any

from ledger.accounts.chart import Unit
from ledger.money import show_major
from ledger.rules.facts import Award
from ledger.rules.terms import EarnRate, Terms

RULE = "base"

# Python 3.11 finds a member of an enumeration by a function call: here it is asked once.
_POINT, _GROWTH = Unit.POINT, Unit.GROWTH


def base_awards(terms: Terms, version: int, spent: int, currency: str) -> list[Award]:
    """The awards of the base rule for ``spent`` minor units; an award of nothing is left out."""
    rates: tuple[tuple[Unit, EarnRate], ...] = ((_POINT, terms.points), (_GROWTH, terms.growth))
    return [
        Award(RULE, version, unit, amount, _inputs(spent, currency, rate))
        for unit, rate in rates
        if (amount := rate.of(spent))
    ]


def _inputs(spent: int, currency: str, rate: EarnRate) -> dict[str, Any]:
    return {"spent": {"amount": spent, "currency": currency}, "per": rate.per, "amount": rate.amount}


def explained(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to a purchase with every award explained. Words are added where they are shown, never stored."""
    return answer | {"awards": [award | {"explanation": explain(award)} for award in answer["awards"]]}


def explain(award: dict[str, Any]) -> dict[str, str]:
    """The award in words, Chinese and English, from its stored form.

    A replayed answer has the bytes of the first, so a wording that was released never changes: a better
    one comes with a new version of the rule's form.
    """
    inputs, earned = award["inputs"], award["amount"]
    currency = inputs["spent"]["currency"]
    spent, step = (show_major(amount, currency) for amount in (inputs["spent"]["amount"], inputs["amount"]))
    noun_en, noun_zh = _NOUNS[award["unit"]]
    return {
        "en": f"{spent} {currency} spent × {inputs['per']} {noun_en} per {step} {currency}"
        f" = {earned} {noun_en}, rounded down",
        "zh": f"消费 {spent} {currency}，每 {step} {currency} 得 {inputs['per']} {noun_zh}，"
        f"向下取整共 {earned} {noun_zh}",
    }


_NOUNS = {"POINT": ("points", "积分"), "GROWTH": ("growth value", "成长值")}
