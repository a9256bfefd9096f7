"""One database for all stories, and a program of its own for each."""

import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from ledger.db import Database
from ledger.finance.verify import verify
from tests.builders import NOW, Bench, terms
from tests.conftest import Cluster
from tests.model.postgres import PostgresDriver

_numbers = count(1)

OpenBench = Callable[..., Bench]


@pytest.fixture(scope="session")
def story_database(cluster: Cluster, template: str) -> Iterator[Database]:
    name = f"ledger_test_stories_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template=template)
    database = Database(cluster.app_url(name))
    try:
        yield database
        # All stories told, the operator's own check finds nothing to say.
        with database.read() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []
    finally:
        database.close()
        cluster.drop_database(name)


@pytest.fixture
def open_bench(story_database: Database) -> OpenBench:
    """A bench on a new program in PostgreSQL, given its time zone and what differs from the default terms."""

    def open_one(timezone: str = "Asia/Shanghai", **changes: Any) -> Bench:
        driver = PostgresDriver.create(
            story_database, f"story-{next(_numbers)}", NOW, timezone=timezone, terms=terms(**changes)
        )
        return Bench(driver)

    return open_one
