"""Policies as they come and go over HTTP: an object that names its kind, and the one number that the kind takes."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from ledger.http.fields import Integer, Plain

_COUNTS = {"days": (1, 36_500), "months": (0, 1_200), "grace_days": (1, 3_650)}


class Policy(Plain):
    """A policy by its kind, with the one number that the kind takes, if it takes one."""

    def __init__(
        self, name: str, kinds: Mapping[str, str | None], description: str = "", **kwargs: Any
    ) -> None:
        super().__init__(description, **kwargs)
        self.name_of_kind = name
        self.kinds = kinds

    def published(self) -> dict[str, Any]:
        return {"oneOf": [self._published(kind, count) for kind, count in self.kinds.items()]}

    def _published(self, kind: str, count: str | None) -> dict[str, Any]:
        properties: dict[str, Any] = {self.name_of_kind: {"const": kind}}
        if count:
            properties[count] = Integer(*_COUNTS[count]).published()
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def read(self, value: Any) -> dict[str, Any]:
        kind = value.get(self.name_of_kind) if type(value) is dict else None
        if type(kind) is not str or kind not in self.kinds:
            raise ValidationError(
                f"must be an object whose {self.name_of_kind} is one of {', '.join(self.kinds)}"
            )
        count = self.kinds[kind]
        if set(value) != {self.name_of_kind} | ({count} if count else set()):
            takes = f"takes {count} and nothing else" if count else "takes nothing else"
            raise ValidationError(f"{kind} {takes}")
        if count:
            Integer(*_COUNTS[count]).read(value[count])
        return dict(value)


EXPIRY_KINDS = {
    "never": None,
    "fixed_days": "days",
    "end_of_month": "months",
    "end_of_quarter": "months",
    "end_of_year": "months",
    "rolling": "months",
}

FIXED_KINDS = {kind: count for kind, count in EXPIRY_KINDS.items() if kind != "rolling"}
"""Those whose end no later activity moves."""
