"""The rules of the demo: what a grocer of some ambition might run, and its four tiers.

Cigarettes and gift cards earn nothing; some shelves earn more; better tiers earn faster; a first order counts
twice; a budget pays for the coffee weeks. Amounts are points, thresholds growth value, money cents.
"""

from typing import Any, Final

COFFEE_BUDGET: Final = "coffee-weeks"
COFFEE_POINTS: Final = 50_000
"""What the demo grants for the coffee weeks: more than they cost, so that no award depends on whose batch is first."""

EXPERIMENT: Final = "weekend-bonus"

TIERS: Final[dict[str, Any]] = {
    "levels": [
        {"code": "member", "threshold": 0, "name": {"en": "Member", "zh": "会员"}},
        {"code": "silver", "threshold": 400, "name": {"en": "Silver", "zh": "银卡"}},
        {
            "code": "gold",
            "threshold": 1_250,
            "name": {"en": "Gold", "zh": "金卡"},
            "entitlements": [
                {
                    "code": "free-delivery",
                    "name": {"en": "Free delivery", "zh": "免费配送"},
                    "per": "quarter",
                }
            ],
        },
        {
            "code": "diamond",
            "threshold": 3_000,
            "name": {"en": "Diamond", "zh": "钻石卡"},
            "entitlements": [
                {
                    "code": "free-delivery",
                    "name": {"en": "Free delivery", "zh": "免费配送"},
                    "per": "month",
                },
                {"code": "birthday-cake", "name": {"en": "A birthday cake", "zh": "生日蛋糕"}, "per": "year"},
            ],
        },
    ],
    "period": {"kind": "fixed_days", "days": 90},
    "landing": "soft",
    "grace_days": 14,
    "floor": "member",
    "protection_days": 30,
    "crossing_rate": "before",
    "return_policy": "immediate",
}

_UNRATED: Final = '!(line.category in ["CIGARETTES", "COUPON/MISC ITEMS"])'


def _name(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


RULE_SET: Final[dict[str, Any]] = {
    "rules": [
        {
            "code": "base",
            "name": _name("Points on every purchase", "消费积分"),
            "unit": "POINT",
            "lines": {"when": _UNRATED},
            "rate": {"kind": "per_amount", "per": 1, "amount": 100},
            "by_tier": {
                "silver": {"numerator": 11, "denominator": 10},
                "gold": {"numerator": 5, "denominator": 4},
                "diamond": {"numerator": 3, "denominator": 2},
            },
        },
        {
            "code": "growth",
            "name": _name("Growth value on every purchase", "消费成长值"),
            "unit": "GROWTH",
            "lines": {"when": _UNRATED},
            "rate": {"kind": "per_amount", "per": 1, "amount": 100},
            "caps": {"day": 500},
        },
        {
            "code": "first-order",
            "name": _name("First order counts twice", "首单双倍积分"),
            "unit": "POINT",
            "when": "member.visits == 1",
            "rate": {"kind": "multiplier", "numerator": 2, "denominator": 1, "of": ["base"]},
            "once": True,
        },
        {
            "code": "fresh",
            "name": _name("Fresh food earns half again", "生鲜加赠"),
            "unit": "POINT",
            "lines": {"categories": ["SALAD MIX", "POTATOES", "CHICKEN", "YOGURT", "SEAFOOD - FROZEN"]},
            "rate": {"kind": "per_amount", "per": 1, "amount": 200},
        },
        {
            "code": "coffee",
            "name": _name("Coffee weeks", "咖啡周"),
            "unit": "POINT",
            "lines": {"categories": ["COFFEE"]},
            "rate": {"kind": "per_amount", "per": 5, "amount": 100},
            "campaign": "coffee-weeks",
            "caps": {"transaction": 100},
        },
        {
            "code": "big-basket",
            "name": _name("Big basket", "大额加赠"),
            "unit": "POINT",
            "when": "purchase.amount >= 10000",
            "rate": {"kind": "fixed", "amount": 50, "each": "basket"},
            "stacking": {"group": "basket", "mode": "best_of"},
        },
        {
            "code": "tenth-visit",
            "name": _name("Every tenth visit", "每十次到店"),
            "unit": "POINT",
            "when": "member.visits % 10 == 0",
            "rate": {"kind": "fixed", "amount": 30, "each": "basket"},
            "stacking": {"group": "basket", "mode": "best_of"},
        },
        {
            "code": "early-bird",
            "name": _name("Weekday mornings", "工作日早市"),
            "unit": "POINT",
            "when": "time.hour < 10 && time.weekday <= 5 && purchase.amount >= 2000",
            "rate": {"kind": "fixed", "amount": 5, "each": "basket"},
            "caps": {"week": 15},
        },
        {
            "code": "weekend",
            "name": _name("Weekend bonus, on trial", "周末加赠（试行）"),
            "unit": "POINT",
            "when": "time.weekday >= 6",
            "rate": {"kind": "fixed", "amount": 10, "each": "basket"},
            "arm": {"experiment": EXPERIMENT, "is": "bonus"},
            "caps": {"day": 10},
        },
    ],
    "campaigns": [
        {
            "code": "coffee-weeks",
            "name": _name("Coffee weeks", "咖啡周"),
            "from": "2017-03-01",
            "until": "2017-04-15",
            "funds": [COFFEE_BUDGET],
        }
    ],
    "experiments": [
        {
            "code": EXPERIMENT,
            "salt": "2017",
            "arms": [{"code": "bonus", "weight": 1}, {"code": "control", "weight": 1}],
        }
    ],
}
