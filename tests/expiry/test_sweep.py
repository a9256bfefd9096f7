"""The sweep: each lot expires once, whatever kills it and whoever runs beside it; it costs what is due."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from ledger.db import Database
from ledger.expiry.sweep import AheadOfClockError, SweepReport, select_due, sweep
from ledger.redemption.holds import PlaceHold

from .conftest import START, Shop, day


def run(shop: Shop, until: datetime, **options: Any) -> SweepReport:
    return sweep(shop.database, shop.program, until, **{"now": until, **options})


def test_what_is_due_expires_at_its_instant_and_the_rest_stays(shop: Shop) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    shop.award("m-1", 20, expires_at=day(20))
    shop.award("m-2", 30, expires_at=day(10))
    shop.award("m-3", 40, expires_at=day(21))

    report = run(shop, day(20))

    assert (report.lots, report.points) == (3, 60)
    assert shop.expiries() == [(day(10), 10), (day(10), 30), (day(20), 20)]
    assert shop.rows("SELECT member_id, points, available FROM holders ORDER BY member_id") == [
        ("m-1", 0, 0),
        ("m-2", 0, 0),
        ("m-3", 40, 40),
    ]


def test_sweep_until_an_earlier_time_leaves_what_the_clock_has_taken_since(shop: Shop) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    shop.award("m-1", 20, expires_at=day(20))

    report = run(shop, day(10), now=day(30))

    assert (report.lots, report.points) == (1, 10)
    assert shop.expiries() == [(day(10), 10)]


def test_sweep_beyond_the_clock_of_the_program_is_refused_and_books_nothing(shop: Shop) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    with pytest.raises(AheadOfClockError, match="the clock of shop stands at 2026-01-06"):
        run(shop, day(10), now=day(5))
    assert shop.expiries() == []


def test_sweep_with_nothing_due_does_nothing(shop: Shop) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    reports: list[SweepReport] = []
    assert run(shop, day(9), progress=reports.append) == SweepReport("shop", day(9))
    assert reports == []


def test_growth_lapses_beside_points(shop: Shop) -> None:
    terms = shop.program.terms.replace('{"kind": "never"}', '{"kind": "fixed_days", "days": 5}')
    shop.program = type(shop.program)(1, "shop", "CNY", "Asia/Shanghai", 1, terms)
    shop.buy("m-1", 5_000, occurred_at=START, now=START)
    report = run(shop, day(30))
    assert (report.lots, report.points, report.growth) == (1, 0, 50)


def test_lots_of_one_instant_are_swept_in_several_batches(shop: Shop) -> None:
    shop.award_all(members=7, lots=1, expires_at=day(10))
    reports: list[SweepReport] = []
    run(shop, day(10), batch_lots=3, progress=reports.append)
    assert [(report.batches, report.lots) for report in reports] == [(1, 3), (2, 6), (3, 7)]
    assert set(shop.expiries_by_lot().values()) == {1}


def test_lot_that_falls_due_behind_the_last_batch_is_swept_all_the_same(shop: Shop) -> None:
    shop.award_all(members=6, lots=1, expires_at=day(600))

    def arrive_late(report: SweepReport) -> None:
        if report.batches == 1:
            # Settled long ago, sent only now: its points end before those that have been swept already.
            shop.buy("late", 1_000, occurred_at=day(20), now=day(700))

    report = run(shop, day(700), batch_lots=3, progress=arrive_late)

    assert (report.lots, report.points) == (7, 70)
    assert shop.rows("SELECT count(*) FROM lots WHERE unit = 1 AND is_open") == [(0,)]


def test_batch_stays_small_where_a_member_has_many_lots_due(shop: Shop) -> None:
    shop.award_all(members=2, lots=20, expires_at=day(10))
    reports: list[SweepReport] = []
    run(shop, day(100), batch_lots=4, progress=reports.append)
    booked = [after.lots - before.lots for before, after in pairwise([SweepReport("", day(0)), *reports])]
    assert sum(booked) == 40
    assert max(booked) <= 4


class Killed(Exception):
    """The process dies here."""


def test_sweep_killed_after_any_batch_goes_on_where_it_stopped(shop: Shop) -> None:
    shop.award_all(members=16, lots=2, expires_at=day(10))
    kills = 0

    def die(report: SweepReport) -> None:
        raise Killed

    while True:
        try:
            run(shop, day(30), batch_lots=3, progress=die)
            break
        except Killed:
            kills += 1
    assert kills >= 10
    assert len(shop.expiries()) == 32
    assert set(shop.expiries_by_lot().values()) == {1}


@pytest.mark.parametrize("batch", range(1, 12))
def test_batch_that_never_commits_is_swept_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    shop.award_all(members=16, lots=2, expires_at=day(10))
    committed = Database.run
    runs = 0

    def die_before_the_commit(database: Database, work: Any) -> Any:
        nonlocal runs
        runs += 1

        def interrupted(connection: Any) -> Any:
            work(connection)
            raise Killed

        return committed(database, interrupted if runs == batch else work)

    monkeypatch.setattr(Database, "run", die_before_the_commit)
    with pytest.raises(Killed):
        run(shop, day(30), batch_lots=3)
    monkeypatch.undo()
    run(shop, day(30), batch_lots=3)
    assert set(shop.expiries_by_lot().values()) == {1}


SWEEPER = """
import sys
from datetime import datetime, timedelta
from ledger.accounts.programs import find_program
from ledger.db import Database
from ledger.expiry.sweep import sweep

database = Database(sys.argv[1])
until = datetime.fromisoformat(sys.argv[2])
with database.read() as connection:
    program = find_program(connection, "shop")
sweep(database, program, until, now=until, batch_lots=5, progress=lambda report: print(flush=True))
"""


def test_sweep_ended_by_sigkill_is_finished_by_the_next(shop: Shop) -> None:
    shop.award_all(members=100, lots=2, expires_at=day(10))
    address = shop.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-c", SWEEPER, address, day(30).isoformat()]
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sweeper:
            assert sweeper.stdout is not None
            sweeper.stdout.readline()
            sweeper.send_signal(signal.SIGKILL)
        assert sweeper.returncode == -signal.SIGKILL
    booked = len(shop.expiries())
    assert 0 < booked < 200

    report = run(shop, day(30))

    assert len(shop.expiries()) == 200
    assert report.lots <= 200 - booked
    assert set(shop.expiries_by_lot().values()) == {1}


def test_two_sweeps_at_once_expire_each_lot_once(shop: Shop) -> None:
    shop.award_all(members=40, lots=3, expires_at=day(10))
    with ThreadPoolExecutor(2) as pool:
        sweeps = [pool.submit(run, shop, day(30), batch_lots=7) for _ in range(2)]
        reports = [each.result(timeout=60) for each in sweeps]
    assert sum(report.lots for report in reports) == 120
    assert set(shop.expiries_by_lot().values()) == {1}


def test_sweep_of_one_program_leaves_the_others_alone(shop: Shop) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    elsewhere = type(shop.program)(99, "other", "CNY", "Asia/Shanghai", 1, shop.program.terms)
    assert sweep(shop.database, elsewhere, day(20), now=day(20)).lots == 0
    assert shop.expiries() == []


# --- what it costs -------------------------------------------------------------------------------

KEPT = (
    """
    INSERT INTO holders (holder_id, program_id, enrolled_at, member_id)
    SELECT gen_random_uuid(), 1, :start, 'kept-' || n FROM generate_series(1, :members) n
    """,
    """
    INSERT INTO lots (holder_id, lot_id, original, remaining, earned_at, available_at, expires_at, program_id,
                      unit, rolling, is_open)
    SELECT holder_id, gen_random_uuid(), 10, 10, :start, :start, :expires_at, 1, 1, false, true
      FROM holders CROSS JOIN generate_series(1, :lots) WHERE member_id LIKE 'kept-%'
    """,
)


def keep(shop: Shop, owner_url: str, members: int, lots: int) -> None:
    """Lots that are not due, for members that are in no batch, and statistics that know of them."""
    owner = Database(owner_url, role=None)
    values = {"start": START, "expires_at": day(3_000), "members": members, "lots": lots}
    owner.run(lambda c: [c.execute(text(statement), values) for statement in KEPT])
    owner.run(lambda c: c.execute(text("ANALYZE lots, holders")))
    owner.close()


def plan_of(shop: Shop, limit: int) -> list[dict[str, Any]]:
    """The nodes of the plan by which due lots are found, with what each of them has read."""
    dialect = shop.database.engine.dialect
    statement = select_due(1, day(30), limit).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    [(plan,)] = shop.rows(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
    nodes, open_nodes = [], [plan[0]["Plan"]]
    while open_nodes:
        nodes.append(open_nodes.pop())
        open_nodes += nodes[-1].get("Plans", [])
    return nodes


def test_finding_due_lots_costs_what_is_due_and_not_what_is_kept(shop: Shop, fresh_database: Any) -> None:
    shop.award_all(members=50, lots=4, expires_at=day(10))
    blocks = []
    for members in (500, 3_000):
        keep(shop, fresh_database.owner_url, members=members, lots=20)
        nodes = plan_of(shop, limit=1_000)
        [scan] = [node for node in nodes if node.get("Relation Name") == "lots"]
        assert "Index" in scan["Node Type"] or "Bitmap" in scan["Node Type"]
        assert {node["Index Name"] for node in nodes if "Index Name" in node} == {
            "lots_program_id_idx",
            "holders_pkey",
        }
        assert (scan["Actual Rows"], scan.get("Rows Removed by Filter", 0)) == (200, 0)
        blocks.append(nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"])
    # An index of more members may be one level deeper: one block more for each lot.
    assert blocks[1] <= blocks[0] + 200 + 1


def test_whole_sweep_reads_and_writes_no_lot_that_is_not_due(shop: Shop, fresh_database: Any) -> None:
    shop.award_all(members=50, lots=4, expires_at=day(10))
    keep(shop, fresh_database.owner_url, members=1_000, lots=20)
    before = touched(shop)

    assert run(shop, day(30), batch_lots=5).lots == 200

    fetched, scanned, updated = (after - start for after, start in zip(touched(shop), before, strict=True))
    # Each lot due is found, loaded with its member, and updated: a handful of fetches, however many are kept.
    assert fetched < 200 * 10
    assert scanned == 0
    assert updated == 200


def touched(shop: Shop) -> tuple[int, int, int]:
    """Rows of lots fetched through an index, read by scanning the table, and updated, since ever."""
    # Each connection hands in its counts when it closes, at the latest.
    shop.database.close()
    [(_, *counts)] = shop.rows(
        "SELECT pg_stat_clear_snapshot(), idx_tup_fetch, seq_tup_read, n_tup_upd"
        " FROM pg_stat_user_tables WHERE relname = 'lots'"
    )
    return int(counts[0]), int(counts[1]), int(counts[2])


def test_holds_past_their_time_are_booked_and_what_came_out_of_ended_lots_expires(shop: Shop) -> None:
    shop.award("m-1", 100, expires_at=day(2))
    shop.award("m-1", 50, expires_at=day(9))
    shop.post(PlaceHold("m-1", 120, None, "a hold", expires_in=3 * 86_400))

    report = run(shop, day(4))

    assert (report.holds, report.lots) == (1, 0)
    assert shop.rows("SELECT status, captured FROM holds") == [("lapsed", 0)]
    # The lot had ended a day before the hold did: what the hold had drawn from it ends with the hold.
    moved = "SELECT kind, effective_at, debit, credit, amount FROM entries JOIN postings USING (entry_id)"
    assert shop.rows(f"{moved} WHERE kind IN ('release', 'expire') ORDER BY ordinal") == [
        ("release", START + timedelta(days=3), 2, 1, 100),
        ("release", START + timedelta(days=3), 2, 1, 20),
        ("release", START + timedelta(days=3), 1, 52, 100),
    ]
    assert shop.rows("SELECT points, held, available FROM holders") == [(50, 0, 50)]
    assert run(shop, day(4)).batches == 0
