"""Writes docs/words.md: every text that members are told, for whoever answers their questions.

The texts come from the catalogue; a test compares the page with what this prints:
``python -m tools.words_page > docs/words.md``.
"""

from collections.abc import Mapping
from typing import Final

from ledger.rules.words import AWARDS, FENCES, GROWTH, PURCHASES, TIERS, Words

_HEAD: Final = """\
# Words 用语一览

What members are told, in English and in Chinese. A name in braces stands for an amount, a day, a name or another of
these texts. Where to find a text: the explanation of a purchase, of the growth value and of the tier
([App developers](app-developers.md#why-did-i-get-these-points)).

会员看到的全部说明用语。花括号中是数量、日期、名称或另一条用语。查询方式见
[会员应用开发](app-developers.zh.md#这些积分是怎么来的)。

<!-- Written by tools/words_page.py from ledger/rules/words.py; a test compares the two. -->
"""

_GROUPS: Final[tuple[tuple[str, Mapping[str, Words]], ...]] = (
    ("Why not, or not all of it 为什么没有发放或没有全部发放", FENCES),
    ("How an award was worked out 奖励是怎么算的", AWARDS),
    ("What became of the points 积分后来怎么样了", PURCHASES),
    ("Growth value 成长值", GROWTH),
    ("Tiers 等级", TIERS),
)


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(title, words) for title, words in _GROUPS)


def _section(title: str, words: Mapping[str, Words]) -> str:
    rows = "".join(f"| `{key}` | {text.en} | {text.zh} |\n" for key, text in words.items())
    return f"\n## {title}\n\n| name | English | 中文 |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    print(page(), end="")
