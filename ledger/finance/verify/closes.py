"""Check of closed months: what was done to them follows the rules, and what a lock froze follows from the books.

Of every month that is locked the pack is worked out anew, as it was known then, and must be the kept one, byte for
byte. A pack whose month was opened again is held to its hash alone: what has reached the month since is in the next.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text

from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.finance.months import month_at, previous_month, show_month
from ledger.finance.periods.pack import ADDED, encoded, frozen
from ledger.finance.periods.states import LOCKED, OPEN, SOFT_CLOSED, PeriodEvent, first_open, status_of
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_walk

_EVENTS: Final[LiteralString] = """
SELECT p.name, e.program_id, e.event_id, e.period, e.status, e.recorded_at, e.changed_by, e.approved_by, e.reason,
       e.pack_hash, a.is_approved
  FROM period_events e JOIN programs p USING (program_id)
 CROSS JOIN LATERAL (
       SELECT EXISTS (SELECT FROM approvals o
                       WHERE o.program_id = e.program_id AND o.kind = 'period_reopening' AND o.status = 'approved'
                         AND o.subject = to_char(e.period, 'YYYY-MM') AND o.proposed_by = e.changed_by
                         AND o.decided_by = e.approved_by AND o.content ->> 'reason' = e.reason
                         AND o.decided_at = e.recorded_at) AS is_approved) a
 ORDER BY e.program_id, e.event_id
"""


_PACK: Final = text("SELECT convert_to(pack::text, 'UTF8') FROM period_events WHERE event_id = :event_id")
"""One at a time: packs are long."""


class _Kept(NamedTuple):
    """An event as it is kept, and whether an approval of just this reopening stands for it."""

    event: PeriodEvent
    is_approved: bool

    def fault(self, field: str | None, expected: str, found: Any) -> Fault:
        """What is wrong with it."""
        key = {"event_id": UUID(bytes=self.event.event_id), "period": show_month(self.event.period)}
        return Fault("period_events", key, field, expected, str(found))


def _broken_closes(rows: Rows) -> Iterator[Fault]:
    of_program: dict[str, list[_Kept]] = {}
    for name, _, event_id, *said, is_approved in rows.stream(_EVENTS):
        of_program.setdefault(name, []).append(_Kept(PeriodEvent(event_id.bytes, *said), is_approved))
    for name, kept in of_program.items():
        program = find_program(rows.connection, name)
        assert program is not None
        yield from _broken_rules(program, kept)
        yield from _broken_packs(rows, program, kept)


def _broken_rules(program: Program, kept: list[_Kept]) -> Iterator[Fault]:
    """Every event that the ones before it do not allow."""
    events = [each.event for each in kept]
    for number, each in enumerate(kept):
        event, before = each.event, events[:number]
        if (due := _due(before, event)) != event.period:
            told = "no month" if due is None else show_month(due)
            yield each.fault(
                "period", f"{told}, whose turn it is to be {event.status}", show_month(event.period)
            )
        if event.status != OPEN and month_at(program, event.recorded_at) <= event.period:
            yield each.fault("recorded_at", "after the end of the month", event.recorded_at)
        if event.status == OPEN and (event.approved_by in (None, event.changed_by) or not each.is_approved):
            yield each.fault(
                "approved_by", "another key, by an approval of this reopening", event.approved_by
            )


def _due(before: list[PeriodEvent], event: PeriodEvent) -> date | None:
    """The month to which such an event may happen next."""
    last = before[-1] if before else None
    if last is None:
        return event.period if event.status == SOFT_CLOSED else None
    if event.status == SOFT_CLOSED:
        return None if last.status == SOFT_CLOSED else first_open(before)
    if event.status == LOCKED:
        return last.period if last.status == SOFT_CLOSED else None
    return previous_month(last.period) if last.status == OPEN else last.period


def _broken_packs(rows: Rows, program: Program, kept: list[_Kept]) -> Iterator[Fault]:
    """Every pack that is not what its hash, the month before or the books say."""
    events = [each.event for each in kept]
    packs: dict[date, tuple[Mapping[str, Any], bytes]] = {}
    last_lock = {each.event.period: each.event for each in kept if each.event.status == LOCKED}
    for each in kept:
        event = each.event
        if event.status != LOCKED:
            continue
        kept_pack = rows.connection.execute(_PACK, {"event_id": UUID(bytes=event.event_id)}).scalar_one()
        if kept_pack is None or event.pack_hash is None:
            yield each.fault("pack", "what the lock froze", "missing")
            continue
        digest = sha256(kept_pack).digest()
        if event.pack_hash != digest:
            yield each.fault("pack_hash", digest.hex(), event.pack_hash.hex())
        pack = orjson.loads(kept_pack)
        before = packs.get(previous_month(event.period))
        named = before[1].hex() if before else None
        if pack.get("previous_pack_hash") != named:
            yield each.fault("previous_pack_hash", str(named), pack.get("previous_pack_hash"))
        packs[event.period] = (pack, event.pack_hash)
        if last_lock[event.period] is event and status_of(events, event.period) == LOCKED:
            anew = frozen(rows.connection, program, event.period, event.recorded_at, before and before[0])
            yield from _unlike_the_books(each, kept_pack, pack, anew)


def _unlike_the_books(
    each: _Kept, kept_pack: bytes, pack: Mapping[str, Any], anew: Mapping[str, Any]
) -> Iterator[Fault]:
    event = each.event
    added = {name: pack.get(name) for name in ADDED}
    if added["closed_by"] != event.changed_by:
        yield each.fault("closed_by", event.changed_by, added["closed_by"])
    if encoded({**anew, **added})[0].encode() != kept_pack:
        names = sorted(name for name in anew.keys() | pack.keys() - ADDED if anew.get(name) != pack.get(name))
        yield each.fault("pack", "as the books make it", f"another in {', '.join(names) or 'its order'}")
    for tie in anew["ties"]:
        if tie["difference"]:
            yield each.fault(tie["what"], f"{tie['other']}, {tie['against']}", tie["figure"])


CHECKS = (
    by_walk(
        "closed months",
        "months close in turn and open again by two keys; what a lock froze follows from the books, byte for byte",
        ("period_events",),
        _broken_closes,
    ),
)
