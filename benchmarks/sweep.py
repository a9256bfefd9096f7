"""``python -m benchmarks.sweep``: how many due lots the expiry sweep books in a second, and what the kept ones cost."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from benchmarks.cpu import spent
from benchmarks.lots import Shape, insert_lots
from benchmarks.measure import Measurement
from benchmarks.stage import Stage, stage
from ledger.accounts.programs import create_program
from ledger.clock import system_now
from ledger.db import Database
from ledger.expiry.sweep import sweep
from ledger.rules.terms import DEFAULT_TERMS

DUE = 100_000
KEPT = 10
"""Kept lots for each that is due; and beside that, a tenth of it."""
EACH = 10
"""Lots of a member that end at one instant: a month of shopping twice a week."""


def name_of(shape: Shape) -> str:
    """How the report calls it."""
    plural = "s" if shape.each > 1 else ""
    return f"sweep, {shape.each} lot{plural} a member, {shape.kept // shape.due} kept for each due"


def shapes(due: int) -> Iterator[Shape]:
    """Few kept lots and ten times as many; and members with a single lot that is due, who cost the most."""
    yield Shape(due, due, EACH)
    yield Shape(due, KEPT * due, EACH)
    yield Shape(due // 10, due, 1)


def measure_sweep(
    at: Stage, administrator: "psycopg.Connection[tuple[object, ...]]", shape: Shape
) -> Measurement:
    """Make the lots, and sweep what is due of them; only the sweep is measured."""
    database = Database(at.url())
    name = f"sweep-{shape.due}-{shape.kept}-{shape.each}"
    now = system_now()
    program = database.run(
        lambda connection: create_program(
            connection, name, currency="CNY", timezone="Asia/Shanghai", terms=DEFAULT_TERMS, now=now
        )
    )
    insert_lots(administrator, program, shape, now)
    administrator.execute("CHECKPOINT")
    before, cpu, began = spent(at.postmaster), time.process_time(), time.perf_counter()
    report = sweep(database, program, now, now=now)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    after = spent(at.postmaster)
    database.close()
    assert (report.lots, report.points) == (shape.due, shape.due * 100)
    return Measurement(
        name_of(shape),
        report.lots,
        seconds,
        cpu,
        after.since(before),
        notes={"kept": shape.kept, "members_due": shape.members_due, "batches": report.batches},
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.sweep", description=__doc__)
    parser.add_argument("--lots", type=int, default=1_000_000, help="that are due")
    parser.add_argument("--folder", type=Path, help="where the data folder is made; a disk, not memory")
    given = parser.parse_args()
    with stage(given.folder) as (at, administrator):
        at.prepare_ledger()
        for shape in shapes(given.lots):
            found = measure_sweep(at, administrator, shape)
            print(
                f"{found.name}: {found.operations:,} of {found.notes['kept']:,} kept, {found.rate:,.0f}/s,"
                f" CPU µs each: Python {found.microseconds(found.client):.1f},"
                f" PostgreSQL {found.microseconds(found.server.server):.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
