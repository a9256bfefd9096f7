"""Worked examples: what members live through, in numbers that a person can check. Each ends with the books balanced."""

import pytest

from tests.stories.conftest import OpenBench
from tests.stories.telling import tell

MONTHLY = {"kind": "end_of_month", "months": 0}


def test_points_that_were_not_spent_lapse(open_bench: OpenBench) -> None:
    tell(
        open_bench(),
        """
        2026-01-15  ann earns 100 until 2026-03-31
        2026-02-20  ann redeems 30
                    ann has 70
        2026-04-01  ann has 0, lapsed 70
                    ann cannot redeem 1: insufficient_points
        2026-04-02  the sweep runs
                    ann has 0, lapsed 70
        """,
    )


def test_the_last_second_of_the_year_counts_and_the_next_does_not(open_bench: OpenBench) -> None:
    tell(
        open_bench(points_expiry={"kind": "end_of_year", "months": 0}),
        """
        2026-11-15           ann buys p1 for 100.00 and earns 100
        2026-12-31 23:59:59  ann redeems 60
                             ann has 40
        2027-01-01 00:00:00  ann cannot redeem 1: insufficient_points
                             ann has 0, lapsed 40
        """,
    )


def test_the_year_ends_where_the_program_is(open_bench: OpenBench) -> None:
    tell(
        open_bench("America/New_York", points_expiry={"kind": "end_of_year", "months": 0}),
        """
        2026-11-15           ann buys p1 for 100.00 and earns 100
        2026-12-31 23:59:59  ann redeems 60
        2027-01-01 00:00:00  ann has 0, lapsed 40
        """,
        "America/New_York",
    )


def test_refunded_points_have_the_days_left_that_they_would_have_had(open_bench: OpenBench) -> None:
    # Ten days are left at the order and two pass: eight are left, not ten and not none.
    tell(
        open_bench(),
        """
        2026-05-01           ann earns 50 until 2026-05-20
        2026-05-10           ann redeems 50 as order
                             ann has 0
        2026-05-12           50 of order come back
                             ann has 50
        2026-05-20 23:59:59  ann has 50
        2026-05-21 00:00:00  ann has 0, lapsed 50
        """,
    )


def test_refund_after_the_last_day_brings_nothing_back(open_bench: OpenBench) -> None:
    tell(
        open_bench(),
        """
        2026-05-01  ann earns 30 until 2026-05-20
                    ann earns 30 until 2026-06-20
        2026-05-10  ann redeems 50 as order
        2026-05-25  50 of order come back, 30 of them lapsed
                    ann has 30, lapsed 30
        """,
    )


def test_refund_after_the_last_day_may_have_days_of_grace(open_bench: OpenBench) -> None:
    tell(
        open_bench(lapsed_refund={"policy": "grace", "grace_days": 7}),
        """
        2026-05-01           ann earns 30 until 2026-05-20
        2026-05-10           ann redeems 30 as order
        2026-05-25           30 of order come back, 30 of them lapsed
                             ann has 30
        2026-06-01 11:59:59  ann has 30
        2026-06-01 12:00:00  ann has 0, lapsed 30
        """,
    )


def test_goods_returned_after_their_points_were_spent_leave_a_debt(open_bench: OpenBench) -> None:
    tell(
        open_bench(),
        """
        2026-01-10  ann buys p1 for 200.00 and earns 200
        2026-01-11  ann redeems 150
        2026-01-12  p1 is returned, taking 200
                    ann has 0, owes 150, growth 0
                    ann cannot redeem 1: insufficient_points
        2026-01-20  ann buys p2 for 60.00 and earns 60
                    ann has 0, owes 90, growth 60
        2026-02-01  ann buys p3 for 100.00 and earns 100
                    ann has 10, owes 0, growth 160
                    ann redeems 10
        """,
    )


def test_the_debt_of_a_returned_purchase_is_settled_by_the_refund_of_what_it_paid(
    open_bench: OpenBench,
) -> None:
    tell(
        open_bench(),
        """
        2026-01-10  ann buys p1 for 200.00 and earns 200
                    ann redeems 150 as order
        2026-01-12  p1 is returned, taking 200
                    ann has 0, owes 150
        2026-01-13  150 of order come back
                    ann has 0, owes 0
        """,
    )


def test_buying_and_returning_ten_times_comes_to_nothing(open_bench: OpenBench) -> None:
    rounds = "\n".join(
        f"        2026-01-{day:02}  ann buys p{day} for 88.80 and earns 88\n"
        f"                    p{day} is returned, taking 88\n"
        f"                    ann has 0, owes 0, growth 0"
        for day in range(10, 20)
    )
    tell(open_bench(), rounds)


def test_points_wait_until_the_goods_can_no_longer_be_returned(open_bench: OpenBench) -> None:
    tell(
        open_bench(pending_days=7),
        """
        2026-01-10           ann buys p1 for 50.00 and earns 50
                             ann has 0, pending 50
                             ann cannot redeem 1: insufficient_points
        2026-01-12           ann buys p2 for 30.00 and earns 30
                             ann has 0, pending 80
        2026-01-13           p2 is returned, taking 30
                             ann has 0, pending 50, owes 0
        2026-01-17 11:59:59  ann cannot redeem 50: insufficient_points
        2026-01-17 12:00:00  ann has 50, pending 0
                             ann redeems 50
        """,
    )


def test_shopping_keeps_points_alive_but_does_not_bring_them_back(open_bench: OpenBench) -> None:
    tell(
        open_bench(points_expiry={"kind": "rolling", "months": 3}),
        """
        2026-01-10           ann buys p1 for 100.00 and earns 100
        2026-04-10           ann buys p2 for 1.00 and earns 1
        2026-07-10 23:59:59  ann has 101
        2026-07-11 00:00:00  ann has 0, lapsed 101
                             ann buys p3 for 5.00 and earns 5
                             ann has 5, lapsed 101
        """,
    )


def test_spending_counts_as_activity(open_bench: OpenBench) -> None:
    tell(
        open_bench(points_expiry={"kind": "rolling", "months": 1}),
        """
        2026-01-31           ann buys p1 for 100.00 and earns 100
        2026-02-28 23:59:59  ann redeems 1
        2026-03-28 23:59:59  ann has 99
        2026-03-29 00:00:00  ann has 0, lapsed 99
        """,
    )


def test_a_gift_to_a_friend_keeps_its_last_day(open_bench: OpenBench) -> None:
    tell(
        open_bench(),
        """
        2026-03-01  ann earns 40 until 2026-03-31
                    ann earns 60 until 2026-06-30
                    ben earns 5
        2026-03-15  ann gives 70 to ben
                    ann has 30
                    ben has 75
        2026-04-01  ann has 30, lapsed 0
                    ben has 35, lapsed 40
        2026-07-01  ann has 0, lapsed 30
                    ben has 5, lapsed 70
        """,
    )


def test_a_transfer_by_mistake_is_taken_back(open_bench: OpenBench) -> None:
    tell(
        open_bench(),
        """
        2026-03-01  ann earns 40 until 2026-03-31
                    ben earns 5
                    ann gives 40 to ben as mistake
                    ben has 45
                    mistake is reversed
                    ann has 40
                    ben has 5
        2026-04-01  ann has 0, lapsed 40
        """,
    )


@pytest.mark.parametrize(
    "returns",
    [
        ["99.90 of p1 is returned, taking 99"],
        ["33.30 of p1 is returned, taking 33", "66.60 of p1 is returned, taking 66"],
        ["66.60 of p1 is returned, taking 66", "33.30 of p1 is returned, taking 33"],
        ["0.01 of p1 is returned, taking 1", "99.89 of p1 is returned, taking 98"],
        ["50.00 of p1 is returned, taking 50", "49.90 of p1 is returned, taking 49"],
        [
            "0.90 of p1 is returned, taking 1",
            "49.00 of p1 is returned, taking 49",
            "50.00 of p1 is returned, taking 49",
        ],
    ],
)
def test_two_partial_returns_end_where_one_does(open_bench: OpenBench, returns: list[str]) -> None:
    days = [f"        2026-01-{day}  {sentence}" for day, sentence in enumerate(returns, 11)]
    opening = (
        "        2026-01-10  ann buys p1 for 99.90 and earns 99\n                    ann has 99, growth 99"
    )
    tell(open_bench(), "\n".join([opening, *days, "        2026-02-01  ann has 0, owes 0, growth 0"]))


def test_what_the_clock_took_is_not_taken_twice(open_bench: OpenBench) -> None:
    tell(
        open_bench(points_expiry=MONTHLY),
        """
        2026-01-20  ann buys p1 for 100.00 and earns 100
                    ann redeems 30
        2026-02-03  ann has 0, lapsed 70
                    p1 is returned, taking 30
                    ann has 0, owes 30, lapsed 70
        2026-02-04  the sweep runs
                    ann has 0, owes 30, lapsed 70
        """,
    )


def test_two_purchases_and_the_return_of_the_older(open_bench: OpenBench) -> None:
    # What p1 gave was spent, so what p2 gave pays for it; nothing is owed.
    tell(
        open_bench(points_expiry=MONTHLY),
        """
        2026-01-20  ann buys p1 for 100.00 and earns 100
        2026-02-20  ann buys p2 for 80.00 and earns 80
                    ann has 80, lapsed 100
        2026-02-21  ann buys p3 for 50.00 and earns 50
                    ann redeems 60
                    ann has 70
        2026-02-22  p2 is returned, taking 80
                    ann has 0, owes 10, growth 150
        """,
    )


def test_leap_day(open_bench: OpenBench) -> None:
    tell(
        open_bench(points_expiry={"kind": "rolling", "months": 12}),
        """
        2028-02-29           ann buys p1 for 10.00 and earns 10
        2029-02-28 23:59:59  ann has 10
        2029-03-01 00:00:00  ann has 0, lapsed 10
        """,
    )


def test_the_night_without_a_midnight(open_bench: OpenBench) -> None:
    # In Beirut the 29th begins at one o'clock: the 28th ends one second after 23:59:59 all the same.
    tell(
        open_bench("Asia/Beirut", points_expiry={"kind": "fixed_days", "days": 1}),
        """
        2026-03-27           ann buys p1 for 10.00 and earns 10
        2026-03-28 23:59:59  ann has 10
        2026-03-29 01:00:00  ann has 0, lapsed 10
        """,
        "Asia/Beirut",
    )
