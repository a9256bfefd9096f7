"""A till on a database of the test's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.till import Till, open_till


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url) as opened:
        yield opened
