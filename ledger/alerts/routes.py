"""Routes of alerts: what somebody should look at, and who has."""

from typing import Any

from marshmallow import fields

from ledger import errors
from ledger.accounts.schemas import PageQuery, page_of
from ledger.alerts.register import acknowledge, list_alerts
from ledger.alerts.words import ALERTS
from ledger.http.endpoint import Routes
from ledger.http.fields import Answer, Choice, Flag, Instant, LedgerId, Strict, Text
from ledger.http.services import Call
from ledger.rules.schemas import ExplanationSchema

routes = Routes("Alerts", "What somebody should look at: raised once for each subject, and acknowledged.")


class AlertsQuery(PageQuery):
    """A page of the alerts."""

    acknowledged = Flag("Only those that are, or are not")


class AcknowledgeSchema(Strict):
    """That somebody has looked."""

    alert_id = LedgerId("alr", required=True)
    note = Text(256, "What came of it, in words; kept", required=True)


class AlertSchema(Answer):
    """What somebody should look at."""

    alert_id = LedgerId("alr", required=True)
    code = Choice(sorted(ALERTS), required=True)
    subject = fields.String(required=True)
    details = fields.Dict(required=True)
    text = fields.Nested(ExplanationSchema, required=True)
    raised_at = Instant(required=True)
    acknowledged_at = Instant(required=True, allow_none=True)
    acknowledged_by = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


@routes.get("/v1/alerts", scope="read", schema=AlertsQuery, answer=page_of(AlertSchema))
def list_program_alerts(call: Call, **page: Any) -> dict[str, Any]:
    """List the alerts, newest first."""
    with call.database.read() as connection:
        return list_alerts(connection, call.program, **page).shown()


@routes.post(
    "/v1/alerts/<alert_id>/acknowledge",
    scope="switch",
    schema=AcknowledgeSchema,
    answer=AlertSchema,
    refusals=(errors.AlertUnknown, errors.OutcomeUnknown),
)
def acknowledge_alert(call: Call, alert_id: str, note: str) -> dict[str, Any]:
    """Acknowledge an alert.

    It stays in the list with who has looked at it, and when. The first acknowledgement stays.
    """
    return call.database.run(
        lambda connection: acknowledge(
            connection, call.program, alert_id, note, by=call.principal, now=call.now
        )
    )
