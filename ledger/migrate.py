"""The schema: upgraded by its owner, checked by everyone else."""

from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url


def upgrade(owner_url: str, settings: Mapping[str, str] | None = None) -> None:
    """Bring the schema to the head. Idempotent; each migration is one transaction with a lock time-out.

    ``settings`` are the server's, for the session that migrates.
    """
    configuration = _configuration()
    configuration.attributes["url"] = make_url(owner_url).set(drivername="postgresql+psycopg")
    configuration.attributes["settings"] = settings or {}
    command.upgrade(configuration, "head")


def head() -> str:
    """The revision that this release of the code is written for."""
    revision = ScriptDirectory.from_config(_configuration()).get_current_head()
    assert revision is not None
    return revision


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_migrations()))
    return configuration


def _migrations() -> Path:
    """Beside the package in a checkout, inside it where it is installed."""
    here = Path(__file__).resolve().parent
    inside = here / "migrations"
    return inside if inside.is_dir() else here.parent / "migrations"
