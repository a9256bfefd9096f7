"""The replay: one seed gives the same books, whoever replays them; they tie, and the clock has ruled them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ledger.accounts.program import Program
from ledger.accounts.programs import create_program, find_program
from ledger.db import Database
from ledger.demo import replay
from ledger.demo.baskets import Basket, read_baskets
from ledger.demo.figures import Figures, read_figures
from ledger.demo.making import TERMS, make_program
from ledger.demo.replay import Played, Replay, fingerprint
from ledger.rules.commands import Line, Purchase
from ledger.rules.terms import DEFAULT_TERMS

from .conftest import basket, half_a_year, needs_data_set, wall


def play(database: Database, baskets: Iterable[Basket], seed: int = 1) -> tuple[Program, Played, Figures]:
    program = make_program(database)
    played = Replay(database, program, seed, lambda played: played).run(baskets)
    with database.read() as connection:
        now = program_after(connection, program).test_now
        assert now is not None
        return program, played, read_figures(connection, program, now)


def program_after(connection: Connection, program: Program) -> Program:
    found = find_program(connection, program.name)
    assert found is not None
    return found


def rows(database: Database, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


BOOKS = """
SELECT h.member_id, e.version, e.kind, e.effective_at, e.recorded_at, e.reference, e.points_after, e.debt_after,
       e.growth_after, p.ordinal, p.debit, p.credit, p.amount, p.expires_at
  FROM entries e JOIN holders h USING (holder_id) LEFT JOIN postings p USING (entry_id, holder_id)
 ORDER BY h.member_id, e.version, p.ordinal
"""


def test_one_seed_gives_the_same_books_in_two_databases(databases: Callable[[], Database]) -> None:
    first, second = databases(), databases()
    _, *figures = play(first, half_a_year())
    _, *again = play(second, half_a_year())
    assert figures == again
    assert rows(first, BOOKS) == rows(second, BOOKS)


def test_books_do_not_depend_on_how_many_batches_are_posted_at_a_time(
    databases: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    books = []
    for lanes in (1, 3):
        monkeypatch.setattr(replay, "LANES", lanes)
        database = databases()
        play(database, half_a_year())
        books.append(rows(database, BOOKS))
    assert books[0] == books[1]


def test_another_seed_gives_other_redemptions_and_the_same_purchases(
    databases: Callable[[], Database],
) -> None:
    database = databases()
    _, _, first = play(database, half_a_year(), seed=1)
    _, _, second = play(database, half_a_year(), seed=2)
    # What is issued may differ: goods that go back take a tier along, and with it the rate of later points.
    assert first.entries["earn"] == second.entries["earn"] == 900
    assert first.movements.redeemed != second.movements.redeemed


def test_half_a_year_has_all_of_it_and_ties(databases: Callable[[], Database]) -> None:
    _, played, figures = play(databases(), half_a_year())
    assert played.baskets == 900
    assert figures.entries.keys() == {"earn", "expire", "redeem", "refund", "return", "fund_grant"}
    assert played.refusals["insufficient_points"] > 0
    assert sum(figures.entries.values()) == (
        played.commands - played.refusals.total() + figures.entries["expire"] + figures.entries["fund_grant"]
    )
    movements = figures.movements
    assert movements.issued and movements.redeemed and movements.expired and movements.clawed_back
    assert movements.net == figures.balances.outstanding
    assert set(figures.differences.values()) == {0}


def test_points_end_with_the_month_three_months_on_and_are_swept_then(
    databases: Callable[[], Database],
) -> None:
    database = databases()
    play(database, [basket(1, wall("2017-01-31 23:00")), basket(2, wall("2017-05-01 00:30"), 2)])
    assert rows(database, "SELECT effective_at, recorded_at FROM entries WHERE kind = 'expire'") == [
        (datetime.fromisoformat("2017-05-01T00:00:00-04:00"),) * 2
    ]


def test_clock_ends_at_the_midnight_after_the_last_basket(databases: Callable[[], Database]) -> None:
    database = databases()
    program, _, _ = play(database, [basket(1, wall("2017-07-04 12:00"))])
    with database.read() as connection:
        assert program_after(connection, program).test_now == datetime.fromisoformat(
            "2017-07-05T00:00:00-04:00"
        )


def test_purchase_keeps_the_time_on_the_till_as_local_time(databases: Callable[[], Database]) -> None:
    database = databases()
    play(database, [basket(1, wall("2017-01-02 08:15")), basket(2, wall("2017-07-02 08:15"))])
    assert rows(database, "SELECT effective_at FROM entries WHERE kind = 'earn' ORDER BY 1") == [
        (datetime.fromisoformat("2017-01-02T08:15:00-05:00"),),
        (datetime.fromisoformat("2017-07-02T08:15:00-04:00"),),
    ]


def test_hour_that_the_change_of_the_clocks_leaves_out_is_replayed_in_order(
    databases: Callable[[], Database],
) -> None:
    database = databases()
    times = [wall(f"2017-03-12 {time}") for time in ("01:50", "02:30", "03:10")]
    _, _, figures = play(database, [basket(number, at) for number, at in enumerate(times)])
    assert rows(database, "SELECT reference FROM entries WHERE kind = 'earn' ORDER BY version") == [
        ("b-0",),
        ("b-2",),
        ("b-1",),
    ]
    assert set(figures.differences.values()) == {0}


def test_day_without_baskets_still_plays_what_was_planned_for_it(databases: Callable[[], Database]) -> None:
    database = databases()
    baskets = [basket(number, wall("2017-01-01 09:00"), number) for number in range(600)]
    play(database, [*baskets, basket(999, wall("2017-02-01 09:00"))])
    days = rows(database, "SELECT DISTINCT effective_at::date FROM entries WHERE kind = 'return'")
    assert len(days) > 1


def test_day_of_many_commands_is_posted_in_several_batches(
    databases: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "BATCH_COMMANDS", 10)
    database = databases()
    play(database, [basket(n, wall(f"2017-01-01 09:{n:02}"), n) for n in range(25)])
    assert len(rows(database, "SELECT DISTINCT recorded_at FROM entries")) >= 3


def test_demo_runs_again_beside_the_first(databases: Callable[[], Database]) -> None:
    database = databases()
    names = [play(database, [basket(1, wall("2017-01-01 09:00"))])[0].name for _ in range(3)]
    assert names == ["demo", "demo-2", "demo-3"]


def test_name_taken_by_another_program_is_left_to_it(databases: Callable[[], Database]) -> None:
    database = databases()
    database.run(
        lambda connection: create_program(
            connection,
            "demo",
            currency="CNY",
            timezone="UTC",
            terms=DEFAULT_TERMS,
            now=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        )
    )
    assert make_program(database).name == "demo-2"


def test_fingerprint_tells_other_lines_apart() -> None:
    at = datetime.fromisoformat("2017-01-01T00:00:00+00:00")
    prints = {
        fingerprint(Purchase("p-1", "m-1", at, "USD", (Line("1", 1, amount),))) for amount in (100, 101, 100)
    }
    assert len(prints) == 2


def test_terms_let_points_end_within_the_year() -> None:
    assert (TERMS["pending_days"], TERMS["points_expiry"]["months"]) == (3, 3)


@needs_data_set
def test_first_real_baskets_give_the_same_figures_twice(databases: Callable[[], Database]) -> None:
    (_, played, figures), (_, *again) = (play(databases(), islice(read_baskets(), 2_000)) for _ in range(2))
    assert [played, figures] == again
    assert played.baskets == 2_000
    assert set(figures.differences.values()) == {0}
