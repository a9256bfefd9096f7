"""Growth explained: every entry whose growth counts now, and when it will no longer count.

Pure. The entries' lines add up to the value that is shown, whatever came late, went back or expired.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.accounts.lots import Lot
from ledger.accounts.policies import ExpiryPolicy
from ledger.accounts.program import Program
from ledger.clock import local_date, show
from ledger.ids import show as show_id
from ledger.rules.names import Names
from ledger.rules.phrases import amount_of, day_of, last_day_of
from ledger.rules.purchase_explanation import Entry, award_told
from ledger.rules.terms import terms_of
from ledger.rules.words import Text, say


class Leaving(NamedTuple):
    """Growth that leaves the window at one instant; None: never."""

    at: datetime | None
    growth: int


class Counted(NamedTuple):
    """An entry some of whose growth counts now, with the lots that this growth is in."""

    entry: Entry
    lots: list[Lot]


class Window(NamedTuple):
    """The growth that counts now: all of it by the time it leaves, and a page of the entries it is made of."""

    leaving: list[Leaving]
    counted: list[Counted]
    next_cursor: str | None

    @property
    def value(self) -> int:
        """The growth value: what all the entries that count have left."""
        return sum(leaving.growth for leaving in self.leaving)


def growth_explained(program: Program, member_id: str, window: Window, now: datetime) -> dict[str, Any]:
    """The growth value of a member at ``now`` with a page of what it is made of, and its calendar."""
    names = Names(program)
    policy = terms_of(program).growth_expiry
    return {
        "member_id": member_id,
        "as_of": show(now),
        "value": window.value,
        "window": {"kind": policy.kind, "explanation": window_in_words(policy)},
        "leaving": [_leaving_told(each, program.timezone) for each in window.leaving],
        "data": [_counted_told(each, names, program.timezone) for each in window.counted],
        "next_cursor": window.next_cursor,
    }


def window_in_words(policy: ExpiryPolicy) -> Text:
    """How long growth counts by the terms in force."""
    if policy.after == 0 and policy.kind in _THIS:
        return say(_THIS[policy.kind])
    return say(f"window.{policy.kind}", count=policy.after)


_THIS: Final = {
    "end_of_month": "window.this_month",
    "end_of_quarter": "window.this_quarter",
    "end_of_year": "window.this_year",
}


def leaves_in_words(at: datetime, growth: int, timezone: str) -> Text:
    """What no longer counts from when on."""
    return say("growth.leaves", amount=amount_of("GROWTH", growth), day=day_of(at, timezone))


def _leaving_told(leaving: Leaving, timezone: str) -> dict[str, Any]:
    at = leaving.at
    if at is None:
        return {"at": None, "date": None, "growth": leaving.growth, "explanation": None}
    return {
        "at": show(at),
        "date": local_date(at, timezone).isoformat(),
        "growth": leaving.growth,
        "explanation": leaves_in_words(at, leaving.growth, timezone),
    }


def _counted_told(counted: Counted, names: Names, timezone: str) -> dict[str, Any]:
    entry, lots = counted
    amount, remaining = sum(lot.original for lot in lots), sum(lot.remaining for lot in lots)
    awards = [award for award in entry.details.get("awards", ()) if award["unit"] == "GROWTH"]
    leaves_at = min((lot.expires_at for lot in lots if lot.expires_at), default=None)
    return {
        "entry_id": show_id("ent", entry.entry_id),
        "kind": entry.kind,
        "reference": entry.reference,
        "effective_at": show(entry.effective_at),
        "recorded_at": show(entry.recorded_at),
        "awards": [award_told(award, entry, names) for award in awards],
        "amount": amount,
        # The clock takes a lot whole, so what is missing from one that counts went back.
        "taken_back": amount - remaining,
        "remaining": remaining,
        "leaves_at": leaves_at and show(leaves_at),
        "explanation": _counted_in_words(amount, remaining, leaves_at, timezone),
    }


def _counted_in_words(amount: int, remaining: int, leaves_at: datetime | None, timezone: str) -> Text:
    until = say("until.never")
    if leaves_at is not None:
        until = say("until.day", day=last_day_of(leaves_at, timezone))
    if remaining == amount:
        return say("growth.whole", amount=amount_of("GROWTH", amount), until=until)
    return say(
        "growth.part",
        amount=amount_of("GROWTH", amount),
        taken=amount_of("GROWTH", amount - remaining),
        given=amount,
        back=amount - remaining,
        left=amount_of("GROWTH", remaining),
        until=until,
    )
