"""``ledger close`` and ``ledger periods``: accounting months at the command line, for a small shop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Connection

from ledger import clock
from ledger.access import ROLES, Principal
from ledger.accounts.program import Program
from ledger.command_line import (
    data_option,
    open_database,
    opened,
    program_option,
    require_program,
    told_plainly,
)
from ledger.config import Settings
from ledger.db import Database
from ledger.finance.checkpoints.signing import find_signer
from ledger.finance.cli import STATEMENT_TIMEOUT_MS
from ledger.finance.exports.cli import read_by
from ledger.finance.month_field import Month
from ledger.finance.periods.events import lock_periods
from ledger.finance.periods.register import list_periods, lock, show_period, soft_close
from ledger.finance.periods.states import OPEN

BY: Final = "command line"
"""Who closes a month here, as its events and its pack say."""


@click.command("close")
@click.argument("period", metavar="MONTH", callback=read_by(Month()))
@data_option
@program_option
@click.option("--lock", "is_locking", is_flag=True, help="Lock it as well: freeze it, and keep its pack.")
@told_plainly
def close_command(period: date, data: Path | None, program: str, is_locking: bool) -> None:
    """Soft-close MONTH, such as 2026-01; with --lock, lock it as well.

    Whatever is posted after the soft close is booked in the month after. Prints what has become of the month.
    """
    with _books(data, program) as (database, chosen, settings):
        closing = _Closing(chosen, period, settings)
        with database.read() as connection:
            is_open = show_period(connection, chosen, period)["status"] == OPEN
        # A month that waits to be locked is not closed a second time; without --lock the refusal says so.
        if is_open or not is_locking:
            made = database.run(closing.soft_close)
        if is_locking:
            made = database.run(closing.lock)
    click.echo(_told(made))


@click.command("periods")
@data_option
@program_option
@told_plainly
def periods_command(data: Path | None, program: str) -> None:
    """List the months that were closed, newest first, with the hashes of their packs."""
    with _books(data, program) as (database, chosen, _), database.read() as connection:
        months = list_periods(connection, chosen)
    for month in months:
        click.echo(_told(month))


class _Closing:
    """The closing of one month. The clock is read once nobody else can change the months."""

    def __init__(self, program: Program, period: date, settings: Settings) -> None:
        self._program = program
        self._period = period
        self._by = Principal(BY, program, "finance", ROLES["finance"])
        self._signer = find_signer(settings)

    def soft_close(self, connection: Connection) -> dict[str, Any]:
        """End what is posted into it."""
        lock_periods(connection, self._program)
        now = self._program.now(clock.system_now())
        return soft_close(connection, self._program, self._period, by=self._by, now=now)

    def lock(self, connection: Connection) -> dict[str, Any]:
        """Freeze it."""
        lock_periods(connection, self._program)
        now = self._program.now(clock.system_now())
        return lock(connection, self._program, self._period, by=self._by, now=now, signer=self._signer)


@contextmanager
def _books(data: Path | None, name: str) -> Iterator[tuple[Database, Program, Settings]]:
    with opened(data) as place:
        settings = replace(place.settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
        database = open_database(place.app_url, settings)
        try:
            yield database, require_program(database, name), place.settings
        finally:
            database.close()


def _told(month: dict[str, Any]) -> str:
    return f"{month['period']}  {month['status']:<11}  {month['pack_hash'] or '-'}"
