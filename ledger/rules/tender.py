"""What goes back of the points and the cash of a purchase when its goods do; cumulative, so order does not matter.

Each line bears its share of the value of the points by the largest remainder, and the rest of it in cash. Points go
back in proportion to their value, floored. What is due back is a function of all that has been returned so far, so any
order and split of partial returns ends at exactly the points and the cash that were paid. Money in minor units.

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
    value = _by_line(amounts, gone, payment) if tender == "pro_rata" else _in_turn(sum(gone), payment, tender)
    # Points go with the value, whichever line bears it: spread over the lines apart from it, they could come back of
    # lines whose cash came back in full.
    points = scale(payment.points, value, payment.points_value)
    return Back(points, value, sum(gone) - value, payment.share(points, currency).residue)


def _by_line(amounts: Sequence[int], gone: Sequence[int], payment: Payment) -> int:
    value = 0
    for amount, back, line_value in zip(amounts, gone, split(payment.points_value, amounts), strict=True):
        if back:
            # What is not cash is value, to the last minor unit; and cash is floored.
            value += back - scale(amount - line_value, back, amount)
    return value


def _in_turn(gone: int, payment: Payment, tender: Tender) -> int:
    if tender == "cash_first":
        return gone - min(payment.cash, gone)
    return min(payment.points_value, gone)
