"""The targets: what the ledger is to reach, each as a figure of this run beside what it is held against."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import http, sweep
from benchmarks.lots import Shape
from benchmarks.report import Compared

POST = f"{http.SINGLE}, {http.MANY} connections"

RATIOS_TO_PGBENCH = {POST: 0.55, f"{http.BATCHES}, 2 connections": 4.0}
"""By load, how many operations there are to be for each transaction of pgbench."""
_GROWTH = "docs/growth.md"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and the bound that it is to keep; ``figure`` is None where its loads were not run.

    ``elsewhere`` is the page of a bench that measures it for itself.
    """

    what: str
    bound: float
    figure: float | None
    at_least: bool = True
    elsewhere: str = ""

    @property
    def verdict(self) -> str:
        """``met``, ``not met``, or ``not run``; or where to look."""
        if self.figure is None:
            return f"see {self.elsewhere}" if self.elsewhere else "not run"
        is_met = self.figure >= self.bound if self.at_least else self.figure <= self.bound
        return "met" if is_met else "not met"


class Figures:
    """Medians of what was measured, by name. What is not there is None, and so is all that comes of it."""

    def __init__(self, compared: Sequence[Compared]) -> None:
        self._compared = compared

    def rate(self, name: str) -> float | None:
        """Operations a second."""
        return self._median(name, lambda each: each.measured.rate)

    def ratio(self, name: str) -> float | None:
        """Operations for each transaction of pgbench."""
        return self._median(name, lambda each: each.ratio)

    def note(self, name: str, note: str) -> float | None:
        """A figure among the notes."""
        return self._median(name, lambda each: float(each.measured.notes[note]))

    def _median(self, name: str, value: Callable[[Compared], float]) -> float | None:
        found = [value(each) for each in self._compared if each.measured.name == name]
        return statistics.median(found) if found else None


def judge(compared: Sequence[Compared], due: int) -> list[Target]:
    """Every target; ``due`` is how many lots the sweep found due."""
    figures = Figures(compared)
    few, many = (sweep.name_of(Shape(due, due * kept, sweep.EACH)) for kept in (1, sweep.KEPT))
    posts, many_connections = figures.rate(POST), f"{http.MANY} connections"
    batch = f"{http.BATCHES}, 2 connections"
    return [
        Target("single POST to pgbench", RATIOS_TO_PGBENCH[POST], figures.ratio(POST)),
        Target(
            "single POST to an empty POST",
            0.4,
            over(posts, figures.rate(f"{http.EMPTY_POST}, {many_connections}")),
        ),
        Target(
            "one fund pays all, to the same rule without",
            0.9,
            over(
                figures.rate(f"{http.PAID_RULE}, {many_connections}"),
                figures.rate(f"{http.PLAIN_RULE}, {many_connections}"),
            ),
        ),
        Target("batch of 1,000 to pgbench", RATIOS_TO_PGBENCH[batch], figures.ratio(batch)),
        Target(
            "balance to an empty GET",
            0.6,
            over(
                figures.rate(f"{http.BALANCE}, {http.FEW} connections"),
                figures.rate(f"{http.LIVEZ}, {http.FEW} connections"),
            ),
        ),
        Target(
            "open loop: p99 to p50",
            8,
            over(figures.note(http.OPEN_LOOP, "p99_ms"), figures.note(http.OPEN_LOOP, "p50_ms")),
            at_least=False,
        ),
        Target("sweep, lots a second", 30_000, figures.rate(many)),
        Target("sweep, ten times as many kept to few", 0.9, over(figures.rate(many), figures.rate(few))),
        Target("single POST, 10 million entries to 10 thousand", 0.9, None, elsewhere=_GROWTH),
        Target("bytes per simple earn", 700, None, at_least=False, elsewhere=_GROWTH),
    ]


def over(dividend: float | None, divisor: float | None) -> float | None:
    """The ratio, where there are both."""
    return dividend / divisor if dividend is not None and divisor else None


def table(targets: Sequence[Target]) -> str:
    """One line each: what, the bound, the figure, the verdict."""
    lines = [f"{'target':46} {'bound':>10} {'measured':>10}"]
    for each in targets:
        bound = f"{'≥' if each.at_least else '≤'} {each.bound:,g}"
        figure = "" if each.figure is None else f"{each.figure:,.2f}"
        lines.append(f"{each.what:46} {bound:>10} {figure:>10}  {each.verdict}")
    return "\n".join(lines)
