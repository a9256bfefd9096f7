"""The base rule: points and growth for each whole ``amount`` of money spent."""

from typing import Any

from ledger.accounts.chart import Unit
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
