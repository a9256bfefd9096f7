"""Claw-back and debt: what goes back takes its points along, and what is owed is repaid first."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    NOW,
    Bench,
    earning,
    expire,
    give_back,
    moment,
    program,
    purchase,
    redeem,
    refund,
    reverse,
    terms,
    transfer,
)
from tests.model.memory import MemoryDriver


def bench_with(**changes: Any) -> Bench:
    return Bench(MemoryDriver(program(**changes)))


@pytest.fixture
def bench() -> Bench:
    return bench_with()


def spent_and_returned(bench: Bench, amount: int = 10_000) -> None:
    """The member earns 100, spends them and returns what earned them: 100 are owed."""
    bought = bench.must(purchase(amount, at=bench.now))
    bench.must(redeem(bought["points"]))
    bench.must(give_back(bought["purchase_id"], amount, at=bench.now))


def test_return_after_spending_leaves_a_debt(bench: Bench) -> None:
    bought = bench.must(purchase(10_000))
    bench.must(redeem(70))
    answer = bench.must(give_back(bought["purchase_id"], 10_000))
    assert (answer["points_clawed_back"], answer["shortfall"], answer["debt"]) == (100, 70, 70)
    assert (bench.available(), bench.debt()) == (0, 70)
    bench.check()


def test_earning_repays_a_debt_first(bench: Bench) -> None:
    spent_and_returned(bench)
    assert bench.must(earning(30))["balance"]["points"]["debt"] == 70
    assert bench.available() == 0
    assert bench.must(purchase(9_000))["balance"]["points"]["debt"] == 0
    assert bench.available() == 20
    bench.check()


def test_transfer_to_a_member_in_debt_repays_it_first(bench: Bench) -> None:
    spent_and_returned(bench)
    bench.must(earning(130, member="m-2"))
    bench.must(transfer(130, sender="m-2", recipient="m-1"))
    assert (bench.available("m-1"), bench.debt("m-1")) == (30, 0)
    bench.check()


def test_several_lots_that_arrive_repay_a_debt_one_after_the_other(bench: Bench) -> None:
    spent_and_returned(bench)
    for points, days in ((60, 1), (60, 2), (60, 3)):
        bench.must(earning(points, member="m-2", expires_at=NOW + timedelta(days=days)))
    bench.must(transfer(180, sender="m-2", recipient="m-1"))
    assert [lot.remaining for lot in bench.lots("m-1")[-3:]] == [0, 20, 60]
    assert bench.debt("m-1") == 0
    bench.check()


def test_refund_to_a_member_in_debt_repays_it_first(bench: Bench) -> None:
    bought = bench.must(purchase(10_000))
    redemption = bench.must(redeem(100))["redemption_id"]
    bench.must(give_back(bought["purchase_id"], 10_000))
    assert bench.must(refund(redemption, 60))["debt_repaid"] == 60
    assert bench.must(refund(redemption, 40))["debt_repaid"] == 40
    assert (bench.available(), bench.debt()) == (0, 0)
    bench.check()


@pytest.mark.parametrize(("early", "owed"), [(timedelta(), 100), (timedelta(microseconds=1), 50)])
def test_points_repay_a_debt_until_just_before_they_lapse(early: timedelta, owed: int) -> None:
    bench = bench_with(points_expiry={"kind": "fixed_days", "days": 0})
    bench.now = moment("2026-01-16") - early
    spent_and_returned(bench)
    bench.must(purchase(5_000, at=moment("2026-01-15 12:00:00")))
    assert bench.debt() == owed
    bench.check()


def test_points_that_come_too_late_to_be_used_repay_nothing() -> None:
    bench = bench_with(points_expiry={"kind": "fixed_days", "days": 10})
    spent_and_returned(bench)
    late = bench.must(purchase(5_000, at=bench.now - timedelta(days=30)))
    assert late["balance"]["points"] == {
        "available": 0,
        "pending": 0,
        "held": 0,
        "debt": 100,
        "next_expiry": None,
    }
    assert bench.must(expire(until=bench.now))["points"] == 50
    bench.check()


def test_reversed_transfer_into_a_lapsed_lot_repays_nothing() -> None:
    # The recipient's activity keeps the points alive there; the sender's own lot has lapsed meanwhile.
    bench = bench_with(points_expiry={"kind": "rolling", "months": 1})
    bench.must(earning(50, member="m-1"))
    bench.must(earning(1, member="m-2"))
    moved = bench.must(transfer(50))
    bench.wait(days=20)
    bench.must(purchase(100, member="m-2", at=bench.now))
    bench.wait(days=20)
    spent_and_returned(bench)
    bench.must(reverse(moved["entry_id"]))
    assert (bench.available("m-1"), bench.debt("m-1")) == (0, 100)
    bench.check()


def test_claw_back_takes_own_lots_first_then_others_in_drawing_order_then_makes_a_debt() -> None:
    bench = bench_with(pending_days=7)
    bench.must(earning(30, expires_at=NOW + timedelta(days=2)))
    bench.must(earning(30, expires_at=NOW + timedelta(days=1)))
    bench.must(purchase(2_000, at=NOW))  # pending, but alive
    bought = bench.must(purchase(10_000, at=NOW - timedelta(days=8)))
    bench.must(redeem(150))  # the two gifts, then 90 of what the purchase earned
    answer = bench.must(give_back(bought["purchase_id"], 10_000))
    assert (answer["points_clawed_back"], answer["shortfall"]) == (100, 70)
    assert [lot.remaining for lot in bench.lots()] == [0, 0, 0, 0]
    bench.check()


def test_claw_back_spares_other_points_while_its_own_are_there(bench: Bench) -> None:
    bench.must(earning(30, expires_at=NOW + timedelta(days=1)))
    bought = bench.must(purchase(2_000))
    bench.must(give_back(bought["purchase_id"], 2_000))
    assert [lot.remaining for lot in bench.lots()] == [30, 0]
    bench.check()


def test_debt_limit_refuses_the_return_and_moves_nothing() -> None:
    bench = bench_with(debt_limit=69)
    bought = bench.must(purchase(10_000))
    bench.must(redeem(70))
    assert bench.refused(give_back(bought["purchase_id"], 10_000)) == "debt_limit_exceeded"
    bench.must(earning(1))
    answer = bench.must(give_back(bought["purchase_id"], 10_000))
    assert answer["debt"] == 69
    bench.check()


def test_what_the_clock_took_is_forgiven_swept_or_not(bench: Bench) -> None:
    for is_swept in (False, True):
        mine = bench_with(points_expiry={"kind": "fixed_days", "days": 1})
        bought = mine.must(purchase(10_000))
        mine.must(redeem(40))
        mine.wait(days=3)
        if is_swept:
            assert mine.must(expire(until=mine.now))["points"] == 60
        answer = mine.must(give_back(bought["purchase_id"], 10_000, at=mine.now))
        assert (answer["points_clawed_back"], answer["shortfall"]) == (40, 40)
        mine.check()


def test_claw_back_takes_the_award_as_recorded_not_as_it_would_be_today(bench: Bench) -> None:
    bought = bench.must(purchase(10_000))
    bench.driver.change_terms(terms(points={"per": 5, "amount": 100}), NOW)
    answer = bench.must(give_back(bought["purchase_id"], 5_000))
    assert answer["points_clawed_back"] == 50
    bench.check()


@pytest.mark.parametrize(
    ("amount", "returned", "left"),
    [
        (100, 1, 0),  # one point for one yuan, and 99 fen earn none
        (199, 99, 0),  # 100/199 of one point is none
        (1_000, 333, 6),  # 667/1000 of 10 points, rounded down
        (1_000, 1, 9),
        (1_000, 1_000, 0),
        (3_333, 1_111, 22),  # 2222/3333 of 33
    ],
)
def test_kept_share_is_rounded_down(bench: Bench, amount: int, returned: int, left: int) -> None:
    bought = bench.must(purchase(amount))
    bench.must(give_back(bought["purchase_id"], returned))
    assert bench.available() == left
    assert bench.books().holders["m-1"].growth == left
    bench.check()
