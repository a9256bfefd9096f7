"""One service with two workers for all races; each test has members of its own."""

import itertools
from collections.abc import Iterator

import pytest

from tests.faults.service import Service

from .race import Contest

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """The service, and a key that may do anything."""
    service = Service(tmp_path_factory.mktemp("races"), "--workers", "2")
    try:
        yield service, service.create_key()
    finally:
        service.close()


@pytest.fixture
def contest(raced: tuple[Service, str]) -> Contest:
    service, token = raced
    return Contest(service.port, token, f"c{next(_numbers)}")
