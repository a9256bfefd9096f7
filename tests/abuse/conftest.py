"""One service with two workers for all that is tried on it; whatever was tried, the books are sound at the end."""

from collections.abc import Iterator

import pytest

from tests.concurrency.http.race import Contest

from .shop import Shop

UNLIMITED = {"LEDGER_MEMBER_RATE": "1000000", "LEDGER_FAILURE_RATE": "1000000"}
"""How often somebody may ask is another test's matter."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = Shop(tmp_path_factory.mktemp("abuse"), "--workers", "2", **UNLIMITED)
    try:
        yield opened
        opened.verify()
    finally:
        opened.service.close()


@pytest.fixture
def contest(shop: Shop) -> Contest:
    """Races with a key that may do anything."""
    return shop.contest()
