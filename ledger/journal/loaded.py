"""What a batch sees, once it is loaded."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ledger.accounts.growth_history import LotChange
from ledger.accounts.holder import Holder
from ledger.accounts.merges import Merged
from ledger.accounts.quotes import Quote, QuoteKey
from ledger.clock import FAR_FUTURE
from ledger.journal.commands import MemberRow, Outcome, Recorded, Referral
from ledger.journal.wants import Usage, UsageKey


class Join(NamedTuple):
    """What is read for two members who are merged or parted."""

    shared: frozenset[bytes]
    """Lots of growth of the duplicate, from orders that the survivor has as well."""
    growth: list[LotChange]
    """The changes in the duplicate's own books."""
    surviving: frozenset[bytes]
    """Those of the two into whom somebody was merged before."""


@dataclass(slots=True)
class Loaded:
    """What a batch sees: locked holders, earlier answers, names taken, entries referred to."""

    holders: dict[bytes, Holder]
    outcomes: dict[str, tuple[bytes, Outcome]]
    claims: dict[tuple[str, str], tuple[bytes, bytes]]
    """Names taken: by which entry, of which holder."""
    recorded: dict[bytes, Recorded] = field(default_factory=dict)
    asked_at: datetime = FAR_FUTURE
    now: datetime = FAR_FUTURE
    usages: dict[UsageKey, Usage] = field(default_factory=dict)
    facts: dict[bytes, MemberRow] = field(default_factory=dict)
    referrals: dict[bytes, Referral] = field(default_factory=dict)
    quotes: dict[QuoteKey, Quote] = field(default_factory=dict)
    merged: dict[bytes, Merged] = field(default_factory=dict)
    """By the duplicate's holder."""
    joining: dict[tuple[str, str], Join] = field(default_factory=dict)
    """By survivor and duplicate, where a command merges them or undoes that."""
