"""What is measured on books of a size, always in turns with small books on the same server.

A shared machine is faster at one time and slower at another; in turns, both books meet the same times, so
their ratio says what the size costs. Processor time per post is counted beside it.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from zoneinfo import ZoneInfo

from benchmarks.books import CURRENCY
from benchmarks.cpu import spent
from ledger.accounts.program import Program
from ledger.accounts.queries import read_balance
from ledger.clock import system_now
from ledger.db import Database
from ledger.expiry.sweep import sweep
from ledger.finance.liability import liability_report
from ledger.finance.totals.refresh import rebuild
from ledger.finance.verify import CHECKS, verify
from ledger.journal import Request, post
from ledger.journal.queries import read_entries
from ledger.rules.commands import Line, Purchase

READS = 500
PAGE = 50
DUE_MEMBERS = 1_000
DUE_EACH = 5
LONG_PAST = timedelta(days=500)
"""Points earned so long ago have expired, by the terms that a program begins with."""
_RUN = count(1)


@dataclass(slots=True)
class Books:
    """A database with books, and the members that the load is spread over."""

    database: Database
    program: Program
    members: list[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of the small books and of the large ones: medians over the rounds, and the median of their ratios."""

    small: float
    large: float
    ratio: float


def in_turns(books: tuple[Books, Books], rounds: int, measure: Callable[[Books], float]) -> Pair:
    """Measure both so many times, in turns; the first round, which warms up, does not count."""
    found = [(measure(books[0]), measure(books[1])) for _ in range(rounds + 1)][1:]
    small, large = zip(*found, strict=True)
    ratios = [after / before for before, after in found]
    return Pair(statistics.median(small), statistics.median(large), statistics.median(ratios))


def posts(batch: int, seconds: float) -> Callable[[Books], float]:
    """Purchases in a second, posted by one thread in batches of so many: what group commit makes of single POSTs."""

    def measure(books: Books) -> float:
        chance, done = random.Random(next(_RUN)), 0
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            done += len(_post(books, list(_purchases(books, chance, batch))))
        return done / (time.perf_counter() - began)

    return measure


def processor_time(postmaster: int, batch: int, seconds: float) -> Callable[[Books], float]:
    """Microseconds of processor time that a purchase costs, the client's and the server's together."""
    rate = posts(batch, seconds)

    def measure(books: Books) -> float:
        before, own, began = spent(postmaster), time.process_time(), time.perf_counter()
        done = rate(books) * (time.perf_counter() - began)
        after = spent(postmaster).since(before)
        return (time.process_time() - own + after.server - after.background) / done * 1e6

    return measure


def balances(books: Books) -> float:
    """Balance reads in a second."""
    now = system_now()
    return _reads(books, lambda member: _with(books, lambda c: read_balance(c, books.program, member, now)))


def statements(books: Books) -> float:
    """Statement pages in a second, of up to 50 entries."""
    return _reads(
        books, lambda member: _with(books, lambda c: read_entries(c, books.program, member, limit=PAGE))
    )


def swept(books: Books) -> float:
    """Due lots that a sweep books in a second; they are made before."""
    now, run = system_now(), next(_RUN)
    members = [f"due-{run}-{number}" for number in range(DUE_MEMBERS)]
    for each in range(DUE_EACH):
        line = (Line("1", 1, 10_000, "sku-1", "grocery"),)
        _post(
            books,
            [
                _request(Purchase(f"{m}-{each}", m, now - LONG_PAST, CURRENCY, line), f"{m}-{each}")
                for m in members
            ],
        )
    began = time.perf_counter()
    report = sweep(books.database, books.program, now, now=system_now())
    return report.lots / (time.perf_counter() - began)


def totalled(books: Books) -> float:
    """Seconds that the daily totals take when they are made from all entries anew."""
    began = time.perf_counter()
    rebuild(books.database, books.program, system_now(), settled_after=timedelta(0))
    return time.perf_counter() - began


def liability(books: Books) -> float:
    """Seconds of the liability report at the end of yesterday."""
    zone = ZoneInfo(books.program.timezone)
    midnight = system_now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    now, as_of = system_now(), midnight - timedelta(microseconds=1)
    began = time.perf_counter()
    with books.database.read() as connection:
        liability_report(connection, books.program, now, as_of=as_of.astimezone(now.tzinfo))
    return time.perf_counter() - began


def verified(books: Books) -> dict[str, float]:
    """Seconds of each check of ``ledger verify``; a fault ends the run."""
    seconds, began = {}, time.perf_counter()
    with books.database.read() as connection:
        for finding in verify(connection, None, CHECKS):
            seconds[finding.check] = time.perf_counter() - began
            began = time.perf_counter()
            if finding.faults:
                raise RuntimeError(f"the books do not verify: {finding}")
    return seconds


def _reads(books: Books, read: Callable[[str], object]) -> float:
    chance = random.Random(next(_RUN))
    began = time.perf_counter()
    for _ in range(READS):
        read(chance.choice(books.members))
    return READS / (time.perf_counter() - began)


def _with(books: Books, read: Callable[..., object]) -> object:
    with books.database.read() as connection:
        return read(connection)


def _purchases(books: Books, chance: random.Random, batch: int) -> Iterator[Request]:
    now: datetime = system_now()
    for _ in range(batch):
        name = f"post-{next(_RUN)}"
        line = Line("1", 1, chance.randrange(1_000, 90_000), "sku-1", "grocery")
        yield _request(Purchase(name, chance.choice(books.members), now, CURRENCY, (line,)), name)


def _request(command: Purchase, name: str) -> Request:
    return Request(command, name, blake2b(name.encode(), digest_size=16).digest(), f"req_{name}")


def _post(books: Books, requests: list[Request]) -> list[object]:
    now = system_now()
    return list(books.database.run(lambda c: post(c, books.program, requests, now=now)))
