"""Limits of what is moved: what a decision counts as, what it must see, and whether it goes beyond. Pure.

A day's movements are usages, like those of the rules' caps, so they are exact under any load: whoever is counted is
locked with the members of the posting. A program without limits has nothing to see and nothing to count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.accounts.chart import Account
from ledger.accounts.limits import DAY, MEMBER, OPERATION, Limit, limits_of
from ledger.accounts.program import Program
from ledger.clock import local_date
from ledger.errors import LimitExceeded
from ledger.ids import holder_id
from ledger.journal.commands import Alert, Books, Decision, Draft, Request, Source
from ledger.journal.wants import NOTHING, UNUSED, Usage, UsageKey, Use, Wants, together

_HOUSE: Final = frozenset({Account.ISSUED, Account.REDEEMED, Account.TRANSFER, Account.ADJUSTED})
_ANY: Final = frozenset(Account)


class Counted(NamedTuple):
    """Postings of an entry that count as an operation: from one of these accounts to one of those."""

    operation: str
    out_of: frozenset[Account] = _ANY
    into: frozenset[Account] = _ANY


# Points are counted when they leave the member's hand, so a hold counts when it is placed, and not when it is captured.
COUNTED: Final[Mapping[str, tuple[Counted, ...]]] = {
    "earn": (
        Counted("purchase", out_of=frozenset({Account.ISSUED})),
        Counted("redemption", frozenset({Account.POINTS, Account.DEBT}), frozenset({Account.REDEEMED})),
    ),
    "award": (Counted("earning", out_of=frozenset({Account.ISSUED})),),
    "activity": (Counted("activity", out_of=frozenset({Account.ISSUED})),),
    "redeem": (Counted("redemption", into=frozenset({Account.REDEEMED})),),
    "hold": (Counted("hold", into=frozenset({Account.HELD})),),
    "transfer_out": (Counted("transfer", into=frozenset({Account.TRANSFER})),),
    "refund": (Counted("refund", out_of=frozenset({Account.REDEEMED})),),
    "reversal": (Counted("reversal", out_of=_HOUSE), Counted("reversal", into=_HOUSE)),
    "adjust": (
        Counted("adjustment", out_of=frozenset({Account.ADJUSTED})),
        Counted("adjustment", into=frozenset({Account.ADJUSTED})),
    ),
}
"""What the first entry of a decision counts as, by its kind, and which of its points."""

Targets = Mapping[tuple[str, str], tuple[bytes, bytes]]
"""Entry and holder of what commands are about."""


def moved(draft: Draft) -> Mapping[str, int]:
    """The points that an entry moves, by operation. What moves none counts as nothing."""
    found: Counter[str] = Counter()
    for operation, out_of, into in COUNTED.get(draft.kind, ()):
        for posting in draft.postings:
            if posting.debit in out_of and posting.credit in into:
                found[operation] += posting.amount
    return found


def wants_of(program: Program, requests: Iterable[Request], targets: Targets, now: datetime) -> Wants:
    """What was moved today by those whom the limits of the requests' operations count."""
    limits = limits_of(program)
    if not limits:
        return NOTHING
    day = _day(program, now)
    usages: dict[UsageKey, None] = {}
    others: dict[str, None] = {}
    for request in requests:
        command = request.command
        for operation in command.moves:
            for limit in limits.get(operation, ()):
                if limit.per != DAY:
                    continue
                if limit.of == MEMBER:
                    holders = [holder_id(program.program_id, member) for member in command.members]
                    target = command.target
                    if target is not None and (target.kind, target.name) in targets:
                        holders.append(targets[target.kind, target.name][1])
                elif (name := _name(limit.of, command.source, request.caller)) is not None:
                    holders = [holder_id(program.program_id, name)]
                    others[name] = None
                else:
                    holders = []
                usages.update(dict.fromkeys((holder, _subject(operation), day) for holder in holders))
    return Wants(usages=tuple(usages), others=tuple(others)) if usages else NOTHING


def with_limits(
    wants: Wants, program: Program, requests: Iterable[Request], targets: Targets, now: datetime
) -> Wants:
    """What is wanted, with what the limits want."""
    more = wants_of(program, requests, targets, now)
    return wants if more is NOTHING else together([wants, more])


def taken_offline(draft: Draft) -> Mapping[str, Any] | None:
    """What an entry tells of points that a till took while it was offline; None where it took none."""
    details: Mapping[str, Any] = draft.details or {}
    if draft.kind == "earn":
        details = details.get("paid", {})
    found: Mapping[str, Any] | None = details.get("offline") if draft.kind in ("earn", "redeem") else None
    return found


class Checked(NamedTuple):
    """What a decision counts, what is to be told of it, and the first limit for which its awards are held."""

    uses: Sequence[Use] = ()
    alerts: Sequence[Alert] = ()
    held_by: Mapping[str, Any] | None = None


UNLIMITED: Final = Checked()


def check_limits(books: Books, request: Request, decision: Decision) -> Checked:
    """What the limits say to a decision. Refuses what goes beyond a limit (``limit_exceeded``).

    Points that a till took offline are gone: nobody is refused, and somebody is told.
    """
    limits = limits_of(books.program)
    if not limits or not decision.drafts:
        return UNLIMITED
    draft = decision.drafts[0]
    uses: dict[UsageKey, Use] = {}
    alerts: list[Alert] = []
    held_by: Mapping[str, Any] | None = None
    for operation, points in moved(draft).items():
        assert operation in request.command.moves
        for limit in limits.get(operation, ()):
            name = _counted(books, limit, draft, request)
            if name is None:
                continue
            used = UNUSED
            if limit.per == DAY:
                who = holder_id(books.program.program_id, name)
                key = who, _subject(operation), _day(books.program, books.asked_at)
                used = books.usages.get(key, UNUSED)
                uses[key] = Use(key, points, 1)
            for exceeded in _exceeded(limit, used, points):
                if limit.is_held:
                    held_by = held_by or exceeded.told(limit, name)
                    continue
                if limit.is_refusing and not (operation == "redemption" and taken_offline(draft)):
                    raise exceeded.error(limit)
                if exceeded.is_crossing(limit):
                    alerts.append(exceeded.alert(limit, name, _day(books.program, books.asked_at)))
    return Checked(list(uses.values()), alerts, held_by)


class _Exceeded(NamedTuple):
    """How a limit is gone beyond."""

    counts: str
    """``points`` or ``times``."""
    limit: int
    used: int
    requested: int

    def is_crossing(self, limit: Limit) -> bool:
        """Whether it was not beyond before: each day is told of once."""
        return limit.per == OPERATION or self.used <= self.limit

    def error(self, limit: Limit) -> LimitExceeded:
        return LimitExceeded(
            f"no {limit.of} may go beyond {self.limit} {self.counts} of {limit.operation} per {limit.per}",
            of=limit.of,
            operation=limit.operation,
            per=limit.per,
            **self._asdict(),
        )

    def told(self, limit: Limit, name: str) -> dict[str, Any]:
        """The limit, whose it is, and how much is used of it now."""
        return {
            "of": limit.of,
            "who": name.partition("/")[2] or name,
            "operation": limit.operation,
            "per": limit.per,
            "counts": self.counts,
            "limit": self.limit,
            "used": self.used + self.requested,
        }

    def alert(self, limit: Limit, name: str, day: str) -> Alert:
        told = self.told(limit, name) | {"day": day}
        subject = (limit.of, told["who"], limit.operation, limit.per, self.counts, str(self.limit), day)
        return Alert("limit_crossed", "/".join(subject), told)


def _exceeded(limit: Limit, used: Usage, points: int) -> Iterator[_Exceeded]:
    if limit.points is not None and used.amount + points > limit.points:
        yield _Exceeded("points", limit.points, used.amount, points)
    if limit.times is not None and used.times + 1 > limit.times:
        yield _Exceeded("times", limit.times, used.times, 1)


def _counted(books: Books, limit: Limit, draft: Draft, request: Request) -> str | None:
    if limit.of == MEMBER:
        return books.holders[draft.holder_id].member_id
    return _name(limit.of, request.command.source, request.caller)


def _name(of: str, source: Source, caller: str) -> str | None:
    """Who is counted, by the name among the holders; None where the event names none."""
    code = {"operator": source.operator, "terminal": source.terminal, "store": source.store, "key": caller}[
        of
    ]
    return f"{of}/{code}" if code else None


def _subject(operation: str) -> str:
    """What usages of an operation are counted under."""
    return f"limit/{operation}"


def _day(program: Program, at: datetime) -> str:
    return local_date(at, program.timezone).isoformat()
