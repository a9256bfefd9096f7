"""Members who are one: who was merged into whom, and what has gone over."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Merged(NamedTuple):
    """A duplicate and the member it was merged into, by their holders."""

    merge_id: bytes
    """The id of the entry by which the duplicate's points left."""
    survivor: bytes
    duplicate: bytes
    uncounted: frozenset[bytes]
    """Lots of growth that stay with the duplicate: their orders count in the survivor's books already."""
    gone_over: Mapping[bytes, Sequence[bytes]] = {}
    """For each lot of the duplicate the survivor's lots into which it went, in order."""
    debt: int = 0
    """What the survivor has taken over of the duplicate's debt, less what went back."""


class Joining(NamedTuple):
    """A merge that is made now, or undone."""

    merged: Merged
    is_undone: bool = False
