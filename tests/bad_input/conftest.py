"""The whole service with two programs that have a history, for requests that must change nothing in them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.whole_service import (
    Tenant,
    WholeService,
    open_service,
    with_alerts,
    with_checkpoints,
    with_device,
    with_history,
    with_holds,
    with_keys,
    with_reconciliations,
)


@pytest.fixture(scope="module")
def service(cluster: Any, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def tenant(service: WholeService) -> Tenant:
    """A test program, so that its clock can be asked to move."""
    shop = with_history(service.tenant("shop", is_test=True))
    shop.facts |= {**with_holds(shop, "m-1"), **with_device(shop, "d-1"), **with_alerts(shop, "m-owing")}
    shop.facts |= with_checkpoints(shop)
    shop.facts |= with_reconciliations(shop)
    shop.facts |= with_keys(shop, "k-1")
    return shop


@pytest.fixture
def unchanged(service: WholeService, tenant: Tenant) -> Iterator[None]:
    """Fails a test after which any row of any table is there that was not, or says something else."""
    before = service.rows()
    yield
    assert service.rows() == before
