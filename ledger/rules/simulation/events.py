"""The stored history of a member, as far as a replay needs it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.journal.commands import MemberRow


class Event(NamedTuple):
    """An entry: a purchase, an activity, or what took back of one."""

    entry_id: bytes
    version: int
    kind: str
    effective_at: datetime
    recorded_at: datetime
    terms_version: int
    parent_entry_id: bytes | None
    channel: str | None
    store: str | None
    region: str | None
    operator: str | None
    points_after: int
    points_taken: int
    """Points that it took back, by a return or a reversal."""
    growth_taken: int
    details: Mapping[str, Any]


class Member(NamedTuple):
    """A member and what stands beside his books."""

    holder_id: bytes
    member_id: str
    row: MemberRow


def recorded(details: Mapping[str, Any], unit: str) -> int:
    """What the books say that an entry gave."""
    return sum([award["amount"] for award in details["awards"] if award["unit"] == unit])
