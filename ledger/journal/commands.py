"""What the journal is asked to do, and what a command may see while it decides.

A command is a frozen value: who, what, which business reference, when. Its ``decide`` is pure: it reads
the ``Books`` that the journal has loaded and locked for it, and returns drafts of entries or raises a
refusal. Nothing moves while it decides; the journal applies what it decided.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from ledger.accounts.holder import Closing, Hold, Holder
from ledger.accounts.ladders import ladders_of
from ledger.accounts.merges import Joining, Merged
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
from ledger.journal.wants import NOTHING, Usage, UsageKey, Use, Wants


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
    joining: Joining | None = None
    """The merge that it makes or undoes."""


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
    merged: Mapping[bytes, Merged] = field(default_factory=dict)
    """Duplicates among the holders, and into whom they were merged."""
    surviving: frozenset[bytes] = frozenset()
    """Those of two members to be merged into whom others were merged before."""
    shared: frozenset[bytes] = frozenset()
    """Lots of growth of a member who is to be merged, from orders that the other has as well."""

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
    is_of_person: ClassVar[bool] = True
    """Whether it is for whoever the member is, so that of a member who was merged it is the survivor's. If not, it is
    about these very books."""

    @property
    def members(self) -> tuple[str, ...]:
        """The members whose books it changes, as far as the command itself names them."""
        return ()

    @property
    def people(self) -> tuple[str, ...]:
        """The members whom it names for who they are: in the place of one who was merged, the survivor is meant."""
        return self.members if self.is_of_person else ()

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

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same for the members by whose names others are called here."""
        fields: Mapping[str, Any] = {
            name: names[str(value)]
            for name in ("member_id", "from_member_id", "to_member_id")
            if (value := getattr(self, name, None)) in names
        }
        return replace(self, **fields) if fields else self  # type: ignore[type-var]

    @property
    def joins(self) -> tuple[str, str] | None:
        """The survivor and the duplicate, where it merges two members or undoes that."""
        return None

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
