"""Limits and locks under load: threads that meet at one member, operator, store or key; and books that cost no more."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.access.principals import Principal
from ledger.accounts.member_locks import FROZEN
from ledger.accounts.program import Program
from ledger.clock import local_date
from ledger.db import Database
from ledger.journal import Request
from ledger.journal.commands import Command, Source
from ledger.limits.register import change_lock
from tests.builders import NOW, Bench, earning, fresh, program, redeem, request, terms, transfer
from tests.concurrency.rivals import SECONDS, open_bench, open_sound_database, rivals
from tests.concurrency.test_crowds import Crowd
from tests.conftest import TestDatabase
from tests.journal.test_statements import counted
from tests.model.driver import Answer
from tests.model.memory import MemoryDriver
from tests.model.postgres import PostgresDriver
from tests.queues import until, waits_for_a_lock

THREADS = 16


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_sound_database(fresh_database.app_url, connections=THREADS + 4) as opened:
        yield opened


def limit(of: str, operation: str, per: str = "day", **most: Any) -> dict[str, Any]:
    return {"of": of, "operation": operation, "per": per, **most}


def stocked(database: Database, members: int, *limits: dict[str, Any]) -> Bench:
    """A program with these limits in which so many members have 1,000 points each."""
    bench = open_bench(database, fresh("limits"))
    bench.post(*[earning(1_000, member=f"m-{n}") for n in range(members)])
    bench.driver.change_terms(terms(limits=list(limits)), bench.now)
    return bench


def asked(command: Command, caller: str = "till-key") -> Request:
    return request(command)._replace(caller=caller)


def codes(answers: list[Answer]) -> Counter[str | None]:
    return Counter(answer.code for answer in answers)


SOURCE = Source(operator="olga", terminal="till-1", store="s-1")


@pytest.mark.parametrize("of", ["operator", "terminal", "store", "key"])
def test_a_crowd_of_members_takes_exactly_the_day_of_who_serves_them(database: Database, of: str) -> None:
    bench = stocked(database, THREADS, limit(of, "redemption", points=90))
    spending = [asked(replace(redeem(10, member=f"m-{n}"), source=SOURCE)) for n in range(THREADS)]
    assert codes(Crowd(bench).post_at_once(spending)) == {None: 9, "limit_exceeded": THREADS - 9}
    bench.check()


def test_a_member_takes_exactly_his_times_however_many_ask_at_once(database: Database) -> None:
    bench = stocked(database, 1, limit("member", "redemption", times=5))
    answers = Crowd(bench).post_at_once([asked(redeem(1, member="m-0")) for _ in range(THREADS)])
    assert codes(answers) == {None: 5, "limit_exceeded": THREADS - 5}
    assert bench.available("m-0") == 995


def test_members_who_send_to_each_other_stay_within_each_ones_day(database: Database) -> None:
    bench = stocked(database, 4, limit("member", "transfer", points=30), limit("key", "transfer", points=100))
    pairs = [(f"m-{n % 4}", f"m-{(n + 1 + n // 4 % 3) % 4}") for n in range(THREADS)]
    sent = [asked(transfer(10, sender=sender, recipient=recipient)) for sender, recipient in pairs]
    answers = Crowd(bench).post_at_once(sent)
    by_sender = Counter(sender for (sender, _), answer in zip(pairs, answers, strict=True) if not answer.code)
    assert sum(by_sender.values()) == 10
    assert max(by_sender.values()) <= 3
    bench.check()


def freeze(database: Database, program: Program) -> None:
    """Freeze the first member, by a key that is nobody's."""
    by = Principal("admin-key", program, "admin", frozenset())
    database.run(
        lambda connection: change_lock(
            connection, program, "m-0", FROZEN, is_on=True, reason="a call", by=by, now=NOW
        )
    )


def test_a_freeze_is_before_or_after_a_posting_and_never_beside_it(database: Database) -> None:
    bench = stocked(database, 1)
    assert isinstance(bench.driver, PostgresDriver)
    books = bench.driver
    with rivals(bench) as crowd, ThreadPoolExecutor(1) as pool:
        first = crowd.holding(request(redeem(10, member="m-0")))
        freezing = pool.submit(freeze, database, books.program)
        # The posting holds the row: the freeze comes after it, and before whatever comes then.
        until(lambda: freezing.done() or waits_for_a_lock(database))
        assert not freezing.done()
        assert first.answer().code is None
        freezing.result(SECONDS)
        assert crowd.start(request(redeem(10, member="m-0"))).answer().code == "member_frozen"
    assert bench.available("m-0") == 990


def test_a_crowd_that_spends_while_a_member_is_frozen_ends_with_the_freeze(database: Database) -> None:
    bench = stocked(database, 1)
    crowd, barrier = Crowd(bench), Barrier(THREADS + 1)

    def spend(posted: Request) -> Answer:
        barrier.wait(SECONDS)
        return crowd.post(posted)

    with ThreadPoolExecutor(THREADS) as pool:
        spending = [pool.submit(spend, request(redeem(1, member="m-0"))) for _ in range(THREADS)]
        barrier.wait(SECONDS)
        freeze(database, crowd.driver.program)
        answers = [each.result(SECONDS) for each in spending]
    spent = codes(answers)[None]
    assert codes(answers) == Counter({None: spent, "member_frozen": THREADS - spent})
    assert bench.available("m-0") == 1_000 - spent
    assert bench.refused(redeem(1, member="m-0")) == "member_frozen"


def test_a_program_without_limits_runs_no_further_statement(database: Database) -> None:
    plain, limited = stocked(database, 1), stocked(database, 1, limit("key", "earning", points=5_000))
    spending = [counted(bench, [redeem(1, member="m-0")])[0] for bench in (plain, limited)]
    assert spending[0] == spending[1]
    # A limit costs reading what was counted, and writing it.
    own = limit("member", "earning", points=5_000)
    counts = []
    for bench in (plain, stocked(database, 1, own)):
        counts.append(counted(bench, [earning(1, member="m-0")])[0])
    assert counts[1] == counts[0] + 2


# --- any history ---------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["redeem", "earn", "transfer"]),
        st.integers(0, 2),
        st.sampled_from(["olga", "peter", None]),
        st.integers(1, 120),
        st.sampled_from([0, 0, 0, 7, 24]),
    ),
    min_size=1,
    max_size=30,
)
LIMITS = (
    limit("member", "redemption", points=100, times=3),
    limit("operator", "redemption", points=150),
    limit("key", "earning", points=200),
    limit("member", "transfer", "operation", points=50),
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_of_any_history_no_day_is_beyond_a_limit_and_none_is_refused_within(steps: list[Any]) -> None:
    bench = Bench(MemoryDriver(program(limits=list(LIMITS))), NOW)
    bench.post(*[replace(earning(50, member=f"m-{n}")) for n in range(3)])
    used: Counter[tuple[Any, ...]] = Counter()
    for kind, number, operator, points, hours in steps:
        bench.wait(hours=hours)
        day, member = local_date(bench.now, "Asia/Shanghai"), f"m-{number}"
        source = Source(operator=operator)
        keys: list[tuple[tuple[Any, ...], int, int]] = []
        command: Command
        if kind == "redeem":
            command = replace(redeem(points, member=member), source=source)
            keys = [(("member", member, day), points, 100), (("times", member, day), 1, 3)]
            keys += [(("operator", operator, day), points, 150)] if operator else []
        elif kind == "earn":
            command = replace(earning(points, member=member), source=source)
            keys = [(("key", day), points, 200)]
        else:
            command = transfer(points, sender=member, recipient=f"m-{(number + 1) % 3}")
            keys = [(("one",), points, 50)]
        available = bench.available(member)
        (answer,) = bench.send(asked(command))
        beyond = any((0 if key == ("one",) else used[key]) + more > most for key, more, most in keys)
        if kind != "earn" and points > available:
            assert answer.code == "insufficient_points"
        else:
            assert answer.code == ("limit_exceeded" if beyond else None)
        if answer.code is None:
            for key, more, _ in keys:
                used[key] += more
    bench.check()
