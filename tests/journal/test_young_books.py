"""Posting looks rows up from the first day on, when the database knows nothing yet of how many there will be."""

from collections.abc import Iterator

import psycopg
import pytest

from ledger.db import Database
from ledger.journal.commands import Command
from tests.builders import NOW, Bench, earning, give_back, moment, purchase, redeem, refund, terms, transfer
from tests.conftest import TestDatabase
from tests.model.driver import Answer
from tests.model.postgres import PostgresDriver

# PostgreSQL keeps to a plan that it has made for a prepared statement; the driver prepares at the fifth time.
ROUNDS = 12
WHOLE_READS = """
SELECT relname FROM pg_stat_user_tables
 WHERE seq_scan > 0
   AND relname IN ('holders', 'lots', 'entries', 'postings', 'business_references', 'outcomes')
"""


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    opened = Database(fresh_database.app_url, pool_size=1)
    yield opened
    opened.close()


@pytest.mark.parametrize("size", [1, 40])
def test_no_batch_reads_a_table_from_end_to_end(
    database: Database, fresh_database: TestDatabase, size: int
) -> None:
    bench = Bench(PostgresDriver.create(database, "young", NOW, timezone="UTC", terms=terms()))
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        for number in range(ROUNDS):
            bench.now = moment(f"2026-03-{number + 1:02d}")
            post_every_kind(bench, [f"m-{number}-{n}" for n in range(size)])
        # A session hands its counts over when it ends.
        database.close()
        assert owner.execute(WHOLE_READS).fetchall() == []


INDEX_READS = """
SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes
 WHERE indexrelname IN ('business_references_pkey', 'holders_pkey', 'usages_pkey', 'outcomes_pkey')
"""


def test_a_batch_reads_of_every_index_what_it_asks_for_and_not_all_of_the_program(
    database: Database, fresh_database: TestDatabase
) -> None:
    size = 40
    bench = Bench(PostgresDriver.create(database, "young", NOW, timezone="UTC", terms=terms()))
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        for number in range(ROUNDS):
            bench.now = moment(f"2026-03-{number + 1:02d}")
            post_every_kind(bench, [f"m-{number}-{n}" for n in range(size)])
        database.close()
        read: dict[str, int] = dict(owner.execute(INDEX_READS).fetchall())
    # Seven batches a round. A name is looked up as what a command takes and as what it is about; a holder is
    # locked, updated, and referred to by rows.
    assert read["business_references_pkey"] <= 2 * 7 * size * ROUNDS
    assert read["outcomes_pkey"] <= 7 * size * ROUNDS
    assert read["holders_pkey"] <= 10 * 7 * size * ROUNDS


def post_every_kind(bench: Bench, members: list[str]) -> None:
    """A batch of each kind, and one for those who take what is given."""
    post(bench, [earning(100, member=member) for member in members])
    post(bench, [purchase(5_000, member=member, purchase_id=f"p-{member}") for member in members])
    spent = post(bench, [redeem(30, member=member) for member in members])
    post(bench, [refund((answer.body or {})["redemption_id"], 10) for answer in spent])
    post(bench, [give_back(f"p-{member}", 5_000) for member in members])
    post(bench, [earning(1, member="taker")])
    post(bench, [transfer(1, sender=member, recipient="taker") for member in members])


def post(bench: Bench, commands: list[Command]) -> list[Answer]:
    answers = bench.post(*commands)
    assert [answer.code for answer in answers if answer.code] == []
    return answers
