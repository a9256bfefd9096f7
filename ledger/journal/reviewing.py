"""Awards that somebody has to look at: booked as ever, and their points held in the same decision. Pure.

What is held is held as for any order: an entry of kind ``hold`` moves the points of the lots that the award has opened.
So they expire, are told and are counted like others. None of them repays a debt before somebody has looked: else an
award could be spent on what another one owes. The hold follows whatever the award goes back with: the award itself, or
the purchase that it rewards. Until its time is up somebody decides on it (``ledger.limits.reviews``); then the clock
releases it.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Hold, Review
from ledger.accounts.limits import review_days
from ledger.accounts.member_locks import REVIEW
from ledger.accounts.postings import Posting
from ledger.clock import show
from ledger.ids import show as show_id
from ledger.journal.commands import Alert, Books, Decision, Draft, Request

AWARDS: Final = frozenset({"earn", "award", "activity", "referral"})
"""Kinds of entries that award points."""

UNDER_REVIEW: Final[Mapping[str, Any]] = {"of": "member"}
"""Why the awards of a member under review are held. Of others, it is the limit that they are beyond."""


class HeldBack(NamedTuple):
    """The drafts of a decision with the holds on its awards, and what is told of them."""

    drafts: list[Draft]
    alerts: list[Alert]


def hold_back(
    books: Books, request: Request, decision: Decision, held_by: Mapping[str, Any] | None
) -> HeldBack | None:
    """Hold what is awarded to members under review, and by the deeds of such; all of it where a limit says so.

    None where nothing is.
    """
    drafts, holds, alerts = list(decision.drafts), [], []
    for number, why in _suspicious(books, decision, held_by):
        award = drafts[number]
        moves = _still_there(books, award)
        if moves:
            drafts[number] = _repaying_nothing(award)
            held = _hold(books, request, award, why, moves)
            holds.append(held)
            alerts.append(_alert(books, award, held))
    return HeldBack(drafts + holds, alerts) if holds else None


def _suspicious(
    books: Books, decision: Decision, held_by: Mapping[str, Any] | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The awards, by their places among the drafts, and why each is to be held."""
    if not decision.drafts:
        return
    # What somebody's purchase gives to others is as suspicious as what it gives to him.
    if held_by is None and books.holders[decision.drafts[0].holder_id].locks & REVIEW.bit:
        held_by = UNDER_REVIEW
    for number, draft in enumerate(decision.drafts):
        why = held_by
        if why is None and books.holders[draft.holder_id].locks & REVIEW.bit:
            why = UNDER_REVIEW
        if why is not None and draft.kind in AWARDS:
            yield number, why


def _repaying_nothing(award: Draft) -> Draft:
    opened = {posting.lot_id for posting in award.postings if posting.opens is not None}
    kept = [p for p in award.postings if p.credit is not Account.DEBT or p.lot_id not in opened]
    return award._replace(postings=kept)


def _still_there(books: Books, award: Draft) -> list[Posting]:
    """What of an award has not lapsed before it was recorded, as the hold takes it."""
    return [
        Posting(Account.POINTS, Account.HELD, posting.amount, posting.lot_id)
        for posting in award.postings
        if posting.opens is not None
        and posting.credit is Account.POINTS
        and (posting.opens.expires_at is None or posting.opens.expires_at > books.now)
    ]


def _hold(
    books: Books, request: Request, award: Draft, why: Mapping[str, Any], moves: list[Posting]
) -> Draft:
    hold_id, points = books.new_entry_id(), sum(posting.amount for posting in moves)
    expires_at = books.now + timedelta(days=review_days(books.program))
    review = Review(award.entry_id, request.caller)
    details = {
        "points": points,
        "expires_at": show(expires_at),
        "review": {
            "entry_id": show_id("ent", award.entry_id),
            "why": dict(why),
            "opened_by": request.caller,
        },
    }
    drawn = tuple((posting.lot_id or b"", posting.amount) for posting in moves)
    return Draft(
        "hold",
        award.holder_id,
        hold_id,
        # At no moment of the past could they be spent.
        award.effective_at,
        moves,
        details,
        award.source,
        parent_entry_id=award.parent_entry_id or award.entry_id,
        peer_holder_id=award.peer_holder_id,
        opens=Hold(hold_id, points, expires_at, drawn, review=review),
    )


def _alert(books: Books, award: Draft, held: Draft) -> Alert:
    assert held.opens is not None
    hold_id = show_id("hld", held.entry_id)
    told = {
        "review_id": hold_id,
        "member_id": books.holders[award.holder_id].member_id,
        "entry_id": show_id("ent", award.entry_id),
        "points": held.opens.points,
        "expires_at": show(held.opens.expires_at),
    }
    return Alert("award_held", hold_id, told)
