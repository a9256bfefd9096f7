"""``ledger expire``: the sweep as an operator or a timer runs it."""

from datetime import datetime
from pathlib import Path

import click
from marshmallow import ValidationError
from rich.console import Console

from ledger import clock
from ledger.accounts.program import Program
from ledger.accounts.programs import list_programs
from ledger.command_line import data_option, opened, require_program, told_plainly
from ledger.db import Database
from ledger.expiry.sweep import AheadOfClockError, SweepReport, check_reached, sweep
from ledger.funds.cli import top_up_programs
from ledger.http.fields import Instant


def read_moment(_context: click.Context, _option: click.Parameter, given: str | None) -> datetime | None:
    """A moment in the one form in which the ledger reads times; a usage error where it is none."""
    try:
        return None if given is None else Instant().read(given)
    except ValidationError as error:
        raise click.BadParameter(f"{given!r} {error.messages[0]}.") from error


@click.command()
@data_option
@click.option(
    "--until", metavar="TIME", callback=read_moment, help="Book what was due by then; by default, by now."
)
@click.option("--program", help="Name of the program; all of them without.")
@told_plainly
def expire(data: Path | None, until: datetime | None, program: str | None) -> None:
    """Book the points and the growth that the clock has taken.

    Balances follow the clock by themselves; this brings the books up to them. Each program is swept by its
    own clock. May be interrupted and run again at any time: nothing expires twice. Where the terms give regions
    a share of what headquarters issues, the shares are topped up afterwards.
    """
    with opened(data) as place:
        database = place.database()
        try:
            chosen = programs_to_sweep(database, program)
            sweep_programs(database, chosen, until)
        finally:
            database.close()
        top_up_programs(place, chosen)


def sweep_programs(database: Database, chosen: list[Program], until: datetime | None) -> None:
    """Sweep each program and print a line for it. Refuses beforehand if one's clock is not there yet."""
    system_now = clock.system_now()
    moments = [(program, until or program.now(system_now), program.now(system_now)) for program in chosen]
    for moment in moments:
        try:
            check_reached(*moment)
        except AheadOfClockError as error:
            raise click.BadParameter(str(error), param_hint="--until") from error
    for moment in moments:
        click.echo(line_of(_sweep_aloud(database, *moment)))


def line_of(report: SweepReport) -> str:
    """What a sweep has booked, in one line."""
    return (
        f"{report.program}: {report.points:,} points and {report.growth:,} growth in {report.lots:,} lots"
        f" expired by {clock.show(report.until)}"
        + (f", {report.holds:,} holds lapsed" if report.holds else "")
        + (f", {report.tiers:,} tiers judged" if report.tiers else "")
    )


def _sweep_aloud(database: Database, program: Program, until: datetime, now: datetime) -> SweepReport:
    with Console(stderr=True).status(f"{program.name}: looking for what is due") as status:
        return sweep(
            database,
            program,
            until,
            now=now,
            progress=lambda report: status.update(line_of(report)),
        )


def programs_to_sweep(database: Database, name: str | None) -> list[Program]:
    """The program of that name, or all of them."""
    if name is not None:
        return [require_program(database, name)]
    with database.read() as connection:
        return list_programs(connection)
