"""How the chart is told in plain-text accounting: the one table from accounts to names that both programs take.

Debits are positive there and credits negative, and the first word of a name says what an account is. Points, growth
and budgets are kept in commodities of their own, so no sum ever mixes them with money.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from ledger.accounts.chart import MICROS, Account, Unit, unit_name
from ledger.money import show_major

NAMES: Final[Mapping[Account, str]] = {
    Account.POINTS: "Liabilities:Points:Members",
    Account.HELD: "Liabilities:Points:Held",
    Account.DEBT: "Assets:Points:Debt",
    Account.GROWTH: "Equity:Growth:Members",
    Account.FUND: "Equity:Budgets:Available",
    Account.ISSUED: "Expenses:Points:Issued",
    Account.REDEEMED: "Income:Points:Redeemed",
    Account.EXPIRED: "Income:Points:Expired",
    Account.ADJUSTED: "Expenses:Points:Adjusted",
    Account.TRANSFER: "Equity:Points:Transfer",
    Account.FORFEITED: "Income:Points:Forfeited",
    Account.FUND_GRANTED: "Equity:Budgets:Granted",
    Account.FUND_SPENT: "Equity:Budgets:Spent",
    Account.GROWTH_ISSUED: "Equity:Growth:Issued",
    Account.GROWTH_LAPSED: "Equity:Growth:Lapsed",
    Account.GROWTH_TRANSFER: "Equity:Growth:Transfer",
    Account.TRADING_POINTS: "Equity:Trading:Points",
    Account.CONVERTED: "Equity:Trading:Converted",
    Account.TENDER_CASH: "Assets:Cash:Tender",
    Account.SALES: "Income:Sales",
    Account.POINTS_DISCOUNT: "Income:Discounts:Points",
    Account.TRADING_MONEY: "Equity:Trading:Money",
    Account.POINTS_SOLD: "Income:Points:Sold",
    Account.ROUNDING: "Equity:Trading:Rounding",
    Account.TRADING_RESIDUE: "Equity:Trading:Residue",
}
"""Liabilities and assets are what is owed to members and by them. Growth cannot be spent and a budget is no promise,
so neither is a liability: their accounts are equity, and so are the memo accounts of trading."""


def account_name(account: Account, holder_id: UUID | None = None) -> str:
    """The name of an account, or of one holder's part of it.

    A holder is told by its number in capital hex: both programs take that for a name, whatever the member's id is.
    """
    name = NAMES[account]
    return name if holder_id is None else f"{name}:H{holder_id.hex.upper()}"


def amount_text(unit: int, amount: int) -> str:
    """A signed amount without its commodity: money in major units, exactly; everything else as the integer it is."""
    if unit in (Unit.POINT, Unit.GROWTH) or unit >= MICROS:
        return str(amount)
    sign = "-" if amount < 0 else ""
    return sign + show_major(abs(amount), unit_name(unit))
