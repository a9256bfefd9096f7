"""Counters over a link that the tests cut."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.db import Database

from .counter import Counter, impatient, open_counter
from .link import Link


@pytest.fixture
def link(fresh_database: Any) -> Iterator[Link]:
    """The way from the application to its database."""
    with Link(fresh_database.app_url) as opened:
        yield opened


@pytest.fixture
def database(link: Link) -> Iterator[Database]:
    """The application's database behind the link."""
    opened = impatient(link.url)
    yield opened
    opened.close()


@pytest.fixture
def counter(fresh_database: Any, database: Database) -> Iterator[Counter]:
    owner = Database(fresh_database.owner_url, role=None, pool_size=1)
    yield open_counter(database, owner)
    owner.close()
