"""The whole service, with a program of its own for each test."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.whole_service import (
    Tenant,
    WholeService,
    open_service,
    with_adjustments,
    with_alerts,
    with_checkpoints,
    with_device,
    with_history,
    with_holds,
    with_reconciliations,
)

_numbers = count(1)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture
def tenant(service: WholeService) -> Tenant:
    return tenant_with_history(service, f"shop {next(_numbers)}")


def tenant_with_history(service: WholeService, name: str) -> Tenant:
    """A test program with a little history, so that its clock can be moved."""
    shop = with_history(service.tenant(name, is_test=True))
    shop.facts |= {**with_holds(shop, "m-1"), **with_device(shop, "d-1"), **with_alerts(shop, "m-owing")}
    shop.facts |= with_checkpoints(shop)
    shop.facts |= with_reconciliations(shop)
    shop.facts |= with_adjustments(shop, "m-1")
    return shop
