"""``ledger export``: the books in forms that strangers can read and check without this package."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

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
from ledger.finance.cli import STATEMENT_TIMEOUT_MS
from ledger.finance.exports.journal import (
    DIALECTS,
    FORMS,
    journal_text,
    window_of,
    window_of_day,
    write_journal_parquet,
)
from ledger.finance.exports.plain_text import Window
from ledger.finance.exports.tables import ParquetMissingError
from ledger.http.fields import Day, Instant, Plain


@click.group("export")
def export() -> None:
    """Write the books out for those who audit them."""


def read_by(field: Plain) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback of an option that reads it as the HTTP edge would."""

    def read(_context: click.Context, _option: click.Parameter, given: str | None) -> Any:
        try:
            return None if given is None else field.read(given)
        except ValidationError as error:
            raise click.BadParameter(f"{given!r} {error.messages[0]}.") from error

    return read


INSTANT = read_by(Instant())
DAY = read_by(Day())


@export.command("journal")
@data_option
@program_option
@click.option("--format", "form", type=click.Choice(FORMS), default="csv", show_default=True)
@click.option(
    "--from",
    "start",
    metavar="TIME",
    callback=INSTANT,
    help="Begin just after; from the beginning if left out.",
)
@click.option(
    "--to", "end", metavar="TIME", callback=INSTANT, help="The last moment; the present if left out."
)
@click.option(
    "--day", metavar="DAY", callback=DAY, help="One day, where the program is, instead of --from and --to."
)
@click.option(
    "--known-as-of",
    metavar="TIME",
    callback=INSTANT,
    help="As far as was recorded by then; the present if left out.",
)
@click.option(
    "--by-member", is_flag=True, help="beancount, hledger: accounts for each member. Whole books only."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
@told_plainly
def journal(
    data: Path | None, program: str, form: str, by_member: bool, out: Path | None, **times: Any
) -> None:
    """Write the journal, leg by leg or as a journal that another program checks.

    The same times give the same bytes, whatever is posted meanwhile. beancount and hledger get what every
    balance must be at the end of each month, as the trial balance says: run bean-check or hledger check.
    """
    _refuse_what_contradicts(form, by_member, out, times)
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            chosen = require_program(database, program)
            window = _window(chosen, times)
            with database.read() as connection:
                if form == "parquet":
                    assert out is not None
                    with finished(out) as unfinished:
                        write_journal_parquet(connection, chosen, window, unfinished)
                else:
                    write_text(journal_text(connection, chosen, window, form, by_member=by_member), out)
        except ParquetMissingError as error:
            raise click.ClickException(str(error)) from error
        finally:
            database.close()


def _refuse_what_contradicts(form: str, by_member: bool, out: Path | None, times: dict[str, Any]) -> None:
    if times["day"] is not None and (times["start"] is not None or times["end"] is not None):
        raise click.UsageError("--day stands instead of --from and --to.")
    if by_member and form not in DIALECTS:
        raise click.UsageError(
            "--by-member is for beancount and hledger; every row of a table names the holder."
        )
    if by_member and (times["day"] is not None or times["start"] is not None):
        raise click.UsageError("Accounts of members begin with nothing: leave out --from and --day.")
    if form == "parquet" and out is None:
        raise click.UsageError("A Parquet file needs --out.")


def _window(program: Program, times: dict[str, Any]) -> Window:
    now = program.now(clock.system_now())
    if times["day"] is not None:
        return window_of_day(times["day"], program.timezone, times["known_as_of"], now)
    return window_of(times["start"], times["end"], times["known_as_of"], now)


def write_text(pieces: Iterable[str], out: Path | None) -> None:
    """Write to a file, which is there when it is whole, or to standard output."""
    if out is None:
        sys.stdout.writelines(pieces)
        return
    with finished(out) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


@contextmanager
def finished(out: Path) -> Iterator[Path]:
    """A path beside ``out`` to write to, which takes its name at the end. What broke off leaves nothing."""
    unfinished = out.with_name(f"{out.name}.part")
    try:
        yield unfinished
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
