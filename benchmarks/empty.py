"""``python -m benchmarks.empty``: the service's own server around an application that does nothing.

The same master, the same workers and settings as ``ledger serve``; the one route reads a body and answers 201.
What it does in a second is what is left to the ledger at most.
"""

import tempfile
from pathlib import Path
from typing import NoReturn

from flask import Flask, Response, request

from ledger import serving
from ledger.command_line import Place
from ledger.config import Settings

PATH = "/empty"
_ANSWER = b'{"entry_id":"ent_00000000000000000000000000000000"}'


class Empty(serving.Service):
    """The service, with nothing in it."""

    def load(self) -> Flask:
        return application()


def application() -> Flask:
    """One route for POST, and what the master asks to know that it is ready."""
    app = Flask("empty")

    @app.post(PATH)
    def _take() -> Response:
        request.get_data()
        return Response(_ANSWER, status=201, content_type="application/json")

    @app.get("/readyz")
    def _ready() -> Response:
        return Response(b"{}", content_type="application/json")

    return app


def main() -> NoReturn:
    serving.stop_on_signals()
    settings = Settings.from_environment()
    assert settings.database_url is not None
    place = Place(settings, settings.database_url, settings.database_url)
    # It counts nothing; and a worker that ends may take the folder with it.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as counts:
        Empty(place, Path(counts)).run()
    raise AssertionError("the service only ends by SystemExit")


if __name__ == "__main__":
    main()
