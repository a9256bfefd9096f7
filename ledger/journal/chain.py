"""The hash chain of a holder: each entry's hash covers the one before and every column of the entry's rows.

The covered bytes are the rows' elements as ``wire`` encodes them, in the order of ``ENTRY_COLUMNS`` and
then, posting by posting, of ``POSTING_COLUMNS``. Every element carries its length, so no value can lend
bytes to its neighbour. A holder's first entry follows 32 zero bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

from ledger.journal import wire

FORMAT = b"ledger entry 1\0"
"""Names the encoding; a column added later comes with a new format."""

Encoder = Callable[[Any], bytes]

ENTRY_COLUMNS: dict[str, tuple[type[wire.Array], Encoder]] = {
    "entry_id": (wire.Uuids, wire.uuid),
    "holder_id": (wire.Uuids, wire.uuid),
    "version": (wire.Int8s, wire.int8),
    "effective_at": (wire.Moments, wire.moment),
    "recorded_at": (wire.Moments, wire.moment),
    "points_after": (wire.Int8s, wire.int8),
    "held_after": (wire.Int8s, wire.int8),
    "debt_after": (wire.Int8s, wire.int8),
    "growth_after": (wire.Int8s, wire.int8),
    "terms_version": (wire.Int4s, wire.int4),
    "kind": (wire.Texts, wire.text),
    "parent_entry_id": (wire.Uuids, wire.uuid),
    "peer_holder_id": (wire.Uuids, wire.uuid),
    "extends_to": (wire.Moments, wire.moment),
    "reference": (wire.Texts, wire.text),
    "channel": (wire.Texts, wire.text),
    "store": (wire.Texts, wire.text),
    "region": (wire.Texts, wire.text),
    "operator": (wire.Texts, wire.text),
    "terminal": (wire.Texts, wire.text),
    "details": (wire.Jsons, wire.raw),
}
"""The columns of an entry that its hash covers: all but the hash. ``details`` as the bytes of its JSON text."""

POSTING_COLUMNS: dict[str, tuple[type[wire.Array], Encoder]] = {
    "entry_id": (wire.Uuids, wire.uuid),
    "holder_id": (wire.Uuids, wire.uuid),
    "amount": (wire.Int8s, wire.int8),
    "ordinal": (wire.Int2s, wire.int2),
    "debit": (wire.Int2s, wire.int2),
    "credit": (wire.Int2s, wire.int2),
    "unit": (wire.Int2s, wire.int2),
    "lot_id": (wire.Uuids, wire.uuid),
    "available_at": (wire.Moments, wire.moment),
    "expires_at": (wire.Moments, wire.moment),
    "rolling": (wire.Booleans, lambda value: wire.NULL if value is None else wire.boolean(value)),
}
"""The columns of a posting, all covered by its entry's hash."""


def link(previous: bytes, entry: Sequence[bytes], postings: Iterable[Sequence[bytes]]) -> bytes:
    """The hash of an entry, given the hash before it and the elements of its rows."""
    covered = [FORMAT, previous, *entry]
    for posting in postings:
        covered.extend(posting)
    return sha256(b"".join(covered)).digest()


def encode(columns: dict[str, tuple[type[wire.Array], Encoder]], row: Sequence[Any]) -> list[bytes]:
    """The elements of a stored row, its values in the order of ``columns``. For verification."""
    return [encoder(value) for (_, encoder), value in zip(columns.values(), row, strict=True)]
