"""Worked examples of campaigns, in numbers that a marketing manager can check. One point for each whole yuan."""

from tests.ladders import tiers
from tests.rulesets import doubled, fixed, rule, ruled
from tests.stories.conftest import OpenBench
from tests.stories.telling import tell

BASE = rule("base")
WELCOME = fixed("welcome", 30, on="referral")
THANKS = fixed("thanks", 50, on="referrer")


def test_first_order_doubled_and_then_fully_returned(open_bench: OpenBench) -> None:
    # The claim is used up: the next order is not a first one.
    tell(
        ruled(open_bench(), BASE, doubled("first-order", when="member.visits == 1", once=True)),
        """
        2026-01-10  ann buys p1 for 100.00 and earns 200
                    ann has 200
        2026-01-12  p1 is returned, taking 200
                    ann has 0, owes 0
        2026-01-13  ann buys p2 for 100.00 and earns 100
                    ann has 100
        """,
    )


def test_first_order_doubled_and_returned_after_half_was_spent(open_bench: OpenBench) -> None:
    tell(
        ruled(open_bench(), BASE, doubled("first-order", when="member.visits == 1", once=True)),
        """
        2026-01-10  ann buys p1 for 100.00 and earns 200
                    ann redeems 120
        2026-01-12  50.00 of p1 is returned, taking 100
                    ann has 0, owes 20
                    50.00 of p1 is returned, taking 100
                    ann has 0, owes 120
        2026-01-20  ann buys p2 for 150.00 and earns 150
                    ann has 30, owes 0
        """,
    )


def test_double_points_in_the_month_of_birth(open_bench: OpenBench) -> None:
    tell(
        ruled(open_bench(), BASE, doubled("birthday", when="member.is_birth_month")),
        """
        2026-01-20           ann enrols, born in month 3
                             ben enrols
        2026-02-28 23:59:59  ann buys p1 for 10.00 and earns 10
        2026-03-01 00:00:00  ann buys p2 for 10.00 and earns 20
                             ben buys p3 for 10.00 and earns 10
        2026-03-31 23:59:59  ann buys p4 for 10.00 and earns 20
        2026-04-01 00:00:00  ann buys p5 for 10.00 and earns 10
                             ann has 60
        """,
    )


def test_double_points_in_the_month_of_enrolment_from_the_second_year_on(open_bench: OpenBench) -> None:
    tell(
        ruled(open_bench(), BASE, doubled("anniversary", when="member.is_anniversary_month")),
        """
        2026-01-20  ann enrols
        2026-01-21  ann buys p1 for 10.00 and earns 10
        2026-12-31  ann buys p2 for 10.00 and earns 10
        2027-01-01  ann buys p3 for 10.00 and earns 20
        2027-02-01  ann buys p4 for 10.00 and earns 10
        2028-01-31  ann buys p5 for 10.00 and earns 20
        """,
    )


def test_every_tenth_visit(open_bench: OpenBench) -> None:
    days = "\n".join(f"2026-02-{day:02}  ann buys p{day} for 5.00 and earns 5" for day in range(1, 10))
    tell(
        ruled(open_bench(), BASE, fixed("tenth", 100, when="member.visits % 10 == 0")),
        f"""
        {days}
        2026-02-10  ann buys p10 for 5.00 and earns 105
                    ann buys p11 for 5.00 and earns 5
                    ann has 155
        """,
    )


def test_seven_days_in_a_row(open_bench: OpenBench) -> None:
    # The second sign-in of a day adds no day; the day left out begins anew; midnight is where the program is.
    tell(
        ruled(open_bench(), fixed("week", 70, on="sign_in", when="member.streak == 7", caps={"day": 70})),
        """
        2026-03-01           ann does sign_in
        2026-03-02           ann does sign_in
        2026-03-04           ann does sign_in
        2026-03-05 00:00:00  ann does sign_in
        2026-03-05 23:59:59  ann does sign_in
        2026-03-06           ann does sign_in
        2026-03-07           ann does sign_in
        2026-03-08           ann does sign_in
        2026-03-09           ann does sign_in
        2026-03-10           ann does sign_in and earns 70
                             ann does sign_in
        2026-03-11           ann does sign_in
                             ann has 70
        """,
    )


def test_a_friend_is_brought_and_both_have_something_of_it(open_bench: OpenBench) -> None:
    tell(
        ruled(open_bench(pending_days=14), BASE, WELCOME, THANKS),
        """
        2026-03-01           ann buys p1 for 5.00 and earns 5
                             ben is brought by ann
                             ben cannot be brought by ann: referral_exists
                             ann cannot be brought by ben: circular_referral
                             ann has 0, pending 5
        2026-03-05           ben buys p2 for 20.00 and earns 50
                             ben has 0, pending 50
                             ann has 0, pending 55
        2026-03-06           ben buys p3 for 20.00 and earns 20
                             ann has 0, pending 55
        2026-03-19 12:00:00  ben has 50, pending 20
                             ann has 55, pending 0
        """,
    )


def test_a_referral_whose_purchase_goes_back(open_bench: OpenBench) -> None:
    # Half of it within the return window, the rest after Ann has spent what she got.
    tell(
        ruled(open_bench(pending_days=14), BASE, WELCOME, THANKS),
        """
        2026-03-01  ann earns 5
                    ben is brought by ann
        2026-03-05  ben buys p1 for 20.00 and earns 50
        2026-03-08  10.00 of p1 is returned, taking 25
                    ben has 0, pending 25
                    ann has 5, pending 25
        2026-03-20  ann redeems 30
        2026-03-21  10.00 of p1 is returned, taking 25
                    ben has 0, owes 0
                    ann has 0, owes 25
        2026-03-25  ann earns 40
                    ann has 15, owes 0
        """,
    )


def test_a_purchase_that_was_a_mistake_takes_the_thanks_back(open_bench: OpenBench) -> None:
    tell(
        ruled(open_bench(), BASE, WELCOME, THANKS),
        """
        2026-03-01  ann earns 5
                    ben is brought by ann
        2026-03-05  ben buys p1 for 20.00 and earns 50
                    ann has 55
                    p1 is reversed
                    ben has 0, owes 0
                    ann has 5, owes 0
        """,
    )


def test_a_till_that_was_offline_settles_a_referral_as_of_the_day_of_the_purchase(
    open_bench: OpenBench,
) -> None:
    tell(
        ruled(open_bench(pending_days=14), BASE, WELCOME, THANKS),
        """
        2026-03-01           ann earns 1
                             ben is brought by ann
        2026-03-10           ben bought p1 for 20.00 and earns 50 on 2026-03-05
                             ann has 1, pending 50
        2026-03-18 23:59:59  ann has 1, pending 50
        2026-03-19 12:00:00  ann has 51, pending 0
                             ben has 50
        """,
    )


def test_reviews_lead_to_silver_and_silver_pays(open_bench: OpenBench) -> None:
    review = fixed("review", 60, "GROWTH", on="review", caps={"day": 60})
    base = rule("base", by_tier={"silver": {"numerator": 2, "denominator": 1}})
    tell(
        ruled(open_bench(tiers=tiers({"member": 0, "silver": 100})), base, review),
        """
        2026-03-01  ann does review
                    ann does review
                    ann has growth 60
                    ann has tier member
        2026-03-02  ann buys p1 for 10.00 and earns 10
                    ann does review
                    ann has growth 120
                    ann has tier silver
                    ann buys p2 for 10.00 and earns 20
        """,
    )


def test_thanks_lift_the_referrer_and_fall_with_the_purchase(open_bench: OpenBench) -> None:
    kudos = fixed("kudos", 100, "GROWTH", on="referrer")
    tell(
        ruled(open_bench(tiers=tiers({"member": 0, "silver": 100})), BASE, kudos),
        """
        2026-03-01  ann earns 1
                    ben is brought by ann
        2026-03-05  ben buys p1 for 20.00 and earns 20
                    ann has growth 100
                    ann has tier silver
        2026-03-08  0.20 of p1 is returned, taking 1
                    ann has growth 99
                    ann has tier member
                    ann went: entered silver, returned member
        """,
    )
