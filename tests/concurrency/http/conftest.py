"""One service with two workers for all races; each test has members of its own."""

import itertools
from collections.abc import Iterator

import pytest

from tests.faults.service import Service, ledger

from .race import Contest

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """The service, and a key that may do anything; whatever has raced, the books are sound at the end."""
    service = Service(tmp_path_factory.mktemp("races"), "--workers", "2")
    try:
        yield service, service.create_key()
        ledger("verify", "--data", str(service.data))
    finally:
        service.close()


@pytest.fixture
def contest(raced: tuple[Service, str]) -> Contest:
    service, token = raced
    return Contest(service.port, token, f"c{next(_numbers)}")
