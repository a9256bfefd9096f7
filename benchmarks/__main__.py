"""``python -m benchmarks``: start a server of its own, measure, print a table, and keep the raw results."""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import books, machine, pgbench, report, service
from benchmarks.engine import measure_engine
from benchmarks.measure import Measurement
from benchmarks.report import Compared
from ledger.clock import show, system_now
from ledger.db import Database
from ledger.devdb import DATABASE, OWNER_ROLE, SUPERUSER, DevServer
from ledger.migrate import upgrade

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long."""

    rounds: int
    seconds: int
    members: int
    batch_size: int
    processes: int
    http: bool
    folder: Path | None


class Bench:
    """One server with pgbench's tables and the ledger's books, and what was measured on it."""

    def __init__(
        self, plan: Plan, server: DevServer, administrator: "psycopg.Connection[tuple[object, ...]]"
    ) -> None:
        self.plan = plan
        self.server = server
        self.administrator = administrator
        assert server.binaries is not None and server.pid is not None
        self.program = server.binaries.folder / "pgbench"
        self.postmaster = server.pid
        self.references: list[Measurement] = []
        self.compared: list[Compared] = []

    def prepare(self) -> None:
        """Fill both databases, and let no later measurement pay for that."""
        say(f"pgbench: {pgbench.SCALE * 100_000:,} accounts")
        self.server.create_database(pgbench.DATABASE)
        pgbench.initialise(self.program, self.url(pgbench.DATABASE, SUPERUSER))
        say(f"ledger: {self.plan.members:,} members with points")
        upgrade(self.url(DATABASE, OWNER_ROLE))
        database = Database(self.url())
        books.seed(database, books.open_books(database), self.plan.members)
        database.close()
        self.administrator.execute("VACUUM (ANALYZE)")

    def run(self) -> None:
        """Measure everything between two runs of pgbench each."""
        self.refer()
        for number in range(self.plan.rounds):
            for processes in dict.fromkeys((self.plan.processes, 1)):
                self.compare([self.engine(f"r{number}p{processes}", processes)])
        if self.plan.http:
            self.compare(list(self.http()))

    def refer(self) -> None:
        """Run pgbench."""
        self.settle()
        url = self.url(pgbench.DATABASE, SUPERUSER)
        self.references.append(
            tell(pgbench.measure_pgbench(self.program, url, self.postmaster, self.plan.seconds))
        )

    def compare(self, found: list[Measurement]) -> None:
        """Run pgbench again; the runs on either side of what was found are its reference."""
        self.refer()
        sides = self.references[-2:]
        rate = statistics.mean(side.rate for side in sides)
        cpu = statistics.mean(side.microseconds(side.client + side.server.server) for side in sides)
        self.compared += [Compared(each, rate, cpu) for each in found]

    def settle(self) -> None:
        """Write out what the measurement before has left, so that the next does not pay for it."""
        self.administrator.execute("CHECKPOINT")

    def engine(self, run: str, processes: int) -> Measurement:
        plan = self.plan
        self.settle()
        return tell(
            measure_engine(
                self.url(),
                self.postmaster,
                run=run,
                processes=processes,
                members=plan.members,
                batch_size=plan.batch_size,
                seconds=plan.seconds,
            )
        )

    def http(self) -> Iterator[Measurement]:
        self.settle()
        owner = self.url(DATABASE, OWNER_ROLE)
        database = Database(self.url())
        token = service.make_key(owner, books.open_books(database))
        database.close()
        with service.serving(self.url(), owner, token) as running:
            for each in service.measure_service(
                running, self.postmaster, self.plan.members, self.plan.seconds
            ):
                yield tell(each)

    def url(self, database: str = DATABASE, role: str = "ledger_app") -> str:
        return self.server.url(database, role)


def main() -> None:
    plan = read_plan()
    with tempfile.TemporaryDirectory(prefix="ledger-bench-", dir=plan.folder) as folder:
        data = Path(folder) / "data"
        with (
            DevServer.start(data, prefer="wheel") as server,
            psycopg.connect(server.url(DATABASE, SUPERUSER), autocommit=True) as administrator,
        ):
            hardware = machine.describe(data, administrator)
            settings = machine.settings(administrator)
            bench = Bench(plan, server, administrator)
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
    print(f"\n{report.facts(hardware)}\n\n{report.facts(settings)}\n\n{report.table(compared)}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{show(system_now())[:19].replace(':', '')}.json"
    results = {
        "plan": {name: str(getattr(plan, name)) for name in plan.__slots__},
        "machine": hardware,
        "settings": settings,
        "measurements": report.raw(compared),
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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement")
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=1_000, help="commands in a batch")
    parser.add_argument("--processes", type=int, default=2, help="that post at once")
    parser.add_argument("--no-http", action="store_true", help="measure the engine alone")
    parser.add_argument("--folder", type=Path, help="where the data folder is made; a disk, not memory")
    given = parser.parse_args()
    return Plan(
        given.rounds,
        given.seconds,
        given.members,
        given.batch,
        given.processes,
        not given.no_http,
        given.folder,
    )


if __name__ == "__main__":
    main()
