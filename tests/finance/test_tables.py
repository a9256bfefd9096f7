"""CSV of reports: one rectangle that says what the JSON says, and that no spreadsheet runs."""

import csv
from decimal import Decimal
from io import StringIO
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.rendering import rendered
from ledger.finance.tables import Report, Table, cell, csv_of


def rows_of(report: Report) -> list[list[str]]:
    return list(csv.reader(StringIO(csv_of(report).decode(), newline=""), strict=True))


def test_csv_is_a_rectangle_of_all_tables_with_what_is_no_table_at_the_end() -> None:
    stores: list[dict[str, Any]] = [
        {"store": "s-1", "value": {"amount": 5, "currency": "CNY"}},
        {"store": None, "value": {"amount": -2, "currency": "CNY"}},
    ]
    body: dict[str, Any] = {
        "as_of": "2026-01-01",
        "window": {"from": "a", "to": "b"},
        "stores": stores,
        "none": [],
    }
    body["versions"] = [3, 4]
    report = Report(
        body | {"rate": Decimal("0.3000"), "is_whole": True, "difference": 0},
        Table("stores", ("store", "value.amount"), stores),
        Table("none", ("store", "rule"), []),
    )
    assert rows_of(report) == [
        ["table", "store", "value.amount", "rule", "name", "value"],
        ["stores", "s-1", "5", "", "", ""],
        ["stores", "", "-2", "", "", ""],
        ["report", "", "", "", "as_of", "2026-01-01"],
        ["report", "", "", "", "window.from", "a"],
        ["report", "", "", "", "window.to", "b"],
        ["report", "", "", "", "versions", "3"],
        ["report", "", "", "", "versions", "4"],
        ["report", "", "", "", "rate", "0.3000"],
        ["report", "", "", "", "is_whole", "true"],
        ["report", "", "", "", "difference", "0"],
    ]
    assert csv_of(report).count(b"\r\n") == 11
    assert orjson.loads(rendered(report)) == body | {"rate": "0.3000", "is_whole": True, "difference": 0}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("+86", "'+86"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'tis", "''tis"),
        ("-0.2500", "-0.2500"),
        ("s-1", "s-1"),
        ("a=b", "a=b"),
        ("", ""),
        (-5, "-5"),
        (10**15, "1000000000000000"),
        (Decimal("1E-7"), "0.0000001"),
        (False, "false"),
        (None, ""),
    ],
)
def test_cells_are_exact_and_no_text_is_a_formula(value: Any, shown: str) -> None:
    assert cell(value) == shown


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_comes_back_from_the_csv(text: str) -> None:
    (_, (_, shown, *_)) = rows_of(Report({}, Table("rows", ("text",), [{"text": text}])))
    assert shown.removeprefix("'") == text
    assert not shown.lstrip().startswith(("=", "+", "@")) and shown[:1] not in "\t\r\n"


def test_a_cell_cannot_hold_a_list_or_a_float() -> None:
    for value in ([1], 0.5):
        with pytest.raises(AssertionError):
            csv_of(Report({}, Table("rows", ("value",), [{"value": value}])))
