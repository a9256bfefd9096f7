"""A chart of growth: what each figure is at a size, as a share of the same figure on small books, as SVG."""

from math import log10
from typing import Any

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 60, 210, 40, 50
HIGHEST = 1.4
SERIES = {
    "posts_32": ("posts, batches of 32", "#1b6ca8"),
    "posts_1": ("posts, one by one", "#5aa9e6"),
    "balances": ("balance reads", "#2e8b57"),
    "statements": ("statement pages", "#b8860b"),
    "swept": ("lots swept", "#a33b3b"),
}
TARGET = 0.9


def draw(levels: list[dict[str, Any]]) -> str:
    """The chart; 1 is the rate of the small books that were measured in turns."""
    first, last = (log10(levels[place]["entries"]) for place in (0, -1))

    def x(entries: int) -> float:
        return LEFT + (log10(entries) - first) / max(last - first, 1e-9) * (WIDTH - LEFT - RIGHT)

    parts = [_frame(), *(_mark(x(level["entries"]), level["entries"]) for level in levels)]
    for row, (name, (label, colour)) in enumerate(SERIES.items()):
        points = [(x(level["entries"]), _y(level[name]["ratio"])) for level in levels if name in level]
        line = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{d:.1f}" r="3" fill="{colour}"/>' for a, d in points]
        down = TOP + 16 + 22 * row
        parts.append(
            f'<rect x="{WIDTH - RIGHT + 24}" y="{down - 9}" width="12" height="12" fill="{colour}"/>'
        )
        parts.append(_text(WIDTH - RIGHT + 42, down + 1, label))
    return "\n".join([*parts, "</svg>", ""])


def _y(ratio: float) -> float:
    return HEIGHT - BOTTOM - min(ratio, HIGHEST) / HIGHEST * (HEIGHT - TOP - BOTTOM)


def _frame() -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 22, "Rate by size of the books, as a share of the rate at 10,000 entries"),
    ]
    for tenths in range(0, int(HIGHEST * 10) + 1, 2):
        ratio = tenths / 10
        parts.append(_line(ratio, "#ddd"))
        parts.append(_text(LEFT - 8, _y(ratio) + 4, f"{ratio:.1f}", "end"))
    parts.append(_line(TARGET, "#a33b3b", ' stroke-dasharray="5 4"'))
    parts.append(_text(WIDTH - RIGHT + 6, _y(TARGET) + 4, "target"))
    return "\n".join(parts)


def _line(ratio: float, colour: str, more: str = "") -> str:
    y = _y(ratio)
    return f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{colour}"{more}/>'


def _mark(x: float, entries: int) -> str:
    return _text(x, HEIGHT - BOTTOM + 20, f"{entries:,}", "middle")


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
