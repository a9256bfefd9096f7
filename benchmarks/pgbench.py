"""pgbench: PostgreSQL's own measure of a server, TPC-B-like, on the very server that the ledger runs on."""

import re
import resource
import subprocess
from pathlib import Path

from benchmarks.cpu import spent
from benchmarks.measure import Measurement

DATABASE = "pgbench"
SCALE = 20
CLIENTS = 16
THREADS = 2
_INIT_SECONDS = 300


def initialise(program: Path, url: str) -> None:
    """Make pgbench's tables, of 100,000 accounts a unit of scale."""
    command = [str(program), "-i", "-q", "-s", str(SCALE), url]
    subprocess.run(command, check=True, capture_output=True, timeout=_INIT_SECONDS)


def measure_pgbench(program: Path, url: str, postmaster: int, seconds: int) -> Measurement:
    """Transactions of the built-in script; prepared, so that the protocol is the ledger's."""
    command = [
        str(program),
        "-M",
        "prepared",
        "-c",
        str(CLIENTS),
        "-j",
        str(THREADS),
        "-T",
        str(seconds),
        "-n",
        url,
    ]
    before, own = spent(postmaster), _children()
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    after = spent(postmaster)
    processed = _figure(r"number of transactions actually processed: (\d+)", answer.stdout)
    rate = _figure(r"tps = ([\d.]+) \(without", answer.stdout)
    return Measurement(
        f"pgbench TPC-B, scale {SCALE}, {CLIENTS} clients",
        int(processed),
        processed / rate,
        _children() - own,
        after.since(before),
        notes={"latency_ms": _figure(r"latency average = ([\d.]+) ms", answer.stdout)},
    )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _figure(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    assert match, f"pgbench did not say {pattern!r}:\n{text}"
    return float(match[1])
