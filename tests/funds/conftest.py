"""A till on a database of the test's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.till import Till, open_till

from .regions import region_share, with_regions


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    """A program whose region east may spend 20 % of what headquarters issues in a month."""
    with open_till(fresh_database.app_url, **region_share()) as opened:
        yield with_regions(opened, "east")
