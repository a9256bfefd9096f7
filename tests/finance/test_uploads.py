"""Uploads are read strictly: what cannot be meant is refused by its line and column, and nothing is guessed."""

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvalidRequest
from ledger.finance.reconciliation import uploads
from ledger.finance.reconciliation.uploads import Upload

HEAD = b"purchase_id,occurred_at,amount\n"
AT = b"2026-03-01T10:00:00+08:00"
ROW = b"p-1," + AT + b",100\n"


def read(csv: bytes, kind: str = "orders") -> list[Any]:
    with Upload(kind, BytesIO(csv), "Asia/Shanghai") as upload:
        rows = list(upload)
        assert len(rows) == upload.count
        return rows


def test_row_is_what_it_says() -> None:
    head = b"store,amount,purchase_id,member_id,occurred_at,returned,currency\r\n"
    (row,) = read(head + b'"s, the 1st",1250,p-1,m-1,2026-03-01T23:30:00Z,0,CNY\r\n')
    assert (row.key, row.day, row.line) == (("purchase", "p-1"), date(2026, 3, 2), 2)
    assert row.fields == {
        "amount": 1250, "currency": "CNY", "member_id": "m-1", "store": "s, the 1st", "returned": 0,
    }  # fmt: skip


def test_payment_is_known_by_its_type_and_reference() -> None:
    head = b"type,reference,occurred_at,points,amount\n"
    rows = read(head + b"refund,x-1," + AT + b",5,0\nredemption,x-1," + AT + b",9,20\n", "payments")
    assert [(row.key, row.fields, row.line) for row in rows] == [
        (("redemption", "x-1"), {"points": 9, "amount": 20}, 3),
        (("refund", "x-1"), {"points": 5, "amount": 0}, 2),
    ]


@pytest.mark.parametrize(
    "csv",
    [
        b"\xef\xbb\xbf" + HEAD + ROW,
        HEAD + ROW.rstrip(),
        HEAD.replace(b"\n", b"\r\n") + ROW.replace(b"\n", b"\r\n"),
        HEAD + b"\n" + ROW + b"\n\n",
        b'"purchase_id","occurred_at","amount"\n"p-1","' + AT + b'","100"\n',
        b"purchase_id,occurred_at,amount,store\np-1," + AT + b",100,\n",
    ],
    ids=["byte order mark", "no last end of line", "CRLF", "blank lines", "all in quotes", "nothing said"],
)
def test_same_row_may_be_written_in_several_ways(csv: bytes) -> None:
    (row,) = read(csv)
    assert (row.key, row.fields["amount"]) == (("purchase", "p-1"), 100)
    assert row.fields.get("store") is None


def bad(row: bytes) -> bytes:
    return HEAD + ROW + row


REFUSED: dict[str, tuple[bytes, str]] = {
    "no head": (b"", "line 1, column purchase_id: is required"),
    "blank head": (b"\n" + HEAD + ROW, "line 1, column purchase_id: is required"),
    "column that is missing": (b"purchase_id,amount\n", "line 1, column occurred_at: is required"),
    "column that nobody knows": (HEAD.replace(b"amount", b"total"), "line 1, column total: is not known"),
    "column of the other kind": (HEAD.replace(b"amount", b"points"), "line 1, column points: is not known"),
    "column with a space": (HEAD.replace(b"amount", b" amount"), "line 1, column  amount: is not known"),
    "column twice": (b"purchase_id,occurred_at,amount,amount\n", "line 1, column amount: stands there twice"),
    "head that is no head": (ROW, "line 1, column p-1: is not known"),
    "decimal amount": (bad(b"p-2," + AT + b",1.00\n"), "line 3, column amount: must be a whole number"),
    "comma in an amount": (bad(b"p-2," + AT + b',"1,000"\n'), "line 3, column amount: must be a whole number"),
    "negative amount": (bad(b"p-2," + AT + b",-1\n"), "line 3, column amount: must be a whole number"),
    "amount with a plus": (bad(b"p-2," + AT + b",+1\n"), "line 3, column amount: must be a whole number"),
    "leading zero": (bad(b"p-2," + AT + b",007\n"), "line 3, column amount: must be a whole number"),
    "exponent": (bad(b"p-2," + AT + b",1e3\n"), "line 3, column amount: must be a whole number"),
    "digits of another script": (bad(b"p-2," + AT + ",５\n".encode()), "line 3, column amount: must be a whole"),
    "beyond 2^53-1": (bad(b"p-2," + AT + b",9007199254740992\n"), "line 3, column amount: must be a whole"),
    "space around a number": (bad(b"p-2," + AT + b", 5\n"), "line 3, column amount: must be a whole number"),
    "no amount": (bad(b"p-2," + AT + b",\n"), "line 3, column amount: must be a whole number"),
    "no id": (bad(b"," + AT + b",5\n"), "line 3, column purchase_id: must be 1 to 64 of"),
    "id with a space": (bad(b"p 2," + AT + b",5\n"), "line 3, column purchase_id: must be 1 to 64 of"),
    "time without offset": (bad(b"p-2,2026-03-01T10:00:00,5\n"), "line 3, column occurred_at: must be an RFC 3339"),
    "day alone": (bad(b"p-2,2026-03-01,5\n"), "line 3, column occurred_at: must be an RFC 3339"),
    "no such day": (bad(b"p-2,2026-02-30T10:00:00Z,5\n"), "line 3, column occurred_at: there is no such time"),
    "too few values": (bad(b"p-2," + AT + b"\n"), "line 3: has 2 values, and there are 3 columns"),
    "too many values": (bad(b"p-2," + AT + b",5,6\n"), "line 3: has 4 values, and there are 3 columns"),
    "semicolons": (bad(b"p-2;" + AT + b";5\n"), "line 3: has 1 values, and there are 3 columns"),
    "quote that never ends": (bad(b'"p-2,' + AT + b",5\n"), "is not CSV"),
    "text after a quote": (bad(b'"p-2"x,' + AT + b",5\n"), "line 3: is not CSV"),
    "old line ends": ((HEAD + ROW).replace(b"\n", b"\r"), "line 1: is not CSV"),
    "not UTF-8": (bad(b"p-2," + AT + b",5\xff\n"), "line 3: is not UTF-8"),
    "UTF-16": ((HEAD + ROW).decode().encode("utf-16"), "line 1: is not UTF-8"),
    "NUL": (bad(b"p-2\0," + AT + b",5\n"), "line 3: must not contain the character NUL"),
    "field without an end": (bad(b"p" * 200_000 + b"," + AT + b",5\n"), "line 3: is not CSV"),
    "same id twice": (bad(b"p-2," + AT + b",5\np-1," + AT + b",7\n"), "line 4: purchase p-1 stands on line 2 already"),
}  # fmt: skip


@pytest.mark.parametrize(("csv", "said"), REFUSED.values(), ids=REFUSED)
def test_bad_row_is_refused_by_line_and_column(csv: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read(csv)
    assert said in refusal.value.detail
    assert [error["field"] for error in refusal.value.details["errors"]] == ["csv"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"sale,x-1," + AT + b",5,0", "column type: must be one of purchase, return"),
        (b",x-1," + AT + b",5,0", "column type: must be one of"),
        (b"refund,," + AT + b",5,0", "column reference: must be 1 to 64"),
        (b"refund,x-1," + AT + b",,0", "column points: must be a whole number"),
    ],
)
def test_bad_payment_is_refused(row: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read(b"type,reference,occurred_at,points,amount\n" + row, "payments")


@pytest.mark.parametrize(
    ("column", "value"), [("member_id", "m 1"), ("currency", "RMB"), ("currency", "cny"), ("returned", "-5")]
)
def test_optional_column_is_read_as_strictly(column: str, value: str) -> None:
    csv = HEAD.replace(b"amount", b"amount," + column.encode()) + ROW.replace(b"100", f"100,{value}".encode())
    with pytest.raises(InvalidRequest, match=f"line 2, column {column}: must be"):
        read(csv)


@given(
    numbers=st.lists(st.integers(0, 999), unique=True, min_size=1, max_size=60), at_once=st.integers(1, 20)
)
def test_rows_come_in_order_however_many_are_held_at_once(numbers: list[int], at_once: int) -> None:
    csv = HEAD + b"".join(b"p-%d,%b,%d\n" % (number, AT, number) for number in numbers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "ROWS_AT_ONCE", at_once)
        with Upload("orders", BytesIO(csv), "UTC") as upload:
            first, again = list(upload), list(upload)
    assert first == again
    assert [row.key[1] for row in first] == sorted(f"p-{number}" for number in numbers)
    assert {row.fields["amount"] for row in first} == set(numbers)
