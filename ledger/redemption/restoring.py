"""Points leave by lot, and come back to the very lots they left, with their expiry.

Whoever takes points draws from what is spendable in drawing order. What comes back arrives in the lots it was drawn
from, the newest draw first, and repays a debt first. Of points whose lot has lapsed meanwhile the program's policy
decides: they lapse at once, or live on for some days in a lot of grace.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw, Lot, consume
from ledger.accounts.postings import Opening, Posting
from ledger.accounts.repayment import repay
from ledger.clock import show
from ledger.errors import InsufficientPoints
from ledger.ids import lot_id
from ledger.ids import show as show_id
from ledger.journal.commands import Books, Recorded
from ledger.rules.terms import terms_of

Drawn = tuple[bytes | None, int]
"""An amount out of a lot; out of none what was not covered when it was taken offline, and became a debt."""


class Restored(NamedTuple):
    """Points given back: the postings, what of it the member has now, and what became of it in the answer's words."""

    postings: list[Posting]
    kept: list[Draw]
    """What has arrived and repaid nothing."""
    answer: dict[str, Any]
    debt_repaid: int


NOTHING_RESTORED = Restored([], [], {}, 0)


def draw(books: Books, holder: Holder, points: int) -> list[Draw]:
    """Draws for ``points`` from what is spendable, or ``insufficient_points``."""
    spendable = holder.spendable(books.now)
    available = sum(lot.remaining for lot in spendable)
    if points > available:
        raise InsufficientPoints(
            f"{points} points were asked for and {available} are available",
            available=available,
            requested=points,
        )
    return consume(spendable, points)


def spend(draws: Iterable[Draw], out_of: Account = Account.POINTS) -> list[Posting]:
    """The postings by which draws are redeemed: of what may be spent, or of what is held."""
    return [Posting(out_of, Account.REDEEMED, drawn.amount, drawn.lot.lot_id) for drawn in draws]


def show_draw(drawn: Draw) -> dict[str, Any]:
    """A draw as answers show it."""
    expires_at = drawn.lot.expires_at
    return {
        "lot_id": show_id("lot", drawn.lot.lot_id),
        "points": drawn.amount,
        "expires_at": expires_at and show(expires_at),
    }


def take(draws: Sequence[Drawn], points: int) -> tuple[list[Drawn], list[Drawn]]:
    """The first ``points`` of some draws, and the rest of them."""
    taken, rest = [], []
    for lot, amount in draws:
        part = min(points, amount)
        points -= part
        if part:
            taken.append((lot, part))
        if amount > part:
            rest.append((lot, amount - part))
    return taken, rest


def undone(redemption: Recorded) -> list[Drawn]:
    """What is left to give back of each lot drawn by an entry that redeems, in drawing order."""
    drawn = [(p.lot_id, p.amount) for p in redemption.postings if p.credit is Account.REDEEMED]
    lots = {lot for lot, _ in drawn}
    back: dict[bytes | None, int] = {}
    for child in redemption.children:
        for posting in child.postings:
            if posting.debit is Account.REDEEMED:
                lot = posting.lot_id if posting.lot_id in lots else None
                back[lot] = back.get(lot, 0) + posting.amount
    return [(lot, amount - back.get(lot, 0)) for lot, amount in drawn]


def restore(books: Books, holder: Holder, redemption: Recorded, points: int, entry_id: bytes) -> Restored:
    """Give ``points`` of a redemption back, the newest draw first."""
    back, _ = take(list(reversed(undone(redemption))), points)
    return give_back(books, holder, back, Account.REDEEMED, entry_id)


def give_back(
    books: Books, holder: Holder, draws: Sequence[Drawn], out_of: Account, entry_id: bytes
) -> Restored:
    """Give draws back ``out_of`` an account; a debt is repaid from them."""
    covered = [Draw(holder.require_lot(lot), amount) for lot, amount in draws if lot is not None]
    alive = [drawn for drawn in covered if not drawn.lot.has_ended(books.now)]
    ended = [drawn for drawn in covered if drawn.lot.has_ended(books.now)]
    graced = _grace_lot(books, lot_id(entry_id, 1), sum(drawn.amount for drawn in ended))
    fresh = fresh_lot(books, lot_id(entry_id, 2), out_of, sum(amount for lot, amount in draws if lot is None))
    postings = [posting for drawn in covered for posting in _back(books, drawn, out_of)] + graced + fresh
    arrived = [Posting(out_of, Account.POINTS, d.amount, d.lot.lot_id) for d in alive] + graced + fresh
    repaid = repay(holder, arrived, books.now)
    debt_repaid = sum(posting.amount for posting in repaid)
    answer = {
        "restored": [show_draw(drawn) for drawn in alive + opened(fresh)],
        "lapsed": [show_draw(drawn) for drawn in ended],
        "lapsed_policy": "lapse" if terms_of(books.program).grace_days is None else "grace",
        "grace_lot": next((show_draw(drawn) for drawn in opened(graced)), None),
        "debt_repaid": debt_repaid,
    }
    kept = _less(alive + opened(graced + fresh), repaid)
    return Restored(postings + repaid, kept, answer, debt_repaid)


def _back(books: Books, drawn: Draw, out_of: Account) -> Iterator[Posting]:
    """Back to the lot; and out of it again where it has ended, by the program's policy."""
    lot, amount = drawn
    yield Posting(out_of, Account.POINTS, amount, lot.lot_id)
    if lot.has_ended(books.now):
        lapses = terms_of(books.program).grace_days is None
        yield Posting(Account.POINTS, Account.EXPIRED if lapses else Account.TRANSFER, amount, lot.lot_id)


def _less(draws: Iterable[Draw], repaid: Iterable[Posting]) -> list[Draw]:
    gone = {posting.lot_id: posting.amount for posting in repaid}
    return [Draw(lot, amount - gone.get(lot.lot_id, 0)) for lot, amount in draws]


def _grace_lot(books: Books, lot: bytes, amount: int) -> list[Posting]:
    days = terms_of(books.program).grace_days
    if not amount or days is None:
        return []
    opening = Opening(books.now, books.now, books.now + timedelta(days=days))
    return [Posting(Account.TRANSFER, Account.POINTS, amount, lot, opening)]


def fresh_lot(books: Books, lot: bytes, out_of: Account, amount: int) -> list[Posting]:
    """A lot of points that come out of no lot, by the program's expiry policy: the posting that opens it."""
    if not amount:
        return []
    policy = terms_of(books.program).points_expiry
    expires_at = policy.expires_at(books.now, books.program.timezone)
    opening = Opening(books.now, books.now, expires_at, policy.is_rolling)
    return [Posting(out_of, Account.POINTS, amount, lot, opening)]


def opened(postings: Iterable[Posting]) -> list[Draw]:
    """What stands in the lots that these postings open."""
    drawn = []
    for posting in postings:
        assert posting.lot_id is not None and posting.opens is not None
        lot = Lot(posting.lot_id, posting.credit.unit, posting.amount, posting.amount, *posting.opens)
        drawn.append(Draw(lot, posting.amount))
    return drawn
