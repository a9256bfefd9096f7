"""``ledger checkpoint``: sign where every chain ends, and write that to a file which leaves the box."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import click
from sqlalchemy import Connection

from ledger import clock
from ledger.accounts.program import Program
from ledger.command_line import (
    data_option,
    open_database,
    opened,
    program_option,
    require_program,
    told_plainly,
)
from ledger.db import Database
from ledger.finance.checkpoints.document import Checkpoint, Leaf
from ledger.finance.checkpoints.making import make_checkpoint
from ledger.finance.checkpoints.signing import Signer, require_signer
from ledger.finance.cli import STATEMENT_TIMEOUT_MS

_SPOOL_BYTES: Final = 8 * 1024 * 1024

out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    show_default=True,
    help="File to write, which must not be there; - for standard output.",
)


@click.command("checkpoint")
@data_option
@program_option
@out_option
@click.option("--public-key", "is_key_asked", is_flag=True, help="Print the public key, and make nothing.")
@told_plainly
def checkpoint_command(data: Path | None, program: str, out: str, is_key_asked: bool) -> None:
    """Make a checkpoint: a signed Merkle root over the last hash of every member and fund.

    Writes it with its leaves, for `ledger verify --checkpoint` and for the stand-alone verifier. Keep the file where
    nobody who can change the database can change it.
    """
    with opened(data) as place:
        signer = require_signer(place.settings)
        if is_key_asked:
            click.echo(signer.public_key.hex())
            return
        database = open_database(
            place.app_url, replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        )
        try:
            chosen = require_program(database, program)
            with (
                written(out) as file,
                tempfile.SpooledTemporaryFile(_SPOOL_BYTES, "w+", encoding="ascii") as leaves,
            ):
                made = _made(database, chosen, signer, leaves, chosen.now(clock.system_now()))
                leaves.seek(0)
                file.write(made.line())
                file.writelines(leaves)
        finally:
            database.close()


def _made(database: Database, program: Program, signer: Signer, leaves: IO[str], now: datetime) -> Checkpoint:
    """The checkpoint, whose leaves stand in the file: its first line tells their root, so it is known last."""

    def keep(leaf: Leaf) -> None:
        leaves.write(leaf.line())

    def make(connection: Connection) -> Checkpoint:
        # The unit may run again.
        leaves.seek(0)
        leaves.truncate()
        return make_checkpoint(connection, program, signer, now, keep)

    return database.run(make)


@contextmanager
def written(out: str) -> Iterator[IO[str]]:
    """The file of ``--out``, new; a failure removes what there is of it."""
    if out == "-":
        yield sys.stdout
        return
    path = Path(out)
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
