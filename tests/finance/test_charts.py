"""Charts: well-formed, the same for the same numbers, in proportion to them, and nothing but a picture."""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.charts import (
    BOTTOM,
    COLOURS,
    TOP,
    Series,
    bar_chart,
    line_chart,
    scale_of,
    stacked_bars,
)
from tests.profiles import examples

Chart = Callable[[str, str, list[str], list[Series]], str]
CHARTS: tuple[Chart, ...] = (line_chart, bar_chart, stacked_bars)
EACH = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)
SVG = "{http://www.w3.org/2000/svg}"
PIXEL = Fraction(3, 100)
"""What rounding to hundredths may leave of a proportion, in pixels."""

MONTHS = ["2025-01", "2025-02", "2025-03"]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=12)


def drawn(chart: Chart, *series: Series, labels: list[str] | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(chart("Points", "By month.", labels or MONTHS, list(series)))


def bars(root: ElementTree.Element) -> list[tuple[Fraction, Fraction]]:
    """Top and height of each bar, in the order in which they are drawn."""
    found = [each for each in root.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]
    return [(Fraction(each.attrib["y"]), Fraction(each.attrib["height"])) for each in found]


def marks(root: ElementTree.Element) -> list[Fraction]:
    return [Fraction(each.attrib["cy"]) for each in root.iter(f"{SVG}circle")]


def told(root: ElementTree.Element) -> list[str]:
    return [
        str(each.findtext(f"{SVG}title"))
        for each in root.iter()
        if each.tag in (f"{SVG}rect", f"{SVG}circle")
    ]


@EACH
def test_an_image_says_what_it_is_to_those_who_do_not_see_it(chart: Chart) -> None:
    root = drawn(chart, Series("issued", [1, 2, 3]))
    assert (root.tag, root.attrib["role"], root.attrib["aria-label"]) == (f"{SVG}svg", "img", "Points")
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == ("Points", "By month.")
    assert "issued, 2025-02: 2" in told(root)


@EACH
@examples(60)
@given(title=TEXT, name=TEXT, labels=st.lists(TEXT, max_size=4), values=st.data())
def test_any_words_give_a_picture_that_holds_them_and_no_markup_of_theirs(
    chart: Chart, title: str, name: str, labels: list[str], values: st.DataObject
) -> None:
    numbers = st.none() | st.integers(-(2**53), 2**53) | st.decimals(-1, 1, places=6)
    series = Series(name, values.draw(st.lists(numbers, min_size=len(labels), max_size=len(labels))))
    root = ElementTree.fromstring(chart(title, title, labels, [series]))
    assert (root.findtext(f"{SVG}title") or "") == title
    assert root.attrib["aria-label"] == title
    kinds = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert kinds <= {"svg", "title", "desc", "rect", "text", "line", "polyline", "circle"}


@EACH
def test_markup_in_words_stays_words(chart: Chart) -> None:
    evil = "\"><script>alert('1')</script>&amp;"
    text = chart(evil, evil, [evil], [Series(evil, [1])])
    assert "<script" not in text
    assert ElementTree.fromstring(text).findtext(f"{SVG}title") == evil


@EACH
def test_nothing_is_run_or_fetched(chart: Chart) -> None:
    text = chart("Points", "By month.", MONTHS, [Series("issued", [1, 2, 3])])
    assert re.findall(r"\w+://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|<style|<script|\son\w+=", text)


@EACH
def test_the_same_numbers_give_the_same_bytes(chart: Chart) -> None:
    def text() -> str:
        return chart(
            "Points", "By month.", MONTHS, [Series("a", [1, None, Decimal("2.5")]), Series("b", [3, 4, 5])]
        )

    assert text() == text()


@EACH
def test_values_that_do_not_fit_the_labels_are_refused(chart: Chart) -> None:
    with pytest.raises(ValueError, match="short has 2 values for 3 labels"):
        chart("Points", "By month.", MONTHS, [Series("short", [1, 2])])


@EACH
def test_nothing_to_show_is_an_empty_picture(chart: Chart) -> None:
    assert told(drawn(chart, Series("issued", [None, None, None]))).count("issued, 2025-01: 0") == 0
    assert ElementTree.fromstring(chart("Points", "None.", [], [])).findtext(f"{SVG}desc") == "None."


@examples(100)
@given(values=st.lists(st.integers(-(2**53), 2**53), min_size=2, max_size=6).filter(any))
def test_bars_are_in_proportion_and_stand_on_nothing(values: list[int]) -> None:
    labels = [str(number) for number in range(len(values))]
    found = bars(drawn(bar_chart, Series("issued", values), labels=labels))
    pixels_each = max(height for _, height in found) / max(map(abs, values))
    ground = {
        top + height if value > 0 else top
        for (top, height), value in zip(found, values, strict=True)
        if value
    }
    assert len(ground) == 1
    for (_, height), value in zip(found, values, strict=True):
        assert abs(height - abs(value) * pixels_each) < PIXEL


@examples(100)
@given(values=st.lists(st.integers(-1_000, 1_000).filter(bool), min_size=1, max_size=6))
def test_stacked_bars_are_in_proportion_and_touch(values: list[int]) -> None:
    found = bars(drawn(stacked_bars, *(Series("part", [value]) for value in values), labels=["all"]))
    pixels_each = sum(height for _, height in found) / sum(map(abs, values))
    upwards = [bar for bar, value in zip(found, values, strict=True) if value > 0]
    downwards = [bar for bar, value in zip(found, values, strict=True) if value < 0]
    assert all(lower[0] == upper[0] + upper[1] for lower, upper in pairwise(upwards))
    assert all(lower[0] == upper[0] + upper[1] for upper, lower in pairwise(downwards))
    if upwards and downwards:
        assert upwards[0][0] + upwards[0][1] == downwards[0][0]
    for (_, height), value in zip(found, values, strict=True):
        assert abs(height - abs(value) * pixels_each) < PIXEL


@examples(100)
@given(values=st.lists(st.decimals(-1, 1, places=6), min_size=2, max_size=6).filter(any))
def test_points_of_a_line_are_in_proportion(values: list[Decimal]) -> None:
    labels = [str(number) for number in range(len(values))]
    found = marks(drawn(line_chart, Series("rate", values), labels=labels))
    scale = scale_of([Fraction(value) for value in values])
    pixels_each = (BOTTOM - TOP) / (scale.high - scale.low)
    for height, value in zip(found, values, strict=True):
        assert abs(BOTTOM - height - (Fraction(value) - scale.low) * pixels_each) < PIXEL


def test_the_highest_of_round_numbers_fills_the_picture() -> None:
    """100, 250 and 400 of an axis that ends at 400."""
    root = drawn(bar_chart, Series("issued", [100, 250, 400]))
    assert [height for _, height in bars(root)] == [50, 125, 200]


def test_a_line_is_open_where_there_is_no_value() -> None:
    root = drawn(line_chart, Series("rate", [1, 2, None, 4]), labels=["a", "b", "c", "d"])
    lengths = [len(each.attrib["points"].split()) for each in root.iter(f"{SVG}polyline")]
    assert lengths == [2, 1]
    assert len(marks(root)) == 3


@examples(100)
@given(st.lists(st.fractions(-(10**9), 10**9), max_size=8))
def test_an_axis_holds_all_values_and_nothing_in_round_steps(values: list[Fraction]) -> None:
    scale = scale_of(values)
    assert all(TOP <= scale.height(value) <= BOTTOM for value in [*values, Fraction(0)])
    assert 0 in scale.ticks
    assert (scale.ticks[0], scale.ticks[-1]) == (scale.low, scale.high)
    assert 2 <= len(scale.ticks) <= 7
    digits = str(scale.step.numerator * scale.step.denominator).strip("0")
    assert digits in {"1", "2", "5"}


@EACH
@pytest.mark.parametrize(("count", "every"), [(12, 1), (13, 2), (60, 5)])
def test_labels_that_would_touch_are_left_out_evenly(chart: Chart, count: int, every: int) -> None:
    labels = [f"{2025 + number // 12}-{number % 12 + 1:02d}" for number in range(count)]
    root = drawn(chart, Series("issued", list(range(count))), labels=labels)
    assert [each.text for each in root.iter(f"{SVG}text") if each.text in labels] == labels[::every]


def test_colours_differ_in_grey_too() -> None:
    def lightness(colour: str) -> int:
        red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
        return 299 * red + 587 * green + 114 * blue

    shades = [lightness(colour) for colour in COLOURS[:4]]
    assert min(abs(one - other) for one in shades for other in shades if one != other) > 12_000
    assert len(set(shades)) == 4
