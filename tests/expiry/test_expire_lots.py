"""Expiry is a fact of the clock; booking it writes down what has happened, when it happened, and once."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, Bench, earning, expire, program, purchase, redeem
from tests.model.memory import MemoryDriver

DAY = timedelta(days=1)


def bench_with(**changes: Any) -> Bench:
    return Bench(MemoryDriver(program(**changes)))


@pytest.fixture
def bench() -> Bench:
    """Three gifts: 10 for a day, 20 for two, and 40 more for the same two."""
    made = bench_with()
    for points, days in ((10, 1), (20, 2), (40, 2)):
        made.must(earning(points, expires_at=NOW + days * DAY))
    return made


@pytest.mark.parametrize(
    ("days", "available"),
    [(0, 70), (1, 60), (2, 0)],
)
def test_the_clock_takes_points_whether_or_not_they_are_swept(
    bench: Bench, days: int, available: int
) -> None:
    bench.now = NOW + days * DAY
    assert bench.available() == available
    assert bench.refused(redeem(available + 1)) == "insufficient_points"
    bench.must(expire(until=bench.now))
    assert bench.available() == available
    bench.check()


def test_each_instant_of_expiry_has_an_entry_effective_then(bench: Bench) -> None:
    bench.now = NOW + 5 * DAY
    answer = bench.must(expire(until=bench.now))
    assert (answer["points"], answer["lots"]) == (70, 3)
    swept = [entry for entry in bench.books().entries["m-1"] if entry.kind == "expire"]
    assert [entry.effective_at for entry in swept] == [NOW + DAY, NOW + 2 * DAY]
    assert [sum(posting.amount for posting in entry.postings) for entry in swept] == [10, 60]
    assert {entry.recorded_at for entry in swept} == {bench.now}
    bench.check()


def test_booking_again_books_nothing(bench: Bench) -> None:
    bench.now = NOW + 5 * DAY
    bench.must(expire(until=bench.now))
    before = bench.books()
    assert bench.must(expire(until=bench.now))["points"] == 0
    assert bench.books()._replace(keys={}) == before._replace(keys={})


def test_no_more_is_booked_than_was_asked_for(bench: Bench) -> None:
    bench.now = NOW + 5 * DAY
    assert bench.must(expire(until=NOW + DAY))["points"] == 10
    assert bench.must(expire(until=NOW + DAY))["points"] == 0
    assert bench.must(expire(until=NOW + 2 * DAY))["points"] == 60


def test_nothing_is_booked_ahead_of_the_clock(bench: Bench) -> None:
    bench.now = NOW + DAY
    assert bench.must(expire(until=NOW + 100 * DAY))["points"] == 10
    assert bench.available() == 60


def test_only_what_is_left_of_a_lot_expires(bench: Bench) -> None:
    bench.must(redeem(25))
    bench.now = NOW + 5 * DAY
    assert bench.must(expire(until=bench.now))["points"] == 45
    assert [(lot.remaining, lot.expired) for lot in bench.lots()] == [(0, 0), (0, 5), (0, 40)]
    bench.check()


def test_answer_to_an_earning_counts_no_points_that_lapsed_meanwhile() -> None:
    # An earning need not read the lots, as long as the clock has not overtaken what is stored of them.
    bench = bench_with()
    bench.must(earning(10, expires_at=NOW + DAY))
    bench.must(earning(20, available_at=NOW + DAY))
    bench.wait(days=1)
    points = bench.must(earning(5))["balance"]["points"]
    assert (points["available"], points["pending"]) == (25, 0)
    bench.check()


def test_growth_lapses_by_its_own_window() -> None:
    bench = bench_with(growth_expiry={"kind": "fixed_days", "days": 1})
    bench.must(purchase(10_000))
    bench.wait(days=2)
    answer = bench.must(expire(until=bench.now))
    assert (answer["points"], answer["growth"]) == (0, 100)
    assert answer["balance"]["growth"]["value"] == 0
    assert bench.available() == 100
    bench.check()


def test_pending_points_may_expire_before_they_were_ever_available() -> None:
    bench = bench_with(pending_days=7, points_expiry={"kind": "fixed_days", "days": 2})
    bench.must(purchase(10_000))
    bench.wait(days=3)
    assert bench.must(expire(until=bench.now))["points"] == 100
    assert bench.pending() == 0
    bench.check()


def test_a_stranger_has_nothing_that_expires(bench: Bench) -> None:
    assert bench.refused(expire("m-9")) == "member_unknown"
