"""Returns: goods go back, whole or in part, and with them what they cost and what they earned."""

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
from ledger.redemption.restoring import NOTHING_RESTORED
from ledger.rules.debt import check_limit, claw_back, claw_back_rewards
from ledger.rules.paying import Repaid, pay_back
from ledger.rules.selling import Sold, make_good
from ledger.rules.terms import terms_of


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
        """Give back what was paid, and claw back what was earned, in proportion to what is returned.

        Refuses more than was bought, and returns of what was reversed. Earned points that were spent follow the
        program's policy: a debt up to its limit, a deduction from the cash at the present ask, or a refusal
        (``points_already_spent``).
        """
        purchase = books.require_target()
        self._check(books, purchase)
        before, after, total = self._returned(purchase)
        kept = total - sum(after.values())
        holder, entry_id = books.holders[purchase.holder_id], books.new_entry_id()
        repaid = pay_back(books, holder, purchase, before, after, entry_id)
        restored = repaid.restored if repaid else NOTHING_RESTORED
        clawed = claw_back(books, holder, purchase, kept, total, restored.kept)
        cash = repaid.back.cash if repaid else self._cash(purchase, kept, total)
        sold = make_good(books, clawed.shortfall, cash)
        owed = holder.debt - restored.debt_repaid
        check_limit(books, owed, clawed.shortfall - sold.points)
        draft = Draft(
            "return",
            holder.holder_id,
            entry_id,
            self.occurred_at,
            (repaid.postings if repaid else []) + clawed.postings + sold.postings,
            self._details(repaid, sold),
            self.source,
            self.return_id,
            parent_entry_id=purchase.entry_id,
            peer_holder_id=purchase.peer_holder_id,
        )
        rewards = self._from_referrers(books, purchase, kept, total)
        answer = {
            "return_id": self.return_id,
            "purchase_id": self.purchase_id,
            "points_clawed_back": clawed.points,
            "growth_clawed_back": clawed.growth,
            "points_refunded": repaid.back.points if repaid else 0,
            "cash_refund": {"amount": cash - sold.amount, "currency": purchase.details["currency"]},
            "shortfall": clawed.shortfall,
            "debt": owed + clawed.under_review + clawed.shortfall - sold.points,
            **restored.answer,
        }
        if clawed.under_review:
            answer["under_review"] = clawed.under_review
        if clawed.shortfall:
            answer["shortfall_policy"] = terms_of(books.program).shortfall
            answer["deducted"] = sold.shown(purchase.details["currency"])
        return Decision([draft, *rewards], answer)

    def _check(self, books: Books, purchase: Recorded) -> None:
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

    def _details(self, repaid: Repaid | None, sold: Sold) -> dict[str, Any]:
        details: dict[str, Any] = {
            "purchase_id": self.purchase_id,
            "lines": [line._asdict() for line in self.lines],
        }
        if repaid:
            details["refunded"] = repaid.stored()
        if sold.points:
            details["sold"] = sold.stored()
        return details

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

    def _returned(self, purchase: Recorded) -> tuple[dict[str, int], dict[str, int], int]:
        """Minor units returned of each line before and after this return, and what was bought in all."""
        bought = {line["line_id"]: (line["quantity"], line["amount"]) for line in purchase.details["lines"]}
        returned = returned_lines(purchase)
        earlier = {line: amount for line, (_, amount) in returned.items()}
        for line in self.lines:
            before = returned.get(line.line_id, (0, 0))
            returned[line.line_id] = (before[0] + line.quantity, before[1] + line.amount)
            _check_line(line.line_id, bought.get(line.line_id, (0, 0)), before, returned[line.line_id])
        total = sum(amount for _, amount in bought.values())
        return earlier, {line: amount for line, (_, amount) in returned.items()}, total

    def _cash(self, purchase: Recorded, kept: int, total: int) -> int:
        """The money to pay back, in minor units: of what was paid in money alone, in proportion and cumulatively."""
        amount = sum(line.amount for line in self.lines)
        cash = purchase.details.get("cash", total)
        if cash == total:
            return amount
        return scale(cash, kept + amount, total) - scale(cash, kept, total)


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
