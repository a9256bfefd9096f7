"""One service for the tests of a module, and its database as the application sees it."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.db import Database
from tests.whole_service import WholeService, open_service


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def application(service: WholeService, cluster: Any) -> Iterator[Database]:
    database = Database(cluster.app_url(service.database), pool_size=2)
    yield database
    database.close()
