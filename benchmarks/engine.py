"""The engine: processes that post batches of commands, each for its own share of the members.

A process stands for a consumer of one shard of the members: batches that share members would wait for
each other, whoever posts them.
"""

import multiprocessing
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

from benchmarks.books import CURRENCY, member, open_books
from benchmarks.cpu import spent
from benchmarks.measure import Measurement
from ledger.accounts.program import Program
from ledger.clock import system_now
from ledger.db import Database
from ledger.journal import Outcome, Request, post
from ledger.journal.commands import Command
from ledger.redemption.commands import Redeem
from ledger.rules.commands import Line, Purchase

PURCHASES = 0.7
_WARM_UP_BATCHES = 8
"""Past these every statement is prepared and its plan is settled."""
_WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: which members are its own, in how large batches, for how long."""

    url: str
    run: str
    number: int
    of: int
    members: int
    batch_size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """What one process did. ``building`` is the part of ``cpu`` that made the commands, in seconds."""

    commands: int
    refused: int
    cpu: float
    building: float


def measure_engine(
    url: str, postmaster: int, *, run: str, processes: int, members: int, batch_size: int, seconds: float
) -> Measurement:
    """Post batches from so many processes at once for ``seconds``; building the commands counts."""
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(processes + 1), context.SimpleQueue()
    shares = [Share(url, run, n, processes, members, batch_size, seconds) for n in range(processes)]
    workers = [context.Process(target=_work, args=(share, gate, results), daemon=True) for share in shares]
    for worker in workers:
        worker.start()
    gate.wait(_WAIT_SECONDS)
    before, began = spent(postmaster), time.perf_counter()
    gate.wait(_WAIT_SECONDS)
    gate.wait(_WAIT_SECONDS)
    after, ended = spent(postmaster), time.perf_counter()
    done: list[Done] = [results.get() for _ in workers]
    for worker in workers:
        worker.join(_WAIT_SECONDS)
    commands = sum(each.commands for each in done)
    return Measurement(
        f"engine, {processes} process{'es' if processes > 1 else ''}, batches of {batch_size}",
        commands,
        ended - began,
        sum(each.cpu for each in done),
        after.since(before),
        notes={
            "building_us": round(sum(each.building for each in done) / commands * 1e6, 1),
            "refused": sum(each.refused for each in done),
        },
    )


def _work(share: Share, gate: Barrier, results: "SimpleQueue[Done]") -> None:
    database = Database(share.url)
    program = open_books(database)
    batches = _batches(share)
    for _ in range(_WARM_UP_BATCHES):
        _post(database, program, *next(batches))
    gate.wait(_WAIT_SECONDS)
    gate.wait(_WAIT_SECONDS)
    done = _post_until(time.perf_counter() + share.seconds, database, program, batches)
    gate.wait(_WAIT_SECONDS)
    results.put(done)
    database.close()


def _post_until(
    end: float, database: Database, program: Program, batches: Iterator[tuple[datetime, list[Request]]]
) -> Done:
    began = time.process_time()
    commands, refused, building = 0, 0, 0.0
    while time.perf_counter() < end:
        started = time.process_time()
        now, requests = next(batches)
        building += time.process_time() - started
        outcomes = _post(database, program, now, requests)
        commands += len(outcomes)
        refused += sum(outcome.error is not None for outcome in outcomes)
    return Done(commands, refused, time.process_time() - began, building)


def _post(database: Database, program: Program, now: datetime, requests: list[Request]) -> list[Outcome]:
    return database.run(lambda connection: post(connection, program, requests, now=now))


def _batches(share: Share) -> Iterator[tuple[datetime, list[Request]]]:
    """Batches without end: seven purchases of one line to three redemptions, of random members of the share."""
    chance = random.Random(f"{share.run}/{share.number}")
    own = [member(number) for number in range(share.number, share.members, share.of)]
    batch = 0
    while True:
        batch += 1
        now = system_now()
        names = (f"{share.run}-{share.number}-{batch}-{n}" for n in range(share.batch_size))
        yield now, [_request(chance, chance.choice(own), name, now) for name in names]


def _request(chance: random.Random, member_id: str, name: str, now: datetime) -> Request:
    command: Command
    if chance.random() < PURCHASES:
        line = Line("1", 1, chance.randrange(1_000, 90_000), "sku-1", "grocery")
        occurred_at = now - timedelta(milliseconds=chance.randrange(600_000))
        command = Purchase(name, member_id, occurred_at, CURRENCY, (line,))
    else:
        command = Redeem(member_id, chance.randrange(1, 50), name)
    return Request(command, name, blake2b(name.encode(), digest_size=16).digest(), f"req_{name}")
