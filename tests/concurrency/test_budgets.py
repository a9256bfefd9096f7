"""Budgets and shares under many threads: not a point is spent twice, and none that may be spent is refused."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import TypeVar

import pytest

from ledger.db import Database
from ledger.finance.verify import verify
from ledger.funds.commands import GrantFund, WithdrawFund
from ledger.funds.queries import read_fund
from ledger.funds.top_up import top_up
from ledger.journal.commands import Command
from ledger.rules.commands import Earning
from tests.builders import Bench, earning, fresh, request
from tests.concurrency.rivals import SECONDS, open_bench, open_database, rivals
from tests.conftest import TestDatabase
from tests.funds.regions import BY, region_share, with_regions
from tests.model.driver import Answer
from tests.till import Till, new_program

THREADS = 16
Result = TypeVar("Result")


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url, connections=THREADS + 2) as opened:
        yield opened


@pytest.fixture
def bench(database: Database) -> Bench:
    return open_bench(database, "crowd")


def at_once(work: Callable[[int], Result], threads: int = THREADS) -> list[Result]:
    """What each of the threads comes to; none begins before all of them are there."""
    barrier = Barrier(threads)

    def one(number: int) -> Result:
        barrier.wait(SECONDS)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def grant(points: int, fund: str = "spring") -> GrantFund:
    return GrantFund(fund, points, fresh("g"), "a plan", BY)


def paid(points: int, fund: str = "spring", member: str | None = None) -> Earning:
    return Earning(member or fresh("m"), points, "sorry", fresh("e"), fund=fund)


def post_each(bench: Bench, commands: Sequence[Command]) -> list[Answer]:
    """Each command as a unit of its own, one after the other."""
    return [answer for command in commands for answer in bench.post(command)]


def codes(answers: Sequence[Sequence[Answer]]) -> Counter[str | None]:
    return Counter(answer.code for some in answers for answer in some)


def left(bench: Bench, fund: str = "spring") -> int:
    return bench.books().holders[f"fund/{fund}"].points


def check_all(database: Database, bench: Bench) -> None:
    bench.check()
    with database.read() as connection:
        assert [finding.told() for finding in verify(connection) if not finding.is_sound] == []


def test_of_100_awards_of_150_against_10_000_66_succeed(database: Database, bench: Bench) -> None:
    bench.must(grant(10_000))
    awards = [paid(150) for _ in range(100)]
    answers = at_once(lambda number: post_each(bench, awards[number::THREADS]))
    assert codes(answers) == {None: 66, "budget_exhausted": 34}
    assert left(bench) == 100
    refused = [answer.details for some in answers for answer in some if answer.code]
    assert {details["available"] for details in refused} == {100}
    check_all(database, bench)


def test_who_waits_for_a_fund_sees_what_is_left_of_it(bench: Bench) -> None:
    bench.must(grant(100))
    with rivals(bench) as meeting:
        first = meeting.holding(request(paid(60)))
        second = meeting.arriving(request(paid(60)))
        assert meeting.is_waiting(second, first)
        answers = first.answer(), second.answer()
    assert [answer.code for answer in answers] == [None, "budget_exhausted"]
    assert answers[1].details == {"fund": "spring", "available": 40, "requested": 60}
    assert second.runs == 1
    bench.check()


def test_what_a_unit_takes_back_by_rolling_back_may_be_spent(bench: Bench) -> None:
    bench.must(grant(100))
    with rivals(bench) as meeting:
        first = meeting.holding(request(paid(60)))
        second = meeting.arriving(request(paid(60)))
        first.give_up()
        assert second.answer().code is None
    assert left(bench) == 40
    bench.check()


def test_first_grants_at_once_all_count(database: Database, bench: Bench) -> None:
    answers = at_once(lambda _: post_each(bench, [grant(10)]))
    assert codes(answers) == {None: THREADS}
    assert left(bench) == 10 * THREADS
    with database.read() as connection:
        assert read_fund(connection, bench.driver.program, "spring")["granted"] == 10 * THREADS
    check_all(database, bench)


def test_any_crowd_leaves_what_was_granted_less_what_was_withdrawn_and_spent(
    database: Database, bench: Bench
) -> None:
    funds = ("spring", "store:s-1", "region:east")
    for fund in funds:
        bench.must(grant(300, fund))

    def command(random: Random) -> Command:
        fund, points = random.choice(funds), random.randrange(1, 90)
        chance = random.random()
        if chance < 0.1:
            return grant(points, fund)
        if chance < 0.2:
            return WithdrawFund(fund, points, fresh("w"), "too much", BY)
        return paid(points, fund, random.choice(("m-1", "m-2", "m-3")))

    def crowd(number: int) -> list[Answer]:
        random = Random(number)
        return post_each(bench, [command(random) for _ in range(12)])

    assert codes(at_once(crowd)).keys() == {None, "budget_exhausted"}
    check_all(database, bench)


def test_top_ups_at_once_grant_the_share_once(database: Database) -> None:
    till = with_regions(Till(database, new_program(database, "regions", **region_share())), "east", "west")
    till.award("m-1", 80_000)
    at_once(lambda _: top_up(database, till.program, till.now))
    for region in ("east", "west"):
        with database.read() as connection:
            fund = read_fund(connection, till.program, f"share:{region}:2026-01")
        assert (fund["granted"], fund["account_version"]) == (16_000, 1)


@pytest.mark.parametrize(("of", "share"), [("headquarters", 16_000), ("total", 20_000)])
def test_a_region_never_spends_beyond_its_share(database: Database, of: str, share: int) -> None:
    """Headquarters issues, shares are topped up and regions spend, all at once; then every point of the share goes."""
    till = with_regions(Till(database, new_program(database, "regions", **region_share(of))), "east")
    bench = open_bench(database, "other")
    bench.driver.program = till.program
    fund = "share:east:2026-01"

    def crowd(number: int) -> list[Answer]:
        answers = []
        for step in range(10):
            if number % 4 == 0:
                answers += post_each(bench, [earning(2_000, member=fresh("h"))])
            elif number % 4 == 1:
                top_up(database, till.program, till.now)
            else:
                answers += post_each(bench, [paid(Random(f"{number} {step}").randrange(1, 500), fund)])
        return answers

    assert codes(at_once(crowd)).keys() <= {None, "budget_exhausted"}
    top_up(database, till.program, till.now)
    assert _spent(database, till, fund)["granted"] == share
    rest = _spent(database, till, fund)["available"]
    (refused,) = bench.post(paid(rest + 1, fund))
    assert refused.code == "budget_exhausted"
    if rest:
        bench.must(paid(rest, fund))
    assert _spent(database, till, fund)["spent"] == share
    check_all(database, bench)


def _spent(database: Database, till: Till, fund: str) -> dict[str, int]:
    with database.read() as connection:
        return read_fund(connection, till.program, fund)
