"""The same machine over HTTP and PostgreSQL: parsing, routes, batches and answers change nothing of what is decided."""

from itertools import count
from typing import Any

from tests.conftest import Cluster
from tests.model.driver import Driver
from tests.model.http import HttpDriver
from tests.properties.machine import START, run
from tests.whole_service import open_service


def test_any_sequence_of_commands_does_over_http_what_the_model_says(cluster: Cluster, template: str) -> None:
    numbers = count(1)
    with open_service(cluster, template) as service:

        def make_driver(terms: dict[str, Any], zone: str) -> Driver:
            name = f"program-{next(numbers)}"
            tenant = service.tenant(name, is_test=True, timezone=zone, terms=terms, test_now=START)
            return HttpDriver(tenant, service.owner)

        run(make_driver, examples=20, steps=25)
