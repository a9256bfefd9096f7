"""Two kinds of chart as SVG: bars with their figures, and lines over named steps. Words stay words."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 760
_ROW, _HEAD, _FOOT, _GAP, _FIGURE = 26, 44, 28, 8, 50
_COLOURS = ("#1f5fa8", "#c2571a", "#2e7d4f", "#7b4ea3")
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'


def bars(title: str, values: Mapping[str, float], marks: Mapping[str, float], note: str = "") -> str:
    """A bar for each name, with its figure; a mark where one is to reach."""
    left, right = 330, 70
    scale = (WIDTH - left - right) / max(*values.values(), *marks.values(), 1e-9)
    parts = []
    for number, (name, value) in enumerate(values.items()):
        top = _HEAD + number * _ROW
        parts += [
            text(left - _GAP, top + 15, name, "end"),
            f'<rect x="{left}" y="{top + 3}" width="{value * scale:.1f}" height="{_ROW - 8}" fill="{_COLOURS[0]}"/>',
            text(
                left + _clear(value * scale, marks.get(name, 0.0) * scale) + _GAP, top + 15, f"{value:,.2f}"
            ),
        ]
        if name in marks:
            at = left + marks[name] * scale
            parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{top + _ROW - 2}" stroke="{_COLOURS[1]}"'
                ' stroke-width="3"/>'
            )
    return _page(title, _HEAD + len(values) * _ROW, parts, note)


def lines(title: str, steps: Sequence[str], series: Mapping[str, Sequence[float]], note: str = "") -> str:
    """A line for each series over the steps, which stand at even distances; the scale begins at nothing."""
    left, right, height = 60, 20, 260
    highest = max((value for values in series.values() for value in values), default=0.0) or 1.0
    across = (WIDTH - left - right) / max(1, len(steps) - 1)
    bottom = _HEAD + height
    parts = []
    for quarter in range(5):
        y = bottom - height * quarter / 4
        parts += [
            f'<line x1="{left}" x2="{WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
            text(left - _GAP, y + 4, f"{highest * quarter / 4:,.{0 if highest >= 20 else 1}f}", "end"),
        ]
    for number, step in enumerate(steps):
        anchor = "end" if number == len(steps) - 1 else "middle"
        parts.append(text(left + number * across, bottom + 20, step, anchor))
    for number, (name, values) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{left + place * across:.1f},{bottom - value / highest * height:.1f}"
            for place, value in enumerate(values)
        )
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            text(left + 2 * _GAP, _HEAD + 18 + number * 18, name, colour=colour),
        ]
    return _page(title, bottom + 24, parts, note)


def text(x: float, y: float, words: str, anchor: str = "start", colour: str = "#222") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _clear(end: float, mark: float) -> float:
    """Where a figure begins: behind its bar, and behind a mark that would stand in it."""
    return mark if end < mark < end + _FIGURE else end


def _page(title: str, height: float, parts: Sequence[str], note: str) -> str:
    whole = height + _FOOT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {whole:.0f}" role="img" {_FONT}>\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="16" y="26" font-size="15" font-weight="600" fill="#222">{escape(title)}</text>\n'
    )
    return head + "\n".join([*parts, text(16, whole - 10, note, colour="#666")]) + "\n</svg>\n"
