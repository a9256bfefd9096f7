"""One service for the tests of a module, and a checkout of its own for each."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.checkout import Checkout, open_checkouts
from tests.whole_service import WholeService


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_checkouts(cluster, template) as opened:
        yield opened


@pytest.fixture
def shop(service: WholeService) -> Checkout:
    return Checkout(service)
