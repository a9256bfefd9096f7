"""``ledger rates``: the band controller as an operator or a timer lets it act, where two approvals have allowed it."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from sqlalchemy import Connection

from ledger import clock
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program, list_programs
from ledger.command_line import data_option, open_database, opened, require_program, told_plainly
from ledger.db import Database
from ledger.errors import LedgerError
from ledger.fx.adjusting import adjust

STATEMENT_TIMEOUT_MS: Final = 3_600_000
"""It counts every award of sixty weeks; on long books that takes longer than any request may."""


@click.group()
def rates() -> None:
    """The rate of points and its band."""


@rates.command("adjust")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@told_plainly
def adjust_command(data: Path | None, program: str | None) -> None:
    """Record what the band controller recommends, in programs where it may change the rate by itself.

    May be run at any time: a rate begins at most once in a local week. Prints one line for each program.
    """
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            for each in _chosen(database, program):
                click.echo(f"{each.name}: {_told(database, each)}")
        finally:
            database.close()


def _told(database: Database, program: Program) -> str:
    """What came of one program; a refusal of one never ends the others."""
    try:
        return database.run(
            lambda connection: _adjusted(connection, program, program.now(clock.system_now()))
        )
    except LedgerError as error:
        return f"not changed: {error.detail}"


def _adjusted(connection: Connection, program: Program, now: datetime) -> str:
    # Read anew: the terms may have changed since the programs were listed.
    present = find_program(connection, program.name)
    assert present is not None
    return adjust(connection, present, now)


def _chosen(database: Database, name: str | None) -> list[Program]:
    if name is not None:
        return [require_program(database, name)]
    with database.read() as connection:
        return list_programs(connection)
