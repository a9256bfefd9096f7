"""Twins: the rows of one decision again for other members, with ids, names and hash chains of their own.

Deciding costs the most, so each decision serves several members who live alike. Ids and names carry a mark
at a fixed place, and a twin's rows differ in the mark, in the holder's id, and in what is hashed from both.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from benchmarks.growth_copy import encoded, head_of
from ledger.accounts.holder import GENESIS, Holder
from ledger.ids import holder_id
from ledger.journal import wire
from ledger.journal.chain import link
from ledger.journal.rows import HOLDER_COLUMNS, new_holder_row

_ID = 20
"""Bytes of a uuid as an element."""


def id_mark(number: int) -> bytes:
    """What stands in the ids of a twin's entries: too long to be found in a hash by chance."""
    return b"\xf5\x9a\xc3\x3c" + bytes((number,))


def name_mark(number: int) -> str:
    """What stands in the names of a twin's members and commands."""
    return f"_t{number}_"


class Twin:
    """One of those who live alike; the first is the one that decisions are made for."""

    def __init__(self, program_id: int, number: int) -> None:
        self._program_id = program_id
        self._marks = (
            (id_mark(0), id_mark(number)),
            (id_mark(0).hex().encode(), id_mark(number).hex().encode()),
            (name_mark(0).encode(), name_mark(number).encode()),
        )
        self._names = (name_mark(0), name_mark(number))
        self._heads: dict[bytes, bytes] = {}
        self._holders: dict[bytes, bytes] = {}

    def marked(self, rows: bytes) -> bytes:
        """Rows that name no holder, as this twin's."""
        for first, own in self._marks:
            rows = rows.replace(first, own)
        return rows

    def enrol(self, holder: Holder) -> None:
        """Give a new member a twin."""
        own = holder_id(self._program_id, holder.member_id.replace(*self._names))
        self._holders[holder.holder_id] = wire.uuid(own)
        self._heads[holder.holder_id] = GENESIS

    def entry(
        self, holder: bytes, entry: Sequence[bytes], postings: Sequence[Sequence[bytes]]
    ) -> tuple[bytes, bytes]:
        """The row of an entry in this twin's chain, and the rows of its postings. Both begin with the two ids."""
        own = self._holders[holder]
        covered = self._owned(entry[:-1], own)
        moved = [self._owned(posting, own) for posting in postings]
        head = self._heads[holder] = link(self._heads[holder], (covered,), ((each,) for each in moved))
        before = [head_of(len(posting)) for posting in postings]
        return (
            head_of(len(entry)) + covered + wire.raw(head),
            b"".join([part for pair in zip(before, moved, strict=True) for part in pair]),
        )

    def claim(self, holder: bytes, row: bytes) -> bytes:
        """A row of ``business_references``, which ends with the ids of holder and entry."""
        row = self.marked(row)
        return row[: -2 * _ID] + self._holders[holder] + row[-_ID:]

    def lots(self, holder: bytes, rows: Iterable[bytes]) -> bytes:
        """Rows of lots, which begin with the holder's id."""
        own, at = self._holders[holder], len(head_of(0))
        return b"".join([row[:at] + own + self.marked(row[at + _ID :]) for row in rows])

    def holder(self, holder: Holder, enrolled_at: datetime) -> bytes:
        """The row of a member as it stands, with this twin's head."""
        values: tuple[Any, ...] = new_holder_row(holder, enrolled_at)
        row = dict(zip(HOLDER_COLUMNS, values, strict=True)) | {
            "holder_id": self._holders[holder.holder_id][4:],
            "head_hash": self._heads[holder.holder_id],
            "member_id": holder.member_id.replace(*self._names),
        }
        return encoded([tuple(row.values())], HOLDER_COLUMNS)[0]

    def _owned(self, row: Sequence[bytes], own: bytes) -> bytes:
        body = self.marked(b"".join(row))
        return body[:_ID] + own + body[2 * _ID :]
