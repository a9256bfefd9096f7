"""First purchases and referrals under many threads, on a real server: each is claimed once, and no circle closes."""

from collections.abc import Iterator
from itertools import permutations

import pytest
from sqlalchemy import text

from ledger.db import Database
from ledger.rules.activities import Activity
from tests.builders import NOW, Bench, earning, fresh, purchase, request
from tests.concurrency.rivals import open_bench, open_database, rivals
from tests.concurrency.test_crowds import Crowd, codes
from tests.conftest import TestDatabase
from tests.rulesets import doubled, fixed, rule, ruled

BASE = rule("base")


def referral(referee: str, referrer: str) -> Activity:
    return Activity(fresh("a"), referee, "referral", NOW, {"referrer": referrer})


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url, connections=20) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    return open_bench(database)


@pytest.mark.parametrize("is_known", [False, True])
def test_of_sixteen_first_purchases_at_once_exactly_one_is_doubled(bench: Bench, is_known: bool) -> None:
    ruled(bench, BASE, doubled("first", when="member.visits == 1", once=True))
    if is_known:
        bench.must(earning(1))
    answers = Crowd(bench).post_at_once([request(purchase(1_000)) for _ in range(16)])
    assert codes(answers) == {None: 16}
    assert sorted((answer.body or {})["points"] for answer in answers) == [10] * 15 + [20]
    assert bench.available() == 170 + is_known
    bench.check()


def test_what_is_given_once_is_given_once_whatever_the_occasion(bench: Bench) -> None:
    ruled(bench, BASE, fixed("gift", 7, on="sign_in", once=True))
    signing_in = [request(Activity(fresh("a"), "m-1", "sign_in", NOW)) for _ in range(16)]
    answers = Crowd(bench).post_at_once(signing_in)
    assert sorted((answer.body or {})["points"] for answer in answers) == [0] * 15 + [7]
    bench.check()


def test_every_tenth_of_forty_purchases_at_once_is_rewarded(bench: Bench) -> None:
    ruled(bench, BASE, fixed("tenth", 100, when="member.visits % 10 == 0"))
    answers = Crowd(bench).post_at_once([request(purchase(100)) for _ in range(40)])
    assert sorted((answer.body or {})["points"] for answer in answers) == [1] * 36 + [101] * 4
    bench.check()


def test_no_circle_closes_when_all_its_links_are_posted_at_once(bench: Bench) -> None:
    for _ in range(5):
        members = [fresh("m") for _ in range(3)]
        bench.post(*(earning(1, member=member) for member in members))
        a, b, c = members
        links = [referral(b, a), referral(c, b), referral(a, c)]
        answers = Crowd(bench).post_at_once([request(link) for link in links])
        assert codes(answers) == {None: 2, "circular_referral": 1}
    bench.check()


def test_of_two_who_bring_each_other_at_once_one_does(bench: Bench) -> None:
    bench.post(earning(1, member="a"), earning(1, member="b"))
    with rivals(bench) as meeting:
        first = meeting.holding(request(referral("a", "b")))
        second = meeting.arriving(request(referral("b", "a")))
        assert meeting.is_waiting(second, first)
        assert (first.answer().code, second.answer().code) == (None, "circular_referral")
        assert second.runs == 1
    bench.check()


def test_a_member_whom_many_bring_at_once_is_brought_by_one(bench: Bench) -> None:
    bench.post(*(earning(1, member=f"m-{n}") for n in range(8)))
    answers = Crowd(bench).post_at_once([request(referral("new", f"m-{n}")) for n in range(8)])
    assert codes(answers) == {None: 1, "referral_exists": 7}
    bench.check()


def test_of_many_first_purchases_at_once_one_settles(bench: Bench) -> None:
    ruled(bench, BASE, fixed("welcome", 30, on="referral"), fixed("thanks", 50, on="referrer"))
    bench.must(earning(1, member="ann"))
    bench.must(referral("ben", "ann"))
    answers = Crowd(bench).post_at_once([request(purchase(1_000, member="ben")) for _ in range(16)])
    assert codes(answers) == {None: 16}
    assert (bench.available("ben"), bench.available("ann")) == (190, 51)
    bench.check()


def test_a_purchase_that_had_to_wait_for_the_referral_settles_it(bench: Bench) -> None:
    ruled(bench, BASE, fixed("thanks", 50, on="referrer"))
    bench.post(earning(1, member="ann"), earning(1, member="ben"))
    with rivals(bench) as meeting:
        first = meeting.holding(request(referral("ben", "ann")))
        second = meeting.arriving(request(purchase(100, member="ben")))
        assert meeting.is_waiting(second, first)
        assert (first.answer().code, second.answer().code) == (None, None)
        # Begun again, because what it read before it waited did not tell whom else to lock.
        assert second.runs == 2
    assert bench.available("ann") == 51
    bench.check()


def test_a_purchase_that_had_to_wait_for_the_first_leaves_the_referral_settled_by_that(bench: Bench) -> None:
    ruled(bench, BASE, fixed("thanks", 50, on="referrer"))
    bench.post(earning(1, member="ann"), referral("ben", "ann"))
    with rivals(bench) as meeting:
        first = meeting.holding(request(purchase(100, member="ben")))
        second = meeting.arriving(request(purchase(200, member="ben")))
        assert meeting.is_waiting(second, first)
        settled_by = (first.answer().body or {})["entry_id"]
        assert second.answer().code is None
        with meeting.database.read() as connection:
            (found,) = connection.execute(text("SELECT settled_entry_id FROM referrals")).scalars()
    assert f"ent_{found.hex}" == settled_by
    assert bench.available("ann") == 51
    bench.check()


def test_a_referral_and_the_first_purchase_at_once_either_settle_or_refuse(bench: Bench) -> None:
    ruled(bench, BASE, fixed("thanks", 50, on="referrer"))
    bench.must(earning(1, member="ann"))
    before = 0
    for n in range(6):
        new = fresh("new")
        brought, _bought = Crowd(bench).post_at_once(
            [request(referral(new, "ann")), request(purchase(100, member=new))]
        )
        # Whichever came first; a purchase that came first makes it too late, for ever.
        before += brought.code is None
        assert brought.code in (None, "referral_too_late")
        assert bench.available("ann") == 1 + 50 * before, n
    bench.check()


def test_members_who_bring_one_another_in_many_ways_meet_no_deadlock(bench: Bench) -> None:
    ruled(bench, BASE, fixed("thanks", 5, on="referrer"))
    members = ("a", "b", "c", "d")
    bench.post(*(earning(1, member=member) for member in members))
    posted = [request(referral(one, other)) for one, other in permutations(members, 2)]
    posted += [request(purchase(100, member=member)) for member in members]
    answers = Crowd(bench).post_at_once(posted)
    assert codes(answers).keys() <= {None, "circular_referral", "referral_exists", "referral_too_late"}
    bench.check()
