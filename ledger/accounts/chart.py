"""The chart of accounts: a few codes, each on the member's side or the house's side, per unit.

A posting moves an amount from a debit account to a credit account of one unit, so nothing unbalanced
can be written. The numbers are stored; the table ``chart`` in the database names them for SQL readers.
"""

from enum import IntEnum


class Unit(IntEnum):
    """What is counted. Money units are the ISO 4217 numeric codes; both of ours are unused there."""

    POINT = 1
    GROWTH = 2


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

    @property
    def is_members(self) -> bool:
        """Whether the account stands on the holder's side of the books."""
        return self < 50

    @property
    def unit(self) -> Unit:
        """The unit that the account is kept in."""
        return Unit.GROWTH if self in _GROWTH_ACCOUNTS else Unit.POINT

    @property
    def normal_side(self) -> str:
        """The side on which the account's balance usually stands: ``debit`` or ``credit``."""
        return "credit" if self in _CREDIT_NORMAL else "debit"


_GROWTH_ACCOUNTS = frozenset({Account.GROWTH, Account.GROWTH_ISSUED, Account.GROWTH_LAPSED})
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
    }
)

LOT_ACCOUNTS = frozenset({Account.POINTS, Account.HELD, Account.GROWTH})
"""Accounts whose every point sits in a lot: a posting on one of them names its lot."""

BUDGET_ACCOUNTS = frozenset({Account.FUND, Account.FUND_GRANTED, Account.FUND_SPENT})
"""Accounts of budgets. They are counted in points, and nothing moves between them and the points of members."""

EXPIRY_ACCOUNTS = frozenset({Account.EXPIRED, Account.GROWTH_LAPSED})
"""Where the house takes what the clock has taken from a lot."""
