"""Writes docs/band.svg: the band controller in the toy market of its tests, week by week.

A test compares the picture with what this prints: ``python -m tools.band_plot > docs/band.svg``.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tests.fx.simulation import SETTINGS, WEEKS, Market, Point, simulate

MARKETS: Final = (
    ("elasticity 0.5, target 0.4 above", "#b4532a", Market(0.5, 0.4, 1)),
    ("elasticity 1, target 0.4 below", "#3f5f91", Market(1.0, -0.4, 2)),
    ("elasticity 2, target 0.4 above", "#3f7d58", Market(2.0, 0.4, 3)),
)
"""Runs by their names and colours. Above and below: by how much the logarithm of the rate starts off its target."""

_LEFT: Final = 70
_WIDTH: Final = 860
_SHARES: Final = (0.10, 0.50, 60, 250)
_RATES: Final = (0.006, 0.016, 340, 530)
"""Of each panel, the values at its foot and at its head, and where its head and its foot are drawn."""

_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 620" role="img" aria-labelledby="title summary"
     font-family="system-ui, -apple-system, 'Segoe UI', 'Noto Sans SC', sans-serif" font-size="14">
  <title id="title">The band controller in a toy market</title>
  <desc id="summary">Above, the redemption rate of three simulated markets enters the band from 28 % to 32 % and stays
    there. Below, the rate of each moves in small steps to where that is so. The market is made up.</desc>
  <style>
    .axis { stroke: #c3cdd4; stroke-width: 1 }
    .band { fill: #e4f0e8 }
    .target { stroke: #3f7d58; stroke-width: 1; stroke-dasharray: 4 4 }
    .run { fill: none; stroke-width: 1.6 }
    .name { font-weight: 600; fill: #17242d }
    .note { font-size: 12px; fill: #46565f }
    .mark { font-size: 12px; fill: #46565f; text-anchor: end }
  </style>
  <rect width="960" height="620" fill="#ffffff"/>
"""


def picture() -> str:
    """The whole SVG."""
    runs = [(colour, simulate(market)) for _, colour, market in MARKETS]
    return "".join(
        (
            _HEAD,
            _text(
                _LEFT,
                40,
                "name",
                "Points redeemed, as a share of points issued (four weeks, as the controller sees it)",
            ),
            _band(),
            *(_level(_SHARES, value, f"{value:.0%}") for value in (0.1, 0.2, 0.3, 0.4, 0.5)),
            *(_run(_SHARES, colour, points, lambda point: point.seen) for colour, points in runs),
            _text(_LEFT, 320, "name", "Rate: money of one point"),
            *(_level(_RATES, value, f"{value:.3f}") for value in (0.006, 0.008, 0.010, 0.012, 0.014, 0.016)),
            *(_run(_RATES, colour, points, lambda point: float(point.bid)) for colour, points in runs),
            *(_text(_across(week) - 8, 550, "note", str(week)) for week in range(0, WEEKS + 1, 26)),
            _text(_LEFT, 572, "note", "weeks since the controller was switched on"),
            *(_legend(number, name, colour) for number, (name, colour, _) in enumerate(MARKETS)),
            "</svg>\n",
        )
    )


def _band() -> str:
    head, foot = (_height(_SHARES, float(edge)) for edge in (SETTINGS.high, SETTINGS.low))
    middle = _height(_SHARES, float(SETTINGS.target))
    return (
        f'  <rect class="band" x="{_LEFT}" y="{head:.1f}" width="{_WIDTH}" height="{foot - head:.1f}"/>\n'
        f'  <line class="target" x1="{_LEFT}" y1="{middle:.1f}" x2="{_LEFT + _WIDTH}" y2="{middle:.1f}"/>\n'
    )


def _level(panel: tuple[float, float, int, int], value: float, name: str) -> str:
    height = _height(panel, value)
    line = f'  <line class="axis" x1="{_LEFT}" y1="{height:.1f}" x2="{_LEFT + _WIDTH}" y2="{height:.1f}"/>\n'
    return line + _text(_LEFT - 8, height + 4, "mark", name)


def _run(
    panel: tuple[float, float, int, int],
    colour: str,
    points: Sequence[Point],
    value: Callable[[Point], float],
) -> str:
    places = " ".join(
        f"{_across(week):.1f},{_height(panel, value(point)):.1f}" for week, point in enumerate(points)
    )
    return f'  <polyline class="run" stroke="{colour}" points="{places}"/>\n'


def _legend(number: int, name: str, colour: str) -> str:
    left = _LEFT + number * 280
    line = f'  <line x1="{left}" y1="594" x2="{left + 24}" y2="594" stroke="{colour}" stroke-width="3"/>\n'
    return line + _text(left + 32, 599, "note", name)


def _across(week: float) -> float:
    return _LEFT + _WIDTH * week / WEEKS


def _height(panel: tuple[float, float, int, int], value: float) -> float:
    least, most, head, foot = panel
    return foot - (foot - head) * (min(max(value, least), most) - least) / (most - least)


def _text(left: float, height: float, style: str, text: str) -> str:
    return f'  <text class="{style}" x="{left:.1f}" y="{height:.1f}">{text}</text>\n'


if __name__ == "__main__":
    print(picture(), end="")
