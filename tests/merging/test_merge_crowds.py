"""Merges under load: sales of both, spending and merging at the same moment, and nothing is made, lost or stuck."""

from collections.abc import Iterator

import pytest

from ledger.db import Database
from ledger.funds.commands import Authority
from ledger.merging.commands import Merge, Unmerge
from tests.builders import Bench, earning, give_back, purchase, redeem, request
from tests.concurrency.rivals import open_bench, open_sound_database
from tests.concurrency.test_crowds import Crowd
from tests.conftest import TestDatabase

THREADS = 12
BY = Authority("apr", "maker", "checker")


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_sound_database(fresh_database.app_url, connections=THREADS + 4) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    """Ann and bea have 1,000 points each."""
    made = open_bench(database)
    made.post(earning(1_000, member="ann"), earning(1_000, member="bea"))
    return made


def alive(bench: Bench) -> int:
    return bench.available("ann") + bench.available("bea")


def test_whoever_spends_while_he_is_merged_spends_once(bench: Bench) -> None:
    """Twelve want 300 of either: six at most are served of the 2,000, whenever the merge comes."""
    spending = [request(redeem(300, member=("ann", "bea")[n % 2])) for n in range(THREADS)]
    answers = Crowd(bench).post_at_once([*spending, request(Merge("ann", "bea", BY))])
    codes = [answer.code for answer in answers]
    assert codes[-1] is None
    served = codes[:-1].count(None)
    assert set(codes[:-1]) <= {None, "insufficient_points"}
    assert served <= 6
    assert alive(bench) == 2_000 - 300 * served
    assert bench.available("bea") == 0
    bench.check()


def test_sales_of_both_come_in_while_they_are_merged_and_parted(bench: Bench) -> None:
    """Deadlocks run again: each sale of 10 yuan is worth 10 points in the end, in whosever books."""
    crowd = Crowd(bench)
    for joining in (Merge("ann", "bea", BY), Unmerge("ann", "bea", BY), Merge("bea", "ann", BY)):
        sales = [request(purchase(1_000, member=("ann", "bea")[n % 2])) for n in range(THREADS - 1)]
        answers = crowd.post_at_once([*sales, request(joining)])
        assert [answer.code for answer in answers] == [None] * THREADS
    assert alive(bench) == 2_000 + 3 * 10 * (THREADS - 1)
    assert bench.available("ann") == 0
    bench.check()


def test_returns_of_the_duplicates_purchases_all_at_once(bench: Bench) -> None:
    bought = [bench.must(purchase(1_000, member="bea")) for _ in range(THREADS)]
    bench.must(Merge("ann", "bea", BY))
    bench.must(redeem(2_000, member="ann"))
    backs = [request(give_back(sold["purchase_id"], 1_000)) for sold in bought]
    answers = Crowd(bench).post_at_once(backs)
    assert [answer.code for answer in answers] == [None] * THREADS
    assert alive(bench) == 0
    assert (bench.debt("ann"), bench.debt("bea")) == (0, 0)
    bench.check()


def test_of_two_merges_at_once_one_is_made(bench: Bench) -> None:
    bench.post(earning(1, member="cid"))
    rivals = [Merge("ann", "bea", BY), Merge("bea", "ann", BY), Merge("cid", "bea", BY)]
    answers = Crowd(bench).post_at_once([request(each) for each in rivals])
    codes = [answer.code for answer in answers]
    assert codes.count(None) == 1
    assert set(codes) <= {None, "member_merged", "member_has_merges"}
    bench.check()


def test_whoever_is_merged_between_two_looks_is_seen(bench: Bench) -> None:
    """A batch that names the duplicate, begun before the merge and ended after it, is the survivor's."""
    answers = Crowd(bench).post_at_once(
        [request(purchase(5_000, member="bea")), request(Merge("ann", "bea", BY))]
    )
    assert [answer.code for answer in answers] == [None, None]
    assert bench.available("ann") == 2_050
