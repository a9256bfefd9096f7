"""The shapes of the report of an experiment."""

from marshmallow import fields

from ledger.http.fields import Answer, CallerId, DecimalText, Instant, MoneySchema, Strict

ExperimentQuery = Strict.from_dict(
    {
        "code": CallerId("The experiment", required=True),
        "from": Instant("Purchases from then on; from the beginning, if left out"),
        "until": Instant("And before then; all, if left out"),
    },
    name="ExperimentQuery",
)


def _sum(description: str) -> fields.Integer:
    # Without a bound: of a member's amounts there is one, of the sum over all members there is none.
    return fields.Integer(required=True, metadata={"description": description, "minimum": 0})


class ArmReportSchema(Answer):
    """What the members of an arm did, from the first purchase on which the arm is stamped."""

    arm = CallerId("The arm", required=True)
    members = _sum("Members by their first stamp")
    share_expected = DecimalText("By the weights", required=True)
    share = DecimalText("Of the members", required=True)
    purchases = _sum("Stamped with any arm")
    spend = fields.Nested(MoneySchema, required=True)
    points_issued = _sum("For these purchases, before returns")
    growth_issued = _sum("For these purchases, before returns")
    points_redeemed = fields.Integer(
        required=True, metadata={"description": "Since the first stamp, less what was refunded"}
    )
    members_returning = _sum("Members with a second purchase")
    visits_per_member = DecimalText("Purchases for each member", required=True)


class SampleRatioSchema(Answer):
    """Whether chance alone may have put the members into the arms as it did."""

    chi_square = fields.String(required=True)
    degrees_of_freedom = fields.Integer(required=True)
    p_value = fields.String(required=True, metadata={"description": "Below 0.001 something else has sorted"})
    is_suspicious = fields.Boolean(required=True, metadata={"description": "Do not compare the arms"})


class ExperimentReportSchema(Answer):
    """The arms side by side."""

    experiment = CallerId("The experiment", required=True)
    arms = fields.List(fields.Nested(ArmReportSchema), required=True)
    sample_ratio = fields.Nested(SampleRatioSchema, required=True, allow_none=True)
