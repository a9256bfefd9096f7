"""What the service says of its database before it serves: over a network, whether that proves who it is."""

import logging
from collections.abc import Iterator

import pytest

from ledger import preflight
from ledger.config import Settings
from ledger.db import Database
from tests.conftest import TestDatabase

WARNING = "THE DATABASE IS REACHED OVER A NETWORK AND NEED NOT PROVE WHO IT IS"
REMOTE = "postgresql://ledger:correct-horse@db.example/books"


@pytest.fixture
def database(shared_database: TestDatabase) -> Iterator[Database]:
    opened = Database(shared_database.app_url, pool_size=1)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("address", "is_warned"),
    [
        (REMOTE, True),
        (f"{REMOTE}?sslmode=require", True),
        (f"{REMOTE}?sslmode=verify-ca", True),
        (f"{REMOTE}?sslmode=verify-full", False),
        ("postgresql:///books?host=/run/postgresql", False),
        (None, False),
    ],
)
def test_a_database_over_a_network_that_proves_nothing_is_warned_of(
    database: Database, caplog: pytest.LogCaptureFixture, address: str | None, is_warned: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        preflight.check(database, Settings(database_url=address, unsafe_durability=True))
    assert (WARNING in caplog.text) is is_warned
    assert "correct-horse" not in caplog.text
