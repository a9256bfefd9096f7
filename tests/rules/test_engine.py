"""The engine, in tables with numbers that a person can check: 1 point for each yuan unless a rule says otherwise."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ledger.accounts.chart import Unit
from ledger.accounts.program import Activation, Rules
from ledger.journal.commands import Source
from ledger.journal.wants import Usage, Use
from ledger.money import MAX_AMOUNT
from ledger.rules.arithmetic import recompute
from ledger.rules.experiments import arm_of
from ledger.rules.fences import period_of
from ledger.rules.forms import parse_rule_set
from ledger.rules.rulebook import rules_at
from tests.builders import program
from tests.rulebooks import (
    HOLDER,
    NOON,
    OPERATOR,
    PER_YUAN,
    content,
    facts,
    fixed,
    given,
    judged,
    kept_back,
    rule,
    rulebook,
    times,
)

TWICE = {"numerator": 2, "denominator": 1}
HALF_MORE = {"numerator": 3, "denominator": 2}
COFFEE_AND_TEA = (("coffee", 1_990), ("tea", 1_990), ("coffee", 590))
STEPS = [{"from": 1_000, "per": 1, "amount": 100}, {"from": 3_000, "per": 3, "amount": 100}]


def earned(one: dict[str, Any], *lines: tuple[str | None, int], **event: Any) -> int:
    """What one rule gives; its inputs tell the same."""
    awards = judged(rulebook(one), facts(*lines, **event)).awards
    assert [recompute(award.stored()) for award in awards] == [award.amount for award in awards]
    return sum(award.amount for award in awards)


@pytest.mark.parametrize(
    ("more", "points"),
    [
        # 19.90 + 19.90 + 5.90 = 45.70 yuan
        ({}, 45),
        ({"rounding": "ceiling"}, 46),
        ({"rounding": "half_up"}, 46),
        ({"rounded_per": "line"}, 19 + 19 + 5),
        ({"rounded_per": "line", "rounding": "half_up"}, 20 + 20 + 6),
        # coffee is 25.80
        ({"lines": {"categories": ["coffee"]}}, 25),
        ({"lines": {"skus": ["sku-2"]}}, 19),
        ({"lines": {"categories": ["coffee"], "skus": ["sku-2"]}}, 0),
        ({"lines": {"when": "line.amount > 1000 && line.category != 'tea'"}}, 19),
        # tier gold: 45.70 × 1.5 = 68.55
        ({"by_tier": {"gold": HALF_MORE}}, 68),
        ({"by_tier": {"gold": HALF_MORE}, "rounding": "half_up"}, 69),
        ({"by_tier": {"silver": HALF_MORE}}, 45),
        # × 1.5 × 2 = 137.10
        ({"by_tier": {"gold": HALF_MORE}, "by_channel": {"app": TWICE}}, 137),
        # 25.80 + 2 × 19.90 = 65.60
        ({"by_category": {"tea": TWICE}}, 65),
        ({"by_category": {"milk": TWICE}}, 45),
        # (25.80 + 2 × 19.90) × 1.5 = 98.40
        ({"by_category": {"tea": TWICE}, "by_tier": {"gold": HALF_MORE}}, 98),
        ({"by_category": {"tea": TWICE}, "rounded_per": "line"}, 19 + 39 + 5),
    ],
)
def test_a_rate_on_money_is_exact_and_rounded_once(more: dict[str, Any], points: int) -> None:
    assert earned(rule(**more), *COFFEE_AND_TEA, tier="gold", channel="app") == points


def test_a_third_and_two_thirds_make_a_whole() -> None:
    thirds = {"a": {"numerator": 1, "denominator": 3}, "b": {"numerator": 2, "denominator": 3}}
    assert earned(rule(by_category=thirds), ("a", 100), ("b", 100)) == 1


def test_points_paid_lessen_every_line() -> None:
    # 30 of 40 yuan were paid in money: the coffee bears three quarters of its 10.
    assert earned(rule(basis="cash"), ("coffee", 1_000), ("tea", 3_000), cash=3_000) == 30
    coffee = rule(basis="cash", lines={"categories": ["coffee"]})
    assert earned(coffee, ("coffee", 1_000), ("tea", 3_000), cash=3_000) == 7
    assert earned(rule(), ("coffee", 1_000), ("tea", 3_000), cash=3_000) == 40
    assert earned(rule(basis="cash"), ("gift", 0), cash=0) == 0


@pytest.mark.parametrize(
    ("spent", "whole", "marginal"),
    [(999, 0, 0), (1_000, 10, 0), (2_999, 29, 19), (3_000, 90, 20), (4_050, 121, 51)],
)
def test_steps_by_the_whole_or_slice_by_slice(spent: int, whole: int, marginal: int) -> None:
    # Slice by slice: nothing up to 10, 1 a yuan from 10 to 30, 3 a yuan above.
    for mode, points in (("whole", whole), ("marginal", marginal)):
        rate = {"kind": "steps", "steps": STEPS, "mode": mode}
        assert earned(rule(rate=rate), (None, spent)) == points


def test_a_slice_of_nothing_is_not_shown() -> None:
    rate = {"kind": "steps", "steps": STEPS, "mode": "marginal"}
    found = judged(rulebook(rule(rate=rate)), facts((None, 3_000)))
    assert found.awards[0].inputs["steps"] == [{"from": 1_000, "per": 1, "amount": 100, "spent": 2_000}]


def test_factors_on_steps() -> None:
    for mode, points in (("whole", 121.5 * 2), ("marginal", 51.5 * 2)):
        rate = {"kind": "steps", "steps": STEPS, "mode": mode}
        assert earned(rule(rate=rate, by_tier={"gold": TWICE}), (None, 4_050), tier="gold") == points


@pytest.mark.parametrize(
    ("each", "lines", "points"),
    [
        ("basket", None, 10),
        ("line", None, 30),
        ("piece", None, 30),
        ("basket", ["tea"], 10),
        ("line", ["coffee"], 20),
        ("basket", ["milk"], 0),
        ("line", ["milk"], 0),
    ],
)
def test_a_fixed_award_for_each(each: str, lines: list[str] | None, points: int) -> None:
    more: dict[str, Any] = {"lines": {"categories": lines}} if lines else {}
    assert earned(rule(rate=fixed(10, each=each), **more), *COFFEE_AND_TEA) == points


def test_pieces_are_counted() -> None:
    event = facts(("coffee", 100))
    bought = tuple(line._replace(quantity=7) for line in event.lines)
    found = judged(rulebook(rule(rate=fixed(10, each="piece"))), event._replace(lines=bought))
    assert given(found) == {"base": 70}


@pytest.mark.parametrize(
    ("multiplier", "extra"),
    [
        # base gives 39, bonus 10
        (times(2), 49),
        (times(2, 1, "base"), 39),
        (times(3, 2, "base"), 19),
        (times(5, 2, "base", "bonus"), 73),
    ],
)
def test_a_multiplier_gives_the_extra(multiplier: dict[str, Any], extra: int) -> None:
    rules = rulebook(rule(), rule("bonus", fixed(10)), rule("more", multiplier))
    assert given(judged(rules, facts())) == {"base": 39, "bonus": 10, "more": extra}


def test_a_multiplier_multiplies_what_is_worth_something_before_fences() -> None:
    rules = rulebook(
        rule(caps={"day": 10}),
        rule("away", fixed(10), when="purchase.amount > 1000000"),
        rule("stacked", fixed(10), stacking={"group": "g", "mode": "sum"}),
        rule("more", times(2)),
        rule("most", times(3)),
    )
    found = judged(rules, facts())
    assert given(found) == {"base": 10, "stacked": 10, "more": 39, "most": 78}
    more = next(award for award in found.awards if award.rule == "more")
    assert more.inputs == {"of": [{"rule": "base", "amount": 39}], "numerator": 2, "denominator": 1}


def test_a_multiplier_names_only_what_is_worth_something() -> None:
    rules = rulebook(rule(), rule("milk", lines={"categories": ["milk"]}), rule("more", times(2)))
    more = judged(rules, facts()).awards[1]
    assert more.inputs["of"] == [{"rule": "base", "amount": 39}]


def test_a_multiplier_of_nothing_gives_nothing() -> None:
    rules = rulebook(rule(when="false"), rule("more", times(2, 1, "base")))
    assert given(judged(rules, facts())) == {}


@pytest.mark.parametrize(
    ("mode", "expected", "behind"),
    [
        ("sum", {"a": 10, "b": 39, "c": 39}, {}),
        ("best_of", {"b": 39}, {"a": ("stacking", 10, 0), "c": ("stacking", 39, 0)}),
        ("exclusive", {"a": 10}, {"b": ("stacking", 39, 0), "c": ("stacking", 39, 0)}),
    ],
)
def test_stacking(mode: str, expected: dict[str, int], behind: dict[str, Any]) -> None:
    stacking = {"group": "promo", "mode": mode}
    rules = rulebook(
        rule("c", stacking=stacking),
        rule("b", stacking=stacking),
        rule("a", fixed(10), stacking=stacking, priority=5),
        rule("alone", fixed(1)),
    )
    found = judged(rules, facts())
    assert given(found) == {**expected, "alone": 1}
    assert kept_back(found) == behind


def test_a_winner_is_named_to_the_losers() -> None:
    stacking = {"group": "promo", "mode": "best_of"}
    rules = rulebook(rule("a", fixed(1), stacking=stacking), rule("b", fixed(2), stacking=stacking))
    assert judged(rules, facts()).fenced[0].detail == {"group": "promo", "mode": "best_of", "rule": "b"}


def test_awards_stand_by_priority_then_by_code() -> None:
    rules = rulebook(rule("b", fixed(1)), rule("a", fixed(1)), rule("z", fixed(1), priority=1))
    assert list(given(judged(rules, facts()))) == ["z", "a", "b"]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("purchase.amount == 3990 && purchase.lines == 1 && purchase.quantity == 1", True),
        ("'coffee' in purchase.categories && purchase.skus == ['sku-1']", True),
        ("purchase.channel == '' && store.id == 's-1' && region.id == 'north'", True),
        ("member.tier == 'gold' && member.visits == 3 && member.growth > 99", True),
        ("time.date == '2026-03-14' && time.weekday == 6 && time.hour == 12 && time.minute == 0", True),
        ("time.year == 2026 && time.month == 3 && time.day == 14", True),
        ("member.is_birth_month && member.enrolled_days == 1", True),
        ("member.is_anniversary_month", False),
        ("member.attributes.vip == true", True),
        ("member.streak > 0", False),
        ("activity.type == ''", True),
    ],
)
def test_conditions_see_the_facts(when: str, holds: bool) -> None:
    event = facts(
        tier="gold",
        visits=3,
        growth=100,
        store="s-1",
        region="north",
        # The day before in Shanghai, though the same day in UTC.
        enrolled_at=NOON - timedelta(hours=13),
        attributes={"vip": True, "birth_month": 3},
    )
    assert bool(judged(rulebook(rule(when=when)), event).awards) is holds


@pytest.mark.parametrize(
    ("month", "is_month"), [(3, True), (4, False), (15, False), ("3", False), ("March", False), (True, False)]
)
def test_a_month_of_birth_is_a_number_and_nothing_more_personal(month: object, is_month: bool) -> None:
    event = facts(attributes={"birth_month": month})
    assert bool(judged(rulebook(rule(when="member.is_birth_month")), event).awards) is is_month


def test_an_anniversary_is_in_the_month_of_enrolment_a_year_on() -> None:
    rules = rulebook(rule(when="member.is_anniversary_month"))
    # 1 March in Shanghai, though still February in UTC.
    first = datetime(2025, 2, 28, 16, 30, tzinfo=UTC)
    assert judged(rules, facts(enrolled_at=first)).awards
    assert not judged(rules, facts(enrolled_at=first, at=first)).awards
    assert not judged(rules, facts()).awards


def test_a_rule_that_fails_gives_nothing_and_is_told() -> None:
    rules = rulebook(
        rule(),
        rule("broken", fixed(5), when="purchase.amount / (purchase.lines - 1) > 0"),
        rule("cracked", fixed(5), lines={"when": "line.amount / (line.quantity - 1) > 0"}),
    )
    found = judged(rules, facts())
    assert given(found) == {"base": 39}
    assert kept_back(found) == {"broken": ("rule_error", 0, 0), "cracked": ("rule_error", 0, 0)}
    assert found.fenced[0].detail == {"error": "divide by zero"}


@pytest.mark.parametrize(
    ("instant", "runs"),
    [
        ("2026-02-28T15:59:59+00:00", False),
        ("2026-02-28T16:00:00+00:00", True),
        ("2026-03-31T15:59:59+00:00", True),
        ("2026-03-31T16:00:00+00:00", False),
    ],
)
def test_a_campaign_runs_by_the_days_of_the_program(instant: str, runs: bool) -> None:
    spring = {
        "code": "spring",
        "from": "2026-03-01",
        "until": "2026-03-31",
        "caps": {"ever": 5},
        "funds": ["f"],
    }
    rules = rulebook(rule(campaign="spring"), campaigns=[spring])
    at = datetime.fromisoformat(instant)
    found = judged(rules, facts(at=at), funds={"f": 100})
    assert given(found) == ({"base": 5} if runs else {})
    assert not found.fenced or runs
    assert rules.funds(Source(), at) == (["f"] if runs else [])
    assert len(rules.usage_keys(HOLDER, None, at, "Asia/Shanghai")) == runs


@pytest.mark.parametrize(
    ("cap", "period"),
    [("day", "2026-03-14"), ("week", "2026-W11"), ("month", "2026-03"), ("ever", "")],
)
def test_a_cap_cuts_to_what_is_left_of_the_period(cap: str, period: str) -> None:
    rules = rulebook(rule(caps={cap: 50}))
    key = (HOLDER, "rule/base", period)
    assert rules.usage_keys(HOLDER, None, NOON, "Asia/Shanghai") == [key]
    for used, left in ((0, 39), (11, 39), (12, 38), (49, 1), (50, 0), (51, 0)):
        found = judged(rules, facts(), {key: Usage(used, 2)})
        assert given(found) == ({"base": left} if left else {})
        assert found.uses == ([Use(key, left, 1)] if left else [])
        expected = {"base": (f"cap_{cap}", 39, left)} if left < 39 else {}
        assert kept_back(found) == expected
        assert all(each.detail == {"limit": 50, "used": used} for each in found.fenced)


@pytest.mark.parametrize(
    ("cap", "day", "period"),
    [
        ("day", date(2027, 1, 3), "2027-01-03"),
        ("operator_day", date(2027, 1, 3), "2027-01-03"),
        # A week belongs to the year that its Thursday lies in.
        ("week", date(2027, 1, 3), "2026-W53"),
        ("week", date(2027, 1, 4), "2027-W01"),
        ("month", date(2027, 1, 3), "2027-01"),
        ("ever", date(2027, 1, 3), ""),
    ],
)
def test_periods_have_names_of_their_own(cap: str, day: date, period: str) -> None:
    assert period_of(cap, day) == period


def test_a_cap_of_a_transaction_needs_no_books() -> None:
    rules = rulebook(rule(caps={"transaction": 30}))
    found = judged(rules, facts())
    assert (given(found), found.uses, rules.usage_keys(HOLDER, None, NOON, "UTC")) == ({"base": 30}, [], [])


def test_the_tightest_cap_counts_and_every_cap_is_used() -> None:
    rules = rulebook(rule(caps={"transaction": 30, "day": 20, "month": 25}))
    found = judged(rules, facts(), {(HOLDER, "rule/base", "2026-03"): Usage(10, 1)})
    assert kept_back(found) == {"base": ("cap_month", 39, 15)}
    assert {(use.key[2], use.amount) for use in found.uses} == {("2026-03-14", 15), ("2026-03", 15)}


def test_an_operator_is_capped_where_one_is_named() -> None:
    rules = rulebook(rule(caps={"operator_day": 50}))
    key = (OPERATOR, "rule/base", "2026-03-14")
    assert rules.usage_keys(HOLDER, OPERATOR, NOON, "Asia/Shanghai") == [key]
    assert given(judged(rules, facts(operator=OPERATOR), {key: Usage(40, 1)})) == {"base": 10}
    assert rules.usage_keys(HOLDER, None, NOON, "Asia/Shanghai") == []
    assert given(judged(rules, facts(), {key: Usage(40, 1)})) == {"base": 39}


def test_the_rules_of_a_campaign_share_its_caps() -> None:
    spring = {"code": "spring", "caps": {"transaction": 60, "ever": 70}}
    rules = rulebook(
        rule("a", campaign="spring"), rule("b", campaign="spring"), rule("c"), campaigns=[spring]
    )
    key = (HOLDER, "campaign/spring", "")
    assert given(judged(rules, facts())) == {"a": 39, "b": 21, "c": 39}
    found = judged(rules, facts(), {key: Usage(20, 1)})
    assert given(found) == {"a": 39, "b": 11, "c": 39}
    assert found.uses == [Use(key, 50, 2)]
    assert found.fenced[0].detail == {"limit": 70, "used": 59, "campaign": "spring"}


def test_growth_and_points_are_capped_apart() -> None:
    rules = rulebook(rule(caps={"day": 50}), rule(caps={"day": 60}) | {"unit": "GROWTH"})
    subjects = [key[1] for key in rules.usage_keys(HOLDER, None, NOON, "Asia/Shanghai")]
    assert subjects == ["rule/base", "growth/rule/base"]
    usages = {(HOLDER, "rule/base", "2026-03-14"): Usage(50, 1)}
    assert not judged(rules, facts(), usages).awards
    assert given(judged(rules, facts(), usages, unit=Unit.GROWTH)) == {"base": 39}


def test_once_is_once_for_ever() -> None:
    rules = rulebook(rule(), rule("welcome", fixed(100), once=True))
    key = (HOLDER, "rule/welcome", "")
    first = judged(rules, facts())
    assert given(first) == {"base": 39, "welcome": 100}
    assert first.uses == [Use(key, 100, 1)]
    second = judged(rules, facts(), {key: Usage(100, 1)})
    assert given(second) == {"base": 39}
    assert kept_back(second) == {"welcome": ("once", 100, 0)}
    # Taken back or not: it was given.
    assert given(judged(rules, facts(), {key: Usage(0, 1)})) == {"base": 39}


def test_what_was_given_once_is_not_multiplied_and_beats_nobody() -> None:
    stacking = {"group": "promo", "mode": "best_of"}
    rules = rulebook(
        rule(),
        rule("welcome", fixed(100), once=True),
        rule("first", fixed(200), once=True, stacking=stacking),
        rule("promo", fixed(5), stacking=stacking),
        rule("double", times(2)),
        rule("treble", times(3), once=True),
    )
    assert given(judged(rules, facts())) == {
        "base": 39,
        "welcome": 100,
        "first": 200,
        "double": 139,
        "treble": 278,
    }
    before = {(HOLDER, f"rule/{code}", ""): Usage(1, 1) for code in ("welcome", "first", "treble")}
    again = judged(rules, facts(), before)
    assert given(again) == {"base": 39, "promo": 5, "double": 39}
    assert kept_back(again) == {
        "welcome": ("once", 100, 0),
        "first": ("once", 200, 0),
        "treble": ("once", 78, 0),
    }


@pytest.mark.parametrize(
    ("funds", "outcome"),
    [
        ({"spring": 39, "store:s-1": 39}, {"base": 39}),
        ({"spring": 38, "store:s-1": 39}, {}),
        ({"spring": 39, "store:s-1": 38}, {}),
        ({"spring": 39}, {}),
        ({}, {}),
    ],
)
def test_every_fund_pays_the_whole_or_none_pays(funds: dict[str, int], outcome: dict[str, int]) -> None:
    rules = rulebook(rule(funds=["spring", "store:{store}"]))
    event = facts(store="s-1")
    assert rules.funds(event.source, event.at) == ["spring", "store:s-1"]
    found = judged(rules, event, funds=funds)
    assert given(found) == outcome
    assert found.spends == ({"spring": 39, "store:s-1": 39} if outcome else {})
    assert kept_back(found) == ({} if outcome else {"base": ("budget_exhausted", 39, 0)})
    if outcome:
        assert found.awards[0].stored()["funds"] == ["spring", "store:s-1"]


def test_rules_spend_from_a_fund_one_after_the_other() -> None:
    spring = {"code": "spring", "funds": ["spring"]}
    rules = rulebook(
        rule("a", campaign="spring"),
        rule("b", campaign="spring"),
        rule("c", fixed(5), campaign="spring"),
        campaigns=[spring],
    )
    found = judged(rules, facts(), funds={"spring": 50})
    assert given(found) == {"a": 39, "c": 5}
    assert found.spends == {"spring": 44}
    assert found.fenced[0].detail == {"fund": "spring", "available": 11}


def test_an_award_that_no_fund_pays_uses_no_cap() -> None:
    found = judged(rulebook(rule(caps={"day": 100}, funds=["spring"])), facts(), funds={"spring": 1})
    assert (found.awards, found.uses, found.spends) == ([], [], {})


def test_a_cap_cuts_before_a_fund_is_asked() -> None:
    found = judged(rulebook(rule(caps={"day": 10}, funds=["spring"])), facts(), funds={"spring": 10})
    assert (given(found), found.spends) == ({"base": 10}, {"spring": 10})
    assert recompute(found.awards[0].stored()) == 10


@pytest.mark.parametrize("store", [None, "s" * 96])
def test_a_place_without_a_fund_is_not_paid(store: str | None) -> None:
    rules = rulebook(rule(funds=["store:{store}"]))
    assert rules.funds(Source(store=store), NOON) == []
    assert kept_back(judged(rules, facts(store=store))) == {"base": ("budget_exhausted", 39, 0)}


def test_growth_is_paid_by_nobody() -> None:
    spring = {"code": "spring", "funds": ["spring"]}
    rules = rulebook(rule(campaign="spring") | {"unit": "GROWTH"}, campaigns=[spring])
    assert rules.funds(Source(), NOON) == []
    assert given(judged(rules, facts(), unit=Unit.GROWTH)) == {"base": 39}


def test_more_than_can_be_counted_exactly_is_not_given() -> None:
    event = facts((None, MAX_AMOUNT))
    rules = rulebook(rule("a"), rule("b", {"kind": "per_amount", "per": 1, "amount": 1}))
    for capped in (rules, rulebook(rule("a", caps={"day": MAX_AMOUNT}), rule("b", PER_YUAN | {"amount": 1}))):
        found = judged(capped, event)
        assert given(found) == {"a": MAX_AMOUNT // 100}
        assert kept_back(found) == {"b": ("too_large", MAX_AMOUNT, 0)}


def test_an_experiment_divides_members_by_weight_and_for_ever() -> None:
    trial = {"code": "ab", "salt": "1", "arms": [{"code": "A", "weight": 1}, {"code": "B", "weight": 3}]}
    rules = rulebook(
        rule("a", fixed(1), arm={"experiment": "ab", "is": "A"}),
        rule("b", fixed(2), arm={"experiment": "ab", "is": "B"}, when="purchase.amount > 0"),
        experiments=[trial],
    )
    counted = {"A": 0, "B": 0}
    for number in range(2_000):
        found = judged(rules, facts(member_id=f"m-{number}"))
        arm = found.arms["ab"]
        assert given(found) == ({"a": 1} if arm == "A" else {"b": 2})
        counted[arm] += 1
    # 500 are expected, with a deviation of 19.4.
    assert 400 < counted["A"] < 600
    experiment = parse_rule_set({"experiments": [trial]}).experiments[0]
    # Written down, so that no release deals the members anew.
    assert [arm_of(experiment, f"m-{number}") for number in range(8)] == list("BBBBBAAB")


def test_members_are_in_an_experiment_whatever_the_conditions_say() -> None:
    trial = {"code": "ab", "arms": [{"code": "A", "weight": 1}, {"code": "B", "weight": 1}]}
    over = {"code": "winter", "until": "2026-02-28"}
    arm = {"experiment": "ab", "is": "A"}
    assert judged(rulebook(rule(arm=arm, when="false"), experiments=[trial]), facts()).arms
    past = rulebook(rule(arm=arm, campaign="winter"), experiments=[trial], campaigns=[over])
    assert not judged(past, facts()).arms


def test_an_activity_has_rules_of_its_own() -> None:
    share = rule("share", fixed(10), on="share", when="activity.attributes.to == 'weibo'")
    rules = rulebook(rule(), share, rule("thanks", fixed(50), on="referrer"))
    event = facts(occasion="share")._replace(activity={"to": "weibo"}, lines=(), spent=0, cash=0)
    assert given(judged(rules, event)) == {"share": 10}
    assert given(judged(rules, facts(occasion="sign_in"))) == {}
    assert given(judged(rules, facts(occasion="referrer"))) == {"thanks": 50}
    assert rules.has_referral
    assert not rulebook(rule(), share).has_referral


NORTH = content(
    rule("north:more", fixed(5), funds=["region:{region}"]),
    rule("north:rate", PER_YUAN | {"per": 2}, overrides=["base", "fixed"]),
)


def test_a_region_adds_and_replaces_only_what_it_may() -> None:
    found = judged(
        rulebook(
            rule(overridable=True),
            rule("fixed", fixed(7)),
            rule("double", times(2, 1, "base")),
            regional=NORTH,
        ),
        facts(region="north"),
        funds={"region:north": 9},
    )
    # The region's rate stands in the place of base, for what multiplies base as well.
    assert given(found) == {"double": 79, "fixed": 7, "north:more": 5, "north:rate": 79}
    owners = {award.rule: (award.owner, award.rule_version) for award in found.awards}
    assert owners["north:rate"] == ("north", 3)
    assert owners["fixed"] == ("", 7)
    double = next(award for award in found.awards if award.rule == "double")
    assert double.inputs["of"] == [{"rule": "north:rate", "amount": 79, "owner": "north"}]


def test_headquarters_does_not_multiply_what_a_region_adds() -> None:
    regional = content(rule("north:more", fixed(5)), rule("north:double", times(2)))
    found = judged(rulebook(rule(), rule("double", times(2)), regional=regional), facts(region="north"))
    assert given(found) == {"base": 39, "double": 39, "north:double": 44, "north:more": 5}


def test_a_region_stands_in_no_group_of_headquarters() -> None:
    stacking = {"group": "promo", "mode": "exclusive"}
    regional = content(rule("north:more", fixed(5), stacking=stacking, priority=9))
    found = judged(rulebook(rule(stacking=stacking), regional=regional), facts(region="north"))
    assert given(found) == {"base": 39, "north:more": 5}


def test_a_promoted_rule_gives_once() -> None:
    regional = content(rule("north:more", fixed(5), overrides=["base"]))
    rules = rulebook(rule(overridable=True), rule("north:more", fixed(6)), regional=regional)
    assert given(judged(rules, facts(region="north"))) == {"base": 39, "north:more": 6}


def test_what_a_region_gives_is_paid_from_its_share() -> None:
    share = {"percent": 20, "of": "headquarters", "period": "month"}
    rules = rulebook(rule(), regional=content(rule("north:more", fixed(5))), of=program(region_share=share))
    event = facts(region="north")
    assert rules.funds(event.source, event.at) == ["share:north:2026-03"]
    assert given(judged(rules, event, funds={"share:north:2026-03": 5})) == {"base": 39, "north:more": 5}
    assert kept_back(judged(rules, event, funds={"share:north:2026-03": 4})) == {
        "north:more": ("region_share", 5, 0)
    }


def test_a_switch_leaves_out_a_rule_or_a_campaign() -> None:
    spring = {"code": "spring"}
    rules = [rule(), rule("a", fixed(1)), rule("b", fixed(2), campaign="spring")]
    found = judged(rulebook(*rules, campaigns=[spring], off_rules=["a"], off_campaigns=["spring"]), facts())
    assert given(found) == {"base": 39}


def test_a_region_that_is_switched_off_replaces_nothing() -> None:
    found = rulebook(rule(overridable=True), regional=NORTH, off_rules=["north:rate", "north:more"])
    assert given(judged(found, facts(region="north"))) == {"base": 39}


@pytest.mark.parametrize(
    ("rules", "member", "caps", "funds", "referral"),
    [
        ([rule()], False, False, False, False),
        ([rule(when="member.tier == 'gold' && member.visits == 1")], False, False, False, False),
        ([rule(when="member.attributes.vip == true")], True, False, False, False),
        ([rule(when="member.is_birth_month")], True, False, False, False),
        ([rule(caps={"day": 1})], False, True, False, False),
        ([rule(caps={"transaction": 1})], False, True, False, False),
        ([rule(once=True)], False, True, False, False),
        ([rule(funds=["f"])], False, False, True, False),
        ([rule("thanks", fixed(1), on="referral")], False, False, False, True),
    ],
)
def test_what_rules_must_see_is_known_before(
    rules: list[dict[str, Any]], member: bool, caps: bool, funds: bool, referral: bool
) -> None:
    found = rulebook(*rules)
    assert (found.needs_member, found.has_caps, found.has_funds, found.has_referral) == (
        member,
        caps,
        funds,
        referral,
    )


def _active(version: int, points: int, begins: datetime, owner: str = "") -> Activation:
    prefix = f"{owner}:" if owner else ""
    text = f'{{"rules": [{{"code": "{prefix}r", "unit": "POINT", "rate": {{"kind": "fixed", "amount": {points}}}}}]}}'
    return Activation(owner, version, begins, text)


@pytest.mark.parametrize(
    ("day", "region", "expected"),
    [
        (-1, None, {"base": (1, 39)}),
        (0, None, {"r": (5, 10)}),
        (1, None, {"r": (6, 20)}),
        (2, None, {"r": (5, 10)}),
        (-1, "north", {"base": (1, 39)}),
        (1, "north", {"r": (6, 20), "north:r": (1, 3)}),
        (1, "south", {"r": (6, 20)}),
    ],
)
def test_the_version_in_force_when_it_happened_judges(
    day: int, region: str | None, expected: dict[str, tuple[int, int]]
) -> None:
    rules = Rules(
        (
            _active(5, 10, NOON),
            _active(6, 20, NOON + timedelta(days=1)),
            _active(1, 3, NOON, "north"),
            # Rolled back: an older version, activated again.
            _active(4, 99, NOON + timedelta(days=2)),
            _active(5, 10, NOON + timedelta(days=2)),
        )
    )
    at = NOON + timedelta(days=day)
    tenant = replace(program(), rules=rules)
    found = judged(rules_at(tenant, at, region), facts(at=at, region=region))
    assert {award.rule: (award.rule_version, award.amount) for award in found.awards} == expected


def test_rules_are_made_ready_once() -> None:
    tenant = replace(program(), rules=Rules((_active(5, 10, NOON),)))
    later = NOON + timedelta(days=9)
    assert rules_at(tenant, NOON, None) is rules_at(tenant, later, "north")
    assert rules_at(tenant, NOON, None) is not rules_at(tenant, NOON - timedelta(days=1), None)
    other_terms = replace(tenant, terms=program(points={"per": 5, "amount": 100}).terms, terms_version=2)
    assert given(judged(rules_at(other_terms, NOON - timedelta(1), None), facts())) == {"base": 199}


def test_switches_are_heard_by_rules_at() -> None:
    rules = Rules((_active(5, 10, NOON),), off_rules=frozenset({"r"}))
    assert not judged(rules_at(replace(program(), rules=rules), NOON, None), facts()).awards


def test_the_base_rate_keeps_its_form() -> None:
    award = judged(rules_at(program(), NOON, None), facts()).awards[0]
    assert award.stored() == {
        "rule": "base",
        "rule_version": 1,
        "unit": "POINT",
        "amount": 39,
        "inputs": {"spent": {"amount": 3_990, "currency": "CNY"}, "per": 1, "amount": 100},
    }
