"""One service for the tests of a module, and a desk of its own for each."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.finance.verify import verify
from tests.fx.desk import Desk, open_desk
from tests.whole_service import WholeService, open_service


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened
        # Whatever was done at the desks, the operator's own check finds nothing to say.
        with opened.owner.read() as connection:
            assert [found.told() for found in verify(connection) if not found.is_sound] == []


@pytest.fixture
def desk(service: WholeService) -> Desk:
    return open_desk(service)
