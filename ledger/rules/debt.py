"""Debt and claw-back: taking awards back when what earned them goes back, and repaying what is owed.

Awards are clawed back as they were recorded, never recomputed. What the member has spent already is taken
from the other points, then becomes a debt, up to a limit; what the clock has taken is forgiven. Points
that reach a member in debt repay it first. What is held for review was not spent: it becomes a debt at once, however
high, which the points repay when somebody has decided on them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw, Lot, consume
from ledger.accounts.postings import Posting
from ledger.accounts.repayment import repay
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
    under_review: int = 0
    """The part of ``points`` that is held for review, and is owed until that is decided."""


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


def take_back(
    books: Books, holder: Holder, award: Recorded, undone: Recorded
) -> tuple[Clawback, list[Posting]]:
    """Take an award back whose points are held for review, once they are free: all that was not taken back before.

    ``undone`` is what it goes back with: the entry itself, or the purchase that it rewards. No limit holds here. What
    is left of the points that were held repays a debt: the second part.
    """
    clawed = _claw_back(books, holder, award, undone, 0, 1, is_freed=True)
    taken = {p.lot_id: p.amount for p in clawed.postings if p.debit is Account.POINTS}
    left = [
        Posting(Account.HELD, Account.POINTS, rest, lot.lot_id)
        for lot, amount in _held(holder, undone)
        if not lot.has_ended(books.now)
        and (rest := min(amount, lot.remaining + amount - taken.get(lot.lot_id, 0)))
    ]
    return clawed, repay(holder, left, books.now)


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
    *,
    is_freed: bool = False,
) -> Clawback:
    """``undone`` is what goes back: the entry itself, or the purchase that it rewards. ``is_freed`` says that what was
    held for review arrives by the same decision."""
    theirs = replace(undone, children=[c for c in undone.children if c.holder_id == holder.holder_id])
    postings, growth = [], 0
    points_wanted, points_taken, award_lots = 0, 0, []
    held = _held(holder, undone)
    lapsed = {lot.lot_id: amount for lot, amount in held if lot.has_ended(books.now)}
    waiting = [drawn for drawn in held if drawn.lot.lot_id not in lapsed]
    if is_freed:
        arriving, waiting = waiting, []
    # What was added by hand goes back to where it came from; all points of an entry came from one account.
    giver = Account.ADJUSTED if recorded.kind == "adjust" else Account.ISSUED
    for award in _awards(recorded):
        lot = holder.require_lot(award.lot_id or b"")
        wanted = _still_to_take(books, theirs, award, lot, kept, total, lapsed.get(lot.lot_id, 0))
        if award.credit is Account.GROWTH:
            if wanted:
                postings.append(Posting(Account.GROWTH, Account.GROWTH_ISSUED, wanted, lot.lot_id))
            growth += wanted
        else:
            points_wanted += wanted
            points_taken += _taken(theirs, award)
            award_lots.append(lot.lot_id)
    # What is held was not spent; of it, earlier returns may have had their part.
    under_review = max(0, sum(drawn.amount for drawn in waiting) - points_taken)
    live = _with(holder.live(books.now), arriving)
    draws, under_review, shortfall = _draw_back(live, award_lots, points_wanted, under_review)
    postings += [Posting(Account.POINTS, giver, draw.amount, draw.lot.lot_id) for draw in draws]
    if shortfall + under_review:
        postings.append(Posting(Account.DEBT, giver, shortfall + under_review))
    return Clawback(postings, points_wanted, growth, shortfall, under_review)


def _held(holder: Holder, undone: Recorded) -> list[Draw]:
    """What is held for review of what an entry has given to the holder."""
    ids = [child.entry_id for child in undone.children if child.kind == "hold"]
    holds = [holder.holds[identifier] for identifier in ids if identifier in holder.holds]
    return [Draw(holder.require_lot(lot), amount) for hold in holds for lot, amount in hold.draws]


def _with(live: Sequence[Lot], arriving: Sequence[Draw]) -> list[Lot]:
    """Lots as they are once what arrives is in them."""
    if not arriving:
        return list(live)
    more = {lot.lot_id: amount for lot, amount in arriving}
    here = [replace(lot, remaining=lot.remaining + more.pop(lot.lot_id, 0)) for lot in live]
    return here + [replace(lot, remaining=more[lot.lot_id]) for lot, _ in arriving if lot.lot_id in more]


def _draw_back(
    live: list[Lot], award_lots: list[bytes], amount: int, under_review: int
) -> tuple[list[Draw], int, int]:
    """From the awards' own lots first, then of what is ``under_review``, which cannot be drawn; then from the other
    points in drawing order, pending ones included. What of the second, and what there was not."""
    draws = consume((lot for lot in live if lot.lot_id in award_lots), amount)
    missing = amount - sum(draw.amount for draw in draws)
    under_review = min(missing, under_review)
    missing -= under_review
    others = consume((lot for lot in live if lot.lot_id not in award_lots), missing)
    return draws + others, under_review, missing - sum(draw.amount for draw in others)


def _awards(recorded: Recorded) -> list[Posting]:
    return [posting for posting in recorded.postings if posting.opens is not None]


def _taken(recorded: Recorded, award: Posting) -> int:
    """What was taken back of an award before."""
    return sum(
        posting.amount
        for child in recorded.children
        for posting in child.postings
        if posting.credit is award.debit
    )


def _still_to_take(
    books: Books, recorded: Recorded, award: Posting, lot: Lot, kept: int, total: int, lapsed: int
) -> int:
    """``lapsed`` is what the clock has taken of points that are held."""
    # The clock's part is forgiven, whether or not the sweep has booked it.
    lapsed += lot.expired + (0 if lot.is_live(books.now) else lot.remaining)
    due = award.amount - (award.amount * kept // total if total else 0)
    return max(0, min(due, award.amount - lapsed) - _taken(recorded, award))


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
