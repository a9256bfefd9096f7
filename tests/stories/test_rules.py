"""Worked examples of rules, as tables that a marketing manager can check: what is bought, what it earns by which
rule, and what a fence kept back. One point for each whole yuan is the rule ``base``.
"""

from typing import Any

from tests.rulesets import doubled, fixed, rule
from tests.stories.conftest import OpenBench
from tests.stories.counter import tell_at_the_counter

BASE = rule("base")
OVERRIDABLE_BASE = rule("base", overridable=True)
GROWTH = rule("g", "GROWTH")
DOUBLE_BASE = {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": ["base"]}
EXTRA_FOR_COFFEE = {"kind": "per_amount", "per": 2, "amount": 100}
COFFEE = {"categories": ["coffee"]}


def rules(*forms: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"rules": list(forms), **parts}


def campaign(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": {"en": code, "zh": code}, **more}


def test_a_multiplier_gives_its_extra_on_top_of_the_base(open_bench: OpenBench) -> None:
    weekend = doubled("weekend", when="time.weekday >= 6")
    app = rule(
        "app", rate={"kind": "multiplier", "numerator": 3, "denominator": 2}, when="purchase.channel == 'app'"
    )
    # Friday the 6th, Saturday the 7th. Double and half as much again is two and a half times, not three times.
    tell_at_the_counter(
        open_bench(),
        {"weekends": rules(BASE, GROWTH, weekend, app)},
        """
        2026-03-01          | headquarters puts weekends in force
        2026-03-06 23:59:59 | ann buys latte for 39.00            | 39 = base 39, growth 39 = g 39
        2026-03-07 00:00:00 | ann buys latte for 39.00            | 78 = base 39 + weekend 39, growth 39 = g 39
                            | ann buys latte for 39.00 over app   | 97 = app 19 + base 39 + weekend 39, growth 39 = g 39
                            | ann has 214, growth 117
        """,
    )


def test_more_for_coffee_counts_the_coffee_alone(open_bench: OpenBench) -> None:
    coffee = rule("coffee", rate=EXTRA_FOR_COFFEE, lines=COFFEE)
    tell_at_the_counter(
        open_bench(),
        {"coffee": rules(BASE, coffee)},
        """
        2026-03-01 | headquarters puts coffee in force
        2026-03-02 | ann buys coffee for 39.90, milk for 12.30                 | 131 = base 52 + coffee 79
                   | ann buys coffee for 9.90, milk for 20.00, coffee for 9.90 | 78 = base 39 + coffee 39
                   | ben buys milk for 12.30                                   | 12 = base 12
                   | ann has 209
                   | ben has 12
        """,
    )


def test_rounding_by_basket_and_by_line(open_bench: OpenBench) -> None:
    # Three lines of 0.90 are 2.70 together: two whole yuan, or three times none.
    by_line = rule("base", rounded_per="line")
    tell_at_the_counter(
        open_bench(),
        {"by-basket": rules(BASE), "by-line": rules(by_line)},
        """
        2026-03-01 | headquarters puts by-basket in force
                   | ann buys tea for 0.90, tea for 0.90, tea for 0.90 | 2 = base 2
        2026-03-02 | headquarters puts by-line in force
                   | ann buys tea for 0.90, tea for 0.90, tea for 0.90
                   | ann buys tea for 1.90, tea for 1.90               | 2 = base 2
                   | ann has 4
        """,
    )


def test_rounding_half_up_and_up(open_bench: OpenBench) -> None:
    halves = {"kind": "per_amount", "per": 1, "amount": 200}
    tell_at_the_counter(
        open_bench(),
        {
            "half-up": rules(rule("base", rate=halves, rounding="half_up")),
            "up": rules(rule("base", rate=halves, rounding="ceiling")),
        },
        """
        2026-03-01 | headquarters puts half-up in force
                   | ann buys tea for 8.99              | 4 = base 4
                   | ann buys tea for 9.00              | 5 = base 5
                   | ann buys tea for 0.99
        2026-03-02 | headquarters puts up in force
                   | ann buys tea for 8.01              | 5 = base 5
                   | ann buys tea for 0.01              | 1 = base 1
                   | ann has 15
        """,
    )


def test_steps_for_the_whole_basket_and_for_its_slices(open_bench: OpenBench) -> None:
    steps = [{"from": 0, "per": 1, "amount": 100}, {"from": 50_000, "per": 2, "amount": 100}]
    whole = rule("base", rate={"kind": "steps", "steps": steps})
    slices = rule("base", rate={"kind": "steps", "steps": steps, "mode": "marginal"})
    tell_at_the_counter(
        open_bench(),
        {"whole": rules(whole), "slices": rules(slices)},
        """
        2026-03-01 | headquarters puts whole in force
                   | ann buys shoes for 499.99         | 499 = base 499
                   | ann buys shoes for 500.00         | 1000 = base 1000
                   | ann buys shoes for 620.00         | 1240 = base 1240
        2026-03-02 | headquarters puts slices in force
                   | ann buys shoes for 620.00         | 740 = base 740
        """,
    )


def test_fixed_awards_by_basket_by_line_and_by_piece(open_bench: OpenBench) -> None:
    by_line = rule("by-line", rate={"kind": "fixed", "amount": 5, "each": "line"})
    by_piece = rule("by-piece", rate={"kind": "fixed", "amount": 2, "each": "piece"}, lines=COFFEE)
    tell_at_the_counter(
        open_bench(),
        {"fixed": rules(fixed("by-basket", 10), by_line, by_piece)},
        """
        2026-03-01 | headquarters puts fixed in force
                   | ann buys 3 coffee for 60.00, milk for 12.00 | 26 = by-basket 10 + by-line 10 + by-piece 6
                   | ann buys 2 milk for 24.00                   | 15 = by-basket 10 + by-line 5
        """,
    )


def test_a_cap_of_the_day_is_reached_by_the_second_purchase(open_bench: OpenBench) -> None:
    tell_at_the_counter(
        open_bench(),
        {"capped": rules(BASE, rule("coffee", rate=EXTRA_FOR_COFFEE, lines=COFFEE, caps={"day": 100}))},
        """
        2026-03-01          | headquarters puts capped in force
        2026-03-02 08:00    | ann buys coffee for 40.00         | 120 = base 40 + coffee 80
        2026-03-02 18:00    | ann buys coffee for 40.00         | 60 = base 40 + coffee 20  | coffee 60 by cap_day
        2026-03-02 23:59:59 | ann buys coffee for 40.00         | 40 = base 40              | coffee 80 by cap_day
                            | ben buys coffee for 40.00         | 120 = base 40 + coffee 80
        2026-03-03 00:00:00 | ann buys coffee for 40.00         | 120 = base 40 + coffee 80
                            | ann has 340
        """,
    )


def test_caps_of_a_purchase_a_week_and_a_month(open_bench: OpenBench) -> None:
    # The 29th is a Sunday: with the 30th a new week begins, and on the Wednesday a new month.
    capped = fixed("visit", 10, caps={"transaction": 8, "week": 12, "month": 20})
    tell_at_the_counter(
        open_bench(),
        {"capped": rules(capped)},
        """
        2026-03-01 | headquarters puts capped in force
        2026-03-16 | ann buys tea for 1.00             | 8 = visit 8 | visit 2 by cap_transaction
        2026-03-17 | ann buys tea for 1.00             | 4 = visit 4 | visit 6 by cap_week
        2026-03-29 | ann buys tea for 1.00             | 8 = visit 8 | visit 2 by cap_transaction
        2026-03-30 | ann buys tea for 1.00             |             | visit 10 by cap_month
        2026-04-01 | ann buys tea for 1.00             | 8 = visit 8 | visit 2 by cap_transaction
        """,
    )


def test_a_cashier_gives_so_much_a_day_whoever_buys(open_bench: OpenBench) -> None:
    sorry = fixed("sorry", 60, lines={"categories": ["apology"]}, caps={"operator_day": 100})
    tell_at_the_counter(
        open_bench(),
        {"sorry": rules(sorry)},
        """
        2026-03-01 | headquarters puts sorry in force
        2026-03-02 | ann buys apology for 0.00 from olga  | 60 = sorry 60
                   | ben buys apology for 0.00 from olga  | 40 = sorry 40 | sorry 20 by cap_operator_day
                   | cat buys apology for 0.00 from olga  |               | sorry 60 by cap_operator_day
                   | cat buys apology for 0.00 from peter | 60 = sorry 60
        2026-03-03 | ann buys apology for 0.00 from olga  | 60 = sorry 60
        """,
    )


def test_of_a_group_the_best_gives_or_the_first(open_bench: OpenBench) -> None:
    promo = {"group": "promo", "mode": "best_of"}
    first = {"group": "promo", "mode": "exclusive"}
    coffee, ten = rule("coffee", rate=EXTRA_FOR_COFFEE, lines=COFFEE), fixed("ten", 10)
    tell_at_the_counter(
        open_bench(),
        {
            "best": rules(BASE, {**coffee, "stacking": promo}, {**ten, "stacking": promo}),
            "first": rules(BASE, {**coffee, "stacking": first}, {**ten, "stacking": first, "priority": 5}),
        },
        """
        2026-03-01 | headquarters puts best in force
                   | ann buys coffee for 10.00        | 30 = base 10 + coffee 20 | ten 10 by stacking
                   | ann buys coffee for 4.00         | 14 = base 4 + ten 10     | coffee 8 by stacking
                   | ann buys milk for 10.00          | 20 = base 10 + ten 10
        2026-03-02 | headquarters puts first in force
                   | ann buys coffee for 10.00        | 20 = ten 10 + base 10    | coffee 20 by stacking
        """,
    )


def test_a_campaign_ends_with_its_last_day_where_the_program_is(open_bench: OpenBench) -> None:
    spring = campaign("spring", **{"from": "2026-03-01", "until": "2026-03-31"})
    tell_at_the_counter(
        open_bench("America/New_York"),
        {"spring": rules(BASE, doubled("spring-double", campaign="spring"), campaigns=[spring])},
        """
        2026-02-20          | headquarters puts spring in force
        2026-02-28 23:59:59 | ann buys tea for 10.00            | 10 = base 10
        2026-03-01 00:00:00 | ann buys tea for 10.00            | 20 = base 10 + spring-double 10
        2026-03-31 23:59:59 | ann buys tea for 10.00            | 20 = base 10 + spring-double 10
        2026-04-01 00:00:00 | ann buys tea for 10.00            | 10 = base 10
                            | ann has 60
        """,
        "America/New_York",
    )


def test_a_campaign_has_a_cap_for_all_its_rules_together(open_bench: OpenBench) -> None:
    spring = campaign("spring", caps={"ever": 50})
    tell_at_the_counter(
        open_bench(),
        {
            "spring": rules(
                fixed("cup", 30, lines=COFFEE, campaign="spring"),
                fixed("tea", 10, campaign="spring"),
                campaigns=[spring],
            )
        },
        """
        2026-03-01 | headquarters puts spring in force
        2026-03-02 | ann buys coffee for 10.00         | 40 = cup 30 + tea 10
        2026-05-02 | ann buys coffee for 10.00         | 10 = cup 10          | cup 20 by cap_ever, tea 10 by cap_ever
        2026-05-02 | ben buys coffee for 10.00         | 40 = cup 30 + tea 10
        """,
    )


def test_a_budget_pays_a_whole_award_or_none_of_it(open_bench: OpenBench) -> None:
    tell_at_the_counter(
        open_bench(),
        {"spring": rules(BASE, fixed("gift", 150, funds=["spring"]))},
        """
        2026-03-01 | headquarters puts spring in force
                   | ann buys tea for 5.00             | 5 = base 5              | gift 150 by budget_exhausted
        2026-03-02 | 400 points are granted to spring
                   | ann buys tea for 5.00             | 155 = base 5 + gift 150
                   | ben buys tea for 5.00             | 155 = base 5 + gift 150
                   | cat buys tea for 5.00             | 5 = base 5              | gift 150 by budget_exhausted
                   | spring has 100 left
        2026-03-03 | 50 points are granted to spring
                   | cat buys tea for 5.00             | 155 = base 5 + gift 150
                   | spring has 0 left
        """,
    )


def test_each_store_pays_from_its_own_budget(open_bench: OpenBench) -> None:
    tell_at_the_counter(
        open_bench(),
        {"local": rules(fixed("gift", 20, funds=["store:{store}"]))},
        """
        2026-03-01 | headquarters puts local in force
                   | 30 points are granted to store:s-1
                   | ann buys tea for 5.00 at s-1       | 20 = gift 20
                   | ann buys tea for 5.00 at s-1       |              | gift 20 by budget_exhausted
                   | ann buys tea for 5.00 at s-2       |              | gift 20 by budget_exhausted
                   | ann buys tea for 5.00              |              | gift 20 by budget_exhausted
        """,
    )


def test_a_region_gives_up_to_a_fifth_of_what_headquarters_gave(open_bench: OpenBench) -> None:
    # Of 80,000 points, 16,000: with the next point the fence is reached.
    share = {"percent": 20, "of": "headquarters", "period": "month"}
    east = {"east": rules(rule("east:plus", when="purchase.amount >= 100"))}
    tell_at_the_counter(
        open_bench(region_share=share),
        {"base": rules(rule("base", when="region.id != 'east'")), **east},
        """
        2026-03-01 | headquarters puts base in force
                   | east puts east in force
                   | hal buys house for 80000.00         | 80000 = base 80000
                   | ann buys tea for 10.00 in east      |                         | east:plus 10 by region_share
                   | the shares are topped up
                   | ann buys house for 15999.00 in east | 15999 = east:plus 15999
                   | ben buys tea for 2.00 in east       |                         | east:plus 2 by region_share
                   | ben buys tea for 1.00 in east       | 1 = east:plus 1
                   | ben buys tea for 1.00 in east       |                         | east:plus 1 by region_share
                   | share:east:2026-03 has 0 left
        2026-04-01 | ben buys tea for 1.00 in east       |                         | east:plus 1 by region_share
        """,
    )


def test_sixteen_thousand_and_one_do_not_pass(open_bench: OpenBench) -> None:
    share = {"percent": 20, "of": "headquarters", "period": "month"}
    tell_at_the_counter(
        open_bench(region_share=share),
        {"base": rules(rule("base", when="region.id != 'east'")), "east": rules(rule("east:plus"))},
        """
        2026-03-01 | headquarters puts base in force
                   | east puts east in force
                   | hal buys house for 80000.00         | 80000 = base 80000
                   | the shares are topped up
                   | ann buys house for 16001.00 in east |                         | east:plus 16001 by region_share
                   | ann buys house for 16000.00 in east | 16000 = east:plus 16000
        """,
    )


def test_a_rule_is_switched_off_between_two_purchases(open_bench: OpenBench) -> None:
    spring = campaign("spring")
    tell_at_the_counter(
        open_bench(),
        {
            "spring": rules(
                BASE, rule("oops", rate=DOUBLE_BASE), fixed("gift", 5, campaign="spring"), campaigns=[spring]
            )
        },
        """
        2026-03-01          | headquarters puts spring in force
        2026-03-02 12:00:00 | ann buys tea for 10.00            | 25 = base 10 + gift 5 + oops 10
        2026-03-02 12:00:01 | rule oops is switched off
                            | ann buys tea for 10.00            | 15 = base 10 + gift 5
                            | campaign spring is switched off
                            | ann buys tea for 10.00            | 10 = base 10
        2026-03-03          | rule oops is switched on
                            | ann buys tea for 10.00            | 20 = base 10 + oops 10
                            | ann has 70
        """,
    )


LATE = """
        2026-03-01          | headquarters puts plain in force
        2026-03-10          | headquarters puts double in force from 2026-03-15 00:00
        2026-03-14 23:59:59 | ann buys tea for 10.00                                  | 10 = base 10
        2026-03-15 00:00:00 | ann buys tea for 10.00                                  | 20 = all-double 10 + base 10
        2026-03-16          | ann bought tea for 10.00 on 2026-03-14 23:59:59         | {late}
                            | ann bought tea for 10.00 on 2026-03-15 00:00:00         | 20 = all-double 10 + base 10
                            | ann has {has}
"""


def test_a_late_purchase_is_judged_by_the_rules_of_its_day(open_bench: OpenBench) -> None:
    sets = {"plain": rules(BASE), "double": rules(BASE, doubled("all-double"))}
    tell_at_the_counter(open_bench(), sets, LATE.format(late="10 = base 10", has=60))


def test_a_late_purchase_may_be_judged_by_the_rules_of_the_day_it_is_recorded(open_bench: OpenBench) -> None:
    sets = {"plain": rules(BASE), "double": rules(BASE, doubled("all-double"))}
    late = LATE.format(late="20 = all-double 10 + base 10", has=70)
    tell_at_the_counter(open_bench(judged_at="recorded_at"), sets, late)


def test_back_to_the_rules_before(open_bench: OpenBench) -> None:
    # What the mistake gave stays given; what is returned takes back what it gave.
    mistake = rule("base", rate={"kind": "per_amount", "per": 10, "amount": 100})
    tell_at_the_counter(
        open_bench(),
        {"plain": rules(BASE), "mistake": rules(mistake)},
        """
        2026-03-01 | headquarters puts plain in force
        2026-03-02 | headquarters puts mistake in force
                   | ann buys p1: tea for 10.00             | 100 = base 100
        2026-03-03 | headquarters goes back to plain
                   | ann buys tea for 10.00                 | 10 = base 10
                   | ann bought tea for 10.00 on 2026-03-02 | 100 = base 100
                   | ann has 210
        2026-03-04 | p1 is returned, taking 100
                   | ann has 110
        """,
    )


def test_a_region_puts_its_own_rule_in_the_place_of_one_that_may_be_replaced(open_bench: OpenBench) -> None:
    east = rule("east:base", rate={"kind": "per_amount", "per": 3, "amount": 200}, overrides=["base"])
    tell_at_the_counter(
        open_bench(),
        {"hq": rules(OVERRIDABLE_BASE, doubled("weekend", when="time.weekday >= 6")), "east": rules(east)},
        """
        2026-03-02 | headquarters puts hq in force
                   | east puts east in force
                   | ann buys tea for 10.00         | 10 = base 10
                   | ann buys tea for 10.00 in west | 10 = base 10
                   | ann buys tea for 10.00 in east | 15 = east:base 15
        2026-03-07 | ann buys tea for 10.00 in east | 30 = east:base 15 + weekend 15
        """,
    )


def test_a_region_cannot_touch_what_headquarters_keeps_to_itself(open_bench: OpenBench) -> None:
    # It may add to it; and once headquarters takes its permission back, what stood in the place of its rule stands
    # beside it.
    more, instead = fixed("east:more", 3), fixed("east:base", 50, overrides=["base"])
    tell_at_the_counter(
        open_bench(),
        {
            "hq": rules(BASE),
            "open": rules(OVERRIDABLE_BASE),
            "more": rules(more),
            "instead": rules(instead),
            "base": rules(fixed("base", 50)),
        },
        """
        2026-03-02 | headquarters puts hq in force
                   | east cannot put instead in force: rule_not_overridable
                   | east cannot put base in force: invalid_request
                   | east puts more in force
                   | ann buys tea for 10.00 in east                         | 13 = base 10 + east:more 3
        2026-03-03 | headquarters puts open in force
                   | east puts instead in force
                   | ann buys tea for 10.00 in east                         | 50 = east:base 50
        2026-03-04 | headquarters goes back to hq
                   | ann buys tea for 10.00 in east                         | 60 = base 10 + east:base 50
        """,
    )


def test_a_condition_that_fails_costs_its_own_award_alone(open_bench: OpenBench) -> None:
    odd = fixed("odd", 5, when="purchase.amount / (purchase.lines - 2) > 0")
    tell_at_the_counter(
        open_bench(),
        {"odd": rules(BASE, odd)},
        """
        2026-03-02 | headquarters puts odd in force
                   | ann buys tea for 10.00, milk for 5.00, jam for 5.00 | 25 = base 20 + odd 5
                   | ann buys tea for 10.00, milk for 5.00               | 15 = base 15         | odd 0 by rule_error
                   | ann has 40
        """,
    )


def test_a_purchase_goes_back_in_three_parts_and_everything_it_gave_with_it(open_bench: OpenBench) -> None:
    gift = fixed("gift", 20, funds=["spring"])
    tell_at_the_counter(
        open_bench(),
        {"spring": rules(BASE, GROWTH, rule("twice", rate=DOUBLE_BASE), gift)},
        """
        2026-03-01 | headquarters puts spring in force
                   | 100 points are granted to spring
        2026-03-02 | ann buys p1: shoes for 100.00      | 220 = base 100 + gift 20 + twice 100, growth 100 = g 100
        2026-03-03 | 33.33 of p1 is returned, taking 74
        2026-03-04 | 33.33 of p1 is returned, taking 73
        2026-03-05 | 33.34 of p1 is returned, taking 73
                   | ann has 0, owes 0, growth 0
                   | spring has 80 left
        """,
    )


def test_what_cost_nothing_goes_back_with_what_it_gave(open_bench: OpenBench) -> None:
    tell_at_the_counter(
        open_bench(),
        {"gifts": rules(fixed("gift", 7), fixed("g", 5, "GROWTH"))},
        """
        2026-03-01 | headquarters puts gifts in force    |
                   | ann buys p1: sample for 0.00        | 7 = gift 7, growth 5 = g 5
                   | p1 is returned, taking 7            |
                   | ann has 0, owes 0, growth 0         |
        """,
    )


def test_visits_count_from_before_there_were_rules(open_bench: OpenBench) -> None:
    first, third = fixed("first", 7, when="member.visits == 1"), fixed("third", 9, when="member.visits == 3")
    tell_at_the_counter(
        open_bench(),
        {"visits": rules(BASE, first, third)},
        """
        2026-03-01 | ann buys tea for 1.00                | 1 = base 1, growth 1 = base 1
                   | ann buys tea for 1.00                | 1 = base 1, growth 1 = base 1
        2026-03-02 | headquarters puts visits in force    |
                   | ann buys tea for 1.00                | 10 = base 1 + third 9
                   | ben buys tea for 1.00                | 8 = base 1 + first 7
        """,
    )


def test_a_rule_sees_what_the_clock_has_left_of_the_points(open_bench: OpenBench) -> None:
    monthly = {"kind": "end_of_month", "months": 0}
    rich, grown = fixed("rich", 7, when="member.points >= 10"), fixed("grown", 3, when="member.growth >= 10")
    tell_at_the_counter(
        open_bench(points_expiry=monthly, growth_expiry=monthly),
        {"rich": rules(BASE, GROWTH, rich, grown)},
        """
        2026-03-01          | headquarters puts rich in force |
        2026-03-30          | ann buys tea for 10.00          | 10 = base 10, growth 10 = g 10
        2026-03-31 23:59:59 | ann buys tea for 1.00           | 11 = base 1 + grown 3 + rich 7, growth 1 = g 1
        2026-04-01 00:00:00 | ann buys tea for 1.00           | 1 = base 1, growth 1 = g 1
        """,
    )


def test_points_that_wait_are_not_there_yet(open_bench: OpenBench) -> None:
    tell_at_the_counter(
        open_bench(pending_days=3),
        {"rich": rules(BASE, fixed("rich", 7, when="member.points >= 10"))},
        """
        2026-03-01          | headquarters puts rich in force |
        2026-03-10 12:00:00 | ann buys tea for 10.00          | 10 = base 10
        2026-03-13 11:59:59 | ann buys tea for 1.00           | 1 = base 1
        2026-03-13 12:00:00 | ann buys tea for 1.00           | 8 = base 1 + rich 7
        """,
    )


def test_a_campaign_of_one_day_that_has_no_midnight(open_bench: OpenBench) -> None:
    # In Beirut the 29th begins at one o'clock.
    day = campaign("day", **{"from": "2026-03-29", "until": "2026-03-29"})
    tell_at_the_counter(
        open_bench("Asia/Beirut"),
        {"day": rules(fixed("gift", 7, campaign="day", caps={"day": 10}), campaigns=[day])},
        """
        2026-03-01          | headquarters puts day in force |            |
        2026-03-28 23:59:59 | ann buys tea for 1.00          |            |
        2026-03-29 01:00:00 | ann buys tea for 1.00          | 7 = gift 7 |
        2026-03-29 23:59:59 | ann buys tea for 1.00          | 3 = gift 3 | gift 4 by cap_day
        2026-03-30 00:00:00 | ann buys tea for 1.00          |            |
        """,
        "Asia/Beirut",
    )


def test_what_was_paid_with_points_may_earn_nothing(open_bench: OpenBench) -> None:
    # Of the cash part alone: 6.00 of 10.00; of the coffee its share, 2.40 of 4.00.
    cash = rule("cash", basis="cash")
    coffee = rule("coffee", basis="cash", rate=EXTRA_FOR_COFFEE, lines=COFFEE)
    tell_at_the_counter(
        open_bench(),
        {"cash": rules(cash, coffee, fixed("p", 1, when="purchase.cash_amount < purchase.amount"))},
        """
        2026-03-01 | headquarters puts cash in force
                   | ann buys coffee for 4.00, tea for 6.00                          | 18 = cash 10 + coffee 8
                   | ann buys coffee for 4.00, tea for 6.00 paying 4.00 with points  | 11 = cash 6 + coffee 4 + p 1
                   | ann buys coffee for 4.00, tea for 6.00 paying 10.00 with points | 1 = p 1
                   | ann has 30
        """,
    )
