"""The shapes of locks on members, and of the limits in a program's terms."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ledger.accounts.limits import DAY, HELD_FOR_REVIEW, MEMBER, OF, OPERATION, OPERATIONS
from ledger.accounts.member_locks import MEMBER_LOCKS
from ledger.accounts.schemas import MemberQuery, PageQuery
from ledger.http.fields import (
    Answer,
    CallerId,
    Choice,
    Instant,
    Integer,
    LedgerId,
    Points,
    Strict,
    Text,
    Truth,
)

MAX_LIMITS = 100


class LimitSchema(Strict):
    """How much may be moved by each of a kind: in one operation, or in a local day of the program."""

    of = Choice(
        OF, "Whose movements are counted; where an event names none, the limit does not hold", required=True
    )
    operation = Choice(OPERATIONS, "What is counted: the points that it moves", required=True)
    per = Choice([DAY, OPERATION], required=True)
    points = Points("At most so many")
    times = Integer(1, 1_000_000, "At most so often in a day, counting what moves points")
    alert = Truth("Book what goes beyond it, and raise an alert; refuse it if left out")
    hold = Truth("Book what goes beyond it, and hold its points for review; refuse it if left out")

    @validates_schema
    def refuse_what_limits_nothing(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a limit without a number, or of what is not counted so."""
        if not payload.keys() & {"points", "times"}:
            raise ValidationError({"points": ["name points, times or both"]})
        if "times" in payload and payload["per"] == OPERATION:
            raise ValidationError({"times": ["is of a day"]})
        if payload["operation"] == "adjustment" and payload["of"] != MEMBER:
            raise ValidationError({"of": ["adjustments are made by two people; limit them by member"]})
        if payload.get("hold") and payload["operation"] not in HELD_FOR_REVIEW:
            raise ValidationError({"hold": [f"is of {', '.join(HELD_FOR_REVIEW)}: of what awards points"]})
        if payload.get("hold") and payload.get("alert"):
            raise ValidationError({"hold": ["what is held raises an alert anyway; name one of the two"]})


class AbuseTermsSchema(Strict):
    """When a member is frozen by itself, or his awards are held for review."""

    attribute = CallerId("The attribute that tells a device, hashed by the caller", required=True)
    members = Integer(
        1, 1_000, "Members that may have the same; with the next one it is `then`", required=True
    )
    then = Choice(["freeze", "hold"], "Freeze him, or hold what he is awarded for review; freeze if left out")


class LockChangeSchema(MemberQuery):
    """Why a member is locked or unlocked."""

    reason = Text(256, "In words; kept with who has done it", required=True)


class LockEventsQuery(MemberQuery, PageQuery):
    """A page of a member's locks."""


class LockEventSchema(Answer):
    """A lock that was put on or taken off."""

    event_id = LedgerId("lke", required=True)
    lock = Choice([lock.name for lock in MEMBER_LOCKS], required=True)
    on = fields.Boolean(required=True, metadata={"description": "True where it was put on"})
    reason = fields.String(required=True)
    changed_by = fields.String(required=True, metadata={"description": "The id of the key"})
    recorded_at = Instant(required=True)
