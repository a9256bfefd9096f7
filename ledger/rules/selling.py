"""Making good, in money, points that are gone when they should go back: the member buys them at the ask.

What he buys repays at once what he owes. It is a sale like any other: ceiled, at the rate of the moment, with the
version of the rate on the entry, and its face value through the trading accounts. Money in minor units.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.postings import Posting
from ledger.errors import PointsAlreadySpent
from ledger.fx.convert import cost_of, points_bought
from ledger.fx.memo import given_back, spent
from ledger.fx.rates import require_rate, show_rate
from ledger.journal.commands import Books
from ledger.rules.terms import terms_of


class Sold(NamedTuple):
    """Points that were made good, and the money kept for them."""

    points: int = 0
    amount: int = 0
    residue: int = 0
    rate: Decimal = Decimal(0)
    rate_version: int = 0

    @property
    def postings(self) -> list[Posting]:
        """The sale, the debt that it repays, and its face value."""
        if not self.points:
            return []
        return [
            Posting(Account.ISSUED, Account.DEBT, self.points),
            Posting(Account.TENDER_CASH, Account.POINTS_SOLD, self.amount),
            *given_back(self.points, self.amount, 0),
            # What is paid beyond the exact price is the house's, as it is when points are spent.
            *spent(0, 0, self.residue),
        ]

    def stored(self) -> dict[str, Any]:
        """Its part of the entry's details."""
        return {
            "points": self.points,
            "amount": self.amount,
            "rate": show_rate(self.rate),
            "rate_version": self.rate_version,
        }

    def shown(self, currency: str) -> dict[str, Any] | None:
        """Its part of the answer; null where nothing was deducted."""
        if not self.points:
            return None
        return self.stored() | {"amount": {"amount": self.amount, "currency": currency}}


NOTHING_SOLD = Sold()


def make_good(books: Books, shortfall: int, cash: int) -> Sold:
    """What of a shortfall is deducted from ``cash`` by the program's policy; the rest is owed.

    ``points_already_spent`` where the policy is to refuse.
    """
    policy = terms_of(books.program).shortfall
    if not shortfall or policy == "debt":
        return NOTHING_SOLD
    if policy == "refuse":
        raise PointsAlreadySpent("the points that the goods have earned were spent", shortfall=shortfall)
    rate, currency = require_rate(books.program, books.now), books.program.currency
    points = min(shortfall, points_bought(cash, rate.ask, currency))
    if not points:
        return NOTHING_SOLD
    amount, residue = cost_of(points, rate.ask, currency)
    return Sold(points, amount, residue, rate.ask, rate.version)
