"""``ledger reconcile``: a file of any length, held against the books."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from ledger import clock
from ledger.command_line import (
    data_option,
    open_database,
    opened,
    program_option,
    require_program,
    told_plainly,
)
from ledger.finance.cli import STATEMENT_TIMEOUT_MS
from ledger.finance.exports.cli import DAY
from ledger.finance.reconciliation.register import days_of, reconcile
from ledger.finance.reconciliation.uploads import KINDS, Upload

BY: Final = "command line"


@click.command("reconcile")
@data_option
@program_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the rows are.")
@click.option("--from", "first", metavar="DAY", callback=DAY, help="The first day; that of the earliest row.")
@click.option("--to", "last", metavar="DAY", callback=DAY, help="The last day; that of the latest row.")
@told_plainly
def reconcile_command(
    data: Path | None, program: str, file: Path, kind: str, first: date | None, last: date | None
) -> None:
    """Hold a CSV file of orders or payments against the books, and keep what comes of it.

    Prints the counts and the first exceptions; ends with exit code 1 when there are any.
    """
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            chosen = require_program(database, program)
            now = chosen.now(clock.system_now())
            with file.open("rb") as lines, Upload(kind, lines, chosen.timezone) as upload:
                days = days_of(upload, first, last, chosen.timezone, now)
                made = database.run(
                    lambda connection: reconcile(connection, chosen, upload, days, by=BY, now=now)
                )
        finally:
            database.close()
    for line in _told(made):
        click.echo(line)
    if made["missing"] or made["extra"] or made["different"]:
        raise click.ClickException(
            f"{kind} and books differ; {made['reconciliation_id']} has all exceptions."
        )


def _told(made: dict[str, Any]) -> list[str]:
    names = ("matched", "missing", "extra", "different")
    counts = ", ".join(f"{made[name]} {name}" for name in names)
    lines = [f"{made['reconciliation_id']}: {made['kind']} of {made['from']} to {made['to']}: {counts}"]
    for each in made["data"]:
        at = f" (line {each['line']})" if each["line"] else ""
        what = "; ".join(f"{d['field']} {d['uploaded']}, booked {d['booked']}" for d in each["differences"])
        lines.append(
            f"{each['outcome']:9}  {each['day']}  {each['type']} {each['reference']}{at}  {what}".rstrip()
        )
    if made["next_cursor"]:
        lines.append("and more")
    return lines
