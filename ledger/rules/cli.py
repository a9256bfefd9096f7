"""``ledger programs``: make and list programs."""

from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import click
from marshmallow import ValidationError

from ledger import clock
from ledger.accounts.programs import create_program, list_programs
from ledger.command_line import data_option, opened, told_plainly
from ledger.http.fields import CallerId, Currency
from ledger.rules.terms import DEFAULT_TERMS


@click.group()
def programs() -> None:
    """Make and list programs."""


def _read_name(_context: click.Context, _option: click.Parameter, given: str) -> str:
    try:
        return str(CallerId().read(given))
    except ValidationError as error:
        raise click.BadParameter(f"{given!r} {error.messages[0]}.") from error


def _read_currency(_context: click.Context, _option: click.Parameter, given: str) -> str:
    try:
        return Currency().read(given)
    except ValidationError as error:
        raise click.BadParameter(f"{given!r} {error.messages[0]}.") from error


def _read_timezone(_context: click.Context, _option: click.Parameter, given: str) -> str:
    try:
        clock.zone(given)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.BadParameter(f"{given!r} is no time zone of the IANA database.") from error
    return given


@programs.command("create")
@data_option
@click.argument("name", callback=_read_name)
@click.option("--test", "is_test", is_flag=True, help="Give it a clock that can be set.")
@click.option("--currency", default="CNY", show_default=True, callback=_read_currency)
@click.option("--timezone", default="Asia/Shanghai", show_default=True, callback=_read_timezone)
@told_plainly
def create(data: Path | None, name: str, is_test: bool, currency: str, timezone: str) -> None:
    """Make a program on the default terms; change them with PUT /v1/program/terms."""
    with opened(data) as place, place.owner() as database:
        database.run(
            lambda connection: create_program(
                connection,
                name,
                currency=currency,
                timezone=timezone,
                terms=DEFAULT_TERMS,
                now=clock.system_now(),
                is_test=is_test,
            )
        )
    click.echo(f"Program {name} is made. Next: ledger keys create --program {name} --role pos")


@programs.command("list")
@data_option
@told_plainly
def list_(data: Path | None) -> None:
    """List the programs: name, currency, time zone, and whether it is a test program."""
    with opened(data) as place:
        database = place.database()
        try:
            with database.read() as connection:
                found = list_programs(connection)
        finally:
            database.close()
    for program in found:
        kind = "test" if program.is_test else "-"
        click.echo(f"{program.name}\t{program.currency}\t{program.timezone}\t{kind}")
