"""Routes of tills that are offline now and then: what of them has arrived, and what nothing covered."""

from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, fields

from ledger import errors
from ledger.clock import local_date
from ledger.http.endpoint import Routes
from ledger.http.fields import Answer, CallerId, Day, Instant, Integer, Points, Strict
from ledger.http.services import Call
from ledger.journal.till_batches import device_state
from ledger.money import MAX_AMOUNT
from ledger.redemption.overruns import list_overruns

routes = Routes(
    "Tills offline", "Numbered batches that come late, and points that were taken without asking."
)


class DeviceQuery(Strict):
    """A device."""

    device_id = CallerId(required=True)


class DeviceSchema(Answer):
    """What of a device's batches has arrived."""

    device_id = CallerId(required=True)
    last_sequence = Integer(1, MAX_AMOUNT, required=True)
    received_at = Instant("When anything came last", required=True)
    missing = fields.List(
        Integer(1, MAX_AMOUNT),
        required=True,
        metadata={"description": "Numbers among the last 1,000 that have not arrived"},
    )


class OverrunsQuery(Strict):
    """How far to look back."""

    since = Day("A local day; 30 days ago if left out")


class OverrunSchema(Answer):
    """Points that a device took from a member in a day and that nothing covered."""

    member_id = CallerId(required=True)
    device_id = CallerId(required=True)
    day = Day(required=True)
    points = Points(required=True)
    times = Integer(1, MAX_AMOUNT, required=True)
    debt = Points("What the member owes in all today", minimum=0, required=True)


class OverrunsSchema(Schema):
    """The overruns, the latest day first."""

    data = fields.List(fields.Nested(OverrunSchema), required=True)


@routes.get(
    "/v1/devices/<device_id>",
    scope="read",
    schema=DeviceQuery,
    answer=DeviceSchema,
    refusals=(errors.DeviceUnknown,),
)
def show_device(call: Call, device_id: str) -> dict[str, Any]:
    """Show what of a device's batches has arrived, and which numbers are missing."""
    with call.database.read() as connection:
        return device_state(connection, call.program, device_id)


@routes.get("/v1/reports/offline-overruns", scope="finance", schema=OverrunsQuery, answer=OverrunsSchema)
def show_overruns(call: Call, since: date | None = None) -> dict[str, Any]:
    """Show what tills took offline and nothing covered.

    By member, device and local day, the latest first; at most 1,000 rows.
    """
    since = since or local_date(call.now, call.program.timezone) - timedelta(days=30)
    with call.database.read() as connection:
        return {"data": list_overruns(connection, call.program, since)}
