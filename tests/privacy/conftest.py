"""A service with members about whom something is known and said, everywhere where that can be done."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.privacy.lives import Life
from tests.whole_service import WholeService, open_service

NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)


@pytest.fixture
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def life(service: WholeService) -> Life:
    """A program whose clock stands still, in which everything has been said."""
    lived = Life(service, service.tenant("shop", is_test=True, test_now=NOW))
    lived.live()
    return lived
