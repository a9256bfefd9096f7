"""Charts as inline SVG: lines, bars and stacked bars, for pages that are printed and read without a network.

Each is one string: an image with a title and a description for those who do not see it, no script, no address, nothing
taken from elsewhere. Colours differ in lightness as well as in hue, so that they also differ in grey, and lines differ
in their dashes too. The same numbers give the same bytes. A chart shows proportions; whoever uses it puts the figures
themselves into a table beside it.

Values are whole numbers or decimals of any one unit. Positions are exact until they are written, to a hundredth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from html import escape
from itertools import groupby
from math import ceil
from typing import Final, NamedTuple, TypeAlias

Number: TypeAlias = int | Decimal

WIDTH: Final = 720
HEIGHT: Final = 320
LEFT: Final = 96
"""Room for the numbers of the axis."""

RIGHT: Final = WIDTH - 16
TOP: Final = 48
BOTTOM: Final = HEIGHT - 72
"""Below it stand the labels, and below them the names of the series."""

COLOURS: Final = ("#1b3a5c", "#c8602a", "#5a9bd4", "#2e6b3f", "#e0b13c", "#7a3f7d", "#9a9a9a", "#111111")
DASHES: Final = ("none", "8 4", "2 3", "10 3 2 3")
CHARACTER: Final = 7
"""Pixels for one character of a label. Where labels would touch only some are written, evenly, from the first on."""

TICKS: Final = 4
BAR_SHARE: Final = Fraction(7, 10)
"""Of the room that a label has, for its bars; the rest is air."""


class Series(NamedTuple):
    """A name, and one value for each label of the chart: None where there is none, which a line leaves open."""

    name: str
    values: Sequence[Number | None]


@dataclass(frozen=True, slots=True)
class Scale:
    """The vertical axis: from one multiple of a round number to another, 0 among them or at an end."""

    low: Fraction
    high: Fraction
    step: Fraction

    def height(self, value: Fraction) -> Fraction:
        """The vertical position of a value, in pixels from the top."""
        return BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)

    @property
    def ticks(self) -> list[Fraction]:
        """The numbers that are written beside the axis."""
        steps = int((self.high - self.low) / self.step)
        return [self.low + self.step * number for number in range(steps + 1)]


class _Bar(NamedTuple):
    """A rectangle from one value to another, and what it stands for."""

    x: Fraction
    width: Fraction
    start: Fraction
    end: Fraction
    colour: str
    says: str


def line_chart(title: str, description: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """One line for each series, with a mark at each value. ValueError for values that do not fit the labels."""
    _require_fitting(labels, series)
    scale = scale_of([Fraction(value) for each in series for value in each.values if value is not None])
    lines = (part for number, each in enumerate(series) for part in _line(each, number, labels, scale))
    return _drawn(title, description, labels, series, scale, lines)


def bar_chart(title: str, description: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Bars side by side for each label, from 0. ValueError for values that do not fit the labels."""
    _require_fitting(labels, series)
    scale = scale_of([Fraction(value) for each in series for value in each.values if value is not None])
    room = _room(labels)
    width = room * BAR_SHARE / max(len(series), 1)
    bars = (
        _Bar(
            LEFT + room * place + room * (1 - BAR_SHARE) / 2 + width * number,
            width,
            Fraction(0),
            Fraction(value),
            _colour(number),
            _told(each.name, labels[place], value),
        )
        for number, each in enumerate(series)
        for place, value in enumerate(each.values)
        if value is not None
    )
    return _drawn(title, description, labels, series, scale, (_rectangle(bar, scale) for bar in bars))


def stacked_bars(title: str, description: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """One bar for each label, of the series one upon another: what is below 0 downwards, the rest upwards.

    ValueError for values that do not fit the labels.
    """
    _require_fitting(labels, series)
    bars = [bar for place in range(len(labels)) for bar in _stack(place, labels, series)]
    scale = scale_of([bar.end for bar in bars])
    return _drawn(title, description, labels, series, scale, (_rectangle(bar, scale) for bar in bars))


def scale_of(values: Sequence[Fraction]) -> Scale:
    """The smallest of about ``TICKS`` steps that holds 0 and all values; from 0 to 1 where there is nothing."""
    lowest, highest = min([Fraction(0), *values]), max([Fraction(0), *values])
    if lowest == highest:
        return Scale(Fraction(0), Fraction(1), Fraction(1))
    step = _round_up((highest - lowest) / TICKS)
    return Scale(step * (lowest // step), step * -(-highest // step), step)


def _require_fitting(labels: Sequence[str], series: Sequence[Series]) -> None:
    for each in series:
        if len(each.values) != len(labels):
            raise ValueError(f"{each.name} has {len(each.values)} values for {len(labels)} labels")


def _round_up(step: Fraction) -> Fraction:
    """The next of 1, 2, 5, 10, ..., of any power of ten, that is not smaller."""
    power = Fraction(1)
    while power * 10 <= step:
        power *= 10
    while power > step:
        power /= 10
    return next(power * times for times in (1, 2, 5, 10) if power * times >= step)


def _stack(place: int, labels: Sequence[str], series: Sequence[Series]) -> Iterator[_Bar]:
    room = _room(labels)
    x, above, below = LEFT + room * place + room * (1 - BAR_SHARE) / 2, Fraction(0), Fraction(0)
    for number, each in enumerate(series):
        value = each.values[place]
        if value is None:
            continue
        start = above if value >= 0 else below
        end = start + Fraction(value)
        above, below = (end, below) if value >= 0 else (above, end)
        yield _Bar(x, room * BAR_SHARE, start, end, _colour(number), _told(each.name, labels[place], value))


def _line(series: Series, number: int, labels: Sequence[str], scale: Scale) -> Iterator[str]:
    room, colour = _room(labels), _colour(number)
    points = [
        None if value is None else (LEFT + room * place + room / 2, scale.height(Fraction(value)))
        for place, value in enumerate(series.values)
    ]
    for is_gap, run in groupby(points, lambda point: point is None):
        if not is_gap:
            path = " ".join(f"{_pixels(x)},{_pixels(y)}" for x, y in filter(None, run))
            style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{DASHES[number % len(DASHES)]}"'
            yield f'<polyline points="{path}" fill="none" {style}/>'
    for label, point, value in zip(labels, points, series.values, strict=True):
        if point is not None and value is not None:
            mark = f'<circle cx="{_pixels(point[0])}" cy="{_pixels(point[1])}" r="3" fill="{colour}">'
            yield f"{mark}<title>{_told(series.name, label, value)}</title></circle>"


def _rectangle(bar: _Bar, scale: Scale) -> str:
    # Each end is rounded by itself, so that bars that touch go on touching.
    top, bottom = sorted(round(scale.height(end), 2) for end in (bar.start, bar.end))
    return (
        f'<rect x="{_pixels(bar.x)}" y="{_pixels(top)}" width="{_pixels(bar.width)}" '
        f'height="{_pixels(bottom - top)}" fill="{bar.colour}"><title>{bar.says}</title></rect>'
    )


def _drawn(
    title: str,
    description: str,
    labels: Sequence[str],
    series: Sequence[Series],
    scale: Scale,
    marks: Iterator[str],
) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(description)}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 24, title, "start", 'font-size="15" font-weight="bold"'),
        *_axes(labels, scale),
        *marks,
        *_names(series),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(labels: Sequence[str], scale: Scale) -> Iterator[str]:
    for tick in scale.ticks:
        y = _pixels(scale.height(tick))
        colour = "#333333" if tick == 0 else "#cccccc"
        yield f'<line x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}" stroke="{colour}"/>'
        yield _text(LEFT - 8, scale.height(tick) + 4, _shown(tick), "end", 'font-size="10"')
    room = _room(labels)
    every = ceil(max(map(len, labels), default=0) * CHARACTER / room)
    for place in range(0, len(labels), max(every, 1)):
        yield _text(LEFT + room * place + room / 2, BOTTOM + 20, labels[place], "middle", 'font-size="10"')


def _names(series: Sequence[Series]) -> Iterator[str]:
    room = Fraction(RIGHT - LEFT, max(len(series), 1))
    for number, each in enumerate(series):
        x = LEFT + room * number
        yield f'<rect x="{_pixels(x)}" y="{HEIGHT - 28}" width="12" height="12" fill="{_colour(number)}"/>'
        yield _text(x + 18, HEIGHT - 18, each.name, "start")


def _text(x: Fraction | int, y: Fraction | int, words: str, anchor: str, style: str = "") -> str:
    place = f'x="{_pixels(Fraction(x))}" y="{_pixels(Fraction(y))}" text-anchor="{anchor}"'
    return f"<text {place}{style and ' ' + style}>{escape(words)}</text>"


def _told(name: str, label: str, value: Number) -> str:
    return escape(f"{name}, {label}: {_shown(Fraction(value))}")


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _room(labels: Sequence[str]) -> Fraction:
    """What each label has of the horizontal axis, in pixels."""
    return Fraction(RIGHT - LEFT, max(len(labels), 1))


def _pixels(value: Fraction) -> str:
    return f"{Decimal(round(value * 100)).scaleb(-2):f}"


def _shown(value: Fraction) -> str:
    """As people read it: thousands apart, and no more digits than there are, up to six."""
    return f"{Decimal(round(value * 10**6)).scaleb(-6):,f}".rstrip("0").rstrip(".")
