"""``python -m benchmarks.growth``: let books grow to 10 million entries, and measure what each size costs."""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import growth_measure as measure
from benchmarks import growth_report, growth_storage, machine
from benchmarks.books import CURRENCY
from benchmarks.growth_books import Slice, make_slice
from benchmarks.growth_copy import rebuild_indexes, rest_indexes
from benchmarks.growth_measure import Books
from ledger.accounts.programs import create_program, find_program
from ledger.clock import show, system_now
from ledger.db import Database
from ledger.devdb import DATABASE, OWNER_ROLE, SUPERUSER, DevServer
from ledger.migrate import upgrade
from ledger.rules.terms import DEFAULT_TERMS

RESULTS = Path(__file__).parent / "results"
LEVELS = (10_000, 100_000, 1_000_000, 10_000_000)
SPAN = timedelta(days=300)
"""The time that the books tell of. No points expire in it, so that what is due is what a sweep is given."""
MANY, TWINS = 50_000, 10
TEMPLATE = "growth_small"
SMALL = "growth_in_turns"
_LOADING = {"max_wal_size": "8GB", "checkpoint_timeout": "1h", "autovacuum": "off"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Up to how many entries, how long each measurement lasts, and up to where totals are made and books verified."""

    entries: int
    rounds: int
    seconds: float
    totals: int
    verify: int
    folder: Path | None


def main() -> None:
    plan = _read_plan()
    with tempfile.TemporaryDirectory(prefix="ledger-growth-", dir=plan.folder) as folder:
        data = Path(folder) / "data"
        levels: list[dict[str, Any]] = []
        before, since = 0, system_now() - SPAN
        for target in _levels(plan.entries):
            until = since + (system_now() - since) * 0.5 if target < plan.entries else system_now()
            made = _grow(data, target - before, f"g{len(levels)}", since, until - timedelta(hours=1))
            levels.append(_measure(plan, data, target, len(levels)) | {"made_seconds": made})
            _say(json.dumps(levels[-1]))
            before, since = target, until
        with DevServer.start(data, prefer="wheel") as server:
            storage = growth_storage.measure_storage(server)
            with psycopg.connect(server.url(DATABASE, SUPERUSER), autocommit=True) as administrator:
                hardware = machine.describe(data, administrator)
                settings = machine.settings(administrator)
    results = {
        "machine": hardware,
        "settings": settings,
        "plan": {name: str(getattr(plan, name)) for name in plan.__slots__},
        "levels": levels,
        "storage": storage,
    }
    growth_report.publish(results, RESULTS / f"growth-{show(system_now())[:19].replace(':', '')}.json")


def _grow(data: Path, entries: int, name: str, since: Any, until: Any) -> float:
    """Add so many entries, with nothing kept safe meanwhile; how many seconds that took."""
    with DevServer.start(data, prefer="wheel", fsync=False, settings=_LOADING) as server:
        upgrade(server.url(DATABASE, OWNER_ROLE))
        url = server.url(DATABASE, SUPERUSER)
        database = Database(url, role=None)
        database.run(
            lambda connection: (
                find_program(connection, "default")
                or create_program(
                    connection,
                    "default",
                    currency=CURRENCY,
                    timezone="Asia/Shanghai",
                    terms=DEFAULT_TERMS,
                    now=since,
                )
            )
        )
        database.close()
        began = time.perf_counter()
        with psycopg.connect(url, autocommit=True) as administrator:
            rest_indexes(administrator)
            twins = TWINS if entries >= MANY else 1
            make_slice(Slice(url, name, entries, since, until, twins), processes=2)
            rebuild_indexes(administrator)
        took = time.perf_counter() - began
    os.sync()
    _say(f"{entries:,} entries more in {took:,.0f} s")
    return took


def _measure(plan: Plan, data: Path, target: int, number: int) -> dict[str, Any]:
    """Measure the books as they stand, in turns with a fresh copy of the first ones."""
    with DevServer.start(data, prefer="wheel") as server:
        if number == 0:
            server.create_database(TEMPLATE, template=DATABASE)
        server.drop_database(SMALL)
        server.create_database(SMALL, template=TEMPLATE)
        small, large = _books(server, SMALL), _books(server, DATABASE)
        found = _figures(plan, server, (small, large), target)
        small.database.close()
        large.database.close()
    return found


def _figures(plan: Plan, server: DevServer, books: tuple[Books, Books], target: int) -> dict[str, Any]:
    assert server.pid is not None
    large, rounds, seconds = books[1], plan.rounds, plan.seconds
    found: dict[str, Any] = {"entries": target, "members": len(large.members)}
    if target <= plan.totals:
        found["totals_seconds"] = measure.totalled(large)
        measure.totalled(books[0])
        found["liability_seconds"] = asdict(measure.in_turns(books, rounds, measure.liability))
    if target <= plan.verify:
        found["verify_seconds"] = measure.verified(large)
    for name, each in {
        "posts_32": measure.posts(32, seconds),
        "posts_1": measure.posts(1, seconds),
        "post_cpu_us": measure.processor_time(server.pid, 32, seconds),
        "balances": measure.balances,
        "statements": measure.statements,
        "swept": measure.swept,
    }.items():
        found[name] = asdict(measure.in_turns(books, rounds, each))
    found["bytes"] = growth_storage.size_of(server)
    return found


def _books(server: DevServer, name: str) -> Books:
    database = Database(server.url(name), pool_size=2, statement_timeout_ms=3_600_000)
    program = database.run(lambda connection: find_program(connection, "default"))
    assert program is not None
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT member_id FROM holders WHERE member_id LIKE 'g%%'")
        return Books(database, program, [row[0] for row in rows])


def _levels(entries: int) -> list[int]:
    return [level for level in LEVELS if level < entries] + [entries]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _read_plan() -> Plan:
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--entries", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement of posts")
    parser.add_argument(
        "--totals", type=int, default=1_000_000, help="make daily totals up to so many entries"
    )
    parser.add_argument(
        "--verify", type=int, default=10_000_000, help="verify books of up to so many entries"
    )
    parser.add_argument("--folder", type=Path, help="where the data folder is made; a disk, not memory")
    return Plan(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
