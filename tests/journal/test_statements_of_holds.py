"""What points plus cash costs on the wire: as many statements for five hundred as for one."""

from collections.abc import Iterator

import pytest

from ledger.db import Database
from ledger.fx.quotes import MakeQuote
from ledger.journal.commands import Command
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.rules.commands import Line, Purchase
from ledger.rules.paying import PointsPart
from tests.builders import Bench, earning, fresh, give_back
from tests.conftest import TestDatabase

from .test_statements import bench_on, counted

SIZES = (1, 500)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url)
    yield opened
    opened.close()


def run(bench: Bench, commands: list[Command]) -> tuple[int, list[dict[str, str]]]:
    statements, outcomes = counted(bench, commands)
    assert not [outcome.error for outcome in outcomes if outcome.error]
    return statements, [outcome.answer or {} for outcome in outcomes]


def test_each_step_costs_the_same_for_one_and_for_five_hundred(database: Database) -> None:
    counts: dict[int, dict[str, int]] = {}
    for size in SIZES:
        bench, found = bench_on(database, f"of-{size}"), {}
        members = [f"m-{n}" for n in range(size)]
        bench.post(*(earning(1_000, member=member) for member in members))
        found["quote"], quotes = run(bench, [MakeQuote(m, 10_000, "CNY", 400) for m in members])
        asked = zip(members, quotes, strict=True)
        found["hold"], _ = run(bench, [PlaceHold(m, None, q["quote_id"], fresh("h")) for m, q in asked])
        bought: list[Command] = [
            Purchase(
                f"p-{size}-{m}",
                m,
                bench.now,
                "CNY",
                (Line("1", 1, 10_000),),
                points_part=PointsPart(q["quote_id"]),
            )
            for m, q in zip(members, quotes, strict=True)
        ]
        found["purchase"], _ = run(bench, bought)
        found["return"], _ = run(bench, [give_back(f"p-{size}-{m}", 5_000) for m in members])
        plain: list[Command] = [PlaceHold(m, 100, None, fresh("h")) for m in members]
        _, holds = run(bench, plain)
        found["capture"], _ = run(bench, [CaptureHold(h["hold_id"], 60) for h in holds])
        _, holds = run(bench, [PlaceHold(m, 100, None, fresh("h")) for m in members])
        found["release"], _ = run(bench, [ReleaseHold(h["hold_id"]) for h in holds])
        counts[size] = found
    assert counts[1] == counts[500]
    # A quote writes no entry: BEGIN; how to plan; lock, key, open quotes; then the quote and the answer.
    assert counts[1]["quote"] == 7
    # As a redemption, with the quote read and used, and the hold written.
    assert counts[1]["hold"] == 15
