"""``ledger totals``: bring the daily totals up to the books, or make them anew."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from ledger import clock
from ledger.accounts.programs import list_programs
from ledger.command_line import data_option, open_database, opened, require_program, told_plainly
from ledger.finance.totals.refresh import rebuild, refresh

STATEMENT_TIMEOUT_MS: Final = 600_000


@click.command("totals")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@click.option("--rebuild", "is_rebuilt", is_flag=True, help="Throw the totals away, and make them again.")
@told_plainly
def totals_command(data: Path | None, program: str | None, is_rebuilt: bool) -> None:
    """Bring the daily totals up to the books.

    Reports are right without it, and read the more entries the longer it was not done. The service does it by itself
    every LEDGER_UPKEEP_SECONDS; this is for books that no service runs on, and to make the totals anew.
    """
    with opened(data) as place:
        database = open_database(
            place.app_url, replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        )
        try:
            if program:
                chosen = [require_program(database, program)]
            else:
                with database.read() as connection:
                    chosen = list_programs(connection)
            for each in chosen:
                (rebuild if is_rebuilt else refresh)(database, each, clock.system_now())
                click.echo(f"{each.name}: the totals are up to the books.")
        finally:
            database.close()
