"""The fields that every schema is built from: strict on the way in, exact in the published document.

None of them converts. A number is a JSON integer, never a text, a boolean or ``5.0``; a time carries its
offset; an id has its one form. What a field accepts and what ``published`` says are the same set, so
that a client generated from the document can send nothing that is refused for its shape.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import iso4217
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields

from ledger.http.lanes import Read, lane_of, loaded
from ledger.money import MAX_AMOUNT

CALLER_ID = "[A-Za-z0-9._:-]{1,64}"
MAX_ATTRIBUTES = 32

CURRENCIES = frozenset(
    # Metals, test codes and the like have no minor unit: an amount of them would mean nothing.
    currency.code
    for currency in iso4217.Currency
    if currency.exponent is not None
)

_NO_CONTROLS = r"[^\x00-\x1f\x7f]"
_YEAR = "(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-7][0-9]{2})"
_DAY = _YEAR + "-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_INSTANT = f"{_DAY}[Tt]{_HOUR}:[0-5][0-9](?:\\.[0-9]{{1,9}})?(?:[Zz]|[+-]{_HOUR})"
_SHOWN_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9800, 1, 1, tzinfo=UTC)


class Strict(Schema):
    """Base of every schema of a request: a member that it does not name is refused."""

    class Meta:
        unknown = RAISE

    @cached_property
    def _lane(self) -> Read | None:
        return lane_of(self)

    def load(self, data: Any, **how: Any) -> Any:
        """The payload as marshmallow reads it; ValidationError naming every fault."""
        found = None if how else loaded(self._lane, data)
        return super().load(data, **how) if found is None else found


class Answer(Schema):
    """Base of every schema of an answer: it documents what is sent, and members may be added to it."""

    class Meta:
        unknown = EXCLUDE


class Plain(fields.Field[Any]):
    """A field that reads one JSON value without converting it and publishes itself."""

    def __init__(self, description: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.description = description

    def published(self) -> dict[str, Any]:
        """The JSON Schema of exactly what this field accepts."""
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        """The inside form of ``value``; ValidationError saying what it must be otherwise."""
        raise NotImplementedError

    def _deserialize(self, value: Any, *_where: Any, **_how: Any) -> Any:
        return self.read(value)


class Integer(Plain):
    """A JSON integer between two bounds."""

    def __init__(self, minimum: int, maximum: int, description: str = "", **kwargs: Any) -> None:
        super().__init__(description, **kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def published(self) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": self.minimum, "maximum": self.maximum}

    def read(self, value: Any) -> int:
        # A boolean is an int to Python, and 5.0 is an integer to JSON Schema: neither is an amount.
        if type(value) is not int:
            raise ValidationError("must be an integer, written without quotes, fraction or exponent")
        if not self.minimum <= value <= self.maximum:
            raise ValidationError(f"must be from {self.minimum} to {self.maximum}")
        return value


class Points(Integer):
    """An amount of points, growth or minor units of money: 1 to 2^53-1."""

    def __init__(self, description: str = "", *, minimum: int = 1, **kwargs: Any) -> None:
        super().__init__(minimum, MAX_AMOUNT, description, **kwargs)


class SignedPoints(Integer):
    """A change of points, up or down, never none: ±1 to ±(2^53-1)."""

    def __init__(self, description: str = "", **kwargs: Any) -> None:
        super().__init__(-MAX_AMOUNT, MAX_AMOUNT, description, **kwargs)

    def published(self) -> dict[str, Any]:
        return {**super().published(), "not": {"const": 0}}

    def read(self, value: Any) -> int:
        if value == 0 and type(value) is int:
            raise ValidationError("must not be 0")
        return super().read(value)


class Pattern(Plain):
    """A text of one form, given by a regular expression over the whole of it."""

    pattern: str
    must: str

    def __init_subclass__(cls) -> None:
        if "pattern" in cls.__dict__:
            cls._matches = staticmethod(re.compile(cls.pattern).fullmatch)

    _matches: Callable[[str], re.Match[str] | None]

    def published(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}

    def read(self, value: Any) -> Any:
        if type(value) is not str or not self._matches(value):
            raise ValidationError(self.must)
        return value


class CallerId(Pattern):
    """An id that the caller gives: of a member, a purchase, a return, any reference."""

    pattern = CALLER_ID
    must = "must be 1 to 64 of A-Z a-z 0-9 . _ : -"


class RegionCode(Pattern):
    """A region with rules of its own. Without a colon: with one, its code begins the names of what is its own."""

    pattern = "[A-Za-z0-9._-]{1,63}"
    must = "must be 1 to 63 of A-Z a-z 0-9 . _ -"


class ContentHash(Pattern):
    """A SHA-256 in hex."""

    pattern = "[0-9a-f]{64}"
    must = "must be 64 hex digits in lower case"


class DecimalText(Pattern):
    """A non-negative decimal as text, such as a rate: a JSON number would pass through a float."""

    pattern = r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?"
    must = 'must be a decimal in a string, such as "0.0100", with at most 12 digits on either side'

    def read(self, value: Any) -> Decimal:
        return Decimal(super().read(value))


class Instant(Pattern):
    """A moment: RFC 3339 with its offset, 1970 to 9799. Aware UTC inside; finer than a microsecond is cut.

    A time without offset is refused, not guessed. So is a leap second, which no clock here can hold.
    The bounds leave room to either side: no conversion leaves the calendar, and no policy, of a hundred
    years at most, ends beyond it. Answers show times in one form, some of them beyond these bounds.
    """

    pattern = _INSTANT
    must = "must be an RFC 3339 time with offset, such as 2026-11-01T10:00:00+08:00, from 1970 to 9799"

    def published(self) -> dict[str, Any]:
        is_answer = isinstance(getattr(self, "parent", None), Answer)
        shape = {"type": "string", "pattern": f"^{_SHOWN_INSTANT}$"} if is_answer else super().published()
        return {**shape, "format": "date-time"}

    def read(self, value: Any) -> datetime:
        if type(value) is str and value[17:19] == "60":
            raise ValidationError("leap seconds are not supported")
        try:
            instant = datetime.fromisoformat(super().read(value).upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("there is no such time") from None
        if not _EPOCH <= instant < _END:
            raise ValidationError(self.must)
        return instant


class Day(Pattern):
    """A calendar day in the program's time zone, 1970 to 9799."""

    pattern = _DAY
    must = "must be a day such as 2026-11-01"

    def published(self) -> dict[str, Any]:
        return {**super().published(), "format": "date"}

    def read(self, value: Any) -> date:
        try:
            return date.fromisoformat(super().read(value))
        except ValueError:
            raise ValidationError("there is no such day") from None


class LedgerId(CallerId):
    """An id of ours: its prefix and 32 hex digits. Any other id of sound form simply names nothing."""

    def __init__(self, prefix: str, description: str = "", **kwargs: Any) -> None:
        super().__init__(description or f"`{prefix}_` and 32 hex digits", **kwargs)


class Currency(Plain):
    """A currency of ISO 4217 that has a minor unit."""

    def published(self) -> dict[str, Any]:
        return {"type": "string", "enum": sorted(CURRENCIES)}

    def read(self, value: Any) -> str:
        if type(value) is not str or value not in CURRENCIES:
            raise ValidationError("must be a currency code of ISO 4217, such as CNY")
        return value


class Text(Plain):
    """A short text on one line."""

    def __init__(self, maximum: int = 64, description: str = "", **kwargs: Any) -> None:
        super().__init__(description, **kwargs)
        self.maximum = maximum
        self._matches = re.compile(f"{_NO_CONTROLS}{{1,{maximum}}}").fullmatch

    def published(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.maximum, "pattern": f"^{_NO_CONTROLS}+$"}

    def read(self, value: Any) -> str:
        if type(value) is not str or not self._matches(value):
            raise ValidationError(f"must be 1 to {self.maximum} characters of text on one line")
        return value


class Choice(Plain):
    """One of a closed list of words."""

    def __init__(self, choices: Sequence[str], description: str = "", **kwargs: Any) -> None:
        super().__init__(description, **kwargs)
        self.choices = tuple(choices)

    def published(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def read(self, value: Any) -> str:
        if type(value) is not str or value not in self.choices:
            raise ValidationError(f"must be one of {', '.join(self.choices)}")
        return value


class Truth(Plain):
    """JSON's true or false, and nothing that resembles them."""

    def published(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def read(self, value: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError("must be true or false")
        return value


class Null(Plain):
    """A member that may be named but only be null, for what is not offered yet."""

    def __init__(self, description: str = "", **kwargs: Any) -> None:
        super().__init__(description, allow_none=True, **kwargs)

    def published(self) -> dict[str, Any]:
        return {"type": "null"}

    def read(self, value: Any) -> None:
        raise ValidationError("must be null: this is not offered yet")


class Attributes(Plain):
    """A flat object of a caller's own facts: up to 32 names, each with a text, an integer or a truth."""

    def published(self) -> dict[str, Any]:
        value = {
            "anyOf": [
                Text(256).published(),
                Integer(-MAX_AMOUNT, MAX_AMOUNT).published(),
                {"type": "boolean"},
            ]
        }
        return {
            "type": "object",
            "maxProperties": MAX_ATTRIBUTES,
            "propertyNames": {"pattern": f"^{CALLER_ID}$"},
            "additionalProperties": value,
        }

    def read(self, value: Any) -> dict[str, str | int | bool]:
        if type(value) is not dict or len(value) > MAX_ATTRIBUTES:
            raise ValidationError(f"must be an object of at most {MAX_ATTRIBUTES} members")
        for name, item in value.items():
            self._check(name, item)
        return value

    @staticmethod
    def _check(name: str, item: Any) -> None:
        try:
            CallerId().read(name)
            if type(item) is str:
                Text(256).read(item)
            elif type(item) is not bool:
                Integer(-MAX_AMOUNT, MAX_AMOUNT).read(item)
        except ValidationError as error:
            raise ValidationError(f"the member {name[:64]!r}: {error.messages[0]}") from None


class Count(Integer):
    """An integer of a query string: ASCII digits only, without sign or leading zeros."""

    def read(self, value: Any) -> int:
        if type(value) is not str or not re.fullmatch("0|[1-9][0-9]{0,15}", value):
            raise ValidationError("must be an integer")
        return super().read(int(value))


class Flag(Truth):
    """The words true or false in a query string."""

    def read(self, value: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("must be true or false")
        return bool(value == "true")


class MoneySchema(Strict):
    """An amount of money in minor units."""

    amount = Points("Minor units, such as fen", minimum=0, required=True)
    currency = Currency(required=True)


class PriceSchema(Strict):
    """An amount of money in minor units, at least one."""

    amount = Points("Minor units, such as fen", required=True)
    currency = Currency(required=True)


def money(*, minimum: int = 0, **kwargs: Any) -> fields.Nested:
    """A field of ``{"amount", "currency"}``, from ``minimum`` (0 or 1) minor units."""
    return fields.Nested(PriceSchema if minimum else MoneySchema, **kwargs)
