"""What a program's terms let be moved at a time and in a day: by member, operator, terminal, store and key."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ledger.accounts.program import Program

MEMBER, OPERATOR, TERMINAL, STORE, KEY = "member", "operator", "terminal", "store", "key"
OF: Final = (MEMBER, OPERATOR, TERMINAL, STORE, KEY)
"""Whose movements are limited. All but members are counted at holders of their own, which have no books."""

OPERATIONS: Final = (
    "adjustment",
    "activity",
    "earning",
    "hold",
    "purchase",
    "redemption",
    "refund",
    "reversal",
    "transfer",
)
"""What is limited, as ``ledger.journal.limiting`` counts it."""

DAY, OPERATION = "day", "operation"

HELD_FOR_REVIEW: Final = ("activity", "earning", "purchase")
"""Operations that award points: what goes beyond a limit of theirs may be held until somebody has looked."""

DEFAULT_REVIEW_DAYS: Final = 30


class Limit(NamedTuple):
    """At most so many points, or so often, by each of a kind: in one operation, or in a day of the program."""

    of: str
    operation: str
    per: str
    points: int | None = None
    times: int | None = None
    is_alert: bool = False
    """Whether what goes beyond it is booked, and somebody is told."""
    is_held: bool = False
    """Whether what goes beyond it is booked, and its points are held for review."""

    @property
    def is_refusing(self) -> bool:
        """Whether what goes beyond it is not booked."""
        return not (self.is_alert or self.is_held)


def limits_of(program: Program) -> Mapping[str, tuple[Limit, ...]]:
    """The limits of the terms in force, by operation; empty where there are none."""
    return _parse(program.terms)


@lru_cache(maxsize=256)
def _parse(text: str) -> Mapping[str, tuple[Limit, ...]]:
    # Cached by the text itself: an immutable version can never be stale.
    stored: list[dict[str, Any]] = json.loads(text).get("limits", [])
    limits = [
        Limit(
            each["of"],
            each["operation"],
            each["per"],
            each.get("points"),
            each.get("times"),
            each.get("alert", False),
            each.get("hold", False),
        )
        for each in stored
    ]
    return {
        operation: tuple(limit for limit in limits if limit.operation == operation)
        for operation in {limit.operation for limit in limits}
    }


def review_days(program: Program) -> int:
    """For how many days an award is held for review, unless somebody decides before."""
    return _review_days(program.terms)


@lru_cache(maxsize=256)
def _review_days(text: str) -> int:
    days: int = json.loads(text).get("review_days", DEFAULT_REVIEW_DAYS)
    return days
