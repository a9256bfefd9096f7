"""Debt and claw-back: taking awards back when what earned them goes back, and repaying what is owed.

Awards are clawed back as they were recorded, never recomputed. What the member has spent already is taken
from the other points, then becomes a debt, up to a limit; what the clock has taken is forgiven. Points
that reach a member in debt repay it first.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw, Lot, consume
from ledger.accounts.postings import Posting
from ledger.errors import DebtLimitExceeded
from ledger.journal.commands import Books, Recorded
from ledger.rules.facts import REFERRAL
from ledger.rules.terms import terms_of


class Clawback(NamedTuple):
    """What a return or a reversal takes back."""

    postings: list[Posting]
    points: int
    growth: int
    shortfall: int
    """The part of ``points`` that was spent already and is owed now."""


def claw_back(
    books: Books,
    holder: Holder,
    recorded: Recorded,
    kept: int,
    total: int,
    arriving: Sequence[Draw] = (),
) -> Clawback:
    """Take back the awards of ``recorded`` so that in all ``kept`` of ``total`` of each remains, rounded down.

    Cumulative: what earlier returns took back counts, so any split and order of returns ends at the same.
    ``arriving`` is what the same entry has given to the member before: it is taken like what was there.
    """
    return _claw_back(books, holder, recorded, recorded, kept, total, arriving)


def claw_back_rewards(
    books: Books, purchase: Recorded, kept: int, total: int
) -> list[tuple[bytes, Clawback]]:
    """The same of what the purchase of one member gave to others, who had brought him; by their holders.

    No limit holds here: a customer's goods go back whatever somebody else owes.
    """
    return [
        (reward.holder_id, _claw_back(books, books.holders[reward.holder_id], reward, purchase, kept, total))
        for reward in purchase.children
        if reward.kind == REFERRAL
    ]


def _claw_back(
    books: Books,
    holder: Holder,
    recorded: Recorded,
    undone: Recorded,
    kept: int,
    total: int,
    arriving: Sequence[Draw] = (),
) -> Clawback:
    """``undone`` is what goes back: the entry itself, or the purchase that it rewards."""
    theirs = replace(undone, children=[c for c in undone.children if c.holder_id == holder.holder_id])
    postings, growth = [], 0
    points_wanted, award_lots = 0, []
    # What was added by hand goes back to where it came from; all points of an entry came from one account.
    giver = Account.ADJUSTED if recorded.kind == "adjust" else Account.ISSUED
    for award in _awards(recorded):
        lot = holder.require_lot(award.lot_id or b"")
        wanted = _still_to_take(books, theirs, award, lot, kept, total)
        if award.credit is Account.GROWTH:
            if wanted:
                postings.append(Posting(Account.GROWTH, Account.GROWTH_ISSUED, wanted, lot.lot_id))
            growth += wanted
        else:
            points_wanted += wanted
            award_lots.append(lot.lot_id)
    draws = _draw_back(_with(holder.live(books.now), arriving), award_lots, points_wanted)
    shortfall = points_wanted - sum(draw.amount for draw in draws)
    postings += [Posting(Account.POINTS, giver, draw.amount, draw.lot.lot_id) for draw in draws]
    if shortfall:
        postings.append(Posting(Account.DEBT, giver, shortfall))
    return Clawback(postings, points_wanted, growth, shortfall)


def _with(live: Sequence[Lot], arriving: Sequence[Draw]) -> list[Lot]:
    """Lots as they are once what arrives is in them."""
    if not arriving:
        return list(live)
    more = {lot.lot_id: amount for lot, amount in arriving}
    here = [replace(lot, remaining=lot.remaining + more.pop(lot.lot_id, 0)) for lot in live]
    return here + [replace(lot, remaining=more[lot.lot_id]) for lot, _ in arriving if lot.lot_id in more]


def _draw_back(live: list[Lot], award_lots: list[bytes], amount: int) -> list[Draw]:
    """From the awards' own lots first, then from the other points in drawing order, pending ones included."""
    draws = consume((lot for lot in live if lot.lot_id in award_lots), amount)
    missing = amount - sum(draw.amount for draw in draws)
    return draws + consume((lot for lot in live if lot.lot_id not in award_lots), missing)


def _awards(recorded: Recorded) -> list[Posting]:
    return [posting for posting in recorded.postings if posting.opens is not None]


def _still_to_take(books: Books, recorded: Recorded, award: Posting, lot: Lot, kept: int, total: int) -> int:
    # The clock's part is forgiven, whether or not the sweep has booked it.
    lapsed = lot.expired + (0 if lot.is_live(books.now) else lot.remaining)
    due = award.amount - (award.amount * kept // total if total else 0)
    taken = sum(
        posting.amount
        for child in recorded.children
        for posting in child.postings
        if posting.credit is award.debit
    )
    return max(0, min(due, award.amount - lapsed) - taken)


def check_limit(books: Books, debt: int, shortfall: int) -> None:
    """Refuse what would lift a debt beyond the limit of the terms (``debt_limit_exceeded``)."""
    limit = terms_of(books.program).debt_limit
    if shortfall and debt + shortfall > limit:
        raise DebtLimitExceeded(
            "the points to take back were spent, and the member may not owe so much",
            debt=debt,
            shortfall=shortfall,
            limit=limit,
        )
