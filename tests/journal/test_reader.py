"""Balances that are asked for together are those that each would be told alone."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from random import Random
from threading import Event
from typing import Any

import pytest

from ledger.accounts.programs import change_terms, set_test_clock
from ledger.accounts.queries import read_balance
from ledger.db import Database
from ledger.errors import MemberUnknown, Overloaded
from ledger.journal.load import StaleProgramError
from ledger.journal.reader import Reader
from ledger.redemption.holds import PlaceHold
from tests.conftest import TestDatabase
from tests.ladders import tiers
from tests.queues import SECONDS, Queue, until
from tests.till import Till, day, new_program, open_till, terms

MEMBERS = [f"m-{number}" for number in range(6)]
Balance = dict[str, Any] | None


class Clock:
    """Says what the test wants; a reading that is ``held`` waits until it is let go. ``asked`` counts."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.asked = 0
        self.held = Event()
        self.held.set()

    def __call__(self) -> datetime:
        self.asked += 1
        assert self.held.wait(SECONDS)
        return self.now


class Desk:
    """A reader, and callers who ask it."""

    def __init__(self, till: Till, pool: ThreadPoolExecutor, **limits: int) -> None:
        self.till = till
        self.pool = pool
        self.clock = Clock(till.now)
        self.reader = Reader(till.database, self.clock, **limits)

    def ask(self, member: str) -> Balance:
        return self.reader(self.till.program, member)

    def hold_up(self, member: str) -> "Future[Balance]":
        """A caller whose go is under way until ``clock.held`` is set."""
        self.clock.held.clear()
        before = self.clock.asked
        leader = self.pool.submit(self.ask, member)
        until(lambda: self.clock.asked > before)
        return leader

    def line_up(self, *members: str) -> "list[Future[Balance]]":
        return Queue(self.reader._gather, self.pool).line_up(*(partial(self.ask, each) for each in members))

    def alone(self, member: str) -> dict[str, Any]:
        """What a balance is by a statement of its own."""
        with self.till.reading() as connection:
            return read_balance(connection, self.till.program, member, self.clock.now)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as opened:
        yield opened


@pytest.fixture
def tiered(fresh_database: TestDatabase) -> Iterator[Till]:
    ladder = tiers({"member": 0, "silver": 100, "gold": 300}, period={"kind": "fixed_days", "days": 30})
    lasting = {"kind": "fixed_days", "days": 60}
    with open_till(fresh_database.app_url, points_expiry=lasting, tiers=ladder) as opened:
        yield opened


def live(till: Till, random: Random, steps: int = 60) -> None:
    """Let members buy, spend, hold, give back what they have spent, and get points that pass."""
    bought: list[dict[str, Any]] = []
    for step in range(steps):
        till.at(day(step) + timedelta(hours=random.randrange(24)))
        member, points = random.choice(MEMBERS[:-1]), random.randint(1, 200)
        move = random.choice(("buy", "buy", "award", "redeem", "hold", "return"))
        if move == "buy":
            bought.append(till.buy(member, points * 100))
        elif move == "award":
            begins = till.now + timedelta(days=random.randrange(20))
            till.award(member, points, begins, begins + timedelta(days=random.randint(1, 60)))
        elif move == "return" and bought:
            given = bought.pop(random.randrange(len(bought)))
            till.give_back(given, 1, 50)
        elif move == "hold":
            till.try_post(PlaceHold(member, points, None, f"h-{step}", random.randint(1, 30) * 86_400))
        else:
            redeem_all(till, member)


def redeem_all(till: Till, member: str) -> None:
    """Spend whatever is there, so that what is given back later leaves a debt."""
    with till.reading() as connection:
        try:
            available = read_balance(connection, till.program, member, till.now)["points"]["available"]
        except MemberUnknown:
            return
    if available:
        till.redeem(member, available)


@pytest.mark.parametrize("seed", range(4))
def test_a_balance_is_the_one_that_is_read_alone_until_the_clock_overtakes_it(
    tiered: Till, pool: ThreadPoolExecutor, seed: int
) -> None:
    random = Random(seed)
    live(tiered, random)
    desk = Desk(tiered, pool)
    known = [member for (member,) in tiered.rows("SELECT member_id FROM holders WHERE member_id LIKE 'm-%'")]
    assert len(known) == len(MEMBERS) - 1
    told: Counter[bool] = Counter()
    for days in (0, 1, 5, 10, 20, 40, 80, 400):
        desk.clock.now = tiered.now + timedelta(days=days)
        leader = desk.hold_up(known[0])
        futures = [leader, *desk.line_up(*known[1:])]
        desk.clock.held.set()
        for member, future in zip(known, futures, strict=True):
            balance = future.result(SECONDS)
            assert balance is None or balance == desk.alone(member)
            told[balance is not None] += 1
    assert told[True] > 8 and told[False] > 0
    # At the time of the last posting nothing of its member can have been overtaken.
    (last,) = tiered.rows("SELECT member_id, recorded_at FROM holders ORDER BY recorded_at DESC LIMIT 1")
    desk.clock.now = last[1]
    assert desk.ask(last[0]) == desk.alone(last[0])


@pytest.fixture
def till(fresh_database: TestDatabase) -> Iterator[Till]:
    with open_till(fresh_database.app_url) as opened:
        for number, member in enumerate(MEMBERS, 1):
            opened.award(member, number)
        yield opened


def available(future: "Future[Balance]") -> int:
    balance = future.result(SECONDS)
    assert balance is not None
    points: int = balance["points"]["available"]
    return points


def test_those_who_ask_meanwhile_are_answered_in_one_go_and_an_unknown_member_is_refused_alone(
    till: Till, pool: ThreadPoolExecutor
) -> None:
    desk = Desk(till, pool)
    leader = desk.hold_up("m-0")
    before, unknown, after, again, twice = desk.line_up("m-1", "nobody", "m-2", "m-1", "nobody")
    desk.clock.held.set()
    assert [available(future) for future in (leader, before, after, again)] == [1, 2, 3, 2]
    for future in (unknown, twice):
        error = future.exception(SECONDS)
        assert isinstance(error, MemberUnknown)
        assert error.details == {"member_id": "nobody"}
    assert desk.clock.asked == 2


def test_a_balance_holds_all_that_was_posted_before_it_was_asked_for(
    till: Till, pool: ThreadPoolExecutor
) -> None:
    desk = Desk(till, pool)
    leader = desk.hold_up("m-0")
    till.award("m-1", 40)
    (asked,) = desk.line_up("m-1")
    desk.clock.held.set()
    assert available(asked) == 42
    assert available(leader) == 1


def test_members_of_one_name_in_two_programs_are_two(till: Till, pool: ThreadPoolExecutor) -> None:
    other = Till(till.database, new_program(till.database, "other"))
    other.award("m-1", 700)
    desk = Desk(till, pool)
    leader = desk.hold_up("m-0")
    (ours,) = desk.line_up("m-1")
    theirs, unknown = Queue(desk.reader._gather, pool).line_up(
        *(partial(desk.reader, other.program, member) for member in ("m-1", "m-2"))
    )
    desk.clock.held.set()
    assert [available(each) for each in (leader, ours, theirs)] == [1, 2, 700]
    assert isinstance(unknown.exception(SECONDS), MemberUnknown)


def test_nothing_is_told_by_what_a_program_is_no_more(till: Till, pool: ThreadPoolExecutor) -> None:
    desk = Desk(till, pool)
    assert desk.ask("m-1")
    old = till.program
    till.change_terms(debt_limit=5)
    for member in ("m-1", "nobody"):
        with pytest.raises(StaleProgramError):
            desk.reader(old, member)
    assert desk.ask("m-1")


def test_a_moved_test_clock_is_not_overlooked(fresh_database: TestDatabase, pool: ThreadPoolExecutor) -> None:
    with open_till(fresh_database.app_url) as till:
        owner = Database(fresh_database.owner_url, role=None, pool_size=1)
        owner.run(lambda connection: connection.exec_driver_sql("UPDATE programs SET is_test = true"))
        till.award("m-1", 5)
        desk = Desk(till, pool)
        assert desk.ask("m-1")
        owner.run(lambda connection: set_test_clock(connection, till.program, day(5)))
        owner.close()
        with pytest.raises(StaleProgramError):
            desk.ask("m-1")


def test_who_asks_by_old_terms_and_who_by_new_ones_are_told_apart(
    till: Till, pool: ThreadPoolExecutor
) -> None:
    desk = Desk(till, pool)
    leader = desk.hold_up("m-0")
    (before,) = desk.line_up("m-1")
    old = till.program
    till.program = till.database.run(lambda connection: change_terms(connection, old, terms(), day(1)))
    (after,) = desk.line_up("m-1")
    desk.clock.held.set()
    assert available(leader) == 1
    assert isinstance(before.exception(SECONDS), StaleProgramError)
    assert available(after) == 2


def test_a_full_queue_refuses(till: Till, pool: ThreadPoolExecutor) -> None:
    desk = Desk(till, pool, room=1)
    futures = [desk.hold_up("m-0"), *desk.line_up("m-1")]
    with pytest.raises(Overloaded):
        desk.ask("m-2")
    desk.clock.held.set()
    assert [available(future) for future in futures] == [1, 2]
