"""What the controller says of itself: both languages of every text, with the same slots, and each of them said."""

import re
from pathlib import Path
from string import Formatter

import pytest

from ledger.fx.band import BLOCKS, TARGET_UNREACHABLE
from ledger.fx.words import CATALOGUE, say

HAN = re.compile(r"[一-鿿]")
HALF_WIDTH = re.compile(r"[一-鿿][,;:!?.(]|[,;:!?)][一-鿿]")
SOURCE = (Path(__file__).resolve().parents[2] / "ledger" / "fx" / "reasoning.py").read_text(encoding="utf-8")


def slots(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_has_both_languages_and_the_same_slots(key: str) -> None:
    english, chinese = CATALOGUE[key]
    assert slots(english) == slots(chinese)
    assert HAN.search(chinese) and not HAN.search(english)
    assert not HALF_WIDTH.search(chinese), "Chinese takes full-width punctuation"


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_can_be_said(key: str) -> None:
    told = say(key, **{name: f"<{name}>" for name in slots(CATALOGUE[key].en)})
    assert all(
        f"<{name}>" in told[language] for name in slots(CATALOGUE[key].en) for language in ("en", "zh")
    )


@pytest.mark.parametrize("key", [*(f"blocked.{block}" for block in BLOCKS), f"alarm.{TARGET_UNREACHABLE}"])
def test_whatever_may_happen_has_a_text(key: str) -> None:
    assert key in CATALOGUE


@pytest.mark.parametrize("key", CATALOGUE)
def test_no_text_is_kept_that_nobody_says(key: str) -> None:
    family, _, _ = key.partition(".")
    assert f'"{key}"' in SOURCE or f'f"{family}.{{' in SOURCE
