"""Matching is pure: every row of either side ends in exactly one class, and in the right one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.reconciliation.matching import AGES, Difference, Row, age_of, compare, match

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 10)


def rows(days: st.SearchStrategy[date]) -> st.SearchStrategy[list[Row]]:
    """Rows of few keys and few values, so that sides meet; in order of their keys, each once."""
    keys = st.tuples(st.sampled_from(["purchase", "refund"]), st.sampled_from("abcdefgh"))
    fields = st.fixed_dictionaries({"amount": st.integers(1, 2), "store": st.sampled_from([None, "s-1"])})
    row = st.builds(Row, keys, days, fields)
    return st.lists(row, unique_by=lambda row: row.key).map(sorted_by_key)


def sorted_by_key(found: list[Row]) -> list[Row]:
    return sorted(found, key=lambda row: row.key)


WITHIN = st.dates(FIRST, LAST)
AROUND = st.dates(FIRST - timedelta(days=3), LAST + timedelta(days=3))


@given(uploaded=rows(WITHIN), booked=rows(AROUND))
def test_every_row_ends_in_exactly_one_class(uploaded: list[Row], booked: list[Row]) -> None:
    results = list(match(uploaded, booked, FIRST, LAST))
    assert [result.uploaded for result in results if result.uploaded] == uploaded
    theirs = {row.key for row in uploaded}
    counted = [row for row in booked if row.key in theirs or FIRST <= row.day <= LAST]
    assert [result.booked for result in results if result.booked] == counted
    by_class = {
        name: [r for r in results if r.outcome == name]
        for name in ("matched", "missing", "extra", "different")
    }
    assert sum(map(len, by_class.values())) == len(results)
    assert len(uploaded) == sum(len(by_class[name]) for name in ("matched", "missing", "different"))
    assert len(counted) == sum(len(by_class[name]) for name in ("matched", "extra", "different"))
    assert [result.row.key for result in results] == sorted({row.key for row in [*uploaded, *counted]})


@given(uploaded=rows(WITHIN), booked=rows(AROUND))
def test_classes_are_what_a_dictionary_says(uploaded: list[Row], booked: list[Row]) -> None:
    ours, theirs = ({row.key: row for row in side} for side in (booked, uploaded))
    for result in match(uploaded, booked, FIRST, LAST):
        our, their = ours.get(result.row.key), theirs.get(result.row.key)
        if our is None or their is None:
            assert result.outcome == ("missing" if our is None else "extra")
            continue
        same = our.day == their.day and all(
            said in (None, our.fields[name]) for name, said in their.fields.items()
        )
        assert result.outcome == ("matched" if same else "different")
        assert bool(result.differences) is not same


@given(side=rows(WITHIN))
def test_a_side_matches_itself(side: list[Row]) -> None:
    assert {result.outcome for result in match(side, side, FIRST, LAST)} <= {"matched"}


def test_differences_name_the_field_and_both_values() -> None:
    uploaded = Row(("purchase", "p-1"), FIRST, {"amount": 100, "store": None, "member_id": "m-1"})
    booked = Row(
        ("purchase", "p-1"), LAST, {"amount": 101, "store": "s-1", "member_id": "m-1", "currency": "CNY"}
    )
    assert compare(uploaded, booked) == (
        Difference("day", "2026-03-01", "2026-03-10"),
        Difference("amount", 100, 101),
    )


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, "0-1"), (1, "0-1"), (2, "2-7"), (7, "2-7"), (8, "8-30"), (30, "8-30"), (31, "31+"), (4_000, "31+")],
)
def test_ages_have_four_buckets(days: int, bucket: str) -> None:
    assert age_of(days) == bucket
    assert bucket in AGES
