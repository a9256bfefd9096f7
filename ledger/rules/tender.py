"""What goes back of the points and the cash of a purchase when its goods do; cumulative, so order does not matter.

Each line bears its share of the points, of their value and of the cash, by the largest remainder. What is due back is
a function of all that has been returned so far, so any order and split of partial returns ends at exactly the points
and the cash that were paid. Money in minor units.

- ``pro_rata``: each line gives back what it bears
- ``points_first``: points as long as there are any, then cash
- ``cash_first``: cash as long as there is any, then points
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ledger.fx.quotes import Payment
from ledger.money import scale, split
from ledger.rules.terms import Tender


class Back(NamedTuple):
    """What is due back in all: points, their value and residue, and cash."""

    points: int = 0
    value: int = 0
    cash: int = 0
    residue: int = 0

    def __sub__(self, earlier: "Back") -> "Back":
        """What is due now, where both are counted from the beginning."""
        return Back(*(now - before for now, before in zip(self, earlier, strict=True)))


def due_back(
    lines: Sequence[Mapping[str, Any]],
    payment: Payment,
    tender: Tender,
    returned: Mapping[str, int],
    currency: str,
) -> Back:
    """What is due back once ``returned`` minor units of each line have been returned."""
    amounts = [line["amount"] for line in lines]
    gone = [returned.get(line["line_id"], 0) for line in lines]
    if tender == "pro_rata":
        points, value, cash = _by_line(amounts, gone, payment)
    else:
        points, value, cash = _in_turn(sum(gone), payment, tender)
    return Back(points, value, cash, payment.share(points, currency).residue)


def _by_line(amounts: Sequence[int], gone: Sequence[int], payment: Payment) -> tuple[int, int, int]:
    points = value = cash = 0
    borne = zip(
        amounts, gone, split(payment.points, amounts), split(payment.points_value, amounts), strict=True
    )
    for amount, back, line_points, line_value in borne:
        if not back:
            continue
        line_cash = scale(amount - line_value, back, amount)
        points += scale(line_points, back, amount)
        # What is not cash is value, to the last minor unit.
        value += back - line_cash
        cash += line_cash
    return points, value, cash


def _in_turn(gone: int, payment: Payment, tender: Tender) -> tuple[int, int, int]:
    value = min(payment.points_value, gone)
    if tender == "cash_first":
        value = gone - min(payment.cash, gone)
    return scale(payment.points, value, payment.points_value), value, gone - value
