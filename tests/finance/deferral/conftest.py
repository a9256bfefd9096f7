"""One service for the stories of a module, each with a program of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.whole_service import WholeService, open_service


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened
