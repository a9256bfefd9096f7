"""The rows of a program's books as the checks read them, wherever they were kept."""

from datetime import UTC, datetime, timedelta
from struct import unpack
from typing import Any, NamedTuple

from ledger.journal import wire
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS


class HolderRow(NamedTuple):
    """A holder's row: balances, head of the chain, and the standing that was stored with them."""

    holder_id: bytes
    version: int
    head: bytes
    recorded_at: datetime | None
    points: int
    held: int
    debt: int
    growth: int
    available: int
    pending: int
    growth_value: int
    next_expiry_at: datetime | None
    next_expiry_points: int
    fresh_until: datetime | None
    merged_into: bytes | None


class LotRow(NamedTuple):
    """A lot's row."""

    lot_id: bytes
    unit: int
    original: int
    remaining: int
    expired: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    rolling: bool


class PostingRow(NamedTuple):
    """A posting's row, in the order of ``POSTING_COLUMNS``."""

    entry_id: bytes
    holder_id: bytes
    amount: int
    ordinal: int
    debit: int
    credit: int
    unit: int
    lot_id: bytes | None
    available_at: datetime | None
    expires_at: datetime | None
    rolling: bool | None


class EntryRow(NamedTuple):
    """An entry's row, in the order of ``ENTRY_COLUMNS``, then its hash and its postings."""

    entry_id: bytes
    holder_id: bytes
    version: int
    effective_at: datetime
    recorded_at: datetime
    points_after: int
    held_after: int
    debt_after: int
    growth_after: int
    terms_version: int
    kind: str
    parent_entry_id: bytes | None
    peer_holder_id: bytes | None
    extends_to: datetime | None
    reference: str | None
    channel: str | None
    store: str | None
    region: str | None
    operator: str | None
    terminal: str | None
    details: bytes | None
    hash: bytes
    postings: tuple[PostingRow, ...]


class HoldRow(NamedTuple):
    """A hold's row; what it drew stands in the postings of the entry that made it."""

    hold_id: bytes
    points: int
    captured: int
    expires_at: datetime
    status: str
    closed_entry_id: bytes | None
    quote_id: bytes | None


class QuoteRow(NamedTuple):
    """A quote's row."""

    quote_id: bytes
    points: int
    points_value: int
    price: int
    made_at: datetime
    expires_at: datetime
    rate_version: int
    used_entry_id: bytes | None


class Snapshot(NamedTuple):
    """A program's books. Lots, holds and quotes are sorted by id, entries by version; members and names by name."""

    holders: dict[str, HolderRow]
    lots: dict[str, list[LotRow]]
    entries: dict[str, list[EntryRow]]
    references: dict[tuple[str, str], bytes]
    keys: dict[str, bytes | None]
    """Idempotency keys with an answer, and the entry that the answer is about."""
    holds: dict[str, list[HoldRow]]
    """Of the members that have made any, closed ones included; so are ``quotes``."""
    quotes: dict[str, list[QuoteRow]]


assert PostingRow._fields == tuple(POSTING_COLUMNS)
assert EntryRow._fields == (*ENTRY_COLUMNS, "hash", "postings")

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def decode(kind: type[wire.Array], element: bytes) -> Any:
    """The value of an encoded element. Written apart from ``wire``, from PostgreSQL's binary form."""
    (length,) = unpack(">i", element[:4])
    if length == -1:
        return None
    value = element[4:]
    assert len(value) == length
    if kind in (wire.Int2s, wire.Int4s, wire.Int8s):
        return int.from_bytes(value, "big", signed=True)
    if kind is wire.Moments:
        return _EPOCH + timedelta(microseconds=int.from_bytes(value, "big", signed=True))
    if kind is wire.Texts:
        return value.decode()
    if kind is wire.Booleans:
        return value != b"\0"
    return value


def entry_row(elements: tuple[bytes, ...], postings: tuple[PostingRow, ...]) -> EntryRow:
    """The entry that these encoded elements are, its hash the last of them."""
    kinds = [kind for kind, _ in ENTRY_COLUMNS.values()] + [wire.Bytes]
    values = [decode(kind, element) for kind, element in zip(kinds, elements, strict=True)]
    return EntryRow._make((*values, postings))


def posting_row(elements: tuple[bytes, ...]) -> PostingRow:
    """The posting that these encoded elements are."""
    kinds = [kind for kind, _ in POSTING_COLUMNS.values()]
    return PostingRow(*(decode(kind, element) for kind, element in zip(kinds, elements, strict=True)))
