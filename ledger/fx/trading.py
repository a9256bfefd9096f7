"""What a position of several currencies is worth in one of them, at rates that hold now.

Every conversion leaves two amounts, one gained and one given, that balance each in its own currency. Their value in
one currency is what the rates have made of them since: an unrealised gain or loss, and no posting. This is how trading
accounts are read (Peter Selinger's, GnuCash's). Valuation alone rounds half to even; no amount is moved by it.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from ledger.money import exponent


def position_value(amounts: Mapping[str, int], rates: Mapping[str, Decimal], currency: str) -> int:
    """The value in minor units of ``currency`` of amounts in minor units of theirs, rounded once, half to even.

    ``rates`` say what one major unit of each other currency is worth in major units of ``currency``; KeyError for an
    amount in a currency that has none. Works on exact fractions: neither the order nor the number of amounts matters.
    """
    return round(
        sum((_exact(amount, each, rates, currency) for each, amount in amounts.items()), Fraction(0))
    )


def _exact(amount: int, held: str, rates: Mapping[str, Decimal], currency: str) -> Fraction:
    if held == currency:
        return Fraction(amount)
    return amount * Fraction(rates[held]) * Fraction(10) ** (exponent(currency) - exponent(held))
