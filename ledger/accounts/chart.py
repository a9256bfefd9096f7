"""The chart of accounts: a few codes, each on the member's side or the house's side, per unit.

A posting moves an amount from a debit account to a credit account of one unit, so nothing unbalanced
can be written. The numbers are stored; the table ``chart`` in the database names them for SQL readers.
"""

from collections.abc import Mapping
from enum import IntEnum
from functools import cache

from iso4217 import Currency


class Unit(IntEnum):
    """What is counted.

    Accounts of money are kept in the program's currency, so a posting on one stores the currency's own number:
    ISO 4217's for minor units, that and ``MICROS`` for millionths of a minor unit.
    """

    POINT = 1
    GROWTH = 2
    MONEY = 3
    MICRO = 4


MICROS = 1_000
"""Added to the number of a currency where millionths of its minor unit are counted."""


class Account(IntEnum):
    """Account codes. Accounts of holders (members and funds) are below 50, the house's from 50 on."""

    POINTS = 1  # the liability: credit-normal
    HELD = 2  # reserved by a hold: credit-normal
    DEBT = 3  # claw-back receivable: debit-normal
    GROWTH = 4  # credit-normal
    FUND = 5  # what is left of a budget: credit-normal, on the side of the fund that holds it
    ISSUED = 50
    REDEEMED = 51
    EXPIRED = 52
    ADJUSTED = 53
    TRANSFER = 54
    FORFEITED = 55
    FUND_GRANTED = 56
    FUND_SPENT = 57
    GROWTH_ISSUED = 60
    GROWTH_LAPSED = 61
    GROWTH_TRANSFER = 62
    TRADING_POINTS = 70  # points taken at a rate, less points sold: the memo's side in points
    CONVERTED = 71  # stands against it
    TENDER_CASH = 80  # what was paid in money of orders that were paid with points as well
    SALES = 81
    POINTS_DISCOUNT = 82  # face value given for points: a discount on the invoice, and a memo
    TRADING_MONEY = 83  # the same value: the memo's side in money
    POINTS_SOLD = 84  # money kept for points that were gone when they should have gone back
    ROUNDING = 90  # what the exact value of points was above the money given for them
    TRADING_RESIDUE = 91  # stands against it

    @property
    def is_members(self) -> bool:
        """Whether the account stands on the holder's side of the books."""
        return self < 50

    @property
    def unit(self) -> Unit:
        """The unit that the account is kept in."""
        if self >= 90:
            return Unit.MICRO
        if self >= 80:
            return Unit.MONEY
        return Unit.GROWTH if self in _GROWTH_ACCOUNTS else Unit.POINT

    @property
    def normal_side(self) -> str:
        """The side on which the account's balance usually stands: ``debit`` or ``credit``."""
        return "credit" if self in _CREDIT_NORMAL else "debit"


_GROWTH_ACCOUNTS = frozenset(
    {Account.GROWTH, Account.GROWTH_ISSUED, Account.GROWTH_LAPSED, Account.GROWTH_TRANSFER}
)
_CREDIT_NORMAL = frozenset(
    {
        Account.POINTS,
        Account.HELD,
        Account.GROWTH,
        Account.FUND,
        Account.FUND_SPENT,
        # What left the members' accounts stands on the credit side of the house.
        Account.REDEEMED,
        Account.EXPIRED,
        Account.FORFEITED,
        Account.GROWTH_LAPSED,
        Account.CONVERTED,
        Account.SALES,
        Account.TRADING_MONEY,
        Account.POINTS_SOLD,
        Account.ROUNDING,
    }
)

LOT_ACCOUNTS = frozenset({Account.POINTS, Account.HELD, Account.GROWTH})
"""Accounts whose every point sits in a lot: a posting on one of them names its lot."""

POINT_LOT_ACCOUNTS = frozenset({Account.POINTS, Account.HELD})
"""Those of them that hold points."""

BUDGET_ACCOUNTS = frozenset({Account.FUND, Account.FUND_GRANTED, Account.FUND_SPENT})
"""Accounts of budgets. They are counted in points, and nothing moves between them and the points of members."""

MEMO_ACCOUNTS = frozenset({Account.TRADING_POINTS, Account.CONVERTED})
"""Accounts in points that only tell at which rate points went: nothing moves between them and any other."""

EXPIRY_ACCOUNTS = frozenset({Account.EXPIRED, Account.GROWTH_LAPSED})
"""Where the house takes what the clock has taken from a lot."""


@cache
def units_of(currency: str) -> Mapping[Account, int]:
    """The unit that a posting on each account stores, for a program of that currency."""
    number = int(Currency(currency).number)
    stored = {Unit.MONEY: number, Unit.MICRO: MICROS + number}
    return {account: stored.get(account.unit, account.unit) for account in Account}


@cache
def unit_name(stored: int) -> str:
    """How a stored unit is told: ``POINT``, ``GROWTH``, ``CNY``, or ``CNY_MICRO`` for millionths of a fen."""
    if stored in (Unit.POINT, Unit.GROWTH):
        return Unit(stored).name
    suffix, number = ("_MICRO", stored - MICROS) if stored >= MICROS else ("", stored)
    return next(each.code for each in Currency if int(each.number) == number) + suffix
