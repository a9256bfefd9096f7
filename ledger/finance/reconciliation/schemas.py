"""The shapes of reconciliations."""

from typing import Any

from marshmallow import ValidationError, fields

from ledger.accounts.schemas import PageQuery
from ledger.finance.reconciliation.matching import AGES
from ledger.finance.reconciliation.uploads import KINDS
from ledger.http.fields import Answer, Choice, ContentHash, Day, Instant, LedgerId, Plain, Strict, Text
from ledger.http.parsing import BODY_LIMIT


class CsvText(Plain):
    """A file as one text: a head of several columns and rows. What they say is read elsewhere."""

    def published(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": BODY_LIMIT, "pattern": ","}

    def read(self, value: Any) -> bytes:
        if type(value) is not str or "," not in value:
            raise ValidationError("must be the text of a CSV file")
        return value.encode()


_ASKED: dict[str, fields.Field[Any]] = {
    "kind": Choice(KINDS, "What the rows are", required=True),
    "from": Day("The first day, where the program is; that of the earliest row if left out"),
    "to": Day("The last day, it included; that of the latest row if left out"),
}
ReconcileQuery = Strict.from_dict(_ASKED, name="ReconcileQuery")
ReconcileQuery.__doc__ = "What a CSV file is."
ReconcileSchema = Strict.from_dict(
    {
        **_ASKED,
        "csv": CsvText(
            "A head and rows, in UTF-8. Orders: `purchase_id`, `occurred_at`, `amount`, and if you like"
            " `member_id`, `currency`, `store`, `returned`. Payments: `type`, `reference`, `occurred_at`, `points`,"
            " `amount`, and if you like `member_id`, `currency`. Money in minor units",
            required=True,
        ),
    },
    name="ReconcileSchema",
)
ReconcileSchema.__doc__ = "What another system has, to be held against the books."


class ReconciliationQuery(PageQuery):
    """A reconciliation, and a page of its exceptions."""

    reconciliation_id = LedgerId("rcn", required=True)


def _count(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description, "minimum": 0})


_CLASSES = {
    "missing": _count("In the upload, and not in the books"),
    "extra": _count("In the books, and not in the upload"),
    "different": _count("In both, and not the same"),
}
ReconciliationAgeSchema = Answer.from_dict(
    {"days": Choice(AGES, "Days since it happened", required=True), **_CLASSES},
    name="ReconciliationAgeSchema",
)
ReconciliationAgeSchema.__doc__ = "Exceptions of an age."

_HEAD = {
    "reconciliation_id": LedgerId("rcn", required=True),
    "kind": Choice(KINDS, required=True),
    "from": Day(required=True),
    "to": Day(required=True),
    "recorded_at": Instant("The books are taken as they were known then", required=True),
    "uploaded_by": fields.String(
        required=True, metadata={"description": "The id of a key, or `command line`"}
    ),
    "digest": ContentHash("SHA-256 of the upload", required=True),
    "uploaded": _count("Rows of the upload: matched + missing + different"),
    "matched": _count("In both, and the same"),
    **_CLASSES,
    "ageing": fields.List(fields.Nested(ReconciliationAgeSchema), required=True),
    "previous_id": LedgerId(
        "rcn", "The one before, of the same kind and days; null for the first", required=True, allow_none=True
    ),
}
ReconciliationHeadSchema: type[Any] = Answer.from_dict(_HEAD, name="ReconciliationHeadSchema")
ReconciliationHeadSchema.__doc__ = "What came of an upload."


class DifferenceSchema(Answer):
    """A field on which the two sides do not agree."""

    field = fields.String(required=True)
    uploaded = fields.Raw(required=True)
    booked = fields.Raw(required=True, allow_none=True)


class ReconciliationExceptionSchema(Answer):
    """What does not match."""

    outcome = Choice(tuple(_CLASSES), required=True)
    type = fields.String(required=True, metadata={"description": "`purchase`, or the type of a payment"})
    reference = fields.String(required=True)
    day = Day("On which it happened, where the program is; as the upload says, if it does", required=True)
    age_days = _count("Days since then")
    line = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of the upload; null for what is extra"}
    )
    uploaded = fields.Dict(required=True, allow_none=True)
    booked = fields.Dict(required=True, allow_none=True)
    differences = fields.List(fields.Nested(DifferenceSchema), required=True)


ReconciliationSchema = Answer.from_dict(
    {
        **_HEAD,
        "resolved": fields.Integer(
            required=True,
            allow_none=True,
            metadata={
                "description": "Exceptions of the one before that are none any more; null for the first"
            },
        ),
        "data": fields.List(
            fields.Nested(ReconciliationExceptionSchema),
            required=True,
            metadata={"description": "A page of the exceptions, by type and reference"},
        ),
        "next_cursor": Text(64, "Leads to the next page; null on the last", required=True, allow_none=True),
    },
    name="ReconciliationSchema",
)
ReconciliationSchema.__doc__ = "What came of an upload, exception by exception."
