"""The catalogue: both languages of every text, with the same slots, in characters of their language."""

import re
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from ledger.accounts.policies import Kind
from ledger.accounts.tiers import Reason
from ledger.rules.definitions import CAPS
from ledger.rules.phrases import (
    amount_of,
    clauses,
    day_of,
    last_day_of,
    listed,
    money_of,
    number_of,
    ratio_of,
)
from ledger.rules.words import CATALOGUE, Words, say

ROUNDINGS = ("floor", "ceiling", "half_up")
HAN = re.compile(r"[一-鿿]")
# Half-width punctuation between Chinese characters; numbers and formulas keep theirs.
HALF_WIDTH = re.compile(r"[一-鿿][,;:!?.(]|[,;:!?)][一-鿿]")
ROOT = Path(__file__).resolve().parents[2]
SAME_IN_BOTH = {"money", "fixed.times", "multiplier.part", "multiplier.sum", "result.exact"}


def slots(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_has_both_languages_and_the_same_slots(key: str) -> None:
    english, chinese = CATALOGUE[key]
    assert english.strip() and chinese.strip()
    assert slots(english) == slots(chinese)
    assert all(name.isidentifier() for name in slots(english)), "a slot has a name and no format of its own"


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_is_written_in_its_language(key: str) -> None:
    english, chinese = CATALOGUE[key]
    assert not HAN.search(english)
    assert not HALF_WIDTH.search(chinese), "Chinese takes full-width punctuation"
    punctuation = re.sub(r"\{\w+\}", "", chinese)
    assert HAN.search(chinese) or key in SAME_IN_BOTH or not re.search("[A-Za-z]", punctuation)


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_can_be_said(key: str) -> None:
    words = CATALOGUE[key]
    told = say(key, **{name: {"en": f"<{name}>", "zh": f"《{name}》"} for name in slots(words.en)})
    assert list(told) == list(Words._fields)
    assert all(f"<{name}>" in told["en"] and f"《{name}》" in told["zh"] for name in slots(words.en))


def test_an_amount_names_its_unit() -> None:
    assert amount_of("POINT", 1) == {"en": "1 point", "zh": "1 积分"}
    assert amount_of("POINT", 0)["en"] == "0 points"
    assert amount_of("GROWTH", 39) == {"en": "39 growth value", "zh": "39 成长值"}
    assert money_of(3_950, "CNY")["zh"] == "39.50 CNY"
    assert money_of(500, "JPY")["en"] == "500 JPY"


@pytest.mark.parametrize(
    ("number", "shown", "ratio"),
    [
        (Fraction(3), "3", "3"),
        (Fraction(3, 2), "1.5", "1.5"),
        (Fraction(100), "100", "100"),
        (Fraction(1, 8), "0.125", "0.125"),
        (Fraction(4, 3), "1.3333…", "4/3"),
        (Fraction(1, 100_000), "0.0000…", "1/100000"),
    ],
)
def test_a_number_is_exact_or_says_that_it_goes_on(number: Fraction, shown: str, ratio: str) -> None:
    assert (number_of(number), ratio_of(number)) == (shown, ratio)


def test_days_are_those_of_the_program() -> None:
    midnight = datetime(2027, 11, 30, 16, tzinfo=UTC)
    assert day_of(midnight, "Asia/Shanghai") == {"en": "1 December 2027", "zh": "2027年12月1日"}
    assert last_day_of(midnight, "Asia/Shanghai") == {"en": "30 November 2027", "zh": "2027年11月30日"}
    assert day_of(midnight, "UTC")["en"] == "30 November 2027"


def test_lists_are_joined_as_the_language_does() -> None:
    items = [amount_of("POINT", 1), amount_of("POINT", 2)]
    assert listed(items) == {"en": "1 point, 2 points", "zh": "1 积分、2 积分"}
    assert clauses(items) == {"en": "1 point; 2 points", "zh": "1 积分；2 积分"}


@pytest.mark.parametrize(
    "key",
    [
        *(f"tier.{reason}" for reason in get_args(Reason)),
        *(f"window.{kind}" for kind in get_args(Kind) if kind != "rolling"),
        *(f"{kind}.{rounding}" for kind in ("rate", "sum", "lines") for rounding in ROUNDINGS),
        *(f"limit.{name}" for name in CAPS),
    ],
)
def test_whatever_may_happen_has_a_text(key: str) -> None:
    assert key in CATALOGUE


SOURCES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ledger" / "rules").glob("*.py"))


@pytest.mark.parametrize("key", CATALOGUE)
def test_no_text_is_kept_that_nobody_says(key: str) -> None:
    family, _, last = key.partition(".")
    # By its whole name, or by a name that is put together.
    said = [
        f'"{key}"',
        f'f"{family}.{{',
        f"}}.{last}",
        *(['f"{kind}.{rounding}"'] if last in ROUNDINGS else []),
    ]
    assert any(SOURCES.count(way) > (way == said[0]) for way in said)
