"""The face value of points in the books: a memo through trading accounts, one side in points and one in money.

Points that are spent at a rate are taken in (``trading_points``) against the value given for them
(``trading_money``): what these accounts hold is the position that moving the rate has gained or lost (Selinger's
trading accounts). It is a discount on the invoice and never a debit to what is owed for points. What the exact
value is above whole minor units goes to ``rounding``, in millionths of a minor unit, below one unit an entry.
"""

from decimal import Decimal

from ledger.accounts.chart import Account
from ledger.accounts.postings import Posting
from ledger.fx.convert import MICRO, micros_per_point

_PAIRS = (
    (Account.TRADING_POINTS, Account.CONVERTED),
    (Account.POINTS_DISCOUNT, Account.TRADING_MONEY),
    (Account.TRADING_RESIDUE, Account.ROUNDING),
)


def spent(points: int, value: int, residue: int) -> list[Posting]:
    """The memo of points taken in for ``value`` minor units; ``residue`` in millionths of one."""
    amounts = (points, value, residue)
    return [Posting(debit, credit, n) for (debit, credit), n in zip(_PAIRS, amounts, strict=True) if n]


def given_back(points: int, value: int, residue: int) -> list[Posting]:
    """The memo of points handed out again for ``value``: given back, or sold."""
    amounts = (points, value, residue)
    return [Posting(credit, debit, n) for (debit, credit), n in zip(_PAIRS, amounts, strict=True) if n]


def residue_of(points: int, value: int, rate: Decimal, currency: str) -> int:
    """What the points are worth beyond ``value``, in millionths of a minor unit."""
    return points * micros_per_point(rate, currency) - value * MICRO
