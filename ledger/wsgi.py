"""The service for a WSGI server of one's own choice: ``gunicorn 'ledger.wsgi:application()'``.

Needs LEDGER_DATABASE_URL. Load it in each worker, not before the fork. With several workers, let
PROMETHEUS_MULTIPROC_DIR name an empty folder before they start, so that they share what they count.
"""

from flask import Flask

from ledger.app import create_app
from ledger.command_line import open_database
from ledger.config import ConfigurationError, Settings
from ledger.http.meters import Meters, shared_folder
from ledger.preflight import check


def application() -> Flask:
    """The application on the database of the environment, once that database has been checked."""
    settings = Settings.from_environment()
    if settings.database_url is None:
        raise ConfigurationError("LEDGER_DATABASE_URL must be set; to do without, run `ledger serve`.")
    database = open_database(settings.database_url, settings)
    check(database, settings)
    return create_app(settings, database, meters=Meters(shared_folder()))
