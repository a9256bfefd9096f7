"""Points that a till took while it was offline: the goods are gone, so the ledger records it, whatever it finds.

What the member has covers it, spendable points first, then those that are pending. The rest becomes a debt, which
later earnings repay. Both orders of a sale that earns and a redemption that overruns end at the same points and the
same debt, so late and shuffled batches do too. What a device may lend a member in a day is bounded by the terms:
one redemption beyond it is refused, because no till that keeps the rule can have made it, and what adds up beyond
it is flagged.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Draw, consume
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.clock import local_date, show
from ledger.errors import OfflineCreditExceeded, OfflineNotAllowed
from ledger.ids import holder_id
from ledger.journal.commands import Alert, Books
from ledger.journal.wants import UNUSED, Usage, UsageKey, Use, Wants
from ledger.redemption.restoring import spend
from ledger.rules.terms import terms_of

TAKEN, OVERRUN = "offline:", "overrun:"
"""Subjects of usages; the device follows."""


@dataclass(frozen=True, slots=True)
class Offline:
    """The device that was offline, and when it took the points."""

    device_id: str
    occurred_at: datetime

    def key(self, program: Program, member_id: str, subject: str) -> UsageKey:
        """The usage of its credit, or of what nothing covered: by member, device and local day."""
        day = local_date(self.occurred_at, program.timezone)
        return holder_id(program.program_id, member_id), subject + self.device_id, day.isoformat()

    def wants(self, program: Program, member_id: str) -> Wants:
        """What taking points offline must see."""
        return Wants(usages=tuple(self.key(program, member_id, subject) for subject in (TAKEN, OVERRUN)))


class OfflineDrawn(NamedTuple):
    """Points taken offline: the postings, what the entry and the answer say of it, and the credit used."""

    postings: list[Posting]
    draws: list[Draw]
    details: dict[str, Any]
    uses: list[Use]
    alerts: list[Alert]


def draw_offline(books: Books, holder: Holder, points: int, offline: Offline) -> OfflineDrawn:
    """Cover ``points`` by what there is, and owe the rest.

    Refuses a program without such credit (``offline_not_allowed``), one redemption beyond it
    (``offline_credit_exceeded``), and the future (``occurred_in_future``).
    """
    books.check_occurred(offline.occurred_at)
    credit = terms_of(books.program).offline_credit
    if credit is None:
        raise OfflineNotAllowed("the terms of the program grant no offline credit")
    if points > credit:
        raise OfflineCreditExceeded(
            "one redemption may not be more than the credit", requested=points, credit=credit
        )
    draws = consume(holder.spendable(books.now), points)
    missing = points - sum(d.amount for d in draws)
    pending = [lot for lot in holder.live(books.now) if not lot.is_spendable(books.now)]
    draws += consume(pending, missing)
    overrun = points - sum(d.amount for d in draws)
    postings = spend(draws)
    if overrun:
        postings.append(Posting(Account.DEBT, Account.REDEEMED, overrun))
    key = offline.key(books.program, holder.member_id, TAKEN)
    used: Usage = books.usages.get(key, UNUSED)
    details = {
        "device_id": offline.device_id,
        "occurred_at": show(offline.occurred_at),
        "overrun": overrun,
        "beyond_credit": max(0, used.amount + points - credit),
        "flagged": overrun > 0 or used.amount + points > credit,
    }
    uses = [Use(key, points, 1)]
    if overrun:
        uses.append(Use(offline.key(books.program, holder.member_id, OVERRUN), overrun, 1))
    alerts = [_alert(key, holder, used.amount + points, overrun, credit)] if details["flagged"] else []
    return OfflineDrawn(postings, draws, details, uses, alerts)


def _alert(key: UsageKey, holder: Holder, taken: int, overrun: int, credit: int) -> Alert:
    _, subject, day = key
    device = subject.removeprefix(TAKEN)
    facts = {"device_id": device, "member_id": holder.member_id, "day": day}
    told = facts | {"taken": taken, "overrun": overrun, "credit": credit}
    return Alert("offline_overrun", "/".join(facts.values()), told)
