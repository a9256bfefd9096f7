"""``ledger report``: a report on the command line, byte for byte as HTTP answers it."""

import sys
from dataclasses import replace
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
from ledger.finance.breakage.report import ASKED, MAX_MONTHS
from ledger.finance.catalogue import REPORTS
from ledger.finance.cli import STATEMENT_TIMEOUT_MS
from ledger.finance.exports.cli import INSTANT, read_by
from ledger.finance.flagged import MAX_ROWS
from ledger.finance.metrics.definitions import BASES, DEFINITIONS
from ledger.finance.month_field import Month
from ledger.finance.rendering import FORMS, JSON_FORM, rendered
from ledger.finance.roll_forward import WAYS
from ledger.http.fields import CallerId

_OPTIONS: Final = {"start": "--from", "end": "--to"}

_INSTANT: Final[dict[str, Any]] = {"metavar": "TIME", "callback": INSTANT}


@click.command("report")
@click.argument("name", type=click.Choice(sorted(REPORTS)))
@data_option
@program_option
@click.option("--as-of", help="What had happened by then; the present if left out.", **_INSTANT)
@click.option("--known-as-of", help="As far as was recorded by then; the present if left out.", **_INSTANT)
@click.option("--from", "start", help="The period begins just after; from the beginning.", **_INSTANT)
@click.option("--to", "end", help="The last moment of the period; the present if left out.", **_INSTANT)
@click.option("--by", type=click.Choice(WAYS), help="points-roll-forward: a line for each beside the total.")
@click.option("--member-id", callback=read_by(CallerId()), help="points-roll-forward: one member alone.")
@click.option(
    "--definition", type=click.Choice(DEFINITIONS), help="redemption-rate: what is divided by what."
)
@click.option(
    "--basis", type=click.Choice(BASES), help="redemption-rate: net of what was taken back, or gross."
)
@click.option("--period", callback=read_by(Month()), help="deferral: an accounting month, such as 2026-01.")
@click.option("--method", type=click.Choice(ASKED), help="breakage: for all cohorts; by age if left out.")
@click.option(
    "--mature-after",
    type=click.IntRange(1, MAX_MONTHS),
    help="breakage: months after which a cohort speaks for itself.",
)
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), help="Lists of entries: at most so many rows.")
@click.option("--cursor", help="Lists of entries: the next_cursor of the rows before.")
@click.option("--format", "form", type=click.Choice(FORMS), default=JSON_FORM, show_default=True)
@told_plainly
def report_command(name: str, data: Path | None, program: str, form: str, **asked: Any) -> None:
    """Print a report, as JSON or as CSV.

    The same times give the same bytes, whatever is posted meanwhile, and the bytes that HTTP answers with.
    """
    wanted = {option: value for option, value in asked.items() if value is not None}
    kind = REPORTS[name]
    for option in wanted:
        if option not in kind.takes:
            told = _OPTIONS.get(option, f"--{option.replace('_', '-')}")
            raise click.UsageError(f"{told} is not asked of {name}.")
    with opened(data) as place:
        database = open_database(
            place.app_url, replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        )
        try:
            chosen = require_program(database, program)
            now = chosen.now(clock.system_now())
            with database.read() as connection:
                shown = rendered(kind.read(connection, chosen, now, **wanted), form)
        finally:
            database.close()
    sys.stdout.buffer.write(shown)
