"""What a crowd did at once could have been done by one, in the order that the versions tell.

Threads ask for whatever comes to their minds; then the answers are sorted so that every member's versions
rise, and done again by the model, one after the other. Each must get the very answer that it got.
"""

from collections.abc import Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from graphlib import TopologicalSorter
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection

from ledger.db import Database
from ledger.journal import Request, post
from ledger.journal.commands import Command
from tests.builders import (
    Bench,
    earning,
    give_back,
    purchase,
    redeem,
    refund,
    request,
    reverse,
    terms,
    transfer,
)
from tests.concurrency.rivals import open_bench, open_database
from tests.conftest import TestDatabase
from tests.model.comparison import Comparison
from tests.model.driver import Answer, answer_of
from tests.model.postgres import PostgresDriver
from tests.model.reference import Model
from tests.model.snapshot import EntryRow

MEMBERS = ("m-1", "m-2", "m-3")
THREADS, COMMANDS = 6, 40
TERMS: dict[str, Any] = {"points_expiry": {"kind": "rolling", "months": 1}, "debt_limit": 400}


class Done(NamedTuple):
    """A request, and what it got."""

    request: Request
    answer: Answer


class Caller:
    """Asks one thing after another, about its own earlier successes and everybody's points."""

    def __init__(self, bench: Bench, number: int) -> None:
        assert isinstance(bench.driver, PostgresDriver)
        self.driver = bench.driver
        self.now = bench.now
        self.random = Random(number)
        self.bought: list[str] = []
        self.redeemed: list[str] = []
        self.entries: list[str] = []

    def ask_all(self) -> list[Done]:
        return [self.ask() for _ in range(COMMANDS)]

    def ask(self) -> Done:
        command = self.command()
        asked = request(command)

        def work(connection: Connection) -> Answer:
            (outcome,) = post(connection, self.driver.program, [asked], now=self.now)
            return answer_of(outcome)

        answer = self.driver.database.run(work)
        if answer.body is not None:
            self.entries.append(answer.body["entry_id"])
            self.bought += [answer.body["purchase_id"]] if answer.body["kind"] == "earn" else []
            self.redeemed += [answer.body["redemption_id"]] if answer.body["kind"] == "redeem" else []
        return Done(asked, answer)

    def command(self) -> Command:
        one, other = self.random.sample(MEMBERS, 2)
        points, chance = self.random.randint(1, 60), self.random.random()
        if chance < 0.1 and self.redeemed:
            return refund(self.random.choice(self.redeemed), points)
        if chance < 0.25 and self.bought:
            return give_back(self.random.choice(self.bought), points * 100)
        if chance < 0.3 and self.entries:
            return reverse(self.random.choice(self.entries))
        if chance < 0.5:
            return transfer(points, sender=one, recipient=other)
        if chance < 0.7:
            return redeem(points, member=one)
        return purchase(points * 200, member=one) if chance < 0.9 else earning(points, member=one)


@pytest.fixture
def database(fresh_database: TestDatabase) -> Iterator[Database]:
    with open_database(fresh_database.app_url) as opened:
        yield opened


def test_what_a_crowd_did_at_once_could_have_been_done_one_by_one(database: Database) -> None:
    bench = open_bench(database, **TERMS)
    first = [
        Done(asked, bench.send(asked)[0]) for asked in (request(earning(500, member=m)) for m in MEMBERS)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        callers = [Caller(bench, number) for number in range(THREADS)]
        done = first + [one for some in pool.map(Caller.ask_all, callers) for one in some]
    bench.check()
    model = Model(bench.driver.program, terms(**TERMS))
    comparison = Comparison(model)
    succeeded = [one for one in done if one.answer.code is None]
    assert len(succeeded) > len(done) // 3
    answers, expected = [], []
    for one in in_order(bench, succeeded):
        body: dict[str, Any] = one.answer.body or {}
        number = len(model.events)
        expected += model.post([one.request], datetime.fromisoformat(body["balance"]["as_of"]))
        model.ids[body["entry_id"].removeprefix("ent_")] = number
        answers.append(one.answer)
    # Only what succeeded was done again, so only that is remembered by the model.
    books = bench.books()
    comparison.check_state(books._replace(keys={key: e for key, e in books.keys.items() if e is not None}))
    comparison.check_answers(answers, expected)


def in_order(bench: Bench, done: list[Done]) -> list[Done]:
    """An order in which every member's versions rise. CycleError when there is none."""
    by_entry = {bytes.fromhex((one.answer.body or {})["entry_id"][4:]): one for one in done}
    entries = bench.books().entries.values()
    # A transfer, and its reversal, write in the books of two members; one of the two entries has the answer.
    answering = {
        (e.parent_entry_id, e.kind): e.entry_id for rows in entries for e in rows if e.entry_id in by_entry
    }
    order: TopologicalSorter[bytes] = TopologicalSorter()
    for rows in entries:
        acts = [_act(entry, by_entry, answering) for entry in rows]
        order.add(acts[0])
        for earlier, later in pairwise(acts):
            order.add(later, earlier)
    return [by_entry[entry_id] for entry_id in order.static_order()]


def _act(
    entry: EntryRow, by_entry: Container[bytes], answering: dict[tuple[bytes | None, str], bytes]
) -> bytes:
    """The entry that has the answer to whatever wrote this one."""
    if entry.entry_id in by_entry:
        return entry.entry_id
    assert entry.parent_entry_id is not None
    return (
        entry.parent_entry_id if entry.kind == "transfer_in" else answering[entry.parent_entry_id, entry.kind]
    )
