"""Counters over a link that the tests cut."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from ledger.db import Database

from .counter import Counter, open_counter
from .link import Link

IMPATIENT: Final[dict[str, int]] = {
    "lock_timeout_ms": 300,
    "statement_timeout_ms": 600,
    "patience_ms": 200,
    "pool_timeout_seconds": 1,
    "connect_timeout_seconds": 2,  # the driver takes no less
}


@pytest.fixture
def link(fresh_database: Any) -> Iterator[Link]:
    """The way from the application to its database."""
    with Link(fresh_database.app_url) as opened:
        yield opened


@pytest.fixture
def database(link: Link) -> Iterator[Database]:
    """The application's database behind the link, impatient so that the tests are quick."""
    opened = Database(link.url, pool_size=2, **IMPATIENT)
    yield opened
    opened.close()


@pytest.fixture
def counter(fresh_database: Any, database: Database) -> Iterator[Counter]:
    owner = Database(fresh_database.owner_url, role=None, pool_size=1)
    yield open_counter(database, owner)
    owner.close()
