"""What all operator commands share: where the database is, and how a failure is told.

Every command takes ``--data DIR`` or finds LEDGER_DATABASE_URL. Without the latter it attaches to the
embedded server of the folder, or starts it for as long as the command runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from ledger import migrate
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.config import ConfigurationError, Settings
from ledger.db import Database
from ledger.devdb import OWNER_ROLE, DevServer, DevServerError
from ledger.errors import LedgerError
from ledger.preflight import NotReadyError

DEFAULT_PROGRAM = "default"

Command = TypeVar("Command", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the embedded PostgreSQL, where LEDGER_DATABASE_URL is not set.",
)
program_option = click.option(
    "--program", default=DEFAULT_PROGRAM, show_default=True, help="Name of the program."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the books are: the application's address and the owner's, and the server that is embedded."""

    settings: Settings
    app_url: str
    owner_url: str
    server: DevServer | None = None

    def database(self) -> Database:
        """The books as the application sees them."""
        return open_database(self.app_url, self.settings)

    @contextmanager
    def owner(self) -> Iterator[Database]:
        """The database as its owner sees it, for what the application may not do."""
        database = Database(self.owner_url, role=None, pool_size=1)
        try:
            yield database
        finally:
            database.close()


def open_database(url: str, settings: Settings) -> Database:
    """The application's database, with its role and the time-outs of the settings."""
    return Database(
        url,
        role=settings.app_role,
        pool_size=settings.pool_size,
        lock_timeout_ms=settings.lock_timeout_ms,
        statement_timeout_ms=settings.statement_timeout_ms,
    )


@contextmanager
def opened(data: Path | None) -> Iterator[Place]:
    """The place that the options and the environment name; an embedded server is migrated first."""
    settings = Settings.from_environment()
    if data is not None:
        settings = replace(settings, data_dir=data)
    if settings.database_url is not None:
        yield Place(settings, settings.database_url, settings.owner_database_url or settings.database_url)
        return
    with DevServer.attach_or_start(settings.data_dir) as server:
        owner_url = server.url(role=OWNER_ROLE)
        migrate.upgrade(owner_url)
        yield Place(settings, server.url(role=settings.app_role), owner_url, server)


def told_plainly(command: Command) -> Command:
    """Let expected failures end a command with one line and exit code 1, without a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (ConfigurationError, DevServerError, NotReadyError) as error:
            raise click.ClickException(str(error)) from error
        except LedgerError as error:
            cause = f" ({error.__cause__})" if error.__cause__ else ""
            raise click.ClickException(f"{error.detail}{cause}") from error

    return run  # type: ignore[return-value]


def require_program(database: Database, name: str) -> Program:
    """The program of that name; the command ends when there is none."""
    with database.read() as connection:
        program = find_program(connection, name)
    if program is None:
        raise click.ClickException(f"There is no program {name!r}; make it with `ledger programs create`.")
    return program
