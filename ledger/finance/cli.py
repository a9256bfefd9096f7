"""``ledger verify``: prove the books from their rows."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from ledger.command_line import data_option, open_database, opened, require_program, told_plainly
from ledger.finance.checkpoints.files import CheckpointFile
from ledger.finance.checkpoints.signing import read_public_key
from ledger.finance.verify import CHECKS, verify
from ledger.finance.verify.checkpoints import check_of

STATEMENT_TIMEOUT_MS: Final = 3_600_000
"""A check reads whole tables; on long books that takes longer than any request may."""


def _read_public_key(_context: click.Context, _option: click.Parameter, given: str | None) -> bytes | None:
    try:
        return None if given is None else read_public_key(given)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error


@click.command("verify")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of a checkpoint, which the books of its program must lead to.",
)
@click.option(
    "--public-key",
    callback=_read_public_key,
    help="The key that must have signed it: 64 hex digits, or a file with them or with PEM.",
)
@told_plainly
def verify_command(
    data: Path | None, program: str | None, checkpoint: Path | None, public_key: bytes | None
) -> None:
    """Check every invariant of the books from the rows alone.

    Prints a line for each check, and the first wrong row of each that fails; ends with exit code 1 when
    one does. Reads one snapshot, so the service may go on posting meanwhile.
    """
    checks = CHECKS
    if checkpoint is not None:
        checks = (*CHECKS, check_of(CheckpointFile(checkpoint), public_key))
    elif public_key is not None:
        raise click.UsageError("--public-key is of a checkpoint: name its file by --checkpoint.")
    broken = 0
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            chosen = require_program(database, program) if program else None
            with database.read() as connection:
                for finding in verify(connection, chosen, checks):
                    click.echo(finding.told())
                    broken += not finding.is_sound
        finally:
            database.close()
    if checkpoint is not None and public_key is None:
        click.echo("Whose key has signed the checkpoint was not asked: give --public-key.")
    if broken:
        number = "1 check" if broken == 1 else f"{broken} checks"
        raise click.ClickException(f"the books are broken: {number} failed.")
    click.echo("The books are sound.")
