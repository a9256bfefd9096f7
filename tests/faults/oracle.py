"""What must be true of the books after a round, whatever has died meanwhile.

It compares the rows with what the clients were told, and shares no code with the ledger: an entry for each
success and none for a refusal, versions without a gap, balances that follow a model of five lines, and an
order that nobody can have seen otherwise.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

from .clients import Record

KINDS: Final = {
    "purchase": ("earn",),
    "redemption": ("redeem",),
    "refund": ("refund",),
    "return": ("return",),
    "transfer": ("transfer_out", "transfer_in"),
}
# What this workload may be refused for; anything else is a finding.
REFUSALS: Final = {
    "member_unknown",
    "purchase_unknown",
    "insufficient_points",
    "refund_exceeds_redemption",
    "return_exceeds_purchase",
}

_ENTRIES: Final = """
SELECT h.member_id, e.version, e.kind, e.reference, replace(e.entry_id::text, '-', ''),
       e.points_after, e.debt_after, e.growth_after
  FROM entries e JOIN holders h USING (holder_id)
 WHERE h.member_id = ANY(%s) ORDER BY h.member_id, e.version
"""


class Entry(NamedTuple):
    """An entry as the rows have it."""

    member: str
    version: int
    kind: str
    reference: str
    entry_id: str
    points: int
    debt: int
    growth: int


class Standing(NamedTuple):
    """What a member has by the model."""

    points: int = 0
    debt: int = 0
    growth: int = 0

    def arrive(self, points: int, growth: int = 0) -> "Standing":
        """Points that arrive repay a debt first."""
        repaid = min(self.debt, points)
        return Standing(self.points + points - repaid, self.debt - repaid, self.growth + growth)

    def leave(self, points: int, growth: int = 0, owed: int = 0) -> "Standing":
        return Standing(self.points - (points - owed), self.debt + owed, self.growth - growth)


def read_entries(owner_url: str, members: Sequence[str]) -> list[Entry]:
    """The entries of these members, each member's in the order of their versions."""
    with psycopg.connect(owner_url) as connection:
        return [Entry(*row) for row in connection.execute(_ENTRIES, (list(members),))]


def check(records: Sequence[Record], entries: Sequence[Entry]) -> dict[str, Standing]:
    """Fail on the first thing that cannot be; otherwise where the model has every member end."""
    by_reference = {record.operation.reference: record for record in records}
    assert len(by_reference) == len(records), "the workload has used a name twice"
    check_effects(records, entries)
    ends = {}
    for member, history in _by_member(entries).items():
        told = [by_reference[entry.reference] for entry in history]
        standings = check_history(history, told)
        check_order(history, told)
        ends[member] = standings[-1]
        refused = [
            r for r in records if r.operation.members[:1] == (member,) and _code(r) == "insufficient_points"
        ]
        check_refusals(standings, told, refused)
    return ends


def check_effects(records: Iterable[Record], entries: Iterable[Entry]) -> None:
    """One entry (a transfer's two) for each success, by reference and by id; none for a refusal."""
    found = defaultdict(list)
    for entry in entries:
        found[entry.reference].append(entry)
    for record in records:
        answer, posted = record.answer, found.pop(record.operation.reference, [])
        assert answer is not None and answer.is_definite, record
        if answer.status != 201:
            assert _code(record) in REFUSALS, record
            assert not posted, f"a refusal has an effect: {record} {posted}"
            continue
        kinds = sorted(entry.kind for entry in posted)
        assert kinds == sorted(KINDS[record.operation.name]), f"not posted once: {record} {posted}"
        first = next(entry for entry in posted if entry.kind == KINDS[record.operation.name][0])
        assert answer.document["entry_id"] == f"ent_{first.entry_id}", (record, first)
        assert answer.document["account_version"] == first.version, (record, first)
        assert first.member == record.operation.members[0], (record, first)
    assert not found, f"nobody has asked for these: {found}"


def check_history(history: Sequence[Entry], told: Sequence[Record]) -> list[Standing]:
    """Versions are 1 to n, and every balance is what the model makes of the answers; the model's steps."""
    assert [entry.version for entry in history] == list(range(1, len(history) + 1))
    standings = [Standing()]
    for entry, record in zip(history, told, strict=True):
        assert record.answer is not None
        answer = record.answer.document
        standing = _after(standings[-1], entry, record, answer)
        assert min(standing) >= 0, f"overdrawn: {entry} {record}"
        assert standing == (entry.points, entry.debt, entry.growth), (standing, entry, record)
        if entry.kind != "transfer_in":
            points = answer["balance"]["points"]
            said = (
                points["available"] + points["pending"],
                points["debt"],
                answer["balance"]["growth"]["value"],
            )
            assert standing == said, (standing, record)
        standings.append(standing)
    return standings


def _after(before: Standing, entry: Entry, record: Record, answer: dict[str, Any]) -> Standing:
    asked = record.operation.payload
    match entry.kind:
        case "earn":
            earned = asked["lines"][0]["amount"] // 100
            assert (answer["points"], answer["growth"]) == (earned, earned), record
            return before.arrive(earned, earned)
        case "redeem" | "transfer_out":
            return before.leave(asked["points"])
        case "refund" | "transfer_in":
            return before.arrive(asked["points"])
        case "return":
            clawed, owed = answer["points_clawed_back"], answer["shortfall"]
            return before.leave(clawed, answer["growth_clawed_back"], owed)
    raise AssertionError(f"nobody has asked for {entry}")


def check_order(history: Sequence[Entry], told: Sequence[Record]) -> None:
    """What was answered before another was sent has the smaller version."""
    sent_last = 0
    for entry, record in zip(history, told, strict=True):
        assert record.answered_at > sent_last, f"a later request came first: {entry}"
        sent_last = max(sent_last, record.sent_at)


def check_refusals(standings: Sequence[Standing], told: Sequence[Record], refused: Iterable[Record]) -> None:
    """Each refusal for want of points names what the member had at some moment while it was asked."""
    for record in refused:
        assert record.answer is not None
        details = record.answer.document
        first = max((v for v, other in enumerate(told, 1) if other.answered_at < record.sent_at), default=0)
        last = max((v for v, other in enumerate(told, 1) if other.sent_at < record.answered_at), default=0)
        had = {standing.points for standing in standings[first : last + 1]}
        assert details["available"] in had, (details, had)
        assert details["available"] < details["requested"] == record.operation.payload["points"], details


def _by_member(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.member].append(entry)
    return found


def _code(record: Record) -> str | None:
    return record.answer.code if record.answer else None
