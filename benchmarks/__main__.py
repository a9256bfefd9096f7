"""``python -m benchmarks``: start a server of its own, measure, print the tables, and keep the raw results."""

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import books, http, machine, pgbench, report, sweep, targets
from benchmarks.engine import measure_engine
from benchmarks.measure import Measurement
from benchmarks.report import Compared
from benchmarks.stage import Administrator, Stage, stage
from ledger.clock import show, system_now
from ledger.db import Database

RESULTS = Path(__file__).parent / "results"
ENGINE, SWEEP = "engine", "sweep"
PARTS = (ENGINE, *http.PARTS, SWEEP)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long."""

    only: tuple[str, ...]
    rounds: int
    seconds: int
    members: int
    batch_size: int
    processes: int
    lots: int
    folder: Path | None


class Bench:
    """One server with pgbench's tables and the ledger's books, and what was measured on it."""

    def __init__(self, plan: Plan, at: Stage, administrator: Administrator) -> None:
        self.plan = plan
        self.at = at
        self.administrator = administrator
        self.references: list[Measurement] = []
        self.compared: list[Compared] = []

    def prepare(self) -> None:
        """Fill both databases, and let no later measurement pay for that."""
        say(f"pgbench: {pgbench.SCALE * 100_000:,} accounts")
        self.at.prepare_pgbench()
        say(f"ledger: {self.plan.members:,} members with points")
        self.at.prepare_ledger()
        database = Database(self.at.url())
        program = books.open_books(database)
        books.seed(database, program, self.plan.members)
        books.seed_statements(database, program)
        database.close()
        self.administrator.execute("VACUUM (ANALYZE)")

    def run(self) -> None:
        """Measure every part between two runs of pgbench."""
        self.refer()
        if ENGINE in self.plan.only:
            for number in range(self.plan.rounds):
                for processes in dict.fromkeys((self.plan.processes, 1)):
                    self.compare([self.engine(f"r{number}p{processes}", processes)])
        if chosen := [name for name in http.PARTS if name in self.plan.only]:
            self.http(chosen)
        if SWEEP in self.plan.only:
            self.compare(self.sweeps())

    def refer(self) -> None:
        """Run pgbench."""
        self.settle()
        at = self.at
        self.references.append(
            tell(pgbench.measure_pgbench(at.program, at.pgbench_url, at.postmaster, self.plan.seconds))
        )

    def compare(self, found: Iterable[Measurement]) -> None:
        """Measure, and run pgbench again; the runs on either side of what was found are its reference."""
        measured = [tell(each) for each in found]
        self.refer()
        sides = self.references[-2:]
        rate = statistics.mean(side.rate for side in sides)
        cpu = statistics.mean(side.microseconds(side.client + side.server.server) for side in sides)
        self.compared += [Compared(each, rate, cpu) for each in measured]

    def settle(self) -> None:
        """Write out what the measurement before has left, so that the next does not pay for it."""
        self.administrator.execute("CHECKPOINT")

    def engine(self, run: str, processes: int) -> Measurement:
        plan = self.plan
        self.settle()
        return measure_engine(
            self.at.url(),
            self.at.postmaster,
            run=run,
            processes=processes,
            members=plan.members,
            batch_size=plan.batch_size,
            seconds=plan.seconds,
        )

    def http(self, parts: list[str]) -> None:
        """Measure what was chosen over HTTP, all of it on one running service."""
        database = Database(self.at.url())
        program = books.open_books(database)
        database.close()
        with ExitStack() as stack:
            urls = self.at.url(), self.at.owner_url
            members, seconds = self.plan.members, self.plan.seconds
            run = http.opened(stack, *urls, program, self.at.postmaster, members, seconds)
            for name in parts:
                self.settle()
                self.compare(http.PARTS[name](run))

    def sweeps(self) -> Iterator[Measurement]:
        """The expiry sweep on books of its own."""
        for shape in sweep.shapes(self.plan.lots):
            yield sweep.measure_sweep(self.at, self.administrator, shape)


def main() -> None:
    plan = read_plan()
    with stage(plan.folder) as (at, administrator):
        hardware = machine.describe(at.data, administrator)
        settings = machine.settings(administrator)
        bench = Bench(plan, at, administrator)
        bench.prepare()
        bench.run()
    publish(plan, bench, hardware | {"load at the end": machine.load_average()}, settings)


def publish(plan: Plan, bench: Bench, hardware: dict[str, str], settings: dict[str, str]) -> None:
    """Print the report and keep the raw figures."""
    references = [
        Compared(each, each.rate, each.microseconds(each.client + each.server.server))
        for each in bench.references
    ]
    compared = [*references, *bench.compared]
    judged = targets.judge(compared, plan.lots)
    print(f"\n{report.facts(hardware)}\n\n{report.facts(settings)}\n\n{report.table(compared)}")
    print(f"\n{report.latencies(compared)}\n\n{targets.table(judged)}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{show(system_now())[:19].replace(':', '')}.json"
    results = {
        "plan": {name: str(getattr(plan, name)) for name in plan.__slots__},
        "machine": hardware,
        "settings": settings,
        "measurements": report.raw(compared),
        "targets": [{**asdict(each), "verdict": each.verdict} for each in judged],
    }
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nraw results: {path}")


def tell(measured: Measurement) -> Measurement:
    """Say what was measured as it comes."""
    say(
        f"{measured.name}: {measured.rate:,.0f}/s, {measured.others:.1f} cores busy elsewhere {measured.notes}"
    )
    return measured


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def read_plan() -> Plan:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone; may be given again")
    parser.add_argument(
        "--quick", action="store_true", help="short loads on small books: to try, not to believe"
    )
    parser.add_argument("--rounds", type=int, help="of the engine")
    parser.add_argument("--seconds", type=int, help="of each load")
    parser.add_argument("--members", type=int)
    parser.add_argument("--batch", type=int, default=1_000, help="commands in a batch of the engine")
    parser.add_argument("--processes", type=int, default=2, help="that post at once")
    parser.add_argument("--lots", type=int, help="that the sweep finds due")
    parser.add_argument("--folder", type=Path, help="where the data folder is made; a disk, not memory")
    given = parser.parse_args()
    rounds, seconds, members, lots = (1, 2, 10_000, 10_000) if given.quick else (2, 10, 100_000, sweep.DUE)
    return Plan(
        tuple(given.only or PARTS),
        given.rounds or rounds,
        given.seconds or seconds,
        given.members or members,
        given.batch,
        given.processes,
        given.lots or lots,
        given.folder,
    )


if __name__ == "__main__":
    main()
