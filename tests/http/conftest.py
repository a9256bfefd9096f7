"""The tiny application on a database of the test's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.db import Database

from .tiny import Tiny, make_program, tiny_app


@pytest.fixture
def tiny(fresh_database: Any) -> Iterator[Tiny]:
    owner = Database(fresh_database.owner_url, role=None, pool_size=2)
    application = Database(fresh_database.app_url, pool_size=4)
    try:
        yield Tiny(tiny_app(application), owner, make_program(owner))
    finally:
        application.close()
        owner.close()
