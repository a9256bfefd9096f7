"""``ledger erasures``: who was erased, in a file, so that a backup that is restored is erased again."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click
import orjson
from marshmallow import ValidationError
from sqlalchemy import Connection, select

from ledger.accounts.models import erasures, holders, programs
from ledger.clock import show
from ledger.command_line import data_option, opened, require_program, told_plainly
from ledger.db import Database
from ledger.errors import MemberUnknown
from ledger.http.fields import CallerId, Choice, Instant, Plain, Text
from ledger.privacy.erasing import REASONS, erase_member

_LINE: Final[dict[str, Plain]] = {
    "program": Text(),
    "member_id": CallerId(),
    "erased_at": Instant(),
    "erased_by": Text(),
    "reason": Choice(REASONS),
}


@click.group("erasures")
def erasures_command() -> None:
    """List who was erased, and erase them again after a backup was restored."""


@erasures_command.command("export")
@data_option
@told_plainly
def export(data: Path | None) -> None:
    """Print a line for each member who was erased, by opaque id. Keep it apart from the backups."""
    with opened(data) as place, closing(place.database()) as database, database.read() as connection:
        for line in read_erasures(connection):
            click.echo(orjson.dumps(line).decode())


@erasures_command.command("apply")
@data_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@told_plainly
def apply(data: Path | None, file: Path) -> None:
    """Erase whom FILE lists, as `ledger erasures export` has printed it. May be done again at any time."""
    listed = [_read(number, line) for number, line in enumerate(file.read_bytes().splitlines(), 1)]
    with opened(data) as place, closing(place.database()) as database:
        known = sum(_erase(database, **erasure) for erasure in listed)
    click.echo(f"{known} members are erased, {len(listed) - known} are not known here.")


def read_erasures(connection: Connection) -> list[dict[str, Any]]:
    """Every erasure, in the order in which they were made."""
    query = (
        select(programs.c.name, holders.c.member_id, erasures)
        .join_from(erasures, holders, holders.c.holder_id == erasures.c.holder_id)
        .join(programs, programs.c.program_id == holders.c.program_id)
        .order_by(erasures.c.erased_at, erasures.c.holder_id)
    )
    return [
        {
            "program": row.name,
            "member_id": row.member_id,
            "erased_at": show(row.erased_at),
            "erased_by": row.erased_by,
            "reason": row.reason,
        }
        for row in connection.execute(query)
    ]


def _erase(database: Database, *, program: str, member_id: str, **how: Any) -> bool:
    """Whether the member is known here, and so is erased now."""
    found = require_program(database, program)
    erased = {"reason": how["reason"], "by": how["erased_by"], "at": how["erased_at"]}
    try:
        database.run(lambda connection: erase_member(connection, found, member_id, **erased))
    except MemberUnknown:
        return False
    return True


def _read(number: int, line: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(line)
        if not isinstance(told, dict) or told.keys() != _LINE.keys():
            raise click.ClickException(f"Line {number} is no erasure: it must have {', '.join(_LINE)}.")
        return {name: field.read(told[name]) for name, field in _LINE.items()}
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise click.ClickException(f"Line {number} is no erasure: {error}.") from error
