"""The growth report: a table, the raw figures in a file, and a chart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.growth_chart import draw

CHART = Path(__file__).parents[1] / "docs" / "charts" / "growth.svg"

Level = dict[str, Any]


def _pair(name: str) -> Callable[[Level], str]:
    def show(level: Level) -> str:
        pair = level.get(name)
        return f"{pair['large']:,.0f} ({pair['ratio']:.2f})" if pair else "–"

    return show


def _cost(name: str) -> Callable[[Level], str]:
    def show(level: Level) -> str:
        pair = level.get(name)
        return f"{pair['large']:,.3f} ({pair['small']:,.3f})" if pair else "–"

    return show


def _verify(level: Level) -> str:
    seconds = sum(level.get("verify_seconds", {}).values())
    return f"{seconds:,.1f} ({seconds / level['entries'] * 1e6:,.0f} µs each)" if seconds else "–"


ROWS: dict[str, Callable[[Level], str]] = {
    "posts/s, batches of 32": _pair("posts_32"),
    "posts/s, one by one": _pair("posts_1"),
    "processor time of a post, µs": _pair("post_cpu_us"),
    "balance reads/s": _pair("balances"),
    "statement pages/s": _pair("statements"),
    "lots swept/s": _pair("swept"),
    "liability report, s": _cost("liability_seconds"),
    "daily totals made anew, s": lambda level: f"{s:,.1f}" if (s := level.get("totals_seconds")) else "–",
    "verify, s": _verify,
    "made in, s": lambda level: f"{level['made_seconds']:,.0f}",
    "database, MB": lambda level: f"{level['bytes'] / 1e6:,.0f}",
}


def table(levels: list[Level]) -> str:
    """A row for each figure, a column for each size; behind it, what it is of the small books' figure."""
    head = ["", *(f"{level['entries']:,} entries" for level in levels)]
    lines = [head, ["---", *("---:" for _ in levels)]]
    lines += [[name, *(show(level) for level in levels)] for name, show in ROWS.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def storage_table(storage: dict[str, Any]) -> str:
    """Bytes of one simple earn, the widest relation first."""
    lines = ["| of one earn | bytes |", "| --- | ---: |"]
    lines += [f"| {name} | {size:,.0f} |" for name, size in storage["by_relation"].items() if size >= 1]
    lines.append(f"| all | {storage['bytes_per_earn']:,.0f} |")
    hot = [f"{name} {hot / every:.1%} of {every:,}" for name, (hot, every) in storage["hot_updates"].items()]
    return "\n".join(lines) + f"\n\nupdates on their page (HOT): {', '.join(hot)}"


def publish(results: dict[str, Any], path: Path) -> None:
    """Print the tables, keep the raw figures, draw the chart."""
    print(f"{table(results['levels'])}\n\n{storage_table(results['storage'])}")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    CHART.parent.mkdir(exist_ok=True)
    CHART.write_text(draw(results["levels"]))
    print(f"\nraw results: {path}\nchart: {CHART}")
