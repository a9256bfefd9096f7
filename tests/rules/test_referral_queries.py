"""The list of whom a member has brought, on a database with rules in force."""

from collections.abc import Iterator

import pytest

from ledger.db import Database
from ledger.rules.referral_queries import read_referrals
from tests.builders import Bench, earning, give_back, purchase, reverse
from tests.concurrency.rivals import open_bench, open_database
from tests.conftest import TestDatabase
from tests.rules.test_referrals import referral
from tests.rulesets import fixed, rule, ruled


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url, connections=2) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    thanks = fixed("thanks", 50, on="referrer"), fixed("kudos", 8, "GROWTH", on="referrer")
    bench = ruled(open_bench(database), rule("base"), *thanks)
    bench.post(earning(1, member="ann"), referral("ben"), referral("cem"), referral("dan"))
    return bench


def told(database: Database, bench: Bench) -> dict[str, tuple[str, int, int]]:
    with database.read() as connection:
        page = read_referrals(connection, bench.driver.program, "ann")
    return {each["member_id"]: (each["status"], each["points"], each["growth"]) for each in page.items}


def test_the_list_tells_what_each_has_given_less_what_went_back(database: Database, bench: Bench) -> None:
    bought = bench.must(purchase(1_000, member="ben"))
    bench.must(purchase(1_000, member="cem", purchase_id="p"))
    assert told(database, bench) == {
        "ben": ("settled", 50, 8),
        "cem": ("settled", 50, 8),
        "dan": ("pending", 0, 0),
    }
    bench.must(give_back("p", 500))
    bench.must(reverse(bought["entry_id"]))
    assert told(database, bench) == {
        "ben": ("settled", 0, 0),
        "cem": ("settled", 25, 4),
        "dan": ("pending", 0, 0),
    }
    bench.check()


def test_pages_part_members_who_were_brought_at_one_moment(database: Database, bench: Bench) -> None:
    members, cursor = [], None
    with database.read() as connection:
        for _ in range(3):
            page = read_referrals(connection, bench.driver.program, "ann", limit=1, cursor=cursor)
            members += [each["member_id"] for each in page.items]
            cursor = page.next_cursor
    assert (sorted(members), cursor) == (["ben", "cem", "dan"], None)
