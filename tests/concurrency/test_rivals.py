"""Two units of work meet at every place where they could harm each other; the server says who waits."""

from collections.abc import Callable, Iterator

import pytest

from ledger.db import Database
from tests.concurrency.checks import CHECKS
from tests.concurrency.rivals import open_database
from tests.conftest import TestDatabase


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url) as opened:
        yield opened


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_when_two_units_of_work_meet(check: Callable[[Database], None], database: Database) -> None:
    check(database)
