"""Verification finds every kind of damage, names the row, and finds none where there is none."""

from collections.abc import Iterator
from itertools import product
from threading import Event, Thread
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from ledger.finance.verify import CHECKS, Finding, verify
from ledger.finance.verify import chain as chain_of
from ledger.funds.commands import GrantFund, TopUpShare
from ledger.rules.commands import Earning
from ledger.rules.terms import RegionShare
from tests.conftest import Cluster, TestDatabase
from tests.finance.closing import close_months
from tests.finance.damages import DAMAGES, Damage, rows_of
from tests.finance.deciding import decide_about_rules
from tests.finance.histories import BY, live_through
from tests.finance.joining import TERMS as JOINED
from tests.finance.joining import merge_members
from tests.finance.paying import TERMS as PAYING
from tests.finance.paying import pay_with_points
from tests.finance.putting_right import put_right
from tests.finance.rating import decide_about_rates
from tests.finance.reviewing import TERMS as REVIEWED
from tests.finance.reviewing import review_awards
from tests.finance.signing import checkpoint
from tests.finance.tampering import ANOTHER, named, tampering
from tests.ladders import tiers
from tests.till import Till, new_program, open_till

KINDS = {
    "earn",
    "award",
    "redeem",
    "refund",
    "return",
    "transfer_out",
    "transfer_in",
    "expire",
    "reversal",
    "fund_grant",
    "fund_spend",
    "hold",
    "capture",
    "release",
    "merge_out",
    "merge_in",
}


@pytest.fixture(scope="module")
def lived(cluster: Cluster, template: str) -> Iterator[TestDatabase]:
    """A database with a long history in it, rolling lots and all; the tests roll back what they do to it."""
    name = "ledger_test_verify"
    cluster.drop_database(name)
    cluster.create_database(name, template=template)
    with open_till(cluster.app_url(name), points_expiry={"kind": "rolling", "months": 1}) as till:
        live_through(till, seed=2, steps=220)
        # The fund that is looked at has paid for the last of its entries.
        till.post(GrantFund("care", 100, "g-last", "a plan", BY))
        till.post(Earning("m-1", 1, "gift", "a-last", fund="care"))
        share = RegionShare(20, "total", "year")
        till.post(
            TopUpShare("share:east:2026", 25, 100, share), TopUpShare("share:east:2026", 50, 203, share)
        )
        kinds = {kind for (kind,) in till.rows("SELECT DISTINCT kind FROM entries")}
        assert kinds == KINDS
        elsewhere = Till(till.database, new_program(till.database, "other"))
        checkpoint(elsewhere)
        elsewhere.award("m-1", 10)
        checkpoint(elsewhere)
        climbing = Till(till.database, new_program(till.database, "climbing", tiers=tiers()))
        climbing.buy("m-1", 50_000)
        climbing.buy("m-1", 50_000)
        pay_with_points(Till(till.database, new_program(till.database, "paying", **PAYING)))
        decide_about_rules(Till(till.database, new_program(till.database, "ruled")))
        decide_about_rates(Till(till.database, new_program(till.database, "rated")))
        put_right(Till(till.database, new_program(till.database, "adjusted")))
        review_awards(Till(till.database, new_program(till.database, "reviewed", **REVIEWED)))
        merge_members(Till(till.database, new_program(till.database, "merged", **JOINED)))
        close_months(Till(till.database, new_program(till.database, "closed")))
    yield TestDatabase(name, cluster.owner_url(name), cluster.app_url(name))
    cluster.drop_database(name)


def broken(connection: Connection) -> dict[str, Finding]:
    return {finding.check: finding for finding in verify(connection) if not finding.is_sound}


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_any_history_that_was_posted_is_sound(till: Till, seed: int) -> None:
    live_through(till, seed, steps=150)
    elsewhere = Till(till.database, new_program(till.database, "other"))
    live_through(elsewhere, seed + 50, steps=30)
    for program in (None, till.program, elsewhere.program):
        with till.reading() as connection:
            findings = list(verify(connection, program))
        assert [finding.told() for finding in findings if not finding.is_sound] == []
        assert len(findings) == len(CHECKS)


def test_books_without_a_single_entry_are_sound(till: Till) -> None:
    with till.reading() as connection:
        assert all(finding.is_sound for finding in verify(connection))


def test_books_stay_sound_to_a_reader_while_postings_go_on(till: Till) -> None:
    ended = Event()

    def post() -> None:
        with open_till(till.database.engine.url.render_as_string(hide_password=False), "busy") as busy:
            for seed in range(1_000):
                live_through(busy, seed, steps=3)
                if ended.is_set():
                    return

    poster = Thread(target=post)
    poster.start()
    try:
        for _ in range(5):
            with till.reading() as connection:
                assert [f.told() for f in verify(connection) if not f.is_sound] == []
    finally:
        ended.set()
        poster.join(60)


def test_verification_of_one_program_sees_nothing_of_another(lived: TestDatabase, till: Till) -> None:
    with tampering(lived) as connection:
        connection.exec_driver_sql(
            "UPDATE holders SET available = available + 1"
            " WHERE program_id = (SELECT program_id FROM programs WHERE name = 'other')"
        )
        assert broken(connection).keys() == {"standings"}
        assert all(finding.is_sound for finding in verify(connection, till.program))


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_damage_is_found_and_its_row_is_named(lived: TestDatabase, damage: Damage) -> None:
    with tampering(lived) as connection:
        done = connection.exec_driver_sql(damage.statement(rows_of(connection))).all()
        assert done, "the damage found no row"
        (finding,) = verify(connection, checks=[check for check in CHECKS if check.name == damage.check])
        assert not finding.is_sound
        assert {value for row in done for value in row} & named(finding), finding.told()


def test_books_are_sound_before_they_are_damaged(lived: TestDatabase) -> None:
    with tampering(lived) as connection:
        assert not broken(connection)


def test_every_check_is_tried() -> None:
    assert {damage.check for damage in DAMAGES} == {check.name for check in CHECKS}


# What a caller says of a member decides nothing and follows from nothing. A tier that is said to be settled a
# little later than it was makes a little more come late, and is the same tier. Where and for what a quote was asked
# for decides which limits hold, and nothing else.
MEANS_NOTHING_TO_THE_BOOKS = {
    ("holders", "tier_settled_at"),
    ("holders", "enrolled_at"),
    ("holders", "region"),
    ("holders", "store"),
    ("quotes", "store"),
    ("quotes", "sku"),
}

KEYS = (
    ("entries", "entry_id", "purchase"),
    ("postings", "entry_id", "award"),
    ("entry_texts", "entry_id", "award"),
    ("lots", "lot_id", "lot"),
    ("holders", "holder_id", "holder"),
    ("entries", "entry_id", "payment"),
    ("postings", "entry_id", "payment"),
    ("holders", "holder_id", "fund"),
    ("holds", "hold_id", "hold"),
    ("holds", "hold_id", "captured_hold"),
    ("entries", "entry_id", "hold"),
    ("postings", "entry_id", "hold"),
    ("entries", "entry_id", "lapse"),
    ("entries", "entry_id", "capture"),
    ("reviews", "hold_id", "waiting_review"),
    ("reviews", "hold_id", "rejected_review"),
    ("entries", "entry_id", "rejection"),
    ("merges", "merge_id", "merge"),
    ("merges", "merge_id", "undone_merge"),
    ("entries", "entry_id", "merge"),
    ("quotes", "quote_id", "quote"),
    ("quotes", "quote_id", "used_quote"),
)


def test_change_of_any_column_of_any_table_of_the_books_is_found_and_its_row_named(
    lived: TestDatabase,
) -> None:
    with tampering(lived) as connection:
        columns = connection.execute(
            text(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_name = ANY(:tables) ORDER BY table_name, ordinal_position"
            ),
            {"tables": [table for table, _, _ in KEYS]},
        ).all()
        rows = rows_of(connection)
        missed = []
        kept = [place for place in columns if tuple(place)[:2] not in MEANS_NOTHING_TO_THE_BOOKS]
        for (table, column, kind), (home, key, row) in product(kept, KEYS):
            if home != table:
                continue
            with connection.begin_nested() as attempt:
                (altered,) = connection.exec_driver_sql(
                    f"UPDATE {table} SET {column} = {ANOTHER[kind].format(column)}"
                    f" WHERE {key} = {rows[row]} RETURNING {key}"
                ).all()
                names = {UUID(rows[row].split("'")[1]), *altered}
                if not any(names & named(finding) for finding in verify(connection) if not finding.is_sound):
                    missed.append((table, column, row))
                attempt.rollback()
        assert missed == []


def test_removal_of_any_row_of_the_books_is_found(lived: TestDatabase) -> None:
    with tampering(lived) as connection:
        rows = rows_of(connection)
        for table, key, row in KEYS:
            with connection.begin_nested() as attempt:
                connection.exec_driver_sql(f"DELETE FROM {table} WHERE {key} = {rows[row]}")
                assert broken(connection), table
                attempt.rollback()


def test_truncation_of_a_chain_is_found_even_where_the_holder_is_wound_back(lived: TestDatabase) -> None:
    with tampering(lived) as connection:
        last = connection.exec_driver_sql(
            "SELECT holder_id, version FROM entries WHERE kind = 'redeem' ORDER BY version DESC LIMIT 1"
        ).one()
        connection.execute(
            text(
                "DELETE FROM postings p USING entries e WHERE e.entry_id = p.entry_id"
                " AND e.holder_id = :holder_id AND e.version >= :version"
            ),
            last._asdict(),
        )
        connection.execute(
            text("DELETE FROM entries WHERE holder_id = :holder_id AND version >= :version"), last._asdict()
        )
        assert {"versions", "references", "outcomes"} <= broken(connection).keys()


def test_one_damaged_link_is_one_fault_and_the_walk_goes_on(
    lived: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_of, "PAGE_ENTRIES", 7)
    with tampering(lived) as connection:
        assert not broken(connection)
        damaged = connection.exec_driver_sql(
            "UPDATE entries SET terminal = 'x' WHERE version IN (3, 8, 9) RETURNING entry_id"
        ).all()
        assert broken(connection)["chain"].faults == len(damaged)


def test_details_that_no_query_can_read_are_a_fault_and_not_a_crash(lived: TestDatabase) -> None:
    with tampering(lived) as connection:
        connection.exec_driver_sql(
            "UPDATE entries SET details = '{\"lines\": \"none\"}' WHERE kind IN ('return', 'earn')"
        )
        found = broken(connection)
        assert {"chain", "awards", "returns"} <= found.keys()
        assert "readable" in found["returns"].told()
