"""Whether the ledger did what the model says: answer by answer, lot by lot, entry by entry.

The ledger makes ids and the model numbers. Entries of a holder pair by version, lots by age; from then on an
id and its number mean the same. An id of what was never written (a dry run, an aborted batch) is ``new``.
"""

import re
from collections.abc import Sequence
from typing import Any

from tests.model.driver import Answer
from tests.model.facts import Event, Lot, Member
from tests.model.reference import Expected, Model
from tests.model.snapshot import EntryRow, HolderRow, LotRow, Snapshot

_ID = re.compile(r"\b(ent|lot|red|trf|hld)_([0-9a-f]{32})\b")
_NUMBER = re.compile(r"\b(ent|lot|red|trf|hld)#(\d+)\b")


class Comparison:
    """The pairs of ids and numbers learned so far."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.lots: dict[str, int] = {}

    def check_state(self, books: Snapshot) -> None:
        """Every member, lot and entry of the ledger is the model's, and none is missing."""
        assert books.holders.keys() == self.model.members.keys()
        for name, member in self.model.members.items():
            lots, entries = books.lots.get(name, []), books.entries.get(name, [])
            assert _balances(books.holders[name]) == _expected_balances(member), name
            assert [_lot(row) for row in lots] == [_expected_lot(lot) for lot in _by_age(member)], name
            assert [_entry(row) for row in entries] == [_expected_entry(e) for e in member.events], name
            for row, event in zip(entries, member.events, strict=True):
                self.model.ids[row.entry_id.hex()] = event.number
            for lot_row, lot in zip(lots, _by_age(member), strict=True):
                self.lots[lot_row.lot_id.hex()] = lot.number
        assert set(books.keys) == set(self.model.answers)
        assert {self._name(*name) for name in books.references} == {self._name(*n) for n in self.model.names}

    def check_answers(self, answers: Sequence[Answer], expected: Sequence[Expected]) -> None:
        """Every answer is the expected one, word for word once ids are numbers."""
        for answer, wanted in zip(answers, expected, strict=True):
            assert (answer.code, answer.replayed) == (wanted.code, wanted.replayed), (answer, wanted)
            if wanted.code is None:
                assert self._plain(answer.body) == self._plain(wanted.body)
                self._check_awards(answer.body or {})
            else:
                assert self._plain(answer.details) == self._plain(wanted.details)

    @staticmethod
    def _check_awards(body: dict[str, Any]) -> None:
        """Invariant 10: the award lines sum to what was posted."""
        for unit, total in (("POINT", "points"), ("GROWTH", "growth")):
            if "awards" in body:
                assert sum(a["amount"] for a in body["awards"] if a["unit"] == unit) == body[total]

    def _plain(self, value: Any) -> Any:
        """The value with every id replaced by its number, or by ``new``."""
        if isinstance(value, dict):
            return {key: self._plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._plain(each) for each in value]
        if isinstance(value, str):
            return _NUMBER.sub(self._known, _ID.sub(self._numbered, value))
        return value

    def _numbered(self, found: re.Match[str]) -> str:
        prefix, digits = found.groups()
        number = (self.lots if prefix == "lot" else self.model.ids).get(digits)
        return f"{prefix}#new" if number is None else f"{prefix}#{number}"

    def _known(self, found: re.Match[str]) -> str:
        prefix, number = found.groups()
        known = self.model.lots if prefix == "lot" else self.model.events
        return found.group() if int(number) < len(known) else f"{prefix}#new"

    def _name(self, kind: str, reference: str) -> tuple[str, str]:
        return kind, str(self._plain(reference))


def _by_age(member: Member) -> list[Lot]:
    return sorted(member.lots, key=lambda lot: lot.number)


def _balances(row: HolderRow) -> tuple[int, ...]:
    return row.version, row.points, row.held, row.debt, row.growth


def _expected_balances(member: Member) -> tuple[int, ...]:
    return len(member.events), member.total("POINT"), member.held, member.debt, member.total("GROWTH")


def _lot(row: LotRow) -> tuple[Any, ...]:
    return ("POINT" if row.unit == 1 else "GROWTH", *row[2:])


def _expected_lot(lot: Lot) -> tuple[Any, ...]:
    return (
        lot.unit,
        lot.amount,
        lot.left,
        lot.lapsed,
        lot.earned,
        lot.available,
        lot.ends,
        lot.rolling,
    )


def _entry(row: EntryRow) -> tuple[Any, ...]:
    return row.kind, row.effective_at


def _expected_entry(event: Event) -> tuple[Any, ...]:
    return event.kind, event.at
