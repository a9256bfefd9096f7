"""What keeps a member's points where they are: a freeze by the house, a lock of the member's own on spending, and a
review by the house of whatever he is awarded.

They stand as bits in the holder's row, which every posting locks and reads anyway: a lock that is put on is before or
after a posting, and never beside it.
"""

from typing import Any, Final, NamedTuple


class MemberLock(NamedTuple):
    """One kind of lock: its bit in the row, and what history and answers call it."""

    bit: int
    name: str


FROZEN: Final = MemberLock(1, "frozen")
SPEND: Final = MemberLock(2, "spend")
REVIEW: Final = MemberLock(4, "review")
MEMBER_LOCKS: Final = (FROZEN, SPEND, REVIEW)
"""All there are. Of several that refuse the same, the first is the one that is told."""


def shown(locks: int) -> dict[str, Any]:
    """The bits as answers show them."""
    return {lock.name: bool(locks & lock.bit) for lock in MEMBER_LOCKS}
