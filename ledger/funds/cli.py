"""``ledger funds``: the regions' shares as an operator or a timer brings them up to date."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from ledger import clock
from ledger.accounts.program import Program
from ledger.accounts.programs import list_programs
from ledger.command_line import Place, data_option, open_database, opened, require_program, told_plainly
from ledger.db import Database
from ledger.funds.top_up import top_up
from ledger.rules.terms import terms_of

STATEMENT_TIMEOUT_MS: Final = 3_600_000
"""It counts every award of a period; on long books that takes longer than any request may."""


@click.group()
def funds() -> None:
    """Budgets and the shares of the regions."""


@funds.command("top-up")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@told_plainly
def top_up_command(data: Path | None, program: str | None) -> None:
    """Grant each region its share of what headquarters has issued by now.

    `ledger expire` does the same after its sweep. May be run at any time: it grants up to the share and no more.
    """
    with opened(data) as place:
        database = place.database()
        try:
            chosen = _chosen(database, program)
        finally:
            database.close()
        top_up_programs(place, chosen)


def top_up_programs(place: Place, chosen: list[Program]) -> None:
    """Top up the shares of each program that has some, by its own clock, and print a line for each share."""
    sharing = [program for program in chosen if terms_of(program).region_share is not None]
    if not sharing:
        return
    settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    database = open_database(place.app_url, settings)
    try:
        for program in sharing:
            for share in top_up(database, program, program.now(clock.system_now())):
                click.echo(
                    f"{program.name}: {share['fund']} granted {share['points']:,} points;"
                    f" {share['allowed']:,} in all for {share['issued']:,} issued by headquarters"
                )
    finally:
        database.close()


def _chosen(database: Database, name: str | None) -> list[Program]:
    if name is not None:
        return [require_program(database, name)]
    with database.read() as connection:
        return list_programs(connection)
