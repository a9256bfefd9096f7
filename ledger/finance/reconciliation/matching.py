"""Rows of another system against rows of the books: every row of either side ends in exactly one class.

Both sides come in order of their keys, so they are read side by side and neither is kept in memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, Literal, NamedTuple

Key = tuple[str, str]
"""The type of what is compared and its reference: unique on either side."""

Value = str | int | None
Outcome = Literal["matched", "missing", "extra", "different"]

BUCKETS: Final = ((1, "0-1"), (7, "2-7"), (30, "8-30"))
"""Ages of exceptions by their last day."""
OLDEST: Final = "31+"
AGES: Final = (*(name for _, name in BUCKETS), OLDEST)


class Row(NamedTuple):
    """What one side says: on which day of the program it happened, and its fields by name. Amounts are integers.

    ``line`` is where an upload says it.
    """

    key: Key
    day: date
    fields: Mapping[str, Value]
    line: int = 0


class Difference(NamedTuple):
    """A field on which the two sides do not agree."""

    field: str
    uploaded: Value
    booked: Value


class Result(NamedTuple):
    """What became of a key. Missing is what the books lack; extra is what only they have."""

    outcome: Outcome
    uploaded: Row | None
    booked: Row | None
    differences: tuple[Difference, ...] = ()

    @property
    def row(self) -> Row:
        """What is known of it, by the upload if it says anything."""
        row = self.uploaded or self.booked
        assert row is not None
        return row


def match(uploaded: Iterable[Row], booked: Iterable[Row], first: date, last: date) -> Iterator[Result]:
    """The results in order of the keys, by which both sides are sorted, each key once on either side.

    Rows of the books outside of the days from ``first`` to ``last`` are found by an upload that has them on another
    day, which is a difference; they are never extra.
    """
    ours, theirs = iter(booked), iter(uploaded)
    our, their = next(ours, None), next(theirs, None)
    while our is not None or their is not None:
        if our is None or (their is not None and their.key < our.key):
            yield Result("missing", their, None)
            their = next(theirs, None)
        elif their is None or our.key < their.key:
            if first <= our.day <= last:
                yield Result("extra", None, our)
            our = next(ours, None)
        else:
            differences = compare(their, our)
            yield Result("different" if differences else "matched", their, our, differences)
            our, their = next(ours, None), next(theirs, None)


def compare(uploaded: Row, booked: Row) -> tuple[Difference, ...]:
    """The fields that differ; the day is one. What the upload does not say is not compared."""
    found = (
        []
        if uploaded.day == booked.day
        else [Difference("day", uploaded.day.isoformat(), booked.day.isoformat())]
    )
    for name, said in uploaded.fields.items():
        if said is not None and said != booked.fields[name]:
            found.append(Difference(name, said, booked.fields[name]))
    return tuple(found)


def age_of(days: int) -> str:
    """The bucket of an exception that happened so many days ago."""
    return next((name for until, name in BUCKETS if days <= until), OLDEST)
