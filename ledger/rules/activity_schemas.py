"""The shapes of activities."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ledger.accounts.schemas import MemberQuery, OpenedLotSchema, PageQuery
from ledger.http.fields import Answer, Attributes, CallerId, Choice, Instant, Pattern, Points
from ledger.rules.activities import RESERVED
from ledger.rules.facts import REFERRAL
from ledger.rules.schemas import JudgedSchema, SourceSchema


class ActivityType(Pattern):
    """A type of activity; rules are made for it by this name. Not one that the ledger itself sees."""

    pattern = "[a-z][a-z0-9_]{0,31}"
    must = f"must be 1 to 32 of a-z 0-9 _, beginning with a letter, and none of {', '.join(RESERVED)}"

    def published(self) -> dict[str, Any]:
        return {**super().published(), "not": {"enum": list(RESERVED)}}

    def read(self, value: Any) -> str:
        kind: str = super().read(value)
        if kind in RESERVED:
            raise ValidationError(self.must)
        return kind


class ActivitySchema(SourceSchema):
    """Something that a member did, beside buying."""

    activity_id = CallerId("The caller's own id; has one effect, for ever", required=True)
    member_id = CallerId("Enrolled by this activity if unknown", required=True)
    type = ActivityType("What it was, such as sign_in, share, review or referral", required=True)
    occurred_at = Instant("When it happened, not when it is sent", required=True)
    attributes = Attributes(
        "What rules may ask about it; of a referral, `referrer` is who brought the member"
    )

    @validates_schema
    def refuse_nobodys_referral(self, payload: dict[str, Any], **_how: Any) -> None:
        """Refuse a referral that does not say who brought the member."""
        if payload["type"] != REFERRAL:
            return
        attributes = payload.get("attributes", {})
        try:
            CallerId().read(attributes.get("referrer"))
        except ValidationError as error:
            raise ValidationError({"attributes": {"referrer": error.messages}}) from None


class ActivityAnswerSchema(JudgedSchema):
    """What an activity earned."""

    activity_id = CallerId(required=True)
    type = ActivityType(required=True)
    lots = fields.List(fields.Nested(OpenedLotSchema), required=True)


class ReferralsQuery(MemberQuery, PageQuery):
    """A page of the members whom a member has brought."""


class ReferralSchema(Answer):
    """A member who was brought."""

    member_id = CallerId("Who was brought", required=True)
    status = Choice(["pending", "settled"], "Pending until the first purchase", required=True)
    recorded_at = Instant(required=True)
    points = Points("Given to the referrer, less what returns took back", minimum=0, required=True)
    growth = Points("Likewise", minimum=0, required=True)
