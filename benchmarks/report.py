"""The report: one table of ratios to the pgbench of the same run, and all that is needed to doubt it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.measure import Measurement

PERCENTILES = ("p50", "p90", "p99", "p99.9")
_WIDTH = 69


@dataclass(frozen=True, slots=True)
class Compared:
    """A measurement beside the mean rate of the pgbench runs right before and right after it."""

    measured: Measurement
    reference: float
    reference_cpu: float
    """Microseconds that one transaction of those runs took, client and server together."""

    @property
    def ratio(self) -> float:
        """Operations for each transaction that pgbench does in the same time."""
        return self.measured.rate / self.reference

    @property
    def cpu(self) -> float:
        """Microseconds of processor time per operation, everything but the load generator's included."""
        each = self.measured
        asking = 0.0 if each.service else each.client
        return each.microseconds(asking + each.service + each.server.server)

    @property
    def cpu_ratio(self) -> float:
        """Operations for the processor time of one transaction of pgbench: what a busy machine leaves alone."""
        return self.reference_cpu / self.cpu


def table(compared: Sequence[Compared]) -> str:
    """The medians of each kind of measurement, in the order in which they first came."""
    lines = [
        f"{'':{_WIDTH}} {'/s':>8} {'ratio':>6} {'CPU µs each: Python':>20} {'PostgreSQL':>11} {'together':>9}"
        f" {'ratio':>6} {'others':>7}"
    ]
    names = dict.fromkeys(each.measured.name for each in compared)
    for name in names:
        runs = [each for each in compared if each.measured.name == name]
        lines.append(_line(name, runs))
    return "\n".join(lines)


def _line(name: str, runs: Sequence[Compared]) -> str:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    asking = [each.measured.service or each.measured.client for each in runs]
    python = median([each.measured.microseconds(own) for each, own in zip(runs, asking, strict=True)])
    server = median([each.measured.microseconds(each.measured.server.server) for each in runs])
    return (
        f"{name:{_WIDTH}} {median([each.measured.rate for each in runs]):8,.0f}"
        f" {median([each.ratio for each in runs]):6.2f} {python:20.1f} {server:11.1f}"
        f" {median([each.cpu for each in runs]):9.1f} {median([each.cpu_ratio for each in runs]):6.2f}"
        f" {median([each.measured.others for each in runs]):7.2f}"
    )


def latencies(compared: Sequence[Compared]) -> str:
    """Percentiles in milliseconds, medians of the runs, of the loads that have them."""
    lines = [f"{'latency in ms':{_WIDTH}}" + "".join(f"{share:>9}" for share in PERCENTILES)]
    for name in dict.fromkeys(each.measured.name for each in compared):
        notes = [each.measured.notes for each in compared if each.measured.name == name]
        if f"{PERCENTILES[0]}_ms" not in notes[0]:
            continue
        shown = (statistics.median(float(run[f"{share}_ms"]) for run in notes) for share in PERCENTILES)
        lines.append(f"{name:{_WIDTH}}" + "".join(f"{value:9.1f}" for value in shown))
    return "\n".join(lines)


def facts(named: Mapping[str, str]) -> str:
    """Names and values, one on each line."""
    return "\n".join(f"{name:26} {value}" for name, value in named.items())


def raw(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Every measurement with all that was counted, for the results file."""
    return [
        {
            **asdict(each.measured),
            "rate": each.measured.rate,
            "others": each.measured.others,
            "ratio": each.ratio,
            "cpu_us": each.cpu,
            "cpu_ratio": each.cpu_ratio,
        }
        for each in compared
    ]
