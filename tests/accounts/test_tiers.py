"""Tiers by tables of dates that a person can check. What holds for all histories is in ``tests/properties``."""

from typing import Any

import pytest

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.tiers import (
    NO_TIER,
    TICK,
    TierState,
    entitlements_of,
    holds,
    period_of,
    revise,
    settle,
    tier_after,
)
from tests.ladders import at, growth, ladders, tiers, told

YEAR = {"kind": "end_of_year", "months": 0}
FOREVER = {"kind": "never"}
DAYS_365 = {"kind": "fixed_days", "days": 365}

# What the ladder says beside its usual terms, how long growth counts, what happens, and the history of the tier.
STORIES: dict[str, tuple[dict[str, Any], dict[str, Any], str, list[str]]] = {
    "lifetime growth is never lost": (
        {"period": FOREVER},
        FOREVER,
        """
        2026-03-01 gains 999
        2026-03-02 gains 1
        2031-01-01 gains 4000
        """,
        [
            "2026-03-01 entered member with 999",
            "2026-03-02 upgraded silver with 1000",
            "2031-01-01 upgraded gold with 5000",
        ],
    ),
    "several levels at once": (
        {"period": FOREVER},
        FOREVER,
        "2026-03-01 gains 20000",
        ["2026-03-01 entered diamond with 20000"],
    ),
    # The lots lapse at the very instant at which the year ends, and count in its last moment.
    "the growth of a calendar year keeps the tier at its end": (
        {},
        YEAR,
        """
        2026-03-01 gains 1000
        2027-05-01 gains 1200
        """,
        [
            "2026-03-01 entered silver with 1000 until 2026-12-31",
            "2027-01-01 kept silver with 1000 until 2027-12-31",
            "2028-01-01 kept silver with 1200 until 2028-12-31",
            "2029-01-01 downgraded member with 0",
        ],
    ),
    "rolling days: growth leaves one by one": (
        {"period": DAYS_365},
        DAYS_365,
        """
        2026-01-10 gains 600
        2026-06-10 gains 400
        2027-03-10 gains 500
        """,
        [
            "2026-01-10 entered member with 600",
            # 10 June 2026 to 10 June 2027: then the 400 are there on their last day, and the 500; the 600 are not.
            "2026-06-10 upgraded silver with 1000 until 2027-06-10",
            "2027-06-11 downgraded member with 900",
        ],
    ),
    "a soft landing goes down one level a period": (
        {"landing": "soft"},
        YEAR,
        "2026-05-05 gains 20000",
        [
            "2026-05-05 entered diamond with 20000 until 2026-12-31",
            "2027-01-01 kept diamond with 20000 until 2027-12-31",
            "2028-01-01 downgraded gold with 0 until 2028-12-31",
            "2029-01-01 downgraded silver with 0 until 2029-12-31",
            "2030-01-01 downgraded member with 0",
        ],
    ),
    "a hard landing goes to what growth reaches": (
        {"landing": "hard"},
        YEAR,
        """
        2026-05-05 gains 20000
        2027-05-05 gains 1500
        """,
        [
            "2026-05-05 entered diamond with 20000 until 2026-12-31",
            "2027-01-01 kept diamond with 20000 until 2027-12-31",
            "2028-01-01 downgraded silver with 1500 until 2028-12-31",
            "2029-01-01 downgraded member with 0",
        ],
    ),
    "grace is granted once, and then one falls": (
        {"grace_days": 31},
        YEAR,
        "2026-05-05 gains 1000",
        [
            "2026-05-05 entered silver with 1000 until 2026-12-31",
            "2027-01-01 kept silver with 1000 until 2027-12-31",
            "2028-01-01 grace silver with 0 until 2028-01-31",
            "2028-02-01 downgraded member with 0",
        ],
    ),
    "growth regained in grace keeps the tier": (
        {"grace_days": 31},
        YEAR,
        """
        2026-05-05 gains 1000
        2028-01-20 gains 900
        2028-01-31 gains 100
        """,
        [
            "2026-05-05 entered silver with 1000 until 2026-12-31",
            "2027-01-01 kept silver with 1000 until 2027-12-31",
            "2028-01-01 grace silver with 0 until 2028-01-31",
            "2028-01-31 kept silver with 1000 until 2028-12-31",
            "2029-01-01 kept silver with 1000 until 2029-12-31",
            "2030-01-01 grace silver with 0 until 2030-01-31",
            "2030-02-01 downgraded member with 0",
        ],
    ),
    "nobody falls below the floor": (
        {"floor": "silver", "landing": "hard"},
        YEAR,
        "2026-05-05 gains 5000",
        [
            "2026-05-05 entered gold with 5000 until 2026-12-31",
            "2027-01-01 kept gold with 5000 until 2027-12-31",
            "2028-01-01 downgraded silver with 0",
        ],
    ),
    "no return takes the floor": (
        {"floor": "silver"},
        YEAR,
        """
        2026-02-01 gains 1000 as a
        2026-04-01 loses 1000 of a
        """,
        ["2026-02-01 entered silver with 1000"],
    ),
    "a tier entered late in the year is protected beyond its end": (
        {"protection_days": 90},
        YEAR,
        """
        2026-12-20 gains 1000 as a
        2027-03-01 loses 1 of a
        """,
        # Ninety days on from 20 December is 20 March; by then nothing of 2026 counts any more.
        ["2026-12-20 entered silver with 1000 until 2027-03-20", "2027-03-21 downgraded member with 0"],
    ),
    "a return takes the tier at once": (
        {"return_policy": "immediate"},
        YEAR,
        """
        2026-02-01 gains 1000 as a
        2026-03-01 gains 4000 as b
        2026-04-01 loses 4000 of b
        2026-04-02 loses 1 of a
        """,
        [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2026-03-01 upgraded gold with 5000 until 2026-12-31",
            "2026-04-01 returned silver with 1000 until 2026-12-31",
            "2026-04-02 returned member with 999",
        ],
    ),
    "a return takes several levels at once": (
        {"return_policy": "immediate"},
        YEAR,
        """
        2026-02-01 gains 20000 as a
        2026-04-01 loses 19500 of a
        """,
        [
            "2026-02-01 entered diamond with 20000 until 2026-12-31",
            "2026-04-01 returned member with 500",
        ],
    ),
    "a return that crosses no threshold takes nothing": (
        {"return_policy": "immediate"},
        YEAR,
        """
        2026-02-01 gains 1500 as a
        2026-04-01 loses 500 of a
        2027-04-01 gains 900 as b
        2027-05-01 loses 100 of b
        """,
        # In 2027 the 900 never reached silver: to return 100 of them crosses nothing.
        [
            "2026-02-01 entered silver with 1500 until 2026-12-31",
            "2027-01-01 kept silver with 1000 until 2027-12-31",
            "2028-01-01 downgraded member with 800",
        ],
    ),
    "a return waits for the end of the period where the policy says so": (
        {"return_policy": "at_period_end"},
        YEAR,
        """
        2026-02-01 gains 1000 as a
        2026-04-01 loses 1 of a
        """,
        [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2027-01-01 downgraded member with 999",
        ],
    ),
    "a return within the protection takes nothing before the period ends": (
        {"protection_days": 30},
        YEAR,
        """
        2026-02-01 gains 1000 as a
        2026-03-03 loses 1 of a
        2026-03-05 gains 1 as b
        2026-03-06 loses 1 of b
        """,
        # Thirty days on from 1 February is 3 March, still protected; 6 March is not.
        [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2026-03-06 returned member with 999",
        ],
    ),
    "growth gained and taken at one instant reaches the tier first": (
        {"return_policy": "immediate"},
        YEAR,
        """
        2026-02-01 gains 1000 as a
        2026-02-01 loses 1000 of a
        """,
        [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2026-02-01 returned member with 0",
        ],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_history_is_as_noted(name: str) -> None:
    changes, window, happened, expected = STORIES[name]
    _, events = settle(NO_TIER, growth(happened, window), ladders(("", tiers(**changes))), at("2040-01-01"))
    assert [told(event) for event in events] == expected


def test_growth_earned_on_29_february_counts_to_its_last_day() -> None:
    # To the end of the month twelve on: 28 February 2029, for growth of the 29th as well.
    timeline = growth("2028-02-29 gains 1000", {"kind": "end_of_month", "months": 12})
    schedule = ladders(("", tiers(period={"kind": "end_of_month", "months": 12})))
    _, events = settle(NO_TIER, timeline, schedule, at("2030-01-01"))
    assert [told(event) for event in events] == [
        "2028-02-29 entered silver with 1000 until 2029-02-28",
        "2029-03-01 kept silver with 1000 until 2030-03-31",
    ]
    later = settle(NO_TIER, timeline, schedule, at("2030-04-01"))[1][-1]
    assert told(later) == "2030-04-01 downgraded member with 0"


def test_the_last_moment_of_29_february_still_counts() -> None:
    # Earned on 1 March 2027, 365 days: the last day is 29 February 2028.
    timeline = growth("2027-03-01 gains 1000", DAYS_365)
    assert timeline.last_moment(at("2028-03-01")) == 1_000
    assert timeline.opening(at("2028-03-01")) == 0
    assert timeline.left(at("2028-02-29 23:59:59")) == 1_000


class TestAnotherLadder:
    def test_a_tier_is_kept_by_its_code_and_its_period_goes_on(self) -> None:
        schedule = ladders(("", tiers()), ("2026-07-01", tiers({"member": 0, "silver": 2_000})))
        assert self.history("2026-02-01 gains 1000", schedule, "2027-02-01") == [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2027-01-01 downgraded member with 1000",
        ]

    def test_a_period_that_has_begun_is_not_drawn_out(self) -> None:
        longer = tiers(period={"kind": "end_of_year", "months": 24})
        assert self.history(
            "2026-02-01 gains 1000", ladders(("", tiers()), ("2026-07-01", longer)), "2027-02-01"
        ) == [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2027-01-01 kept silver with 1000 until 2029-12-31",
        ]

    def test_who_reaches_more_under_it_rises(self) -> None:
        schedule = ladders(("", tiers()), ("2026-07-01", tiers({"member": 0, "silver": 500, "gold": 900})))
        assert self.history("2026-02-01 gains 1000", schedule, "2026-12-01") == [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2026-07-01 terms_changed gold with 1000 until 2026-12-31",
        ]

    def test_a_tier_that_is_gone_becomes_the_highest_not_above_it(self) -> None:
        schedule = ladders(("", tiers()), ("2026-07-01", tiers({"basic": 0, "plus": 800, "top": 6_000})))
        assert self.history("2026-02-01 gains 5000", schedule, "2026-12-01") == [
            "2026-02-01 entered gold with 5000 until 2026-12-31",
            "2026-07-01 terms_changed plus with 5000 until 2026-12-31",
        ]

    def test_who_stands_on_the_new_floor_has_no_end(self) -> None:
        schedule = ladders(("", tiers()), ("2026-07-01", tiers(floor="silver")))
        assert self.history("2026-02-01 gains 1000", schedule, "2029-01-01") == [
            "2026-02-01 entered silver with 1000 until 2026-12-31",
            "2026-07-01 terms_changed silver with 1000",
        ]

    def test_the_first_ladder_takes_in_who_has_growth(self) -> None:
        schedule = ladders(("", None), ("2026-07-01", tiers()))
        assert self.history("2026-02-01 gains 1000", schedule, "2026-12-01") == [
            "2026-07-01 entered silver with 1000 until 2026-12-31"
        ]

    def test_without_a_ladder_nobody_has_a_tier(self) -> None:
        schedule = ladders(("", tiers()), ("2026-07-01", None))
        timeline = growth("2026-02-01 gains 1000", YEAR)
        state, _ = settle(NO_TIER, timeline, schedule, at("2026-12-01"))
        assert state == TierState(terms_version=2, settled_at=at("2026-12-01"))
        assert tier_after(NO_TIER, [], schedule, at("2026-12-01")) == ""

    def test_a_period_that_ends_with_the_old_ladder_is_judged_by_it(self) -> None:
        schedule = ladders(("", tiers()), ("2027-01-01", tiers({"member": 0, "silver": 2_000})))
        history = self.history("2026-02-01 gains 1000", schedule, "2027-02-01")
        assert history[1:] == ["2027-01-01 kept silver with 1000 until 2027-12-31"]

    def history(self, happened: str, schedule: Any, until: str) -> list[str]:
        _, events = settle(NO_TIER, growth(happened, YEAR), schedule, at(until))
        return [told(event) for event in events]


class TestLateEvents:
    EARLY = "2026-02-01 gains 600\n2026-03-01 gains 300"
    LATE = "2026-02-10 gains 400"

    def test_late_growth_lifts_the_tier_from_when_it_happened(self) -> None:
        schedule = ladders(("", tiers()))
        before, _ = settle(NO_TIER, growth(self.EARLY, YEAR), schedule, at("2026-03-01 12:00"))
        timeline = growth(f"{self.EARLY}\n{self.LATE}", YEAR)
        late = at("2026-02-10 12:00")
        revised = revise(before, timeline, schedule, at("2026-03-05"), late)
        assert (revised.state.code, revised.state.since) == ("silver", late)
        assert [told(event) for event in revised.events] == [
            "2026-02-10 late_event silver with 1300 until 2026-12-31"
        ]
        assert revised.state == settle(NO_TIER, timeline, schedule, at("2026-03-05"))[0]

    def test_late_growth_that_changes_nothing_leaves_no_trace(self) -> None:
        schedule = ladders(("", tiers()))
        before, _ = settle(NO_TIER, growth(self.EARLY, YEAR), schedule, at("2026-03-01 12:00"))
        timeline = growth(f"{self.EARLY}\n2026-02-10 gains 5", YEAR)
        revised = revise(before, timeline, schedule, at("2026-03-01 12:00"), at("2026-02-10 12:00"))
        assert (revised.state, revised.events) == (before, [])

    def test_terms_recorded_behind_the_back_of_a_state_make_it_stale(self) -> None:
        state, _ = settle(NO_TIER, growth(self.EARLY, YEAR), ladders(("", tiers())), at("2026-03-01 12:00"))
        changed = ladders(("", tiers()), ("2026-02-20", tiers({"member": 0, "silver": 900})))
        assert holds(state, ladders(("", tiers())))
        assert not holds(state, changed)


def test_a_gain_may_still_join_the_instant_that_is_settled() -> None:
    schedule, noon = ladders(("", tiers())), at("2026-02-01 12:00")
    first, _ = settle(NO_TIER, Timeline([Change(noon, 600)]), schedule, noon)
    both, events = settle(first, Timeline([Change(noon, 600), Change(noon, 400)]), schedule, noon)
    assert both == settle(NO_TIER, Timeline([Change(noon, 1_000)]), schedule, noon)[0]
    assert [event.reason for event in events] == ["upgraded"]


def test_what_is_taken_is_settled_when_no_gain_can_join_any_more() -> None:
    schedule, noon = ladders(("", tiers())), at("2026-02-01 12:00")
    timeline = Timeline([Change(noon, 1_000), Change(noon, -1)])
    assert settle(NO_TIER, timeline, schedule, noon)[0].code == "silver"
    assert settle(NO_TIER, timeline, schedule, noon + TICK)[0].code == "member"


def test_a_purchase_can_ask_what_tier_it_would_reach() -> None:
    schedule, noon = ladders(("", tiers())), at("2026-02-01 12:00")
    changes = [Change(at("2026-01-01"), 900)]
    state, _ = settle(NO_TIER, Timeline(changes), schedule, at("2026-01-01"))
    assert tier_after(state, changes, schedule, noon) == "member"
    assert tier_after(state, changes, schedule, noon, gain=100) == "silver"
    assert tier_after(NO_TIER, [], schedule, noon) == "member"


def test_benefits_are_issued_for_the_local_period_of_the_event() -> None:
    stored = tiers(period=YEAR)
    stored["levels"][1]["entitlements"] = [
        {"code": "voucher", "per": "year", "name": {"en": "Voucher", "zh": "券"}},
        {"code": "parking", "per": "quarter", "name": {"en": "Parking", "zh": "停车"}},
        {"code": "coffee", "per": "month", "name": {"en": "Coffee", "zh": "咖啡"}},
    ]
    schedule = ladders(("", stored))
    _, events = settle(NO_TIER, growth("2026-08-31 gains 1000", YEAR), schedule, at("2028-06-01"))
    issued = [(e.code, e.period, e.tier) for e in entitlements_of(events, schedule)]
    assert issued == [
        ("voucher", "2026", "silver"),
        ("parking", "2026-Q3", "silver"),
        ("coffee", "2026-08", "silver"),
        ("voucher", "2027", "silver"),
        ("parking", "2027-Q1", "silver"),
        ("coffee", "2027-01", "silver"),
    ]


@pytest.mark.parametrize(
    ("instant", "per", "period"),
    [
        ("2026-12-31 23:59:59", "year", "2026"),
        ("2027-01-01", "year", "2027"),
        ("2026-03-31", "quarter", "2026-Q1"),
        ("2026-04-01", "quarter", "2026-Q2"),
        ("2026-12-31", "quarter", "2026-Q4"),
        ("2028-02-29", "month", "2028-02"),
    ],
)
def test_periods_are_named_by_the_local_calendar(instant: str, per: Any, period: str) -> None:
    assert period_of(at(instant), per, "Asia/Shanghai") == period
