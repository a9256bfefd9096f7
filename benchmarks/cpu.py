"""Processor time, as the kernel counts it: of one server with all its processes, and of the whole machine.

Times are seconds of one core. A shared machine slows a clock on the wall at once; processor time far less,
so it is the figure to compare between runs.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_BACKGROUND = ("checkpointer", "background writer", "walwriter", "autovacuum", "io worker", "logical rep")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds spent so far: by the server in all, by its own chores among them, and by everybody."""

    server: float
    background: float
    machine: float

    def since(self, earlier: "Spent") -> "Spent":
        """What was spent between two readings."""
        return Spent(
            self.server - earlier.server,
            self.background - earlier.background,
            self.machine - earlier.machine,
        )


def spent(postmaster: int) -> Spent:
    """The reading of now. Processes that have ended count too: their parent has inherited their time."""
    children = descendants(postmaster)
    chores = sum(of_process(pid) for pid in children if any(name in _title(pid) for name in _BACKGROUND))
    server = of_process(postmaster, with_ended=True) + sum(map(of_process, children))
    return Spent(server, chores, _machine())


def of_tree(pid: int) -> float:
    """Seconds spent by a process and its living descendants."""
    return sum(of_process(member) for member in (pid, *descendants(pid)))


def of_process(pid: int, *, with_ended: bool = False) -> float:
    """Seconds spent by one process, on request with those of its children that have ended."""
    fields = _stat(pid)
    # Fields 14 to 17 of proc(5), counted from the state, which is the third.
    ticks = fields[11:15] if with_ended else fields[11:13]
    return sum(map(int, ticks)) / _TICKS


def descendants(pid: int) -> list[int]:
    """The living children of a process, and theirs."""
    parents = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found, unvisited = [], [pid]
    while unvisited:
        parent = unvisited.pop()
        children = [child for child, fields in parents.items() if fields and int(fields[1]) == parent]
        found += children
        unvisited += children
    return found


def _stat(pid: int) -> list[str]:
    try:
        # The name stands in parentheses and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _machine() -> float:
    user, nice, system, _idle, _iowait, irq, softirq = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / _TICKS
