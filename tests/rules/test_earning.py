"""Earning: what a purchase or a gift gives, when it can be spent, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.rules.commands import Line
from ledger.rules.explain import explain
from tests.builders import NOW, Bench, earning, moment, program, purchase, redeem
from tests.model.memory import MemoryDriver


def bench_with(**changes: Any) -> Bench:
    return Bench(MemoryDriver(program(**changes)))


@pytest.fixture
def bench() -> Bench:
    return bench_with()


@pytest.mark.parametrize(
    ("per", "amount", "paid", "points"),
    [
        (1, 100, 3_900, 39),
        (1, 100, 3_999, 39),  # value given out is rounded down
        (1, 100, 99, 0),
        (3, 100, 50, 1),
        (10, 100, 3_999, 399),
        (1, 1, 1, 1),
        (2, 333, 1_000, 6),
    ],
)
def test_points_are_the_rate_of_all_lines_together_rounded_down_once(
    per: int, amount: int, paid: int, points: int
) -> None:
    bench = bench_with(points={"per": per, "amount": amount})
    halves = (Line("1", 1, paid // 2), Line("2", 1, paid - paid // 2))
    answer = bench.must(purchase(lines=halves))
    assert answer["points"] == points == sum(a["amount"] for a in answer["awards"] if a["unit"] == "POINT")
    assert bench.available() == points
    bench.check()


def test_every_award_explains_itself(bench: Bench) -> None:
    point, growth = bench.must(purchase(3_950))["awards"]
    assert point == {
        "rule": "base",
        "rule_version": 1,
        "unit": "POINT",
        "amount": 39,
        "inputs": {"spent": {"amount": 3_950, "currency": "CNY"}, "per": 1, "amount": 100},
    }
    assert explain(point)["en"] == "39.50 CNY spent × 1 points per 1.00 CNY = 39 points, rounded down"
    assert "39.50 CNY" in explain(growth)["zh"]


def test_purchase_of_nothing_enrols_and_is_kept(bench: Bench) -> None:
    answer = bench.must(purchase(0))
    assert (answer["points"], answer["awards"], answer["lots"], answer["account_version"]) == (0, [], [], 1)
    bench.check()


def test_points_wait_for_the_end_of_the_return_window() -> None:
    bench = bench_with(pending_days=7)
    bench.must(purchase(10_000))
    assert (bench.available(), bench.pending()) == (0, 100)
    assert bench.refused(redeem(1)) == "insufficient_points"
    bench.now = NOW + timedelta(days=7) - timedelta(microseconds=1)
    assert bench.refused(redeem(1)) == "insufficient_points"
    bench.now = NOW + timedelta(days=7)
    bench.must(redeem(100))
    bench.check()


def test_a_purchase_that_comes_late_has_used_up_its_waiting() -> None:
    bench = bench_with(pending_days=7)
    bench.must(purchase(10_000, at=NOW - timedelta(days=8)))
    assert bench.available() == 100


@pytest.mark.parametrize(("ahead", "code"), [(300, None), (301, "occurred_in_future")])
def test_a_till_may_be_five_minutes_fast(bench: Bench, ahead: int, code: str | None) -> None:
    (answer,) = bench.post(purchase(at=NOW + timedelta(seconds=ahead)))
    assert answer.code == code
    if code:
        assert bench.books().holders == {}


def test_foreign_money_earns_nothing_and_enrols_nobody(bench: Bench) -> None:
    (answer,) = bench.post(purchase(currency="USD"))
    assert (answer.code, answer.details) == ("currency_mismatch", {"currency": "USD", "expected": "CNY"})
    assert bench.books().holders == {}


def test_lines_that_cannot_be_added_exactly_are_refused(bench: Bench) -> None:
    most = 2**53 - 1
    assert bench.refused(purchase(lines=(Line("1", 1, most), Line("2", 1, 1)))) == "amount_too_large"
    bench.must(purchase(lines=(Line("1", 1, most - 1), Line("2", 1, 1))))


@pytest.mark.parametrize(
    ("available", "expires", "code"),
    [
        (None, None, None),
        (None, 1, None),
        (2, 3, None),
        (-2, 1, None),
        (2, 2, "lot_window_empty"),
        (3, 2, "lot_window_empty"),
        (None, 0, "lot_window_empty"),
        (-3, -1, "lot_window_empty"),
    ],
)
def test_a_gift_has_a_time_in_which_it_can_be_used(
    bench: Bench, available: int | None, expires: int | None, code: str | None
) -> None:
    times = [None if hours is None else NOW + timedelta(hours=hours) for hours in (available, expires)]
    (answer,) = bench.post(earning(10, available_at=times[0], expires_at=times[1]))
    assert answer.code == code
    bench.check()


def test_a_gift_without_an_end_follows_the_terms(bench: Bench) -> None:
    bench.must(earning(10, available_at=NOW + timedelta(days=20)))
    (lot,) = bench.lots()
    assert lot.expires_at == moment("2027-03-01")  # twelve months after February, to its end


def test_later_terms_earn_by_themselves_and_leave_earlier_lots_alone(bench: Bench) -> None:
    bench.must(purchase(10_000))
    before = bench.lots()
    bench.driver.change_terms(
        {
            "points": {"per": 2, "amount": 100},
            "growth": {"per": 1, "amount": 100},
            "pending_days": 1,
            "points_expiry": {"kind": "never"},
            "growth_expiry": {"kind": "never"},
            "lapsed_refund": {"policy": "lapse"},
            "debt_limit": 0,
        },
        NOW,
    )
    answer = bench.must(purchase(10_000))
    assert (answer["points"], answer["awards"][0]["rule_version"]) == (200, 2)
    assert answer["lots"][0]["expires_at"] is None
    assert bench.lots()[0] == before[0]
    bench.check()


def test_growth_is_counted_apart_and_is_never_spent(bench: Bench) -> None:
    bench.must(purchase(10_000))
    bench.must(redeem(100))
    holder = bench.books().holders["m-1"]
    assert (holder.points, holder.growth) == (0, 100)


def test_activity_keeps_rolling_points_alive_and_raises_none_from_the_dead() -> None:
    bench = bench_with(points_expiry={"kind": "rolling", "months": 1})
    bench.must(purchase(10_000))
    bench.wait(days=20)
    bench.must(redeem(1))
    kept = moment("2026-03-05")  # the day after 4 February and a month
    assert bench.lots()[0].expires_at == kept
    bench.now = kept - timedelta(microseconds=1)
    assert bench.available() == 99
    bench.now = kept
    bench.must(purchase(500, at=bench.now))
    assert bench.available() == 5
    bench.check()
