"""Crowds: many threads on few members, on a real server, with committed data."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from threading import Barrier, Lock

import pytest
from sqlalchemy import Connection

from ledger.db import Database
from ledger.journal import Request, post
from tests.builders import NOW, Bench, earning, expire, purchase, redeem, request, transfer
from tests.concurrency.rivals import SECONDS, open_bench, open_database
from tests.conftest import TestDatabase
from tests.model.driver import Answer, answer_of
from tests.model.postgres import PostgresDriver


class Crowd:
    """Threads that post at the same moment, and how often their units of work had to run."""

    def __init__(self, bench: Bench) -> None:
        assert isinstance(bench.driver, PostgresDriver)
        self.driver = bench.driver
        self.now = bench.now
        self.runs = 0
        self._lock = Lock()

    def post_at_once(self, requests: Sequence[Request]) -> list[Answer]:
        """Each request as a unit of its own, by a thread of its own, none before all of them are there."""
        barrier = Barrier(len(requests))

        def one(posted: Request) -> Answer:
            barrier.wait(SECONDS)
            return self.post(posted)

        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(one, requests))

    def post(self, posted: Request, *, after: timedelta = timedelta()) -> Answer:
        def work(connection: Connection) -> Answer:
            with self._lock:
                self.runs += 1
            (outcome,) = post(connection, self.driver.program, [posted], now=self.now + after)
            return answer_of(outcome)

        return self.driver.database.run(work)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url, connections=20) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    return open_bench(database)


def codes(answers: list[Answer]) -> Counter[str | None]:
    return Counter(answer.code for answer in answers)


def test_of_twenty_redemptions_of_the_whole_balance_exactly_one_succeeds(bench: Bench) -> None:
    bench.must(earning(100))
    answers = Crowd(bench).post_at_once([request(redeem(100)) for _ in range(20)])
    assert codes(answers) == {None: 1, "insufficient_points": 19}
    assert bench.available() == 0
    bench.check()


def test_fifty_retries_at_once_have_one_effect_and_one_answer(bench: Bench) -> None:
    bench.must(earning(100))
    answers = Crowd(bench).post_at_once([request(redeem(10, reference="r"), "k")] * 50)
    assert codes(answers) == {None: 50}
    assert len({answer.raw for answer in answers}) == 1
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 49}
    assert bench.available() == 90
    bench.check()


def test_of_fifty_requests_under_one_key_one_is_answered_and_the_others_are_refused(bench: Bench) -> None:
    requests = [request(earning(10, member=f"m-{n}"), "k") for n in range(50)]
    answers = Crowd(bench).post_at_once(requests)
    assert codes(answers) == {None: 1, "idempotency_key_reused": 49}
    assert len(bench.books().holders) == 1
    bench.check()


def test_one_purchase_posted_by_fifty_tills_is_booked_once(bench: Bench) -> None:
    requests = [request(purchase(5_000, member=f"m-{n % 5}", purchase_id="p")) for n in range(50)]
    answers = Crowd(bench).post_at_once(requests)
    assert codes(answers) == {None: 1, "purchase_exists": 49}
    assert len({answer.details["entry_id"] for answer in answers if answer.code}) == 1
    bench.check()


def test_fifty_first_purchases_of_one_new_member_are_all_booked(bench: Bench) -> None:
    answers = Crowd(bench).post_at_once([request(purchase(100)) for _ in range(50)])
    assert codes(answers) == {None: 50}
    assert bench.available() == 50
    assert sorted((answer.body or {})["account_version"] for answer in answers) == list(range(1, 51))
    bench.check()


def test_a_storm_of_opposite_transfers_meets_no_deadlock_and_loses_no_point(bench: Bench) -> None:
    members = ("m-1", "m-2", "m-3")
    bench.post(*(earning(50, member=member) for member in members))
    crowd = Crowd(bench)
    ways = list(permutations(members, 2)) * 2

    def send(way: tuple[str, str]) -> list[Answer]:
        sender, recipient = way
        moves = [transfer(n % 7 + 1, sender=sender, recipient=recipient) for n in range(12)]
        return [crowd.post(request(move)) for move in moves]

    with ThreadPoolExecutor(len(ways)) as pool:
        answers = [answer for some in pool.map(send, ways) for answer in some]
    assert codes(answers).keys() <= {None, "insufficient_points"}
    assert codes(answers)[None] > 0
    # Nobody had to run again: a deadlock would have made somebody.
    assert crowd.runs == len(answers) == 144
    assert sum(bench.available(member) for member in members) == 150
    bench.check()


def test_sweeps_among_redemptions_take_each_point_once(bench: Bench) -> None:
    ends = NOW + timedelta(hours=1)
    bench.post(*(earning(5, expires_at=ends) for _ in range(20)))
    crowd = Crowd(bench)
    crowd.now = ends - timedelta(seconds=1)
    sweep = request(expire(until=ends))._replace(key=None)

    def act(number: int) -> Answer:
        if number % 4 == 3:
            return crowd.post(sweep, after=timedelta(seconds=1))
        return crowd.post(request(redeem(3)))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(act, range(24)))
    spent = sum((answer.body or {}).get("draws") is not None for answer in answers) * 3
    expired = sum(
        (answer.body or {})["points"] for answer in answers if (answer.body or {}).get("until") is not None
    )
    assert spent + expired == 100
    bench.check()


def test_batches_that_enrol_the_same_members_in_other_orders_all_succeed(bench: Bench) -> None:
    members = [f"m-{n}" for n in range(8)]
    crowd = Crowd(bench)

    def enrol(turn: int) -> list[Answer]:
        order = members[turn:] + members[:turn]
        requests = [request(purchase(100, member=member)) for member in (order if turn % 2 else order[::-1])]

        def work(connection: Connection) -> list[Answer]:
            return [answer_of(o) for o in post(connection, crowd.driver.program, requests, now=NOW)]

        return crowd.driver.database.run(work)

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for some in pool.map(enrol, range(8)) for answer in some]
    assert codes(answers) == {None: 64}
    assert [bench.available(member) for member in members] == [8] * 8
    bench.check()
