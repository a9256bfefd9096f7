"""What the journal is asked to do, and what a command may see while it decides.

A command is a frozen value: who, what, which business reference, when. Its ``decide`` is pure: it reads
the ``Books`` that the journal has loaded and locked for it, and returns drafts of entries or raises a
refusal. Nothing moves while it decides; the journal applies what it decided.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar, NamedTuple

from ledger.accounts.holder import Closing, Hold, Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.postings import Posting
from ledger.accounts.program import Program
from ledger.accounts.quotes import Quote, QuoteKey
from ledger.accounts.tracking import tier_at
from ledger.clock import MAX_SKEW, show
from ledger.errors import (
    ActivityExists,
    EntryAlreadyReversed,
    LedgerError,
    MemberUnknown,
    OccurredInFuture,
    PurchaseExists,
    ReferenceExists,
    ReturnExists,
)
from ledger.ids import fund_name, holder_id


class Source(NamedTuple):
    """Where an event came from. All of it optional, all of it kept on the entry."""

    channel: str | None = None
    store: str | None = None
    region: str | None = None
    operator: str | None = None
    terminal: str | None = None

    @classmethod
    def out_of(cls, payload: dict[str, Any]) -> "Source":
        """The source that a payload names, taken out of it."""
        return cls(*(payload.pop(name, None) for name in cls._fields))


NO_SOURCE = Source()


UsageKey = tuple[bytes, str, str]
"""Whose, of what, in which period: a holder, a subject and a period, both in the rules' own names."""


class Usage(NamedTuple):
    """How much of something a holder has used in a period, and how often."""

    amount: int = 0
    times: int = 0


UNUSED = Usage()

VISITS = "visits"
"""The subject of a member's purchases: how often, and the local day of the last one as an ordinal. Whoever has
bought before anybody counted is counted from the books."""


class Use(NamedTuple):
    """What a decision adds to a usage."""

    key: UsageKey
    amount: int
    times: int


def count_up(usages: dict[UsageKey, Usage], uses: Iterable[Use]) -> None:
    """Add uses to the usages that they are of."""
    for key, amount, times in uses:
        used = usages.get(key, UNUSED)
        usages[key] = Usage(used.amount + amount, used.times + times)


class MemberRow(NamedTuple):
    """What is known of a member beside the books."""

    region: str | None = None
    store: str | None = None
    enrolled_at: datetime | None = None
    attributes: Mapping[str, Any] = {}


NO_FACTS = MemberRow()


class Referral(NamedTuple):
    """Who brought a member, and the entry that settled it."""

    referrer_holder_id: bytes
    referrer_id: str
    activity_entry_id: bytes
    settled_entry_id: bytes | None = None


class Wants(NamedTuple):
    """What a command must see beyond its members' books and its target."""

    usages: tuple[UsageKey, ...] = ()
    others: tuple[str, ...] = ()
    """Names of further holders to lock, such as a fund. An operator is enrolled where it is unknown; a fund is not."""
    facts: tuple[str, ...] = ()
    """Members whose facts it must see."""
    referrals: tuple[str, ...] = ()
    """Members of whom it must see who brought them, and who brought those."""
    unsettled: tuple[str, ...] = ()
    """Members of whom it must see who brought them, unless that is settled; their referrers are locked as well."""
    of_referrers: tuple[tuple[str, str], ...] = ()
    """Subject and period of usages that it must see of whoever brought the unsettled; of those facts, too."""
    quotes: tuple[QuoteKey, ...] = ()
    """Quotes that it must see."""
    quoted: tuple[bytes, ...] = ()
    """Holders of whom it must see every quote that is open."""
    is_serial: bool = False
    """Whether no other such command of the program may be under way: it reads what no holder's lock guards."""


NOTHING = Wants()


def together(each: Iterable[Wants]) -> Wants:
    """What several want, as one."""
    wants = [one for one in each if one is not NOTHING]
    if not wants:
        return NOTHING
    return Wants(
        usages=each_once(one.usages for one in wants),
        others=each_once(one.others for one in wants),
        facts=each_once(one.facts for one in wants),
        referrals=each_once(one.referrals for one in wants),
        unsettled=each_once(one.unsettled for one in wants),
        of_referrers=each_once(one.of_referrers for one in wants),
        quotes=each_once(one.quotes for one in wants),
        quoted=each_once(one.quoted for one in wants),
        is_serial=any(one.is_serial for one in wants),
    )


def each_once(lists: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    """All that stands in the lists, in order, each once."""
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


class Claim(NamedTuple):
    """A name of the business that a command takes, for ever."""

    kind: str
    reference: str

    def taken(self, entry_id: str) -> LedgerError:
        """The refusal when another entry took the name first."""
        if self.kind == "reversal":
            return already_reversed(self.reference, entry_id)
        error, name = _TAKEN.get(self.kind, (ReferenceExists, "reference"))
        return error(
            f"the {self.kind} {self.reference} is in the books already",
            **{name: self.reference},
            entry_id=entry_id,
        )


_TAKEN: dict[str, tuple[type[LedgerError], str]] = {
    "purchase": (PurchaseExists, "purchase_id"),
    "return": (ReturnExists, "return_id"),
    "activity": (ActivityExists, "activity_id"),
}


def already_reversed(entry_id: str, reversal_entry_id: str) -> EntryAlreadyReversed:
    """The refusal to reverse, return or refund what a reversal has taken back."""
    return EntryAlreadyReversed(
        "the entry was reversed before", entry_id=entry_id, reversal_entry_id=reversal_entry_id
    )


class Target(NamedTuple):
    """An earlier entry that a command is about: by its id, or by the business reference it took."""

    kind: str
    """``entry``, or the kind of a claim."""
    name: str
    """The entry's id as 32 hex digits, or the reference."""
    absent: LedgerError
    """Raised when there is no such entry in the program."""


class Alert(NamedTuple):
    """What somebody should look at. Of the same code and subject only the first is kept."""

    code: str
    subject: str
    details: Mapping[str, Any]


class Draft(NamedTuple):
    """An entry as decided: all but its place in the holder's chain."""

    kind: str
    holder_id: bytes
    entry_id: bytes
    effective_at: datetime
    postings: list[Posting]
    details: dict[str, Any] | None = None
    source: Source = NO_SOURCE
    reference: str | None = None
    parent_entry_id: bytes | None = None
    peer_holder_id: bytes | None = None
    extends_to: datetime | None = None
    opens: Hold | None = None
    """The hold that it makes; the entry's own id is the hold's."""
    closes: Closing | None = None
    """The hold that it ends."""
    texts: Mapping[str, Any] | None = None
    """What the caller says in words. Told with the details, and kept beside them, where it can be erased."""


class Decision(NamedTuple):
    """What a command does: its entries, the first of them the one that answers, and its own part of the answer."""

    drafts: list[Draft]
    answer: dict[str, Any]
    uses: Sequence[Use] = ()
    referrals: Sequence[tuple[bytes, Referral]] = ()
    """Referrals that are new or settled now, by the referee's holder."""
    alerts: Sequence[Alert] = ()
    quotes: Sequence[Quote] = ()
    """Quotes that are made, or used now."""
    judged: Sequence[tuple[bytes, datetime]] = ()
    """Holders whose tier is to be judged by the clock, without an entry, and up to when."""


@dataclass(slots=True)
class Recorded:
    """An entry as the books have it, with those that name it as their parent."""

    entry_id: bytes
    holder_id: bytes
    kind: str
    effective_at: datetime
    reference: str | None
    parent_entry_id: bytes | None
    peer_holder_id: bytes | None
    details: dict[str, Any]
    postings: list[Posting]
    children: list["Recorded"] = field(default_factory=list)

    @property
    def reversal(self) -> "Recorded | None":
        """The entry that reversed this one."""
        return next((child for child in self.children if child.kind == "reversal"), None)


@dataclass(slots=True)
class Books:
    """What one command sees: its program, the time, its holders, and the entry it is about."""

    program: Program
    now: datetime
    holders: dict[bytes, Holder]
    target: Recorded | None
    new_entry_id: Callable[[], bytes]
    asked_at: datetime
    """The present of whoever posts. ``now`` is the same, or later where a holder's last entry is later."""
    usages: Mapping[UsageKey, Usage] = field(default_factory=dict)
    facts: Mapping[bytes, MemberRow] = field(default_factory=dict)
    referrals: Mapping[bytes, Referral] = field(default_factory=dict)
    quotes: Mapping[QuoteKey, Quote] = field(default_factory=dict)

    def holder(self, member_id: str) -> Holder:
        """The member's books, or ``member_unknown``."""
        holder = self.holders.get(holder_id(self.program.program_id, member_id))
        if holder is None or (holder.is_new and not holder.is_changed):
            raise MemberUnknown(f"there is no member {member_id}", member_id=member_id)
        return holder

    def enrolled(self, member_id: str) -> Holder:
        """The member's books, for a command that enrols members it does not know."""
        return self.holders[holder_id(self.program.program_id, member_id)]

    def fund(self, code: str) -> Holder | None:
        """A budget, if there is one of that name."""
        return self.holders.get(holder_id(self.program.program_id, fund_name(code)))

    def facts_of(self, member_id: str) -> MemberRow:
        """What is known of a member beside the books; nothing of one who is new."""
        return self.facts.get(holder_id(self.program.program_id, member_id), NO_FACTS)

    def tier_of(self, holder: Holder, at: datetime, gain: int = 0) -> str:
        """The code of the holder's tier at an instant, with ``gain`` more growth; empty where there are no tiers."""
        ladders = ladders_of(self.program)
        return tier_at(holder, ladders, at, gain) if ladders.any else ""

    def require_target(self) -> Recorded:
        """The entry that the command is about. The journal has refused already if there is none."""
        assert self.target is not None
        return self.target

    def check_occurred(self, occurred_at: datetime) -> None:
        """Refuse an event that lies further ahead than clocks drift apart (``occurred_in_future``)."""
        if occurred_at > self.now + MAX_SKEW:
            raise OccurredInFuture(
                "the event lies in the future; check the clock of the terminal",
                occurred_at=show(occurred_at),
                now=show(self.now),
            )


NO_WORDS: Mapping[str, Any] = {}


class Command(ABC):
    """Base of all commands. Subclasses are frozen dataclasses."""

    enrols: ClassVar[bool] = False
    """Whether members it names become known by it."""
    moves: ClassVar[tuple[str, ...]] = ()
    """The operations that it may count as, where the terms limit them (``ledger.journal.limiting``)."""

    @property
    def members(self) -> tuple[str, ...]:
        """The members whose books it changes, as far as the command itself names them."""
        return ()

    @property
    def source(self) -> Source:
        """Where the event came from."""
        return NO_SOURCE

    @property
    def claim(self) -> Claim | None:
        """The business reference that it takes."""
        return None

    @property
    def target(self) -> Target | None:
        """The earlier entry that it is about; that entry's holders are locked with it."""
        return None

    @property
    def words(self) -> Mapping[str, Any]:
        """What the answer repeats of the request in its own words. Taken from each request: no stored answer has it."""
        return NO_WORDS

    def grows_at(self, now: datetime) -> datetime | None:
        """When the growth that it gives or takes changes; None if it changes none of its holders'."""
        return None

    def wants(self, program: Program, now: datetime) -> Wants:
        """What it must see beyond its members' books and its target. ``now`` is the ``asked_at`` of its books."""
        return NOTHING

    def needs_lots(self, program: Program) -> bool:
        """Whether it must see its holders' lots, or the stored standing will do."""
        return True

    @abstractmethod
    def decide(self, books: Books) -> Decision:
        """The entries to post, or a refusal. Pure."""


class Request(NamedTuple):
    """A command as a caller sent it. Without a key (jobs, dry runs) nothing is remembered of it."""

    command: Command
    key: str | None = None
    fingerprint: bytes = b""
    request_id: str = ""
    caller: str = ""
    """The id of the key that sent it; nobody's where the ledger itself does (jobs)."""
    action: str = ""
    """What was asked for, by the name that the audit log has for it."""


class Outcome(NamedTuple):
    """The answer to a request: the facts of a success, or the refusal; the same at every replay."""

    answer: dict[str, Any] | None
    error: LedgerError | None
    request_id: str
    replayed: bool = False
    entry_id: bytes | None = None
    entries: int = 0
    """How many entries it has made, when it was made."""
