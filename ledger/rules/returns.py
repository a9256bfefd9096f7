"""Returns: goods go back, whole or in part, and with them what they earned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ledger.clock import show
from ledger.errors import PurchaseUnknown, ReturnBeforePurchase, ReturnExceedsPurchase
from ledger.ids import show as show_id
from ledger.journal.commands import (
    NO_SOURCE,
    Books,
    Claim,
    Command,
    Decision,
    Draft,
    Recorded,
    Source,
    Target,
    already_reversed,
)
from ledger.money import scale
from ledger.rules.debt import Clawback, claw_back, claw_back_rewards


class ReturnedLine(NamedTuple):
    """A line that goes back, whole or in part. ``amount`` in minor units."""

    line_id: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class Return(Command):
    """A return of a purchase. Any order and split of returns ends at the same points and growth."""

    purchase_id: str
    return_id: str
    occurred_at: datetime
    lines: tuple[ReturnedLine, ...]
    source: Source = NO_SOURCE

    @property
    def claim(self) -> Claim:
        return Claim("return", self.return_id)

    @property
    def target(self) -> Target:
        absent = PurchaseUnknown(f"there is no purchase {self.purchase_id}", purchase_id=self.purchase_id)
        return Target("purchase", self.purchase_id, absent)

    def grows_at(self, now: datetime) -> datetime:
        return self.occurred_at

    def decide(self, books: Books) -> Decision:
        """Claw back pro rata of the amount returned. Refuses more than was bought, and returns of what was reversed."""
        purchase = books.require_target()
        books.check_occurred(self.occurred_at)
        if self.occurred_at < purchase.effective_at:
            raise ReturnBeforePurchase(
                "the return lies before its purchase",
                occurred_at=show(self.occurred_at),
                purchased_at=show(purchase.effective_at),
            )
        if purchase.reversal:
            raise already_reversed(
                show_id("ent", purchase.entry_id), show_id("ent", purchase.reversal.entry_id)
            )
        kept, total = self._kept(purchase)
        holder = books.holders[purchase.holder_id]
        clawed = claw_back(books, holder, purchase, kept, total)
        draft = Draft(
            "return",
            holder.holder_id,
            books.new_entry_id(),
            self.occurred_at,
            clawed.postings,
            {"purchase_id": self.purchase_id, "lines": [line._asdict() for line in self.lines]},
            self.source,
            self.return_id,
            parent_entry_id=purchase.entry_id,
            peer_holder_id=purchase.peer_holder_id,
        )
        rewards = self._from_referrers(books, purchase, kept, total)
        cash = self._cash(purchase, kept, total)
        return Decision([draft, *rewards], self._answer(purchase, clawed, holder.debt, cash))

    def _from_referrers(self, books: Books, purchase: Recorded, kept: int, total: int) -> list[Draft]:
        """What goes back with the goods from whoever was rewarded for this customer."""
        return [
            Draft(
                "return",
                referrer,
                books.new_entry_id(),
                self.occurred_at,
                clawed.postings,
                {"purchase_id": self.purchase_id},
                self.source,
                parent_entry_id=purchase.entry_id,
                peer_holder_id=purchase.holder_id,
            )
            for referrer, clawed in claw_back_rewards(books, purchase, kept, total)
        ]

    def _kept(self, purchase: Recorded) -> tuple[int, int]:
        """Minor units of the purchase that stay bought after this return, and were bought in all."""
        bought = {line["line_id"]: (line["quantity"], line["amount"]) for line in purchase.details["lines"]}
        returned = returned_lines(purchase)
        for line in self.lines:
            before = returned.get(line.line_id, (0, 0))
            returned[line.line_id] = (before[0] + line.quantity, before[1] + line.amount)
            _check_line(line.line_id, bought.get(line.line_id, (0, 0)), before, returned[line.line_id])
        total = sum(amount for _, amount in bought.values())
        return total - sum(amount for _, amount in returned.values()), total

    def _cash(self, purchase: Recorded, kept: int, total: int) -> int:
        """The money to pay back, in minor units: of what was paid in money alone, in proportion and cumulatively."""
        amount = sum(line.amount for line in self.lines)
        cash = purchase.details.get("cash", total)
        if cash == total:
            return amount
        return scale(cash, kept + amount, total) - scale(cash, kept, total)

    def _answer(self, purchase: Recorded, clawed: Clawback, debt: int, cash: int) -> dict[str, Any]:
        return {
            "return_id": self.return_id,
            "purchase_id": self.purchase_id,
            "points_clawed_back": clawed.points,
            "growth_clawed_back": clawed.growth,
            "points_refunded": 0,
            "cash_refund": {
                "amount": cash,
                "currency": purchase.details["currency"],
            },
            "shortfall": clawed.shortfall,
            "debt": debt + clawed.shortfall,
        }


def returned_lines(purchase: Recorded) -> dict[str, tuple[int, int]]:
    """Quantity and amount returned so far, by line."""
    returned: dict[str, tuple[int, int]] = {}
    for child in purchase.children:
        for line in child.details.get("lines", ()):
            quantity, amount = returned.get(line["line_id"], (0, 0))
            returned[line["line_id"]] = (quantity + line["quantity"], amount + line["amount"])
    return returned


def _check_line(
    line_id: str, bought: tuple[int, int], before: tuple[int, int], after: tuple[int, int]
) -> None:
    if after[0] > bought[0] or after[1] > bought[1]:
        raise ReturnExceedsPurchase(
            f"line {line_id} would go back beyond what was bought",
            line_id=line_id,
            returnable_quantity=bought[0] - before[0],
            returnable_amount=bought[1] - before[1],
        )
