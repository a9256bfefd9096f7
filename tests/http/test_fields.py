"""The fields: strict on the way in, and published as exactly what they accept."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError
from openapi_schema_validator import OAS31Validator

from ledger.http.fields import (
    Attributes,
    CallerId,
    Choice,
    Count,
    Currency,
    Day,
    DecimalText,
    Flag,
    Instant,
    LedgerId,
    MoneySchema,
    Null,
    Plain,
    Points,
    PriceSchema,
    SignedPoints,
    Strict,
    Text,
    Truth,
)

MAX = 2**53 - 1
INSTANT = "2026-11-01T10:00:00+08:00"

GOOD: list[tuple[Plain, Any, Any]] = [
    (Points(), 1, 1),
    (Points(), MAX, MAX),
    (Points(minimum=0), 0, 0),
    (SignedPoints(), -MAX, -MAX),
    (SignedPoints(), 5, 5),
    (CallerId(), "A.z_0:9-", "A.z_0:9-"),
    (CallerId(), "a" * 64, "a" * 64),
    (Currency(), "CNY", "CNY"),
    (Currency(), "JPY", "JPY"),
    (DecimalText(), "0.0100", Decimal("0.0100")),
    (DecimalText(), "12", Decimal(12)),
    (Truth(), True, True),
    (Choice(("a", "b")), "b", "b"),
    (Text(), "积分 ok", "积分 ok"),
    (LedgerId("ent"), "ent_" + "0" * 32, "ent_" + "0" * 32),
    (Attributes(), {"a": "x", "b": 1, "c": True}, {"a": "x", "b": 1, "c": True}),
    (Instant(), INSTANT, datetime(2026, 11, 1, 2, tzinfo=UTC)),
    (Instant(), "2026-11-01T02:00:00Z", datetime(2026, 11, 1, 2, tzinfo=UTC)),
    (Instant(), "2026-11-01t02:00:00.5z", datetime(2026, 11, 1, 2, 0, 0, 500_000, tzinfo=UTC)),
    (Instant(), "2026-11-01T02:00:00.123456789-00:00", datetime(2026, 11, 1, 2, 0, 0, 123_456, tzinfo=UTC)),
    (Instant(), "1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    (Instant(), "9799-12-31T23:59:59Z", datetime(9799, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (Instant(), "2026-11-01T23:59:59+23:59", datetime(2026, 11, 1, 0, 0, 59, tzinfo=UTC)),
    (Day(), "2028-02-29", datetime(2028, 2, 29, tzinfo=UTC).date()),
]

WRONG_FOR_ALL: tuple[Any, ...] = (None, [], {"a": None}, "", "\0", "x\n", 1.5, Decimal("1.0"))

BAD: list[tuple[Plain, Any]] = [
    *((Points(), value) for value in (0, -1, MAX + 1, 2**63, True, "5", "５", Decimal(5), 5.0)),
    *((SignedPoints(), value) for value in (0, False, MAX + 1, -MAX - 1, "-5", Decimal(-5))),
    *((CallerId(), value) for value in ("a" * 65, "a b", "a/b", "../a", "é", "ａ", "a\n", "a\0", 7)),
    *((Currency(), value) for value in ("cny", "RMB", "XAU", "XXX", "CN", "CNYY", 156)),
    *((DecimalText(), value) for value in ("1.", ".5", "-1", "1e5", "01", "NaN", "1" * 13, 1, Decimal(1))),
    *((Truth(), value) for value in (0, 1, "true", "false", "yes")),
    *((Choice(("a", "b")), value) for value in ("c", "A", 1)),
    *((Text(5), value) for value in ("123456", "a\tb", "a\x7f", 5)),
    *((LedgerId("ent"), value) for value in ("a b", "", "x" * 65, 5)),
    (Attributes(), []),
    (Attributes(), {"a": None}),
    (Attributes(), {"a": []}),
    (Attributes(), {"a": ""}),
    (Attributes(), {"a": Decimal(1)}),
    (Attributes(), {"a": MAX + 1}),
    (Attributes(), {"a b": 1}),
    (Attributes(), {str(n): n for n in range(33)}),
    *(
        (Instant(), value)
        for value in (
            "2026-11-01T10:00:00",
            "2026-11-01 10:00:00Z",
            "2026-11-01",
            "20261101T100000Z",
            "2026-W44-7T10:00:00Z",
            "2026-11-01T10:00Z",
            "2026-11-01T10:00:00+0800",
            "2026-11-01T10:00:00+08",
            "2026-11-01T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-12-31T23:59:60Z",
            "2026-11-01T10:00:00+24:00",
            "2026-11-01T10:00:00+08:60",
            "2026-11-01T10:60:00Z",
            "2026-12-31T23:59:61Z",
            "9800-01-01T00:00:00Z",
            "9799-12-31T23:59:59-14:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+08:00",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
            "２０２６-11-01T10:00:00Z",
            "2026-11-01T10:00:00.1234567890Z",
            1_793_500_000,
        )
    ),
    *((Day(), value) for value in ("2026-02-29", "2026-1-1", "20260101", "1969-12-31", "9800-01-01")),
]

# Of what is refused, a JSON Schema cannot say which days and offsets there are; to it 5.0 is an integer; and
# "$" in Python's regular expressions lets a last line end pass.
BY_FORM = [
    (field, value)
    for field, value in BAD
    if not isinstance(field, Instant | Day) and not isinstance(value, Decimal | float) and value != "a\n"
]


@pytest.mark.parametrize(("field", "value", "read"), GOOD)
def test_what_a_field_accepts_is_published_as_valid(field: Plain, value: Any, read: Any) -> None:
    assert field.deserialize(value) == read
    assert type(field.deserialize(value)) is type(read)
    assert OAS31Validator(field.published()).is_valid(value)


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_field_refuses(field: Plain, value: Any) -> None:
    with pytest.raises(ValidationError):
        field.deserialize(value)


@pytest.mark.parametrize(("field", "value"), BY_FORM)
def test_what_a_field_refuses_for_its_form_is_published_as_invalid(field: Plain, value: Any) -> None:
    assert not OAS31Validator(field.published()).is_valid(value)


@pytest.mark.parametrize("field", {type(field): field for field, *_ in GOOD}.values())
def test_no_field_takes_what_is_wrong_for_all(field: Plain) -> None:
    for value in WRONG_FOR_ALL:
        with pytest.raises(ValidationError):
            field.deserialize(value)


@pytest.mark.parametrize("value", ["", "01", "+1", "-1", "1.0", "１", " 1", "201", "0", "1e2", "9" * 30])
def test_a_count_in_a_query_is_plain_digits_within_its_bounds(value: str) -> None:
    with pytest.raises(ValidationError):
        Count(1, 200).deserialize(value)
    assert Count(1, 200).deserialize("200") == 200


@pytest.mark.parametrize("value", ["True", "1", "", "yes"])
def test_a_flag_in_a_query_is_one_of_two_words(value: str) -> None:
    with pytest.raises(ValidationError):
        Flag().deserialize(value)
    assert Flag().deserialize("true") is True
    assert Flag().deserialize("false") is False


def test_a_schema_refuses_members_that_it_does_not_name() -> None:
    class OneSchema(Strict):
        points = Points()

    with pytest.raises(ValidationError):
        OneSchema().load({"points": 1, "balance": 1_000_000})


def test_money_has_an_amount_in_minor_units_and_a_currency() -> None:
    assert MoneySchema().load({"amount": 0, "currency": "CNY"}) == {"amount": 0, "currency": "CNY"}
    for bad in (
        {"amount": 1},
        {"currency": "CNY"},
        {"amount": "1", "currency": "CNY"},
        {"amount": 1, "currency": ""},
    ):
        with pytest.raises(ValidationError):
            MoneySchema().load(bad)
    with pytest.raises(ValidationError):
        PriceSchema().load({"amount": 0, "currency": "CNY"})


def test_a_member_that_is_not_offered_yet_may_only_be_null() -> None:
    assert Null().deserialize(None) is None
    with pytest.raises(ValidationError, match="not offered yet"):
        Null().deserialize("quo_1")
