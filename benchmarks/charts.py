"""``python -m benchmarks.charts RESULTS.json``: draw what a run has measured into ``docs/charts/``."""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks import http, svg, targets
from benchmarks.report import PERCENTILES

FOLDER = Path(__file__).parents[1] / "docs" / "charts"
_CURVES = (
    (http.OPEN_LOOP, "open loop at half of the peak, from when it was due"),
    (f"{http.SINGLE}, {http.FEW} connections", f"closed loop, {http.FEW} connections"),
    (targets.POST, f"closed loop, {http.MANY} connections"),
)
# One by definition; as many as were due; and lots, which are no operations.
_NO_BARS = ("pgbench", http.OPEN_LOOP, "sweep")
Measured = list[dict[str, Any]]


def rates(measured: Measured) -> str:
    """Operations for each transaction of pgbench, by load; bars that have a target show it."""
    ratios = _medians(measured, lambda each: each["ratio"])
    ratios = {_short(name): ratio for name, ratio in ratios.items() if not name.startswith(_NO_BARS)}
    marks = {
        _short(name): bound for name, bound in targets.RATIOS_TO_PGBENCH.items() if _short(name) in ratios
    }
    return svg.bars(
        "Operations for each transaction of pgbench TPC-B",
        ratios,
        marks,
        "Medians of one run. The mark is the target.",
    )


def latencies(measured: Measured) -> str:
    """Percentiles of the latency of single purchases, in milliseconds."""
    by_name = {each["name"]: each["notes"] for each in measured}
    series = {
        label: [by_name[name][f"{share}_ms"] for share in PERCENTILES]
        for name, label in _CURVES
        if name in by_name
    }
    return svg.lines("Single purchases over HTTP: latency in milliseconds", PERCENTILES, series)


def _medians(measured: Measured, value: Any) -> dict[str, float]:
    names = dict.fromkeys(each["name"] for each in measured)
    return {
        name: statistics.median([value(each) for each in measured if each["name"] == name]) for name in names
    }


def _short(name: str) -> str:
    return (
        name.removeprefix("HTTP ")
        .replace(" connections", " conn.")
        .replace(" connection", " conn.")
        .replace(", one rule, one fund pays all", ", one fund pays")
        .replace(" an empty application", " an empty app")
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.charts", description=__doc__)
    parser.add_argument("results", type=Path, help="the file that a run has named")
    measured = json.loads(parser.parse_args().results.read_text())["measurements"]
    FOLDER.mkdir(exist_ok=True)
    for name, chart in {"rates": rates(measured), "latencies": latencies(measured)}.items():
        (FOLDER / f"{name}.svg").write_text(chart)
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
