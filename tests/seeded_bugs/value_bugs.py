"""Bugs of points that are worth money, each put into the ledger by one patch.

Most are seen by a shop that goes through random sequences, held to the laws of value; the others by the property
that is there for them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from random import Random
from typing import Any

from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw
from ledger.fx import offers, quotes
from ledger.fx.convert import Value, points_within, value_of
from ledger.fx.rates import require_rate
from ledger.journal.commands import Decision
from ledger.money import scale
from ledger.redemption import commands as redemption
from ledger.redemption import holds, offline, restoring
from ledger.rules import awarding, debt, paying, returns, selling, tender
from ledger.rules import commands as earning
from tests.properties import test_offline, test_tender
from tests.properties.shopping import Shop
from tests.properties.test_points_plus_cash import LIMITS, RATES, TERMS
from tests.seeded_bugs.logic_bugs import Bug, Patch

# By its full name: the package's own ``post`` is the function.
post = import_module("ledger.journal.post")


def go_shopping(sequences: int = 500) -> None:
    """So many random sequences, the same ones each time."""
    random = Random(20_261_127)
    for _ in range(sequences):
        shop = Shop(random.choice(RATES), **random.choice(TERMS), **random.choice(LIMITS))
        steps = [tuple(random.randrange(limit) for limit in (201, 61, 100_001)) for _ in range(18)]
        for kind, which, much in steps[:13]:
            shop.step(kind, which, much)
        shop.close_down([(kind, which, much) for kind, which, much in steps[13:]])


def value_is_rounded_up(patch: Patch) -> None:
    def generous(points: int, rate: Any, currency: str) -> Value:
        amount, residue = value_of(points, rate, currency)
        return Value(amount + (residue > 0), 0)

    for module in (offers, quotes, paying):
        patch.setattr(module, "value_of", generous)


def points_asked_for_are_floored(patch: Patch) -> None:
    patch.setattr(offers, "points_for", points_within)


def cash_is_rounded_by_itself(patch: Patch) -> None:
    """Value and cash each by their own arithmetic: they may come to less than the price."""

    def option(self: offers.Offer, points: int) -> offers.Option:
        value = value_of(points, self.rate, self.currency)
        return offers.Option(points, value.amount, self.price - value.amount - (value.residue > 0))

    patch.setattr(offers.Offer, "option", option)


def residue_is_dropped(patch: Patch) -> None:
    patch.setattr(quotes, "residue_of", lambda *_: 0)


def quote_is_not_marked_as_used(patch: Patch) -> None:
    real = post._Batch._use

    def forgetful(self: Any, decision: Decision) -> None:
        made = [quote for quote in decision.quotes if quote.used_entry_id is None]
        real(self, decision._replace(quotes=made))

    patch.setattr(post._Batch, "_use", forgetful)


def _usable(patch: Patch, changed: Callable[[Any, Any], Any]) -> None:
    real = quotes.require_usable

    def lenient(books: Any, holder: Any, quote: Any, store: Any) -> Any:
        return real(books, holder, changed(books, quote), store)

    for module in (holds, redemption, paying):
        patch.setattr(module, "require_usable", lenient)


def rate_is_not_looked_at_when_a_quote_is_used(patch: Patch) -> None:
    _usable(
        patch,
        lambda books, quote: quote._replace(rate_version=require_rate(books.program, books.now).version),
    )


def quote_never_expires(patch: Patch) -> None:
    _usable(patch, lambda books, quote: quote._replace(expires_at=books.now + timedelta(seconds=1)))


def quote_on_hold_follows_the_rate(patch: Patch) -> None:
    def today(books: Any, quote: Any) -> quotes.Payment:
        rate = require_rate(books.program, books.now)
        value = value_of(quote.points, rate.bid, books.program.currency).amount
        return quotes.Payment(
            quote.points, value, quote.price - value, rate.bid, rate.version, quote.quote_id
        )

    patch.setattr(paying, "_promised", today)


def released_points_go_to_the_newest_lot(patch: Patch) -> None:
    real = restoring.give_back

    def newest(books: Any, holder: Any, draws: Any, *rest: Any) -> Any:
        lots = sorted((lot for lot in holder.lots.values() if lot.unit == 1), key=lambda lot: lot.lot_id)
        total = sum(amount for _, amount in draws)
        return real(books, holder, [(lots[-1].lot_id, total)] if total else [], *rest)

    patch.setattr(holds, "give_back", newest)


def capture_leaves_the_hold_open(patch: Patch) -> None:
    real = holds.CaptureHold.decide

    def decide(self: Any, books: Any) -> Decision:
        decision = real(self, books)
        return decision._replace(drafts=[decision.drafts[0]._replace(closes=None)])

    patch.setattr(holds.CaptureHold, "decide", decide)


def part_of_a_capture_is_not_released(patch: Patch) -> None:
    patch.setattr(holds, "take", lambda draws, points: (_take(draws, points), []))


def _take(draws: Sequence[tuple[Any, int]], points: int) -> list[tuple[Any, int]]:
    taken = []
    for lot, amount in draws:
        part = min(points, amount)
        points -= part
        taken += [(lot, part)] if part else []
    return taken


def lapse_is_ignored(patch: Patch) -> None:
    patch.setattr(post, "lapses", lambda *_: iter(()))


def what_is_held_is_spent_as_well(patch: Patch) -> None:
    real = Holder._move_lot

    def keeping(self: Holder, posting: Any) -> None:
        if post.Account.HELD not in posting[:2]:
            real(self, posting)

    patch.setattr(Holder, "_move_lot", keeping)


def lines_bear_their_share_without_the_remainder(patch: Patch) -> None:
    def floored(total: int, weights: Sequence[int]) -> list[int]:
        return [scale(total, weight, sum(weights)) for weight in weights]

    patch.setattr(tender, "split", floored)


def each_return_is_rounded_by_itself(patch: Patch) -> None:
    real = paying.pay_back

    def alone(
        books: Any,
        holder: Any,
        purchase: Any,
        before: Mapping[str, int],
        after: dict[str, int],
        entry_id: bytes,
    ) -> Any:
        now = {line: amount - before.get(line, 0) for line, amount in after.items()}
        return real(books, holder, purchase, {}, now, entry_id)

    patch.setattr(returns, "pay_back", alone)


def points_go_back_as_cash(patch: Patch) -> None:
    real = tender.due_back

    def in_cash(*args: Any) -> tender.Back:
        points, value, cash, residue = real(*args)
        return tender.Back(points, 0, cash + value, residue)

    patch.setattr(paying, "due_back", in_cash)


def too_little_value_is_taken_back(patch: Patch) -> None:
    real = quotes.Payment.share

    def share(self: quotes.Payment, points: int, currency: str) -> quotes.Share:
        floored = scale(self.points_value, points, self.points)
        return real(self, points, currency)._replace(value=floored)

    patch.setattr(quotes.Payment, "share", share)


def shortfall_is_forgotten(patch: Patch) -> None:
    real = debt._claw_back

    def lenient(*args: Any) -> debt.Clawback:
        clawed = real(*args)
        postings = [posting for posting in clawed.postings if posting.debit is not post.Account.DEBT]
        return clawed._replace(postings=postings, points=clawed.points - clawed.shortfall, shortfall=0)

    patch.setattr(debt, "_claw_back", lenient)


def restored_points_are_not_counted_before_a_claw_back(patch: Patch) -> None:
    real = debt.claw_back

    def strict(
        books: Any, holder: Any, recorded: Any, kept: int, total: int, arriving: Sequence[Draw]
    ) -> Any:
        return real(books, holder, recorded, kept, total)

    patch.setattr(returns, "claw_back", strict)


def points_are_made_good_at_the_bid(patch: Patch) -> None:
    real = require_rate

    def cheap(program: Any, at: Any) -> Any:
        rate = real(program, at)
        return rate._replace(ask=rate.bid)

    patch.setattr(selling, "require_rate", cheap)


def pending_points_cover_nothing_that_a_till_takes(patch: Patch) -> None:
    real = offline.draw_offline

    def strict(books: Any, holder: Any, *args: Any) -> Any:
        lots = {i: lot for i, lot in holder.lots.items() if lot.is_spendable(books.now)}
        return real(books, replace(holder, lots=lots), *args)

    for module in (redemption, paying):
        patch.setattr(module, "draw_offline", strict)


def sale_does_not_repay_what_its_own_payment_owes(patch: Patch) -> None:
    real = awarding.book

    def book(*args: Any, owed: int = 0, **more: Any) -> Any:
        return real(*args, **more)

    patch.setattr(earning, "book", book)


def _tender() -> None:
    test_tender.test_all_of_it_back_is_exactly_what_was_paid("pro_rata")


BUGS: Sequence[Bug] = [
    *(
        Bug(bug.__name__.replace("_", " "), bug, go_shopping)
        for bug in (
            value_is_rounded_up,
            points_asked_for_are_floored,
            cash_is_rounded_by_itself,
            residue_is_dropped,
            quote_is_not_marked_as_used,
            rate_is_not_looked_at_when_a_quote_is_used,
            quote_never_expires,
            quote_on_hold_follows_the_rate,
            released_points_go_to_the_newest_lot,
            capture_leaves_the_hold_open,
            part_of_a_capture_is_not_released,
            lapse_is_ignored,
            what_is_held_is_spent_as_well,
            lines_bear_their_share_without_the_remainder,
            each_return_is_rounded_by_itself,
            points_go_back_as_cash,
            too_little_value_is_taken_back,
            shortfall_is_forgotten,
            restored_points_are_not_counted_before_a_claw_back,
            points_are_made_good_at_the_bid,
        )
    ),
    Bug("shares lose the remainder", lines_bear_their_share_without_the_remainder, _tender),
    Bug(
        "pending points cover nothing that a till takes",
        pending_points_cover_nothing_that_a_till_takes,
        test_offline.test_pending_points_cover_what_a_till_took,
    ),
    Bug(
        "a sale does not repay what its own payment owes",
        sale_does_not_repay_what_its_own_payment_owes,
        test_offline.test_a_sale_repays_what_its_own_payment_owes,
    ),
]
