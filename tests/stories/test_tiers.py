"""Tiers, told so that a marketing manager can check them: a unit of growth and a point for each yuan, levels at
1,000 and 5,000, kept to the end of the year after next to nothing else is said."""

from typing import Any

from tests.ladders import tiers
from tests.rulesets import rule
from tests.stories.conftest import OpenBench
from tests.stories.telling import tell

CALENDAR_YEAR = {"kind": "end_of_year", "months": 0}
DAYS_366 = {"kind": "fixed_days", "days": 366}

# Silver earns half as much again, gold twice as much.
BY_TIER = {
    "": [
        rule(
            "base",
            by_tier={
                "silver": {"numerator": 3, "denominator": 2},
                "gold": {"numerator": 2, "denominator": 1},
            },
        ),
        rule("base-growth", "GROWTH"),
    ]
}


def with_tiers(**changes: Any) -> dict[str, Any]:
    return {"growth_expiry": CALENDAR_YEAR, "tiers": tiers(**changes)}


def test_the_purchase_that_reaches_silver_is_rated_as_before(open_bench: OpenBench) -> None:
    tell(
        open_bench(rules=BY_TIER, **with_tiers(crossing_rate="before")),
        """
        2026-03-01  ann buys p1 for 900.00 and earns 900
                    ann has tier member
        2026-03-02  ann buys p2 for 100.00 and earns 100
                    ann has tier silver
        2026-03-03  ann buys p3 for 100.00 and earns 150
                    ann went: entered member, upgraded silver
        """,
    )


def test_the_purchase_that_reaches_silver_is_rated_as_silver(open_bench: OpenBench) -> None:
    tell(
        open_bench(rules=BY_TIER, **with_tiers(crossing_rate="after")),
        """
        2026-03-01  ann buys p1 for 900.00 and earns 900
        2026-03-02  ann buys p2 for 100.00 and earns 150
                    ann has tier silver
        2026-03-03  bob buys p3 for 5000.00 and earns 10000
                    bob has tier gold
                    bob went: entered gold
        """,
    )


def test_a_soft_landing_goes_down_one_level_a_year(open_bench: OpenBench) -> None:
    # The growth of 2026 keeps gold through 2027, though it lapses with the last moment of 2026.
    tell(
        open_bench(**with_tiers(landing="soft")),
        """
        2026-06-01           ann buys p1 for 5000.00
                             ann has tier gold
        2027-12-31 23:59:59  ann has tier gold
        2028-01-01 00:00:00  ann has tier silver
        2028-12-31 23:59:59  ann has tier silver
        2029-01-01 00:00:00  ann has tier member
                             ann went: entered gold
                             the sweep runs
                             ann went: entered gold, kept gold, downgraded silver, downgraded member
        """,
    )


def test_a_soft_landing_stops_at_what_is_earned_on_the_way(open_bench: OpenBench) -> None:
    tell(
        open_bench(**with_tiers(landing="soft")),
        """
        2026-06-01  ann buys p1 for 5000.00
        2028-02-01  ann has tier silver
                    ann buys p2 for 1000.00
        2029-02-01  ann has tier silver
        2030-02-01  ann has tier member
        """,
    )


def test_a_hard_landing_goes_to_what_was_earned(open_bench: OpenBench) -> None:
    tell(
        open_bench(**with_tiers(landing="hard")),
        """
        2026-06-01  ann buys p1 for 5000.00
        2028-01-01  ann has tier member
        """,
    )


def test_growth_of_a_leap_year_leaves_the_window_on_29_february(open_bench: OpenBench) -> None:
    # 366 days on from 28 February 2027 is 29 February 2028: there to its end, and gone with the first of March.
    # Its last moment keeps the tier for 366 days more.
    tell(
        open_bench(growth_expiry=DAYS_366, tiers=tiers(period=DAYS_366, landing="hard")),
        """
        2027-02-28           ann buys p1 for 1000.00
                             ann has growth 1000
        2028-02-29 23:59:59  ann has tier silver
        2028-03-01 00:00:00  ann has tier silver
                             the sweep runs
                             ann has growth 0
                             ann went: entered silver, kept silver
        2029-03-02 23:59:59  ann has tier silver
        2029-03-03 00:00:00  ann has tier member
        """,
    )


def test_a_first_order_that_goes_back_takes_its_tier_with_it(open_bench: OpenBench) -> None:
    tell(
        open_bench(**with_tiers(return_policy="immediate")),
        """
        2026-03-01  ann buys p1 for 1000.00 and earns 1000
                    ann has tier silver
        2026-03-08  1.00 of p1 is returned, taking 1
                    ann has tier member
                    ann went: entered silver, returned member
        """,
    )


def test_a_return_may_wait_for_the_end_of_the_year(open_bench: OpenBench) -> None:
    tell(
        open_bench(**with_tiers(return_policy="at_period_end")),
        """
        2026-03-01           ann buys p1 for 1000.00 and earns 1000
        2026-03-08           1.00 of p1 is returned, taking 1
                             ann has growth 999
        2026-12-31 23:59:59  ann has tier silver
        2027-01-01 00:00:00  ann has tier member
        """,
    )


def test_a_till_that_was_offline_changes_what_was_believed(open_bench: OpenBench) -> None:
    tell(
        open_bench(**with_tiers()),
        """
        2026-12-28  ann buys p1 for 600.00
        2026-12-31  ann buys p0 for 1.00
        2027-01-05  ann has tier member
                    ann bought p2 for 400.00 on 2026-12-30
                    ann has tier silver
                    ann went: entered member, late_event silver
        2027-12-31  ann has tier silver
        2028-01-01  ann has tier member
        """,
    )


def test_days_of_grace_are_a_last_chance(open_bench: OpenBench) -> None:
    tell(
        open_bench(**with_tiers(grace_days=31)),
        """
        2026-06-01           ann buys p1 for 1000.00
                             bob buys p2 for 1000.00
        2028-01-15           ann has tier silver
                             ann buys p3 for 1000.00
                             ann went: entered silver, kept silver, grace silver, kept silver
        2028-01-31 23:59:59  bob has tier silver
        2028-02-01 00:00:00  bob has tier member
                             ann has tier silver
        """,
    )
