"""``ledger verify``: prove the books from their rows."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from ledger.command_line import data_option, open_database, opened, require_program, told_plainly
from ledger.finance.verify import verify

STATEMENT_TIMEOUT_MS: Final = 3_600_000
"""A check reads whole tables; on long books that takes longer than any request may."""


@click.command("verify")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@told_plainly
def verify_command(data: Path | None, program: str | None) -> None:
    """Check every invariant of the books from the rows alone.

    Prints a line for each check, and the first wrong row of each that fails; ends with exit code 1 when
    one does. Reads one snapshot, so the service may go on posting meanwhile.
    """
    broken = 0
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            chosen = require_program(database, program) if program else None
            with database.read() as connection:
                for finding in verify(connection, chosen):
                    click.echo(finding.told())
                    broken += not finding.is_sound
        finally:
            database.close()
    if broken:
        checks = "1 check" if broken == 1 else f"{broken} checks"
        raise click.ClickException(f"the books are broken: {checks} failed.")
    click.echo("The books are sound.")
