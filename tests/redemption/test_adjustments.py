"""Points put right by hand: what is added lives like what is earned, and what is taken was there."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    Bench,
    adjust,
    earning,
    give_back,
    moment,
    program,
    purchase,
    redeem,
    reverse,
)
from tests.model.memory import MemoryDriver

MAX = 2**53 - 1


def bench_with(**changes: Any) -> Bench:
    return Bench(MemoryDriver(program(**changes)))


@pytest.fixture
def bench() -> Bench:
    return bench_with()


def owing(bench: Bench) -> None:
    """The member spends 100 and returns what had earned them: 100 are owed."""
    bought = bench.must(purchase(10_000, at=bench.now))
    bench.must(redeem(100))
    bench.must(give_back(bought["purchase_id"], 10_000, at=bench.now))


def gift(bench: Bench, points: int, days: int) -> str:
    answer = bench.must(earning(points, expires_at=bench.now + timedelta(days=days)))
    return str(answer["lots"][0]["lot_id"])


def test_what_is_added_comes_into_a_lot_under_the_programs_expiry(bench: Bench) -> None:
    bench.must(earning(1))
    answer = bench.must(adjust(40))
    assert (answer["kind"], answer["points"], answer["draws"], answer["debt_repaid"]) == ("adjust", 40, [], 0)
    assert answer["lot"]["points"] == 40
    # End of the month twelve on.
    assert bench.lots()[-1].expires_at == moment("2027-02-01")
    assert answer["balance"]["points"]["available"] == 41
    assert answer["account_version"] == 2
    bench.check()


def test_rolling_expiry_rolls_on_for_what_was_added() -> None:
    bench = bench_with(points_expiry={"kind": "rolling", "months": 1})
    bench.must(earning(1))
    bench.must(adjust(40))
    first = bench.lots()[-1].expires_at
    bench.wait(days=10)
    bench.must(redeem(1))
    later = bench.lots()[-1].expires_at
    assert first is not None
    assert later is not None
    assert later - first == timedelta(days=10)


def test_an_adjustment_is_no_activity_that_keeps_points_alive() -> None:
    bench = bench_with(points_expiry={"kind": "rolling", "months": 1})
    bench.must(earning(10))
    before = bench.lots()[0].expires_at
    bench.wait(days=10)
    bench.must(adjust(5))
    bench.must(adjust(-5))
    assert bench.lots()[0].expires_at == before


def test_what_is_added_repays_a_debt_first(bench: Bench) -> None:
    owing(bench)
    answer = bench.must(adjust(60))
    assert (answer["debt_repaid"], bench.debt(), bench.available()) == (60, 40, 0)
    answer = bench.must(adjust(60))
    assert (answer["debt_repaid"], bench.debt(), bench.available()) == (40, 0, 20)
    bench.check()


def test_what_is_taken_is_drawn_in_the_usual_order(bench: Bench) -> None:
    late, early = gift(bench, 30, days=20), gift(bench, 30, days=10)
    answer = bench.must(adjust(-40))
    assert [(draw["lot_id"], draw["points"]) for draw in answer["draws"]] == [(early, 30), (late, 10)]
    assert (answer["points"], answer["lot"], answer["debt_repaid"]) == (-40, None, 0)
    assert bench.available() == 20
    bench.check()


def test_all_that_is_there_may_be_taken_and_not_one_point_more(bench: Bench) -> None:
    gift(bench, 50, days=10)
    (answer,) = bench.post(adjust(-51))
    assert (answer.code, answer.details) == ("insufficient_points", {"available": 50, "requested": 51})
    assert bench.refused(adjust(-51)) == "insufficient_points"
    bench.must(adjust(-50))
    assert (bench.available(), bench.debt()) == (0, 0)
    bench.check()


@pytest.mark.parametrize("how", ["pending", "expired"])
def test_what_the_clock_keeps_back_is_not_taken(bench: Bench, how: str) -> None:
    tomorrow = bench.now + timedelta(days=1)
    if how == "pending":
        bench.must(earning(50, available_at=tomorrow))
    else:
        bench.must(earning(50, expires_at=tomorrow))
        bench.wait(days=1)
    assert bench.refused(adjust(-1)) == "insufficient_points"


@pytest.mark.parametrize("points", [1, -1])
def test_nobody_is_enrolled_by_an_adjustment(bench: Bench, points: int) -> None:
    assert bench.refused(adjust(points)) == "member_unknown"


def test_no_balance_is_lifted_beyond_what_is_counted_exactly(bench: Bench) -> None:
    bench.must(earning(1))
    assert bench.refused(adjust(MAX)) == "amount_too_large"
    bench.must(adjust(MAX - 1))
    bench.check()


def test_a_reference_has_one_effect_and_without_one_the_adjustment_itself_has(bench: Bench) -> None:
    bench.must(earning(1))
    bench.must(adjust(5, reference="ticket-1"))
    assert bench.refused(adjust(7, reference="ticket-1")) == "reference_exists"
    same = adjust(5)
    bench.must(same)
    assert bench.refused(same) == "reference_exists"
    assert bench.available() == 11


def test_the_entry_names_maker_checker_and_approval(bench: Bench) -> None:
    bench.must(earning(1))
    command = adjust(5, reference="ticket-1")
    bench.must(command)
    entry = bench.books().entries["m-1"][-1]
    assert entry.reference == "ticket-1"
    assert isinstance(bench.driver, MemoryDriver)
    assert bench.driver.entries[entry.entry_id].details == {
        "approval_id": command.by.approval_id,
        "proposed_by": "maker",
        "approved_by": "checker",
    }


def test_the_reversal_of_what_was_taken_goes_back_to_the_very_lots(bench: Bench) -> None:
    gift(bench, 30, days=20), gift(bench, 30, days=10)
    taken = bench.must(adjust(-40))
    answer = bench.must(reverse(taken["entry_id"]))
    assert answer["points"] == 40
    assert [lot.remaining for lot in bench.lots()] == [30, 30]
    assert bench.refused(reverse(taken["entry_id"])) == "entry_already_reversed"
    bench.check()


def test_the_reversal_of_what_was_taken_from_a_lapsed_lot_lapses(bench: Bench) -> None:
    gift(bench, 30, days=1)
    taken = bench.must(adjust(-30))
    bench.wait(days=2)
    answer = bench.must(reverse(taken["entry_id"]))
    assert [share["points"] for share in answer["lapsed"]] == [30]
    assert bench.available() == 0
    bench.check()


def test_the_reversal_of_what_was_added_takes_it_back_and_owes_what_was_spent(bench: Bench) -> None:
    bench.must(earning(1))
    added = bench.must(adjust(40))
    bench.must(redeem(31))
    answer = bench.must(reverse(added["entry_id"]))
    assert (answer["points_clawed_back"], answer["shortfall"]) == (40, 30)
    assert (bench.available(), bench.debt()) == (0, 30)
    bench.check()


def test_the_reversal_of_what_was_added_keeps_to_the_debt_that_is_allowed() -> None:
    bench = bench_with(debt_limit=29)
    bench.must(earning(1))
    added = bench.must(adjust(40))
    bench.must(redeem(31))
    assert bench.refused(reverse(added["entry_id"])) == "debt_limit_exceeded"
