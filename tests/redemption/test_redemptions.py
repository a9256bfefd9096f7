"""Redemptions and refunds: points leave by lot, and come back to the very lots they left."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, Bench, earning, expire, program, purchase, redeem, refund, reverse
from tests.model.memory import MemoryDriver


def bench_with(**changes: Any) -> Bench:
    return Bench(MemoryDriver(program(**changes)))


@pytest.fixture
def bench() -> Bench:
    return bench_with()


def gift(bench: Bench, points: int, days: int) -> str:
    """The lot of a gift that ends in so many days."""
    answer = bench.must(earning(points, expires_at=bench.now + timedelta(days=days)))
    return str(answer["lots"][0]["lot_id"])


def shares(draws: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(draw["lot_id"], draw["points"]) for draw in draws]


def test_redemption_draws_what_ends_first_and_says_so(bench: Bench) -> None:
    late, early = gift(bench, 30, days=20), gift(bench, 30, days=10)
    answer = bench.must(redeem(40))
    assert shares(answer["draws"]) == [(early, 30), (late, 10)]
    assert answer["balance"]["points"]["available"] == 20
    bench.check()


def test_refund_goes_back_newest_draw_first(bench: Bench) -> None:
    late, early = gift(bench, 30, days=20), gift(bench, 30, days=10)
    redemption = bench.must(redeem(50))["redemption_id"]
    assert shares(bench.must(refund(redemption, 25))["restored"]) == [(late, 20), (early, 5)]
    assert shares(bench.must(refund(redemption, 25))["restored"]) == [(early, 25)]
    assert [lot.remaining for lot in bench.lots()] == [30, 30]
    bench.check()


@pytest.mark.parametrize(("first", "second", "left"), [(50, 1, 0), (20, 31, 30), (49, 2, 1)])
def test_more_than_was_redeemed_is_never_refunded(bench: Bench, first: int, second: int, left: int) -> None:
    gift(bench, 50, days=10)
    redemption = bench.must(redeem(50))["redemption_id"]
    bench.must(refund(redemption, first))
    (answer,) = bench.post(refund(redemption, second))
    assert answer.code == "refund_exceeds_redemption"
    assert answer.details == {"refundable": left, "requested": second}
    bench.check()


def test_refund_of_a_lapsed_lot_lapses_again(bench: Bench) -> None:
    lot = gift(bench, 30, days=1)
    redemption = bench.must(redeem(20))["redemption_id"]
    bench.wait(days=1)
    answer = bench.must(refund(redemption, 20))
    assert (answer["restored"], answer["grace_lot"]) == ([], None)
    assert (shares(answer["lapsed"]), answer["lapsed_policy"]) == ([(lot, 20)], "lapse")
    assert bench.available() == 0
    assert bench.must(expire(until=bench.now))["points"] == 10  # the refunded 20 were booked with the refund
    assert [(each.remaining, each.expired) for each in bench.lots()] == [(0, 30)]
    bench.check()


def test_refund_of_a_lapsed_lot_lives_on_for_the_days_of_grace() -> None:
    bench = bench_with(lapsed_refund={"policy": "grace", "grace_days": 14})
    lapsed, live = gift(bench, 30, days=1), gift(bench, 30, days=60)
    redemption = bench.must(redeem(50))["redemption_id"]
    bench.wait(days=2)
    answer = bench.must(refund(redemption, 50))
    assert (shares(answer["restored"]), shares(answer["lapsed"])) == ([(live, 20)], [(lapsed, 30)])
    until = bench.now + timedelta(days=14)
    assert answer["grace_lot"]["points"] == 30
    assert answer["grace_lot"]["expires_at"] == f"{until:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert bench.available() == 60
    bench.wait(days=14)
    assert bench.available() == 30
    bench.check()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("red_" + "0" * 32, "redemption_unknown"),
        ("red_nonsense", "redemption_unknown"),
        ("the earning's", "redemption_unknown"),
        ("the entry's", "redemption_unknown"),
    ],
)
def test_only_a_redemption_is_refunded(bench: Bench, asked: str, code: str) -> None:
    award = bench.must(earning(50))["entry_id"]
    entry = bench.must(redeem(50))["entry_id"]
    named = {"the earning's": award.replace("ent_", "red_"), "the entry's": entry}
    assert bench.refused(refund(named.get(asked, asked), 1)) == code


def test_reversed_redemption_gives_back_what_refunds_left(bench: Bench) -> None:
    gift(bench, 50, days=10)
    redemption = bench.must(redeem(40))
    bench.must(refund(redemption["redemption_id"], 15))
    answer = bench.must(reverse(redemption["entry_id"]))
    assert (answer["points"], bench.available()) == (25, 50)
    assert bench.refused(refund(redemption["redemption_id"], 1)) == "entry_already_reversed"
    (again,) = bench.post(reverse(redemption["entry_id"]))
    assert again.code == "entry_already_reversed"
    assert again.details == {"entry_id": redemption["entry_id"], "reversal_entry_id": answer["entry_id"]}
    bench.check()


def test_the_greatest_amount_comes_back_and_expires(bench: Bench) -> None:
    most = 2**53 - 1
    bench.must(earning(most))
    bench.must(refund(bench.must(redeem(most))["redemption_id"], most))
    bench.must(redeem(1))
    bench.wait(days=800)
    assert bench.must(expire(until=bench.now))["points"] == most - 1
    bench.check()


@pytest.mark.parametrize("undo", ["purchase", "award"])
def test_reversed_award_takes_all_of_it_back_once(bench: Bench, undo: str) -> None:
    made = bench.must(purchase(5_000) if undo == "purchase" else earning(50))
    bench.must(redeem(20))
    answer = bench.must(reverse(made["entry_id"]))
    assert (answer["points_clawed_back"], answer["shortfall"]) == (50, 20)
    assert answer["growth_clawed_back"] == (50 if undo == "purchase" else 0)
    assert bench.refused(reverse(made["entry_id"])) == "entry_already_reversed"
    bench.check()


def test_what_takes_back_is_not_taken_back(bench: Bench) -> None:
    award = bench.must(earning(50, expires_at=NOW + timedelta(days=1)))
    redemption = bench.must(redeem(10))
    returned = bench.must(refund(redemption["redemption_id"], 5))
    bench.wait(days=2)
    swept = bench.must(expire(until=bench.now))
    reversal = bench.must(reverse(award["entry_id"]))
    for entry in (returned, swept, reversal):
        assert bench.refused(reverse(entry["entry_id"])) == "entry_not_reversible"
    assert bench.refused(reverse("ent_" + "0" * 32)) == "entry_unknown"
    assert bench.refused(reverse("nonsense")) == "entry_unknown"
