"""Two programs in one database: the same names mean different things, and neither reaches the other's books."""

from collections.abc import Iterator

import pytest

from ledger.db import Database
from tests.builders import (
    NOW,
    Bench,
    earning,
    give_back,
    purchase,
    redeem,
    refund,
    request,
    reverse,
    terms,
    transfer,
)
from tests.conftest import TestDatabase
from tests.model.postgres import PostgresDriver


@pytest.fixture
def benches(fresh_database: TestDatabase) -> Iterator[tuple[Bench, Bench]]:
    database = Database(fresh_database.app_url)
    one, other = (
        Bench(PostgresDriver.create(database, name, NOW, timezone="Asia/Shanghai", terms=terms()))
        for name in ("one", "other")
    )
    yield one, other
    database.close()


def test_same_names_live_side_by_side(benches: tuple[Bench, Bench]) -> None:
    for bench, points in zip(benches, (10, 20), strict=True):
        (answer,) = bench.send(request(earning(points, reference="e"), "k"))
        assert (answer.code, answer.replayed) == (None, False)
        bench.must(purchase(0, purchase_id="p"))
    assert [bench.available() for bench in benches] == [10, 20]
    holders = [bench.books().holders["m-1"].holder_id for bench in benches]
    assert holders[0] != holders[1]
    for bench in benches:
        bench.check()


def test_what_another_program_has_is_absent(benches: tuple[Bench, Bench]) -> None:
    one, other = benches
    bought = one.must(purchase(10_000, member="m-9"))
    spent = one.must(redeem(50, member="m-9"))
    other.must(earning(10))
    before = one.books()
    refusals = [
        other.refused(reverse(bought["entry_id"])),
        other.refused(reverse(spent["entry_id"])),
        other.refused(refund(spent["redemption_id"], 1)),
        other.refused(give_back(bought["purchase_id"], 1)),
        other.refused(redeem(1, member="m-9")),
        other.refused(transfer(1, sender="m-1", recipient="m-9")),
    ]
    assert refusals == [
        "entry_unknown",
        "entry_unknown",
        "redemption_unknown",
        "purchase_unknown",
        "member_unknown",
        "member_unknown",
    ]
    assert one.books() == before
