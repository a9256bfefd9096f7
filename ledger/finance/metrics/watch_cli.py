"""``ledger watch``: raise the alerts that the thresholds of each program call for, by hand or by a timer."""

from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy import Connection

from ledger import clock
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program, list_programs
from ledger.command_line import data_option, open_database, opened, require_program, told_plainly
from ledger.db import Database
from ledger.finance.cli import STATEMENT_TIMEOUT_MS
from ledger.finance.metrics.watching import watch
from ledger.journal.commands import Alert


@click.command("watch")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@told_plainly
def watch_command(data: Path | None, program: str | None) -> None:
    """Raise the alerts that the thresholds of the program's terms call for.

    The redemption rate of the last whole days, the points issued in them, and what is outstanding now. May be run at
    any time: each is raised once in a month. Prints one line for each new alert, or that there is none.
    """
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            if program is not None:
                chosen = [require_program(database, program)]
            else:
                with database.read() as connection:
                    chosen = list_programs(connection)
            for each in chosen:
                for line in _watched(database, each):
                    click.echo(f"{each.name}: {line}")
        finally:
            database.close()


def _watched(database: Database, program: Program) -> list[str]:
    raised = database.run(lambda connection: _raised(connection, program))
    return [f"{alert.code} {alert.subject}" for alert in raised] or ["nothing new"]


def _raised(connection: Connection, program: Program) -> list[Alert]:
    # Read anew: the terms may have changed since the programs were listed.
    present = find_program(connection, program.name)
    assert present is not None
    return watch(connection, present, present.now(clock.system_now()))
