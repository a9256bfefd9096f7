"""Referrals: one member brings another, and both have something of it once the one who was brought buys.

A member is brought once, before the first purchase, and by nobody whom that member has brought, directly or
through others. The referral waits for the first purchase of the referee; that settles it, whatever it earns.
What the rules then give the referrer is an entry of its own in the referrer's books, which follows the
purchase: with the purchase it is pending, and with the purchase it goes back.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ledger.accounts.holder import Holder
from ledger.accounts.member_locks import FROZEN
from ledger.accounts.program import Program
from ledger.errors import CircularReferral, MemberUnknown, ReferralExists, ReferralTooLate, SelfReferral
from ledger.ids import holder_id
from ledger.ids import show as show_id
from ledger.journal.commands import Alert, Books, Draft, Referral
from ledger.journal.wants import NOTHING, UNUSED, Use, Wants
from ledger.rules.awarding import Judged, Occasion, book, judge, pay, rules_for, wants_of
from ledger.rules.facts import REFERRAL, REFERRER
from ledger.rules.terms import terms_of
from ledger.rules.visits import Visit, visits_key


def wants_of_introduction(program: Program, referee: str, referrer: str) -> Wants:
    """What it takes to record a referral; the program's turn among it, for a circle may close anywhere."""
    return Wants(
        usages=(visits_key(holder_id(program.program_id, referee)),),
        others=(referrer,),
        referrals=(referee, referrer),
        is_serial=True,
    )


def introduce(books: Books, referee: str, referrer: str, entry_id: bytes) -> tuple[bytes, Referral]:
    """The referral to record, by the referee's holder.

    Refuses oneself, an unknown referrer, a second referral, a circle, and a referee who has bought before.
    """
    if referee == referrer:
        raise SelfReferral(f"{referee} cannot bring {referee}", member_id=referee)
    brought, by = books.enrolled(referee).holder_id, _known(books, referrer)
    earlier = books.referrals.get(brought)
    if earlier is not None:
        raise ReferralExists(
            f"{referee} was brought before",
            member_id=referee,
            entry_id=show_id("ent", earlier.activity_entry_id),
        )
    if _is_above(books.referrals, brought, by):
        raise CircularReferral(
            f"{referrer} came by {referee}, directly or through others", member_id=referee, referrer=referrer
        )
    purchases = books.usages.get(visits_key(brought), UNUSED).times
    if purchases:
        raise ReferralTooLate(f"{referee} has bought before", member_id=referee, purchases=purchases)
    return brought, Referral(by, referrer, entry_id)


def _known(books: Books, referrer: str) -> bytes:
    try:
        return books.holder(referrer).holder_id
    except MemberUnknown:
        raise MemberUnknown(f"there is no member {referrer} to refer anybody", member_id=referrer) from None


def _is_above(referrals: Mapping[bytes, Referral], sought: bytes, below: bytes) -> bool:
    """Whether ``sought`` has brought ``below``, directly or through others."""
    seen: set[bytes] = set()
    while (referral := referrals.get(below)) is not None and below not in seen:
        seen.add(below)
        below = referral.referrer_holder_id
        if below == sought:
            return True
    return False


class Settlement(NamedTuple):
    """What a purchase does for the referral that waited for it."""

    referrals: list[tuple[bytes, Referral]]
    """The referral as settled, by the referee's holder; none where none waited."""
    drafts: list[Draft]
    """The entry in the referrer's books, and those of the funds that pay for it; none where no rule gives anything."""
    uses: list[Use]
    alerts: tuple[Alert, ...] = ()

    @property
    def peer_holder_id(self) -> bytes | None:
        """The other member whose books the purchase has changed."""
        return self.drafts[0].holder_id if self.drafts else None


NO_SETTLEMENT = Settlement([], [], [])


def wants_of_purchase(program: Program, purchase: Occasion, now: datetime) -> Wants:
    """What a purchase wants, and beside it the referral that it may settle: of the referrer what is wanted of
    the member."""
    if not program.rules.activations:
        return NOTHING
    wants = wants_of(program, purchase, now)
    if not rules_for(program, purchase, now).has_referral:
        return wants
    holder = holder_id(program.program_id, purchase.member_id)
    same = tuple((subject, period) for whose, subject, period in wants.usages if whose == holder)
    return wants._replace(unsettled=(purchase.member_id,), of_referrers=same)


def _waiting(books: Books, referee: Holder, purchase: Occasion) -> Referral | None:
    """The referral of this member that waits for a purchase; while no rule is about referrals, none does."""
    if not books.program.rules.activations:
        # Asked first because it is so most often, and costs nothing.
        return None
    if not rules_for(books.program, purchase, books.asked_at).has_referral:
        return None
    referral = books.referrals.get(referee.holder_id)
    return referral if referral is not None and referral.settled_entry_id is None else None


def judge_purchase(books: Books, holder: Holder, purchase: Occasion, visit: Visit | None) -> Judged:
    """The awards of a purchase, and those of the referral that it settles."""
    judged, referral = judge(books, holder, purchase, visit), _waiting(books, holder, purchase)
    if referral is None or not _is_first(visit) or holder.locks & FROZEN.bit:
        return judged
    brought = replace(purchase, kind=REFERRAL, activity={"referrer": referral.referrer_id})
    return judged.and_(judge(books, holder, brought, visit, [judged]))


def settle(
    books: Books, holder: Holder, purchase: Occasion, visit: Visit | None, entry_id: bytes, judged: Judged
) -> Settlement:
    """Settle the referral that waited for this purchase, the entry of that id: what the rules give the referrer.

    One that was there before the first purchase, while no rule was about referrals, is settled without a
    reward. So is that of a member who is frozen, and somebody is told. ``judged`` is what the purchase gave: both
    draw on the same funds.
    """
    referral = _waiting(books, holder, purchase)
    if referral is None:
        return NO_SETTLEMENT
    settled = [(holder.holder_id, referral._replace(settled_entry_id=entry_id))]
    referrer = books.holders[referral.referrer_holder_id]
    occasion = replace(purchase, kind=REFERRER, member_id=referral.referrer_id)
    if not _is_first(visit):
        return Settlement(settled, [], [])
    if holder.locks & FROZEN.bit:
        # Nothing is given before somebody has looked; what is due then is adjusted by two keys.
        told = {"member_id": holder.member_id, "referrer": referral.referrer_id}
        return Settlement(settled, [], [], (Alert("reward_withheld", holder.member_id, told),))
    reward = judge(books, referrer, occasion, _habits(books, referrer), [judged])
    if not reward.awards and not reward.fenced:
        return Settlement(settled, [], [])
    draft = _reward(books, referrer, purchase, reward, entry_id, holder)
    return Settlement(settled, [draft, *pay(books, reward, draft.entry_id, referrer)], reward.uses)


def _is_first(visit: Visit | None) -> bool:
    return visit is not None and visit.visits == 1


def _habits(books: Books, referrer: Holder) -> Visit:
    """Somebody else's purchase is no visit of the referrer's."""
    return Visit(books.usages.get(visits_key(referrer.holder_id), UNUSED).times, 0, ())


def _reward(
    books: Books, referrer: Holder, purchase: Occasion, judged: Judged, entry_id: bytes, referee: Holder
) -> Draft:
    reward_id, pending_days = books.new_entry_id(), terms_of(books.program).pending_days
    booked = book(books, referrer, reward_id, judged, purchase.at, pending_days=pending_days)
    return Draft(
        REFERRAL,
        referrer.holder_id,
        reward_id,
        purchase.at,
        booked.postings,
        {"referee": purchase.member_id, **judged.details()},
        purchase.source,
        parent_entry_id=entry_id,
        peer_holder_id=referee.holder_id,
    )
