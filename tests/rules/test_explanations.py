"""Awards, fences and lots in words, as tables: what is stored, and what a member reads."""

import re
from typing import Any

import pytest

from ledger.rules.arithmetic import recompute
from ledger.rules.explain import Called, explain, explained
from ledger.rules.fence_words import explain_fence

SPENT = {"spent": {"amount": 3_990, "currency": "CNY"}}
RATE = {**SPENT, "per": 1, "amount": 100}
GOLD = {"by": "tier", "value": "gold", "numerator": 3, "denominator": 2}
APP = {"by": "channel", "value": "app", "numerator": 4, "denominator": 3}
COFFEE = {"spent": 1_990, "category": "coffee", "numerator": 2, "denominator": 1}
BASE, EXTRA = {"rule": "base", "amount": 39}, {"rule": "coffee", "amount": 12}

TOLD: list[tuple[dict[str, Any], str, int, str, str]] = [
    (
        RATE,
        "POINT",
        39,
        "39.90 CNY spent × 1 points per 1.00 CNY = 39 points, rounded down",
        "消费 39.90 CNY，每 1.00 CNY 得 1 积分，向下取整共 39 积分",
    ),
    (
        RATE,
        "GROWTH",
        39,
        "39.90 CNY spent × 1 growth value per 1.00 CNY = 39 growth value, rounded down",
        "消费 39.90 CNY，每 1.00 CNY 得 1 成长值，向下取整共 39 成长值",
    ),
    (
        {**RATE, "rounding": "ceiling", "basis": "cash"},
        "POINT",
        40,
        "39.90 CNY paid in money × 1 point per 1.00 CNY = 39.9, rounded up to 40 points",
        "实付 39.90 CNY，每 1.00 CNY 得 1 积分，合计 39.9，向上取整为 40 积分",
    ),
    (
        {**RATE, "rounding": "half_up", "lines": ["1", "3"]},
        "POINT",
        40,
        "39.90 CNY spent (lines 1, 3) × 1 point per 1.00 CNY = 39.9, rounded to 40 points",
        "消费 39.90 CNY（商品行 1、3），每 1.00 CNY 得 1 积分，合计 39.9，四舍五入为 40 积分",
    ),
    (
        {**RATE, "factors": [GOLD]},
        "POINT",
        59,
        "39.90 CNY spent × 1 point per 1.00 CNY × 1.5 (tier gold) = 59.85, rounded down to 59 points",
        "消费 39.90 CNY，每 1.00 CNY 得 1 积分，按 1.5 倍计（等级：gold），合计 59.85，向下取整为 59 积分",
    ),
    (
        {**RATE, "factors": [GOLD, APP]},
        "POINT",
        79,
        "39.90 CNY spent × 1 point per 1.00 CNY × 1.5 (tier gold) × 4/3 (channel app) = 79.8, rounded down to"
        " 79 points",
        "消费 39.90 CNY，每 1.00 CNY 得 1 积分，按 1.5 倍计（等级：gold），按 4/3 倍计（渠道：app），合计 79.8，"
        "向下取整为 79 积分",
    ),
    (
        {**RATE, "parts": [COFFEE, {"spent": 2_000}]},
        "POINT",
        59,
        "39.90 CNY spent, counted as 19.90 (coffee) × 2 + 20.00, × 1 point per 1.00 CNY = 59.8, rounded down"
        " to 59 points",
        "消费 39.90 CNY，按 19.90（coffee） × 2 + 20.00 计算，每 1.00 CNY 得 1 积分，合计 59.8，"
        "向下取整为 59 积分",
    ),
    (
        {
            **RATE,
            "lines": ["1", "2"],
            "rounded_per": "line",
            "parts": [{**COFFEE, "line": "1"}, {"spent": 2_000, "line": "2"}],
        },
        "POINT",
        59,
        "39.90 CNY spent (lines 1, 2) × 1 point per 1.00 CNY, each line rounded down:"
        " line 1 19.90 (coffee) × 2 gives 39, line 2 20.00 gives 20; together 59 points",
        "消费 39.90 CNY（商品行 1、2），每 1.00 CNY 得 1 积分，逐行向下取整："
        "商品行 1 19.90（coffee） × 2 得 39、商品行 2 20.00 得 20，共 59 积分",
    ),
    (
        {"spent": {"amount": 62_000, "currency": "CNY"}, "step": {"from": 50_000, "per": 2, "amount": 100}},
        "POINT",
        1_240,
        "620.00 CNY spent × 2 points per 1.00 CNY (the rate from 500.00 CNY on) = 1240 points",
        "消费 620.00 CNY，满 500.00 CNY，按每 1.00 CNY 得 2 积分计，共 1240 积分",
    ),
    (
        {
            "spent": {"amount": 62_000, "currency": "CNY"},
            "steps": [
                {"from": 0, "spent": 50_000, "per": 1, "amount": 100},
                {"from": 50_000, "spent": 12_000, "per": 2, "amount": 100},
            ],
            "factors": [GOLD],
        },
        "POINT",
        1_110,
        "620.00 CNY spent: (500.00 CNY × 1 point per 1.00 CNY + 120.00 CNY × 2 points per 1.00 CNY)"
        " × 1.5 (tier gold) = 1110 points",
        "消费 620.00 CNY：500.00 CNY 部分每 1.00 CNY 得 1 积分，120.00 CNY 部分每 1.00 CNY 得 2 积分，"
        "按 1.5 倍计（等级：gold），共 1110 积分",
    ),
    ({"fixed": 50, "times": 1}, "POINT", 50, "a fixed 50 points", "固定 50 积分"),
    (
        {"fixed": 50, "times": 3, "each": "piece", "lines": ["2"]},
        "POINT",
        150,
        "50 points × 3 (one for each piece) (line 2) = 150 points",
        "每件 50 积分 × 3 件（商品行 2） = 150 积分",
    ),
    (
        {"of": [BASE], "numerator": 2, "denominator": 1},
        "POINT",
        39,
        "base 39, 2 times: 39 × 2 − 39 = 39 points",
        "base 39，按 2 倍计，另加 39 × 2 − 39 = 39 积分",
    ),
    (
        {"of": [BASE, EXTRA], "numerator": 3, "denominator": 2},
        "POINT",
        25,
        "base 39 + coffee 12 = 51, 1.5 times: 51 × 1.5 − 51 = 25.5, rounded down to 25 points",
        "base 39 + coffee 12 = 51，按 1.5 倍计，另加 51 × 1.5 − 51 = 25.5，向下取整为 25 积分",
    ),
    (
        {**RATE, "wanted": 39, "fence": "cap_day", "left": 11},
        "POINT",
        11,
        "39.90 CNY spent × 1 points per 1.00 CNY = 39 points, rounded down; the limit for the day leaves"
        " 11 points",
        "消费 39.90 CNY，每 1.00 CNY 得 1 积分，向下取整共 39 积分；当日上限仅余 11 积分",
    ),
]


@pytest.mark.parametrize(("inputs", "unit", "amount", "english", "chinese"), TOLD)
def test_an_award_is_told_with_its_arithmetic(
    inputs: dict[str, Any], unit: str, amount: int, english: str, chinese: str
) -> None:
    award = {"rule": "r", "rule_version": 1, "unit": unit, "amount": amount, "inputs": inputs}
    assert recompute(award) == amount, "the example itself is right"
    assert explain(award) == {"en": english, "zh": chinese}


def test_rules_are_called_by_their_names_where_these_are_at_hand() -> None:
    award = {"unit": "POINT", "amount": 39, "inputs": {"of": [BASE], "numerator": 2, "denominator": 1}}
    names = {"base": {"en": "Every yuan", "zh": "基础积分"}}
    assert (
        explain(award, Called(rule=names.__getitem__))["zh"]
        == "基础积分 39，按 2 倍计，另加 39 × 2 − 39 = 39 积分"
    )


def test_many_lines_are_told_in_short_and_add_up() -> None:
    parts = [{"spent": 150, "line": str(number)} for number in range(500)]
    spent = {"amount": 75_000, "currency": "CNY"}
    inputs = {"spent": spent, "per": 1, "amount": 100, "rounded_per": "line", "parts": parts}
    told = explain({"unit": "POINT", "amount": 500, "inputs": inputs})
    assert told["en"].endswith("480 more lines give 480; together 500 points")
    assert len(told["zh"]) < 1_000


def test_words_are_added_to_an_answer_and_change_nothing_else() -> None:
    award = {"rule": "base", "rule_version": 1, "unit": "POINT", "amount": 39, "inputs": RATE}
    answer = {"purchase_id": "p-1", "awards": [award], "fenced": []}
    told = explained(answer)
    assert told["awards"][0].pop("explanation") == explain(award)
    assert told == answer


KEPT_BACK: list[tuple[str, int, int, dict[str, Any], str, str]] = [
    (
        "cap_day",
        39,
        0,
        {"limit": 500, "used": 500},
        "39 points not given: the limit for the day is 500 points, and 500 were given before",
        "39 积分未发放：当日上限为 500 积分，此前已发放 500",
    ),
    (
        "cap_month",
        39,
        11,
        {"limit": 200, "used": 189, "campaign": "spring"},
        "11 points of 39 points given: the limit for the month of the campaign spring is 200 points,"
        " and 189 were given before",
        "应得 39 积分，实得 11 积分：活动 spring 的当月上限为 200 积分，此前已发放 189",
    ),
    (
        "cap_transaction",
        39,
        30,
        {"limit": 30, "used": 0},
        "30 points of 39 points given: the limit for one purchase is 30 points",
        "应得 39 积分，实得 30 积分：单笔上限为 30 积分",
    ),
    (
        "budget_exhausted",
        150,
        0,
        {"fund": "spring", "available": 100},
        "150 points not given: the budget that pays for it has 100 points left",
        "150 积分未发放：活动预算仅余 100 积分",
    ),
    (
        "region_share",
        150,
        0,
        {"fund": "share:east:2026-11", "available": 20},
        "150 points not given: the region may give out only 20 points more in this period",
        "150 积分未发放：本区域本期可发放额度仅余 20 积分",
    ),
    (
        "once",
        1,
        0,
        {},
        "1 point not given: it is given once, and was given before",
        "1 积分未发放：每位会员仅限一次，此前已发放",
    ),
    (
        "stacking",
        5,
        0,
        {"group": "promo", "mode": "best_of", "rule": "coffee-triple"},
        "5 points not given: coffee-triple applies in its place",
        "5 积分未发放：已适用“coffee-triple”，不可同时享受",
    ),
    (
        "rule_error",
        0,
        0,
        {"error": "division by zero"},
        "nothing given: the rule could not be worked out here",
        "未发放：该规则无法计算",
    ),
    (
        "moon_phase",
        5,
        0,
        {},
        "5 points not given: a rule of the program does not allow it (moon_phase)",
        "5 积分未发放：受活动规则限制（moon_phase）",
    ),
]


@pytest.mark.parametrize(("fence", "wanted", "given", "detail", "english", "chinese"), KEPT_BACK)
def test_what_was_kept_back_is_told_with_the_reason(
    fence: str, wanted: int, given: int, detail: dict[str, Any], english: str, chinese: str
) -> None:
    fenced = {
        "rule": "r",
        "unit": "POINT",
        "fence": fence,
        "wanted": wanted,
        "given": given,
        "detail": detail,
    }
    assert explain_fence(fenced) == {"en": english, "zh": chinese}


@pytest.mark.parametrize(("inputs", "unit", "amount", "english", "chinese"), TOLD)
def test_every_number_of_the_english_text_stands_in_the_chinese_one(
    inputs: dict[str, Any], unit: str, amount: int, english: str, chinese: str
) -> None:
    assert sorted(re.findall(r"\d[\d./]*", english)) == sorted(re.findall(r"\d[\d./]*", chinese))
